"""`outlast reserve` and `run --id`: an id before its command."""

import pytest

from cli.outside import JOB_KEYS, TIME, assert_refused, count
from support import eventually


def test_an_id_that_becomes_a_job(outlast):
    assert b"1\n" == outlast("reserve", "--name", "import", "--description", "daily", status=0).stdout
    shown = outlast.show(1)
    assert ("reserved", "import", "daily", [], 0) == tuple(shown[key] for key in ("status", "name", "description", "command", "run"))
    assert "its command is still to come. The reservation lapses at " in outlast("why", "1", status=0).text
    assert b"1\n" == outlast("run", "--id", "1", "--", "echo", "x", status=0).stdout
    assert 0 == outlast("wait", "1").status
    shown = outlast.show(1)
    assert ("import", "daily", ["echo", "x"], "succeeded") == tuple(shown[key] for key in ("name", "description", "command", "outcome"))
    assert ["reserved", "submitted", "claimed"] == [e["event"] for e in outlast("events", "1", "--json").json["events"]][:3]
    assert b"x\n" == outlast("logs", "--raw", "1").stdout


def test_json(outlast):
    told = outlast("reserve", "--key", "k", "--json", status=0).json
    assert set(told) >= JOB_KEYS
    assert (1, "reserved", "k") == (told["id"], told["status"], told["key"])
    (event,) = outlast("events", "1", "--json").json["events"]
    assert TIME.fullmatch(event["data"]["until"])


def test_its_key_is_taken_by_then_and_its_own(outlast):
    outlast("reserve", "--unique", "--name", "import", status=0)
    assert_refused(outlast("run", "--key", "import", "--", "true"), 4, "key `import` is in use by job 1", "--overlap")
    assert_refused(outlast("run", "--unique", "--name", "import", "--", "true"), 4, "job 1")
    assert_refused(outlast("reserve", "--key", "import"), 4, "job 1")
    assert 1 == count(outlast)
    outlast("run", "--id", "1", "--", "sleep", "1000", status=0)
    assert "import" == outlast.show(1)["key"]
    assert_refused(outlast("run", "--key", "import", "--", "true"), 4, "job 1")


def test_it_is_used_once(outlast):
    outlast("reserve", status=0)
    outlast("run", "--id", "1", "--", "true", status=0)
    outlast("wait", "1", status=0)
    assert_refused(outlast("run", "--id", "1", "--", "true"), 4, "job 1 is not reserved: it is succeeded", "outlast reserve")
    assert_refused(outlast("run", "--id", "99", "--", "true"), 3, "99", "outlast reserve")
    assert_refused(outlast("run", "--id", "0", "--", "true"), 2, "--id")
    assert 1 == count(outlast)
    assert 1 == outlast.show(1)["run"]


def test_others_wait_for_it_before_it_has_a_command(outlast):
    outlast("reserve", status=0)
    second = outlast.run("--after", "1", "--", "true")
    assert ["for job 1 to succeed: it is reserved"] == outlast.show(second)["waiting_for"]
    outlast("run", "--id", "1", "--", "true", status=0)
    assert 0 == outlast("wait", str(second)).status


def test_a_cycle_cannot_be_submitted(outlast):
    for _ in range(3):
        outlast("reserve", status=0)
    outlast("run", "--id", "1", "--after", "2", "--", "true", status=0)
    outlast("run", "--id", "2", "--after.ended", "3", "--", "true", status=0)
    assert_refused(
        outlast("run", "--id", "3", "--while-running", "1", "--", "true"), 2, "job 1 waits for job 3", "leave one of the two out"
    )
    assert_refused(outlast("run", "--id", "3", "--after", "3", "--", "true"), 2, "job 3")
    assert "reserved" == outlast.show(3)["status"]
    outlast("run", "--id", "3", "--", "true", status=0)
    outlast("wait", "1-3", status=0)


def test_it_lapses(outlast):
    outlast("reserve", "--key", "k", "--expires", "50ms", status=0)
    second = outlast.run("--after", "1", "--", "true")
    eventually(lambda: outlast.show(1)["status"] == "ended")
    assert ("aborted", "the reservation lapsed before a command came") == tuple(outlast.show(1)[key] for key in ("outcome", "reason"))
    eventually(lambda: outlast.show(second)["outcome"] == "aborted")
    assert "job 1 ended as `aborted`" in outlast.show(second)["reason"]
    assert_refused(outlast("run", "--id", "1", "--", "true"), 4, "it is aborted")
    assert 0 == outlast("run", "--key", "k", "--", "true").status  # its key is free


def test_it_never_lapses(outlast):
    outlast("reserve", "--expires", "none", status=0)
    assert "lapses" not in outlast("why", "1").text


def test_stop_takes_it_back(outlast):
    outlast("reserve", status=0)
    assert b"job 1: stopped while it was reserved\n" == outlast("stop", "1", status=0).stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["reserve", "--expires", "x"], "--expires"), (["reserve", "--retries", "3"], "--retries"), (["reserve", "--unique"], "--name"),
        (["reserve", "--", "true"], ""), (["reserve", "--key", "k", "--unique", "--name", "n"], "exclude"),
        (["reserve", "--key", ""], "empty"),
    ],
)  # fmt: skip
def test_wrong_use(outlast, words, said):
    assert_refused(outlast(*words), 2, said)
    assert 0 == count(outlast)


def test_joining_needs_an_id_of_its_own(outlast):
    outlast("reserve", status=0)
    assert_refused(outlast("run", "--id", "1", "--overlap", "join", "--", "true"), 2, "--id and --overlap join exclude each other")
