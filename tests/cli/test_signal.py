"""`outlast signal`: to all processes of running jobs."""

import signal

import pytest

from cli.outside import assert_refused
from support import eventually

EARS = "trap 'echo heard $OUTLAST_JOB' USR1; echo up; while :; do sleep 0.05; done"


def listening(outlast, *words):
    job = outlast.run(*words, "--", "sh", "-c", EARS)
    eventually(lambda: b"up" in outlast("logs", "--raw", str(job)).stdout)
    return job


@pytest.mark.parametrize("word", ["USR1", "SIGUSR1", str(int(signal.SIGUSR1)), "usr1"])
def test_by_any_word(outlast, word):
    listening(outlast)
    told = outlast("signal", word, "1", status=0)
    assert b"job 1: sent to" in told.stdout
    eventually(lambda: b"heard 1\n" in outlast("logs", "--raw", "1").stdout)
    assert "running" == outlast.show(1)["status"]
    assert "signalled" in [event["event"] for event in outlast("events", "1", "--json").json["events"]]


def test_sets_and_all(outlast):
    for group in ("g", "h"):
        listening(outlast, "-g", group)
    told = outlast("signal", "CONT", "--all", "--json", status=0).json
    assert [1, 2] == [job["id"] for job in told["jobs"]]
    assert all(job["processes"] >= 1 for job in told["jobs"])
    assert [1] == [job["id"] for job in outlast("signal", "CONT", "group:g", "--json").json["jobs"]]


def test_the_commands_own_end_is_its_own(outlast):
    listening(outlast)
    outlast("signal", "KILL", "1", status=0)
    assert 1 == outlast("wait", "1").status
    assert ("failed", "ended by SIGKILL") == tuple(outlast.show(1)[key] for key in ("outcome", "reason"))


def test_refusals(past):
    assert_refused(past("signal", "HUP", "1"), 4, "not running")
    assert_refused(past("signal", "HUP", "99"), 3, "99")
    assert_refused(past("signal", "HUP", "group:nobody"), 3, "group:nobody")
    assert_refused(past("signal", "NOPE", "1"), 2, "NOPE")
    assert_refused(past("signal", "HUP"), 2)
    assert_refused(past("signal"), 2)
    assert (0, b"") == past("signal", "HUP", "--all")[:2]
