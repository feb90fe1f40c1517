"""Time limits: of runs, of jobs, of silence; hard ones and soft ones, and the signal that warns before."""

import re

import pytest

from cli.outside import assert_refused, count, none_called
from support import eventually, kill

FOREVER = ["--", "sleep", "1000"]
LATE = 0.1  # seconds: a shim that is held up notes the start of its command later than the kernel
BEATS = "while :; do touch $OUTLAST_FEEDBACK; sleep 0.05; done"


def ended(outlast, job):
    outlast("wait", str(job))
    eventually(lambda: outlast.show(job)["status"] == "ended")
    return outlast.show(job)


def started(outlast, *words):
    job = outlast.run(*words)
    outlast("wait", str(job), "--status", "running", status=0)
    return job


def warned(outlast, job):
    return [(warning["warning"], warning["run"], warning["count"]) for warning in outlast.show(job)["warnings"]]


def kinds(outlast, job):
    return [event["event"] for event in outlast("events", str(job), "--json", "-n", "all").json["events"]]


# Of a run


@pytest.mark.parametrize("limit", ["0.3s", "300ms", "0.3"])
def test_a_run_that_takes_longer_is_ended(outlast, limit):
    shown = ended(outlast, outlast.run("--timeout", limit, "--", "sh", "-c", "sleep 1000 & sleep 1000"))
    assert ("timed_out", 15, None) == tuple(shown[key] for key in ("outcome", "signal", "exit_code"))
    assert "timed out: timeout.run of 300ms was reached, ended by SIGTERM" == shown["reason"]
    assert 0.3 - LATE <= shown["duration"] < 20
    assert {"run": 0.3} == shown["runs"][0]["limits"]
    assert none_called(outlast, "sleep")
    assert "timed_out: timed out: " not in outlast("why", "1", status=0).text


def test_one_that_is_faster_is_left_alone(outlast):
    assert "succeeded" == ended(outlast, outlast.run("--timeout", "1h", "--", "true"))["outcome"]
    assert "succeeded" == ended(outlast, outlast.run("--timeout", "none", "--", "true"))["outcome"]


def test_in_front_it_exits_as_timeout_does(outlast):
    told = outlast("run", "-w", "--timeout", "200ms", *FOREVER)
    assert (124, b"") == told[:2]
    assert b"timeout.run of 200ms was reached" in told.stderr


def test_the_deaf_are_killed_after_their_grace(outlast):
    job = outlast.run("--timeout", "300ms", "--stop.grace", "100ms", "--", "sh", "-c", "trap '' TERM; while :; do sleep 1000; done")
    shown = ended(outlast, job)
    assert ("timed_out", 9) == (shown["outcome"], shown["signal"])
    assert "timed out: timeout.run of 300ms was reached, ended by SIGKILL" == shown["reason"]


def test_what_it_does_at_its_end_is_still_a_timeout(outlast):
    shown = ended(outlast, outlast.run("--timeout", "1s", "--", "sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"))
    assert ("timed_out", 0) == (shown["outcome"], shown["exit_code"])


def test_each_run_has_its_own_time_and_the_next_one_follows(outlast):
    shown = ended(outlast, outlast.run("--timeout", "300ms", "--retries", "2", "--", "sh", "-c", "test $OUTLAST_RUN = 3 || sleep 1000"))
    assert ("succeeded", 3) == (shown["outcome"], shown["run"])
    assert ["timed_out", "timed_out", "succeeded"] == [run["outcome"] for run in shown["runs"]]
    shown = ended(outlast, outlast.run("--timeout", "200ms", "--retries", "1", *FOREVER))
    assert ("timed_out", 2) == (shown["outcome"], shown["run"])


