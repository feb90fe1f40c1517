"""Jobs that wait: for other jobs, for a time, for room in their group, for a mutex; and that end because it comes to nothing."""

import re
from datetime import UTC, datetime

import pytest

from cli.outside import assert_refused, count
from support import eventually

GATE = "until test -e {0}; do sleep 0.02; done"


def gated(outlast, gate, *words, code=0, options=()):
    """Submit a job that runs until the file `gate` is there, and exits with `code`."""
    return outlast.run(*options, *words, "--", "sh", "-c", f"{GATE.format(gate)}; exit {code}")


def outcomes(outlast, *jobs):
    outlast("wait", *map(str, jobs))
    eventually(lambda: all(outlast.show(job)["status"] == "ended" for job in jobs))
    return [outlast.show(job)["outcome"] for job in jobs]


def opens(outlast, gate):
    (outlast.folder / gate).touch()


# Other jobs


def test_after_it_has_ended_in_every_way(outlast):
    firsts = [gated(outlast, "go", code=code) for code in (0, 1)]
    wanted = {
        "after": ["succeeded", "aborted"], "after.succeeded": ["succeeded", "aborted"], "after.failed": ["aborted", "succeeded"],
        "after.ended": ["succeeded", "succeeded"],
    }  # fmt: skip
    behind = {option: [outlast.run(f"--{option}", str(first), "--", "true") for first in firsts] for option in wanted}
    chosen = [outlast.run("--after.outcome", f"{first}=failed,lost", "--", "true") for first in firsts]
    shown = outlast.show(behind["after"][0])
    assert ("pending", 0) == (shown["status"], shown["run"])
    assert re.fullmatch(r"for job 1 \(`sh -c .*`\) to succeed: it is (queued|running)", shown["waiting_for"][0])
    opens(outlast, "go")
    assert wanted == {option: outcomes(outlast, *jobs) for option, jobs in behind.items()}
    assert ["aborted", "succeeded"] == outcomes(outlast, *chosen)
    aborted = outlast.show(behind["after"][1])
    assert ("job 2 ended as `failed`, and it was to start after that had succeeded", []) == (aborted["reason"], aborted["runs"])
    assert "could not start any more" in outlast("why", str(behind["after"][1])).text


def test_a_chain_a_fan_and_a_diamond(outlast):
    first = gated(outlast, "go")
    fan = [outlast.run("--after", str(first), "--", "sh", "-c", f"echo {n} >> order") for n in range(3)]
    last = outlast.run("--after", ",".join(map(str, fan)), "--", "sh", "-c", "echo last >> order")
    chain = outlast.run("--after", str(last), "--", "sh", "-c", "echo end >> order")
    assert 3 == len(outlast.show(last)["waiting_for"])
    opens(outlast, "go")
    assert ["succeeded"] == outcomes(outlast, chain)
    lines = (outlast.folder / "order").read_text().split()
    assert ({"0", "1", "2"}, ["last", "end"]) == (set(lines[:3]), lines[3:])


def test_a_failure_goes_down_the_whole_chain(outlast):
    first = gated(outlast, "go", code=3)
    second = outlast.run("--after", str(first), "--", "touch", "never")
    third = outlast.run("--after", str(second), "--", "touch", "never")
    saved = outlast.run("--after.failed", str(second), "--", "true")  # aborted is a failure, too
    opens(outlast, "go")
    assert ["failed", "aborted", "aborted", "succeeded"] == outcomes(outlast, first, second, third, saved)
    assert not (outlast.folder / "never").exists()


def test_what_has_ended_already_decides_at_once(outlast):
    first = outlast.run("--name", "one", "--", "true")
    outlast("wait", str(first), status=0)
    assert ["succeeded"] == outcomes(outlast, outlast.run("--after", "one", "--", "true"))
    told = outlast("run", "--after.failed", "1", "--", "true", status=0)
    assert re.fullmatch(
        rb"outlast: job 3 was aborted: job 1 ended as `succeeded`, and it was to start after that had failed\n", told.stderr
    )
    assert 125 == outlast("run", "-w", "--after.failed", "1", "--", "true").status
    assert 0 == outlast("run", "-w", "--after.ended", "1", "--", "true").status


