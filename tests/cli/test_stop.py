"""`outlast stop`, `interrupt`, `kill`: ended means gone, and what was ended and what is left is said."""

import re

import pytest

from cli.outside import POLITE_WITH_DEAF_CHILD, assert_refused, has_result, none_called
from support import eventually, kill

DEAF = "trap '' TERM INT HUP; echo up; while :; do sleep 1000; done"


def running(outlast, *words):
    job = outlast.run(*words)
    outlast("wait", str(job), "--status", "running", status=0)
    return job


def up(outlast, job):
    eventually(lambda: b"up" in outlast("logs", "--raw", str(job)).stdout)


@pytest.mark.parametrize(
    ("verb", "outcome", "signal", "reason"),
    [
        ("stop", "stopped", 15, "stopped, ended by SIGTERM"),
        ("interrupt", "interrupted", 15, "interrupted, ended by SIGTERM"),
        ("kill", "stopped", 9, "killed, ended by SIGKILL"),
    ],
)
def test_each(outlast, verb, outcome, signal, reason):
    running(outlast, "--", "sh", "-c", "sleep 1000 & sleep 1000 & wait")
    eventually(lambda: len(outlast.processes()) >= 5)  # supervisor, shim, three of the command
    told = outlast(verb, "1", status=0)
    assert b"" == told.stderr
    assert re.fullmatch(rf"job 1: (\w+ \()?{reason}\)?; 3 processes ended", told.text), told
    job = outlast.show(1)
    assert ("ended", outcome, signal, reason) == tuple(job[key] for key in ("status", "outcome", "signal", "reason"))
    eventually(lambda: not [process for process in outlast.processes() if process.argv[0] in {"sh", "sleep"}])


def test_json(outlast):
    running(outlast, "--", "sleep", "1000")
    (told,) = outlast("stop", "1", "--json", status=0).json["jobs"]
    assert {"id": 1, "status": "ended", "outcome": "stopped", "stopped": 1, "left": 0} == {k: v for k, v in told.items() if k != "said"}
    assert isinstance(told["said"], str)
    assert (0, b"", b"") == tuple(outlast("stop", "-q", "1"))


def test_of_an_ended_job_a_word(past):
    told = past("stop", "1", status=0)
    assert (b"job 1: had ended already, succeeded\n", b"") == told[1:]
    assert b"job 2: had ended already, failed: exit code 3\n" == past("kill", "2", status=0).stdout
    assert b"job 5: had ended already, stopped, ended by SIGTERM\n" == past("interrupt", "5", status=0).stdout
    assert {"stopped": None, "left": None}.items() <= past("stop", "1", "--json", status=0).json["jobs"][0].items()


def test_what_waits_ends_without_a_run(outlast):
    outlast("group", "set", "g", "--slots", "1")
    running(outlast, "-g", "g", "--", "sleep", "1000")
    outlast.run("-g", "g", "--", "touch", "never")
    assert b"job 2: stopped before it started\n" == outlast("stop", "2", status=0).stdout
    assert ("stopped", []) == tuple(outlast.show(2)[key] for key in ("outcome", "runs"))
    outlast("stop", "1", status=0)
    assert not (outlast.folder / "never").exists()


def test_deaf_to_the_signal(outlast):
    running(outlast, "--", "sh", "-c", DEAF)
    up(outlast, 1)
    told = outlast("stop", "--grace", "100ms", "1", status=0)
    assert b"ended by SIGKILL" in told.stdout
    assert 9 == outlast.show(1)["signal"]


def test_its_own_stop_signal_and_grace(outlast):
    running(outlast, "--stop-signal", "USR1", "--stop.grace", "10m", "--", "sh", "-c",
            "trap 'echo got it; exit 5' USR1; trap '' TERM; echo up; while :; do sleep 0.05; done")  # fmt: skip
    up(outlast, 1)
    outlast("stop", "1", status=0)
    assert b"got it\n" in outlast("logs", "--raw", "1").stdout
    assert ("stopped", 5) == tuple(outlast.show(1)[key] for key in ("outcome", "exit_code"))


