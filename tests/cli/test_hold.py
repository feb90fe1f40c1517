"""`outlast hold`, `release`, `approve`: jobs that wait for a person."""

from datetime import UTC, datetime

import pytest

from cli.outside import assert_refused, count
from support import eventually


def stands(outlast, *jobs, runs=0):
    """Show that none of `jobs` starts: one that comes after them does. `runs`: so many each had before."""
    other = outlast.run("--", "true")
    outlast("wait", str(other), status=0)
    assert [runs] * len(jobs) == [outlast.show(job)["run"] for job in jobs]


def test_held_from_the_beginning_until_released(outlast):
    job = outlast.run("--hold", "--", "touch", "done")
    stands(outlast, job)
    shown = outlast.show(job)
    assert ("queued", True, 0) == (shown["status"], shown["held"], shown["run"])
    assert "`outlast release 1` lets it start" in outlast("why", "1", status=0).text
    assert b"job 1: released; it is queued\n" == outlast("release", "1", status=0).stdout
    outlast("wait", "1", status=0)
    assert (outlast.folder / "done").exists()
    assert ["submitted", "held", "released", "claimed"] == [e["event"] for e in outlast("events", "1", "--json").json["events"]][:4]


def test_held_later(outlast):
    outlast("group", "set", "g", "--slots", "1")
    first = outlast.run("-g", "g", "--", "sleep", "1000")
    second = outlast.run("-g", "g", "--name", "second", "--", "true")
    assert b"job 2: held; it is queued\n" == outlast("hold", "second", status=0).stdout
    outlast("stop", str(first), status=0)
    third = outlast.run("-g", "g", "--", "true")  # whoever is held is passed over
    outlast("wait", str(third), status=0)
    assert 0 == outlast.show(second)["run"]
    outlast("hold", "second", status=0)  # it is held already
    assert 1 == [e["event"] for e in outlast("events", "2", "--json").json["events"]].count("held")
    outlast("release", "second", status=0)
    outlast("wait", str(second), status=0)


def test_between_two_runs(outlast):
    job = outlast.run("--retries", "1", "--retries.delay", "3s", "--", "sh", "-c", "test $OUTLAST_RUN = 2")
    eventually(lambda: outlast("hold", str(job)).status == 0)
    due = outlast.show(job)["next_run_at"]
    eventually(lambda: due < datetime.now(UTC).isoformat())
    stands(outlast, job, runs=1)
    assert "pending" == outlast.show(job)["status"]
    outlast("release", str(job), status=0)
    outlast("wait", str(job), status=0)


def test_pending_values_are_released_together(outlast):
    wanted = [outlast.run("--pending", "deploy-7", "--", "true") for _ in range(3)]
    other = outlast.run("--pending", "deploy-8", "--", "true")
    stands(outlast, *wanted, other)
    assert "`outlast release --pending deploy-7` lets it and all like it start" in outlast("why", "1").text
    assert b"1\n2\n3\n" == outlast("release", "--pending", "deploy-7", "--ids", status=0).stdout
    outlast("wait", "1-3", status=0)
    assert outlast.show(other)["held"]
    assert_refused(outlast("release", "--pending", "deploy-7"), 3, "deploy-7")  # there is none any more
    outlast("release", str(other), status=0)  # by itself
    outlast("wait", str(other), status=0)


def test_all(outlast):
    jobs = [outlast.run("--hold", "--", "true") for _ in range(3)]
    assert_refused(outlast("release"), 2, "--all")
    assert 3 == len(outlast("release", "--all", status=0).stdout.splitlines())
    outlast("wait", *map(str, jobs), status=0)
    assert (0, b"") == outlast("release", "--all")[:2]


def test_json_and_quiet(outlast):
    outlast.run("--hold", "--", "true")
    told = outlast("hold", "1", "--json", status=0).json
    assert [(1, True)] == [(job["id"], job["held"]) for job in told["jobs"]]
    assert (0, b"", b"") == tuple(outlast("release", "-q", "1"))


def test_several_of_one_name_are_refused(outlast):
    for _ in range(2):
        outlast.run("--hold", "--name", "twin", "--", "true")
    told = outlast("release", "twin")
    assert (4, b"") == told[:2]
    assert b"--all" in told.stderr
    outlast("release", "--all", "twin", status=0)
    outlast("wait", "1-2", status=0)