def test_retries_are_waited_for(outlast):
    first = outlast.run("--retries", "2", "--", "sh", "-c", "test $OUTLAST_RUN = 3")
    assert ["succeeded"] == outcomes(outlast, outlast.run("--after", str(first), "--", "true"))


def test_stopping_what_others_wait_for(outlast):
    first = outlast.run("--", "sleep", "1000")
    second, third = outlast.run("--after", "1", "--", "true"), outlast.run("--after.ended", "1", "--", "true")
    outlast("stop", str(first), status=0)
    assert ["aborted", "succeeded"] == outcomes(outlast, second, third)


def test_while_another_one_runs(outlast):
    first = outlast.run("--hold", "--", "sh", "-c", GATE.format("go"))
    beside = outlast.run("--while-running", "1", "--", "touch", "beside")
    assert [f"for job 1 (`sh -c '{GATE.format('go')}'`)"[:40]] == [text[:40] for text in outlast.show(beside)["waiting_for"]]
    outlast("release", str(first), status=0)
    assert ["succeeded"] == outcomes(outlast, beside)
    assert "running" == outlast.show(first)["status"]
    held = outlast.run("--while-running", "1", "--hold", "--", "touch", "never")
    opens(outlast, "go")
    assert ["succeeded"] == outcomes(outlast, first)
    outlast("release", str(held), status=0)
    assert ["aborted"] == outcomes(outlast, held)
    assert "only while job 1 runs" in outlast.show(held)["reason"]
    assert ["aborted"] == outcomes(outlast, outlast.run("--while-running", "1", "--", "touch", "never"))
    assert not (outlast.folder / "never").exists()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("--after 99", 3, "no job `99`"), ("--after nobody", 3, "nobody"), ("--while-running 99", 3, "99"),
        ("--after.outcome 1=sucess", 2, "`sucess`"), ("--after.outcome 1", 2, "NAME=VALUE"),
        ("--after 1 --after.failed 1", 2, "cannot end in all these ways"), ("--after 1 --while-running 1", 2, "both have ended and run"),
        ("--after twin", 4, "--all"),
    ],
)  # fmt: skip
def test_refused_without_a_record(outlast, words, status, said):
    for _ in range(2):
        outlast.run("--hold", "--name", "twin", "--", "true")
    told = outlast("run", *words.split(), "--", "true")
    assert (status, b"") == told[:2]
    assert said in told.stderr.decode()
    assert 2 == count(outlast)


# Times


def test_a_delay(outlast):
    job = outlast.run("--delay", "1s", "--", "true")
    shown = outlast.show(job)
    assert ("pending", 0) == (shown["status"], shown["run"])
    assert re.fullmatch(r"Job 1 waits until .*\.", outlast("why", "1", status=0).text)
    assert ["succeeded"] == outcomes(outlast, job)
    done = outlast.show(job)
    assert done["next_run_at"] is None
    assert done["started_at"] > shown["next_run_at"]
    assert 1.0 <= seconds_between(done["created_at"], done["started_at"]) < 20


def seconds_between(first, second):
    return (datetime.fromisoformat(second) - datetime.fromisoformat(first)).total_seconds()


def test_an_instant_and_the_earliest_of_two(outlast):
    late = outlast.run("--wait.datetime", "in 2h", "--wait.timedelta", "10ms", "--", "true")
    soon = outlast.run("--wait.datetime", "in 2h", "--wait.timedelta", "10ms", "--wait.any", "--", "true")
    past = outlast.run("--wait.datetime", "2001-01-01 08:00", "--", "true")
    assert ["succeeded", "succeeded"] == outcomes(outlast, soon, past)
    assert "pending" == outlast.show(late)["status"]
    assert 7000 < seconds_between(datetime.now(UTC).isoformat(), outlast.show(late)["next_run_at"]) < 7300
    assert b"stopped while it waited" in outlast("stop", str(late), status=0).stdout


def test_a_time_and_another_job(outlast):
    first = gated(outlast, "go")
    job = outlast.run("--after", str(first), "--delay", "600ms", "--", "true")
    opens(outlast, "go")
    assert ["succeeded", "succeeded"] == outcomes(outlast, first, job)
    shown = outlast.show(job)
    assert seconds_between(shown["created_at"], shown["started_at"]) >= 0.6
    assert shown["started_at"] > outlast.show(first)["ended_at"]