def test_another_signal(outlast):
    running(outlast, "--", "sh", "-c", "trap 'echo hup; exit 0' HUP; trap '' TERM; echo up; while :; do sleep 0.05; done")
    up(outlast, 1)
    outlast("stop", "--signal", "SIGHUP", "--grace", "10m", "1", status=0)
    assert b"hup\n" in outlast("logs", "--raw", "1").stdout
    assert_refused(outlast("stop", "--signal", "NOPE", "1"), 2, "NOPE")


def test_without_waiting(outlast):
    running(outlast, "--", "sh", "-c", DEAF)
    up(outlast, 1)
    assert b"job 1: asked to end\n" == outlast("stop", "--no-wait", "1", status=0).stdout
    job = outlast.show(1)
    assert ("running", "stop") == (job["status"], job["stop_requested"]["verb"])
    assert "stopping" in outlast("list").text
    outlast("kill", "1", status=0)


def half_stopped(outlast, verb, *words):
    """Return a job whose command has ended at our wish, while its child, which is deaf to it, has still ten minutes."""
    job = running(outlast, *words, *POLITE_WITH_DEAF_CHILD)
    up(outlast, job)
    outlast(verb, "--no-wait", "--grace", "10m", str(job), status=0)
    eventually(lambda: has_result(outlast, job))
    return job


@pytest.mark.parametrize(("verb", "outcome"), [("stop", "stopped"), ("interrupt", "interrupted")])
@pytest.mark.parametrize("then", ["stop", "interrupt", "kill"])
def test_a_second_wish_does_not_rewrite_what_the_first_did(outlast, verb, outcome, then):
    job = half_stopped(outlast, verb)
    outlast(then, "--no-wait", *([] if then == "kill" else ["--grace", "100ms"]), str(job), status=0)
    outlast("wait", str(job))
    assert none_called(outlast, "sleep")
    assert (outcome, f"{outcome}, exit code 42") == tuple(outlast.show(job)[key] for key in ("outcome", "reason"))


def test_it_runs_until_its_whole_tree_is_gone(outlast):
    job = half_stopped(outlast, "stop", "--key", "k")
    assert [("running", "stop")] == [(one["status"], one["stop_requested"]["verb"]) for one in outlast("ps", "--json").json["jobs"]]
    assert "running" == outlast.show(job)["status"]
    assert 124 == outlast("wait", "--timeout", "50ms", "k").status
    assert_refused(outlast("run", "--key", "k", "--", "true"), 4, "k")
    outlast("kill", "k", status=0)  # at once: the ladder that it takes the place of has ten minutes
    assert none_called(outlast, "sleep")
    assert 0 == outlast("run", "--key", "k", "--", "true").status


def test_the_next_supervisor_goes_on_ending_it(outlast):
    job = half_stopped(outlast, "stop")
    kill(outlast.supervisor_pid(), outlast.home)
    eventually(lambda: outlast.supervisor_pid() is not None)
    eventually(lambda: outlast.show(job)["status"] == "running")  # without a supervisor its result is the truth
    assert b"job 1: stopped, exit code 42; 1 process ended\n" == outlast("kill", str(job), status=0).stdout
    assert none_called(outlast, "sleep")


def test_several_of_one_name_are_refused(outlast):
    for _ in range(2):
        outlast.run("--name", "twin", "--", "sleep", "1000")
    outlast.run("--name", "twin", "--overlap", "skip", "--", "true")
    assert_refused(outlast("stop", "twin", "--json"), 4, "1", "2", "--all")
    for words in (("stop", "twin"), ("interrupt", "twin"), ("kill", "twin"), ("signal", "HUP", "twin")):
        told = outlast(*words)
        line, table = told.stderr.split(b"\n", 1)
        assert_refused(told._replace(stderr=line + b"\n"), 4, "1", "2", "--all")
        assert [b"ID", b"1", b"2"] == [row.split()[0] for row in table.splitlines()]
    assert [b"ID", b"NAME", b"STATE", b"STARTED", b"DURATION"] == table.splitlines()[0].split()
    assert {"queued", "running"} >= {outlast.show(job)["status"] for job in (1, 2)}
    told = outlast("stop", "--all", "twin", status=0)
    assert [b"1", b"2"] == re.findall(rb"^job (\d+): stopped", told.stdout, re.MULTILINE)
    assert b"job 2: had ended already" in outlast("stop", "2", status=0).stdout


