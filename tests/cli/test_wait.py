"""`outlast wait`: until jobs have ended, or have come so far; it looks at the past too."""

import re
import signal

import pytest

from cli.outside import assert_refused, on_terminal
from support import eventually


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        ("1", 0, ""),
        ("1 3", 0, ""),
        ("two", 0, ""),
        ("1,2", 1, "outlast: job 2 failed: exit code 3\n"),
        ("5", 1, "outlast: job 5 stopped"),
        ("4", 1, "outlast: job 4 not started: no-such-command-anywhere"),
        ("--any 1 2", 0, "outlast: job 2 failed: exit code 3\n"),
        ("--any 2 4", 1, "outlast: job"),
        ("--outcome failed 2", 0, ""),
        ("--outcome stopped,succeeded 1 5", 0, ""),
        ("--outcome failed 1", 1, "outlast: job 1 succeeded"),
        ("--status running 1", 0, ""),
        ("--timeout 1ms 1", 0, ""),
        ("outcome:succeeded", 0, ""),
        ("group:g", 1, "outlast: job 2"),
        ("-q 2", 1, ""),
    ],
)
def test_of_the_past(past, words, status, told):
    said = past("wait", *words.split())
    assert (status, b"") == (said.status, said.stdout)
    assert said.stderr.decode().startswith(told)
    assert bool(told) == bool(said.stderr)


def test_json_and_ids(past):
    told = past("wait", "2", "1", "--json", status=1).json
    assert [2, 1] == [job["id"] for job in told["jobs"]]
    assert {"schema", "jobs", "more"} == set(told)
    assert b"2\n1\n" == past("wait", "2", "1", "--ids", status=1).stdout


def test_what_is_not_there(past):
    for word in ("99", "nobody", "group:nobody", "name:nobody*"):
        assert_refused(past("wait", word), 3, word)
    assert_refused(past("wait", "1", "99"), 3, "99")
    assert_refused(past("wait"), 2, "SELECTOR")
    assert_refused(past("wait", "--timeout", "soon", "1"), 2, "soon")


def test_until_the_end(outlast):
    outlast.run("--", "sleep", "1000")
    with outlast.start("wait", "1") as process:
        outlast("wait", "1", "--status", "running", status=0)
        assert process.poll() is None
        outlast("stop", "1", status=0)
        assert (b"", b"outlast: job 1 stopped, ") == tuple(part[:24] for part in process.communicate(timeout=60))
    assert 1 == process.returncode


def test_any_of_several(outlast):
    outlast.run("--", "sleep", "1000")
    outlast.run("--", "true")
    assert 0 == outlast("wait", "--any", "1", "2").status
    assert "running" == outlast.show(1)["status"]


def test_the_time_is_up(outlast):
    outlast.run("--", "sleep", "1000")
    told = outlast("wait", "--timeout", "50ms", "1")
    assert (124, b"") == (told.status, told.stdout)
    assert re.fullmatch(rb"outlast: [^\n]*50ms\n", told.stderr)
    assert (124, b"", b"") == tuple(outlast("wait", "-q", "--timeout", "0.05", "1"))


def test_until_it_runs(outlast):
    outlast("group", "set", "g", "--slots", "1")
    outlast.run("-g", "g", "--", "sleep", "1000")
    outlast.run("-g", "g", "--", "sleep", "1000")
    with outlast.start("wait", "2", "--status", "running") as process:
        outlast("wait", "1", "--status", "running", status=0)
        assert "queued" == outlast.show(2)["status"]
        outlast("stop", "1", status=0)
        process.communicate(timeout=60)
    assert 0 == process.returncode
    assert "running" == outlast.show(2)["status"]


def test_on_a_terminal_it_says_for_what(outlast):
    outlast.run("--", "sleep", "1000")
    status, seen = on_terminal(outlast, "wait", "1", watch=lambda seen, pid: b"\x03" if b"waiting for 1 job" in seen else b"")
    assert 130 == status, seen
    assert b"Traceback" not in seen


def test_many_jobs(outlast):
    """More ids than one line to the supervisor can hold."""
    outlast("run", "-q", "--from", "-", "-j", "1", input=b"sleep 1000\n" + b"true\n" * 1200, status=0)
    with outlast.start("wait", "1-1201") as process:
        outlast("wait", "1", "--status", "running", status=0)
        outlast("stop", "--all", "--no-wait", status=0)
        process.communicate(timeout=60)
    assert 1 == process.returncode


def test_a_signal_ends_the_waiting_alone(outlast):
    outlast.run("--", "sleep", "1000")
    with outlast.start("wait", "1") as process:
        eventually(lambda: b"poll" in open_syscall(process.pid))
        process.send_signal(signal.SIGINT)
        assert (b"", b"") == process.communicate(timeout=60)
    assert 130 == process.returncode
    assert "running" == outlast.show(1)["status"]


def open_syscall(pid):
    """What a process waits in, as the kernel calls it."""
    with open(f"/proc/{pid}/wchan", "rb") as file:
        return file.read()