@pytest.mark.parametrize(
    "words", [["--hold"], ["--approval"], ["-g", "g"], ["--wait.datetime", "in 10m", "--wait.any", "--wait.file", "never"]]
)
def test_aborted_if_it_could_not_start(outlast, words):
    outlast("group", "set", "g", "--slots", "1")
    outlast.run("-g", "g", "--", "sleep", "1000")
    job = outlast.run(*words, "--wait.abort-datetime", "in 1s", "--", "touch", "never")
    assert "it is aborted (wait.abort-datetime)" in outlast("why", str(job)).text
    assert ["aborted"] == outcomes(outlast, job)
    assert re.match("it could not start before wait.abort-datetime, ", outlast.show(job)["reason"])
    assert [] == outlast.show(job)["runs"]
    assert 125 == outlast("run", "-w", *words, "--wait.abort-datetime", "in 1s", "--", "touch", "never").status
    assert not (outlast.folder / "never").exists()


def test_aborted_if_the_next_run_could_not_start(outlast):
    """A job that was held between its runs; and one whose delay would be too long."""
    job = outlast.run("--retries", "5", "--retries.delay", "1h", "--retries.abort-datetime", "in 1m", "--", "false")
    assert ["aborted"] == outcomes(outlast, job)
    assert re.match(r"exit code 1; run 2 would start after retries\.abort-datetime, ", outlast.show(job)["reason"])
    job = outlast.run("--retries", "5", "--retries.delay", "1s", "--retries.abort-datetime", "in 2s", "--", "false")
    eventually(lambda: outlast("hold", str(job)).status == 0)
    assert ["aborted"] == outcomes(outlast, job)
    assert re.match(r"run \d could not start before retries\.abort-datetime, |exit code 1; run", outlast.show(job)["reason"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--wait.abort-datetime 2001-01-01T08:00", "is past"), ("--retries.abort-datetime 2001-01-01T08:00", "is past"),
        ("--wait.timedelta 2h --wait.abort-datetime 1h", "--wait.abort-datetime"), ("--delay none", "--wait.timedelta"),
        ("--delay -5", "--wait.timedelta"), ("--wait.datetime never", "--wait.datetime"), ("--wait.extra-delay 5s", "there is none"),
        ("--slots 2", "--group"), ("--slots 0 -g g", "--slots"), ("--priority high", "--priority"), ("--priority 1.5", "--priority"),
    ],
)  # fmt: skip
def test_wrong_use_leaves_no_record(outlast, words, said):
    assert_refused(outlast("run", *words.split(), "--", "true"), 2, said)
    assert 0 == count(outlast)


# Groups: order, room, pause, drain


def test_the_higher_priority_first(outlast):
    outlast("group", "set", "g", "--slots", "1")
    first = gated(outlast, "go", "-g", "g")
    outlast("wait", str(first), "--status", "running", status=0)
    jobs = [
        outlast.run("-g", "g", "--priority", priority, "--", "sh", "-c", f"echo {priority} >> order") for priority in ("0", "-7", "5", "50")
    ]
    assert [0, -7, 5, 50] == [outlast.show(job)["priority"] for job in jobs]
    assert "2 jobs stand before it" in outlast("why", str(jobs[0]), status=0).text
    opens(outlast, "go")
    assert ["succeeded"] * 4 == outcomes(outlast, *jobs)
    assert ["50", "5", "0", "-7"] == (outlast.folder / "order").read_text().split()


def test_a_job_may_take_several_slots(outlast):
    outlast("group", "set", "g", "--slots", "3")
    two = gated(outlast, "go", "-g", "g", "--slots", "2")
    outlast("wait", str(two), "--status", "running", status=0)
    wide = gated(outlast, "go2", "-g", "g", "--slots", "2")
    small = outlast.run("-g", "g", "--", "true")  # who needs more holds up all behind it
    assert "It takes 2 slots itself" in outlast("why", str(wide), status=0).text
    assert [0, 0] == [outlast.show(job)["run"] for job in (wide, small)]
    opens(outlast, "go")
    assert ["succeeded"] == outcomes(outlast, small)
    assert "running" == outlast.show(wide)["status"]
    assert_refused(
        outlast("run", "-g", "g", "--slots", "4", "--", "true"), 4, "--slots 4: group `g` has 3", "outlast group set g --slots N"
    )
    opens(outlast, "go2")
    assert ["succeeded"] == outcomes(outlast, wide)