def test_one_of_one_name_is_meant(outlast):
    outlast.run("--name", "n", "--", "true")
    outlast("wait", "1")
    running(outlast, "--name", "n", "--key", "k", "--", "sleep", "1000")
    assert b"job 2: stopped, ended by SIGTERM; 1 process ended\n" == outlast("stop", "k", status=0).stdout


def test_sets(outlast):
    for group in ("a", "a", "b"):
        running(outlast, "-g", group, "--", "sleep", "1000")
    assert 2 == len(outlast("stop", "group:a", status=0).stdout.splitlines())
    assert "running" == outlast.show(3)["status"]
    assert 1 == len(outlast("kill", "status:running", status=0).stdout.splitlines())
    assert (0, b"") == outlast("stop", "--all")[:2]


def test_everything(outlast):
    for _ in range(3):
        outlast.run("--", "sleep", "1000")
    assert 3 == len(outlast("stop", "--all", status=0).stdout.splitlines())
    assert {"stopped"} == {job["outcome"] for job in outlast("list", "--json").json["jobs"]}


@pytest.mark.parametrize("verb", ["stop", "interrupt", "kill"])
def test_what_is_not_there(past, verb):
    for word in ("99", "nobody", "group:nobody"):
        assert_refused(past(verb, word), 3, word)
    assert_refused(past(verb), 2, "--all")
    assert_refused(past(verb, "run", "1", "2"), 2)
    assert_refused(past(verb, "run", "name:*"), 4)


def test_only_the_run_while_retries_go_on(outlast):
    running(outlast, "--retries", "3", "--", "sh", "-c", "test $OUTLAST_RUN = 2 && exit 0; echo up; exec sleep 1000")
    up(outlast, 1)
    told = outlast("stop", "run", "1", status=0)
    assert re.match(rb"job 1: its run was ended; it is \w+\n|job 1: succeeded\n", told.stdout), told
    assert 0 == outlast("wait", "1").status
    job = outlast.show(1)
    assert ("succeeded", 2) == (job["outcome"], job["run"])
    assert "stopped" == job["runs"][0]["outcome"]


def test_an_interrupted_run_is_not_charged_to_the_retries(outlast):
    """One retry, and two runs that are interrupted: the third and the fourth one fail by themselves, and that was it."""
    running(outlast, "--retries", "1", "--", "sh", "-c", "test $OUTLAST_RUN -gt 2 && exit 7; echo up; exec sleep 1000")
    for run in (1, 2):
        eventually(lambda run=run: bool(outlast.show(1)["runs"][run - 1]["pid"]))
        up(outlast, 1)
        outlast("interrupt", "run", "1", status=0)
    assert 1 == outlast("wait", "1").status
    job = outlast.show(1)
    assert ["interrupted", "interrupted", "failed", "failed"] == [run["outcome"] for run in job["runs"]]
    assert "exit code 7 (run 4, 2 of 2 charged)" == job["reason"]
    assert b" 4 " in outlast("list").stdout


def test_no_run_to_end(outlast):
    outlast.run("--retries", "1", "--retries.delay", "1h", "--", "false")
    outlast("wait", "1", "--status", "pending", status=0)
    eventually(lambda: outlast.show(1)["run"] == 1)
    assert_refused(outlast("stop", "run", "1"), 4, "outlast stop 1")
    told = outlast("stop", "1", status=0)
    assert b"job 1: stopped while it waited\n" == told.stdout


def test_a_job_from_a_job_lives_on(outlast):
    outlast.run("--", "sh", "-c", "outlast run -- sleep 1000; echo up; exec sleep 1000")
    up(outlast, 1)
    outlast("wait", "2", "--status", "running", status=0)
    outlast("kill", "1", status=0)
    assert "running" == outlast.show(2)["status"]
    assert [b"sleep"] == [p.argv[0].encode() for p in outlast.processes() if p.argv[0] == "sleep"]