def test_a_percentage_of_the_usual(outlast):
    """Nothing is usual before the first success; then it is the median of those that succeeded."""
    assert "succeeded" == ended(outlast, outlast.run("--name", "n", "--timeout", "1%", "--", "sleep", "0.2"))["outcome"]
    shown = ended(outlast, outlast.run("--name", "n", "--timeout", "300%", *FOREVER))
    assert "timed_out" == shown["outcome"]
    assert re.match(r"timed out: timeout\.run of .* \(300% of the usual .*\) was reached", shown["reason"])
    limits = shown["runs"][0]["limits"]
    assert limits["run"] == pytest.approx(3 * limits["usual"])
    assert 0.2 <= limits["usual"] < 10
    assert limits["usual"] == ended(outlast, outlast.run("--name", "n", "--timeout", "200%", *FOREVER))["runs"][0]["limits"]["usual"]
    assert {"usual": None} == ended(outlast, outlast.run("--name", "other", "--timeout", "300%", "--", "true"))["runs"][0]["limits"]


# Of the job


def test_the_whole_job_while_it_runs(outlast):
    shown = ended(outlast, outlast.run("--timeout.job", "500ms", "--retries", "9", *FOREVER))
    assert ("timed_out", 1) == (shown["outcome"], shown["run"])  # no retry follows
    assert "timed out: timeout.job of 500ms was reached, ended by SIGTERM" == shown["reason"]


def test_the_whole_job_while_it_waits(outlast):
    job = outlast.run("--hold", "--timeout.job", "500ms", "--", "touch", "never")
    assert re.search(r"All of it may take until .* \(timeout\.job\)", outlast("why", str(job)).text)
    shown = ended(outlast, job)
    assert ("timed_out", "timed out: timeout.job of 500ms was reached while it waited", []) == (
        shown["outcome"], shown["reason"], shown["runs"])  # fmt: skip
    assert 124 == outlast("run", "-w", "--hold", "--timeout.job", "200ms", "--", "true").status
    assert not (outlast.folder / "never").exists()


def test_the_whole_job_between_its_runs(outlast):
    shown = ended(outlast, outlast.run("--timeout.job", "10m", "--retries", "5", "--retries.delay", "1h", "--", "false"))
    assert "timed_out" == shown["outcome"]
    assert "timed out: exit code 1; run 2 would start after timeout.job of 10m 00s" == shown["reason"]


# Of silence


def test_without_output(outlast):
    words = ["--timeout.output", "600ms", "--", "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10; do echo $i; sleep 0.1; done; exec sleep 1000"]
    shown = ended(outlast, outlast.run(*words))
    assert "timed out: timeout.output of 600ms passed without output, ended by SIGTERM" == shown["reason"]
    assert shown["duration"] >= 1.5
    assert b"10\n" in outlast("logs", "--raw", "1").stdout


def test_without_a_heartbeat(outlast):
    beating = started(outlast, "--timeout.heartbeat", "2s", "--", "sh", "-c", BEATS)
    shown = ended(outlast, outlast.run("--timeout.heartbeat", "500ms", "--", "sh", "-c", "echo x; exec sleep 1000"))
    assert "timed out: timeout.heartbeat of 500ms passed without a heartbeat, ended by SIGTERM" == shown["reason"]
    stops = outlast.run("--timeout.heartbeat", "1s", "--", "sh", "-c", "touch $OUTLAST_FEEDBACK; exec sleep 1000")
    assert "timed_out" == ended(outlast, stops)["outcome"]
    eventually(lambda: outlast.show(beating)["duration"] > 3)
    assert "running" == outlast.show(beating)["status"]


# Soft limits


@pytest.mark.parametrize("what", ["run", "job", "heartbeat", "output"])
def test_a_soft_limit_warns_once_and_ends_nothing(outlast, what):
    job = started(outlast, f"--timeout.soft.{what}", "200ms", *FOREVER)
    eventually(lambda: warned(outlast, job) != [])
    later = ended(outlast, outlast.run("--timeout", "600ms", *FOREVER))  # longer than it takes to warn again
    assert "timed_out" == later["outcome"]
    assert [(f"timeout.soft.{what}", None if what == "job" else 1, 1)] == warned(outlast, job)
    assert 1 == kinds(outlast, job).count("warned")
    assert "running" == outlast.show(job)["status"]
    assert f"timeout.soft.{what} of 200ms" in outlast("why", str(job), status=0).text