def test_mutual_exclusion(outlast):
    first = gated(outlast, "go", "--mutex", "tape", "--mutex", "disk")
    outlast("wait", str(first), "--status", "running", status=0)
    barred = [outlast.run("--mutex", word, "--", "true") for word in ("tape", "disk")]
    other = outlast.run("--mutex", "net", "--", "true")  # whoever is barred is passed over
    assert ["succeeded"] == outcomes(outlast, other)
    assert [0, 0] == [outlast.show(job)["run"] for job in barred]
    assert "job 1, which runs, has the mutex `tape`" in outlast("why", str(barred[0]), status=0).text
    opens(outlast, "go")
    assert ["succeeded"] * 2 == outcomes(outlast, *barred)


def test_never_two_with_one_mutex(outlast):
    one_at_a_time = "mkdir alone && sleep 0.02 && rmdir alone"
    jobs = [outlast.run("--mutex", "tape", *(["-g", "g"] if n % 2 else []), "--", "sh", "-c", one_at_a_time) for n in range(10)]
    assert ["succeeded"] * 10 == outcomes(outlast, *jobs)


def test_a_paused_group_starts_nothing(outlast):
    running = gated(outlast, "go", "-g", "g")
    outlast("wait", str(running), "--status", "running", status=0)
    assert (0, b"", b"") == tuple(outlast("group", "pause", "g"))
    job = outlast.run("-g", "g", "--", "true")
    assert ["succeeded"] == outcomes(outlast, outlast.run("-g", "other", "--", "true"))
    opens(outlast, "go")  # what runs goes on
    assert ["succeeded"] == outcomes(outlast, running)
    assert ("queued", 0) == tuple(outlast.show(job)[key] for key in ("status", "run"))
    assert "its group `g` is paused; `outlast group resume g` lets it go on" in outlast("why", str(job)).text
    assert "paused" in outlast("group", "list").text
    shown = outlast("group", "show", "g", "--json").json
    assert (True, False, 0, 1) == tuple(shown[key] for key in ("paused", "draining", "running", "queued"))
    assert (0, b"", b"") == tuple(outlast("group", "resume", "g"))
    assert ["succeeded"] == outcomes(outlast, job)


def test_a_draining_group_takes_no_more(outlast):
    outlast("group", "set", "g", "--slots", "1")
    jobs = [gated(outlast, "go", "-g", "g"), outlast.run("-g", "g", "--", "true")]
    outlast("group", "drain", "g", status=0)
    assert_refused(outlast("run", "-g", "g", "--", "true"), 4, "group `g` is draining", "outlast group resume g")
    assert 125 == outlast("run", "-w", "-g", "g", "--", "true").status
    assert 2 == count(outlast)
    assert "draining" in outlast("group", "list").text
    opens(outlast, "go")
    assert ["succeeded"] * 2 == outcomes(outlast, *jobs)  # those that it has run to their ends
    assert "draining" in outlast("group", "list").text
    outlast("group", "resume", "g", status=0)
    assert ["succeeded"] == outcomes(outlast, outlast.run("-g", "g", "--", "true"))


def test_groups_that_are_not_there(outlast):
    assert_refused(outlast("group", "resume", "nobody"), 3, "nobody")
    outlast("group", "pause", "new", status=0)  # before its first job
    job = outlast.run("-g", "new", "--", "true")
    assert ["succeeded"] == outcomes(outlast, outlast.run("--", "true"))
    assert 0 == outlast.show(job)["run"]


# Whoever dies


def test_the_next_supervisor_goes_on(outlast):
    from support import kill

    first = gated(outlast, "go")
    jobs = [outlast.run("--after", str(first), "--", "true"), outlast.run("--delay", "1s", "--", "true")]
    kill(outlast.supervisor_pid(), outlast.home)
    opens(outlast, "go")
    assert ["succeeded"] * 2 == outcomes(outlast, *jobs)