@pytest.mark.parametrize("verb", ["hold", "release", "approve"])
def test_what_is_not_there_or_over(past, verb):
    assert_refused(past(verb, "99"), 3, "99")
    assert_refused(past(verb, "nobody"), 3, "nobody")
    assert_refused(past(verb, "1"), 4, "job 1 has ended", "outlast show 1")
    assert_refused(past(verb), 2, "--all")


def test_what_runs_is_not_held(outlast):
    outlast.run("--", "sleep", "1000")
    outlast("wait", "1", "--status", "running", status=0)
    assert_refused(outlast("hold", "1"), 4, "job 1 runs already", "outlast pause 1")
    assert not outlast.show(1)["held"]


def test_all_or_none(outlast):
    outlast.run("--hold", "--", "true")
    outlast.run("--", "sleep", "1000")
    outlast.run("-g", "g", "--hold", "--", "true")
    outlast("release", "3", status=0)
    outlast("wait", "3", status=0)
    outlast("wait", "2", "--status", "running", status=0)
    assert_refused(outlast("release", "1", "3"), 4, "job 3 has ended")
    assert outlast.show(1)["held"]


def test_stop_ends_what_is_held(outlast):
    outlast.run("--hold", "--", "touch", "never")
    assert b"job 1: stopped before it started\n" == outlast("stop", "1", status=0).stdout
    assert ("ended", "stopped", False) == tuple(outlast.show(1)[key] for key in ("status", "outcome", "held"))
    assert not (outlast.folder / "never").exists()


# Approval


def test_approval(outlast):
    job = outlast.run("--approval", "--", "touch", "done")
    stands(outlast, job)
    shown = outlast.show(job)
    assert ("pending", False) == (shown["status"], shown["held"])
    assert ["for somebody's approval: `outlast approve 1`"] == shown["waiting_for"]
    assert "for somebody's approval: `outlast approve 1`" in outlast("why", "1", status=0).text
    assert b"job 1: approved; it is queued\n" == outlast("approve", "1", "--note", "seen by ops", status=0).stdout
    outlast("wait", "1", status=0)
    (met,) = [e["data"] for e in outlast("events", "1", "--json").json["events"] if e["event"] == "met"]
    assert met["text"].endswith(": seen by ops")
    assert [] == outlast.show(job)["waiting_for"]


def test_only_what_waits_for_it_is_approved(outlast):
    outlast.run("--hold", "--", "true")
    outlast.run("--approval", "--hold", "--", "true")
    assert_refused(outlast("approve", "1"), 4, "job 1 waits for no approval", "outlast why 1")
    assert_refused(outlast("approve", "2", "1"), 4, "job 1")
    assert ["for somebody's approval: `outlast approve 2`"] == outlast.show(2)["waiting_for"]  # all or none
    assert b"job 2: approved; it is pending\n" == outlast("approve", "--all", status=0).stdout
    assert_refused(outlast("approve", "2"), 4, "job 2 waits for no approval")
    stands(outlast, 1, 2)
    outlast("release", "2", status=0)
    outlast("wait", "2", status=0)


def test_approved_and_still_behind_another_job(outlast):
    first = outlast.run("--hold", "--", "true")
    second = outlast.run("--approval", "--after", str(first), "--", "true")
    outlast("approve", str(second), status=0)
    assert "pending" == outlast.show(second)["status"]
    outlast("release", str(first), status=0)
    outlast("wait", str(second), status=0)


def test_an_empty_value_leaves_no_record(outlast):
    assert_refused(outlast("run", "--pending", "", "--", "true"), 2, "--pending is empty")
    assert 0 == count(outlast)


def test_in_front_it_is_said_what_it_waits_for(outlast):
    for words, said in ((["--hold"], b"job 1 is held: `outlast release 1`"), (["--approval"], b"job 2 waits for somebody's approval")):
        with outlast.start("run", "-w", *words, "--", "echo", "x") as process:
            line = process.stderr.readline()
            assert said in line
            outlast("release" if words == ["--hold"] else "approve", "last", status=0)
            stdout, stderr = process.communicate(timeout=60)
        assert (0, b"x\n", b"") == (process.returncode, stdout, stderr)