def test_a_soft_limit_then_the_hard_one(outlast):
    shown = ended(outlast, outlast.run("--timeout.soft.run", "200ms", "--timeout", "600ms", "--retries", "1", *FOREVER))
    assert "timed_out" == shown["outcome"]
    assert [("timeout.soft.run", 1, 1), ("timeout.soft.run", 2, 1)] == warned(outlast, shown["id"])  # once in each run


def test_a_soft_limit_of_a_job_that_waits(outlast):
    job = outlast.run("--hold", "--timeout.soft.job", "200ms", "--", "true")
    eventually(lambda: warned(outlast, job) == [("timeout.soft.job", None, 1)])
    assert outlast.show(job)["held"]


# The signal that warns


@pytest.mark.parametrize("limit", ["--timeout", "--timeout.job"])
def test_a_signal_warns_before_the_end(outlast, limit):
    words = [limit, "3s", "--timeout.warn-signal", "USR1", "--timeout.warn-before", "2500ms"]
    job = outlast.run(*words, "--", "sh", "-c", "trap 'echo warned; exit 0' USR1; echo up; while :; do sleep 0.05; done")
    shown = ended(outlast, job)
    assert ("succeeded", 0) == (shown["outcome"], shown["exit_code"])  # it used its time
    assert b"up\nwarned\n" == outlast("logs", "--raw", "--streams", "stdout", str(job)).stdout
    assert shown["duration"] < 3
    assert [("timeout.warn-signal", 1, 1)] == warned(outlast, job)


def test_whoever_does_not_mind_the_warning_is_ended(outlast):
    words = ["--timeout", "1s", "--timeout.warn-signal", "USR1", "--timeout.warn-before", "700ms"]
    job = outlast.run(*words, "--", "sh", "-c", "trap 'echo warned' USR1; while :; do sleep 0.05; done")
    assert "timed_out" == ended(outlast, job)["outcome"]
    assert b"warned\n" == outlast("logs", "--raw", "--streams", "stdout", str(job)).stdout
    assert 1 == kinds(outlast, job).count("warned")


# Clocks


@pytest.mark.parametrize(
    "words", [["--timeout", "2s"], ["--timeout.output", "2s"], ["--timeout.heartbeat", "2s"], ["--timeout.job", "5s"]], ids=str
)
def test_a_pause_stops_the_clocks(outlast, words):
    job = started(outlast, *words, *FOREVER)
    outlast("pause", str(job), status=0)
    limit = 2 if words[0] != "--timeout.job" else 5
    eventually(lambda: outlast.show(job)["duration"] > limit + 1)
    assert "running" == outlast.show(job)["status"]
    outlast("resume", str(job), status=0)
    assert "timed_out" == ended(outlast, job)["outcome"]


def test_the_next_supervisor_keeps_to_the_limits(outlast):
    job = started(outlast, "--timeout", "1500ms", *FOREVER)
    eventually(lambda: outlast.show(job)["pid"] is not None)
    kill(outlast.supervisor_pid(), outlast.home)
    shown = ended(outlast, job)
    assert "timed out: timeout.run of 1.5s was reached, ended by SIGTERM" == shown["reason"]
    assert 1.5 - LATE <= shown["duration"] < 20


def test_a_stop_before_is_a_stop(outlast):
    job = started(outlast, "--timeout", "1h", *FOREVER)
    outlast("stop", str(job), status=0)
    assert "stopped" == outlast.show(job)["outcome"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--timeout 0", "--timeout"), ("--timeout -5", "--timeout"), ("--timeout 0%", "--timeout"), ("--timeout x", "--timeout"),
        ("--timeout.job 0", "too small"), ("--timeout.output 0", "too small"), ("--timeout.soft.run 2s --timeout 1s", "no sooner"),
        ("--timeout.soft.run 300% --timeout 150%", "no sooner"), ("--timeout.warn-signal USR1", "there is none"),
        ("--timeout 1s --timeout.warn-signal NOPE", "NOPE"),
        ("--no-log.stdout --no-log.stderr --timeout.output 5s", "nothing of the output"),
        ("--timeout 99999999999999999999", "--timeout"),
    ],
)  # fmt: skip
def test_wrong_use_leaves_no_record(outlast, words, said):
    assert_refused(outlast("run", *words.split(), "--", "true"), 2, said)
    assert 0 == count(outlast)
