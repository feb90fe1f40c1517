"""`outlast supervisor`: status, stop, run; and that it comes and goes by itself."""

import signal
import socket

from cli.outside import TIME, assert_refused
from support import eventually, kill


def test_none_lives(outlast):
    assert b"none lives\n" == outlast("supervisor", "stop", status=0).stdout
    told = outlast("supervisor", "--json", status=0).json
    counts = {"running": 0, "queued": 0, "pending": 0}
    assert {"schema": 1, "pid": None, "version": None, "since": None, **counts, "home": str(outlast.home)} == told
    assert str(outlast.home) in outlast("supervisor", status=0).text
    assert not outlast.home.exists()


def test_it_lives_and_leaves(outlast):
    outlast.run("--", "sleep", "1000")
    outlast("wait", "1", "--status", "running", status=0)
    told = outlast("supervisor", "status", "--json", status=0).json
    assert {"schema": 1, "running": 1, "queued": 0, "pending": 0}.items() <= told.items()
    assert TIME.fullmatch(told["since"])
    who = f"pid {told['pid']}, version {told['version']}, home {outlast.home}"
    assert f"{who}. 1 running, 0 queued, 0 pending" == outlast("supervisor").text
    assert {"schema": 1, "left": True, "home": str(outlast.home)} == outlast("supervisor", "stop", "--json", status=0).json
    assert outlast.supervisor_pid() is None
    assert "running" == outlast.show(1)["status"]
    outlast.run("--", "true")
    assert 0 == outlast("wait", "2").status
    assert outlast.supervisor_pid() != told["pid"]
    outlast("stop", "1", status=0)
    assert "stopped" == outlast.show(1)["outcome"]


def test_killed_it_comes_back_for_what_runs(outlast):
    outlast.run("--", "sleep", "1000")
    outlast("wait", "1", "--status", "running", status=0)
    first = outlast.supervisor_pid()
    kill(first, outlast.home)
    eventually(lambda: outlast.supervisor_pid() not in {None, first})
    assert "running" == outlast.show(1)["status"]


def test_in_front(outlast):
    with outlast.start("supervisor", "run") as process:
        eventually(lambda: outlast.supervisor_pid() == process.pid)
        assert_refused(outlast("supervisor", "run"), 4, "outlast supervisor status")
        assert 0 == outlast("exec", "--", "true").status
        outlast("supervisor", "stop", status=0)
        assert (b"", b"") == process.communicate(timeout=60)
    assert 0 == process.returncode
    assert outlast.supervisor_pid() is None


def test_start(outlast):
    assert_refused(outlast("supervisor", "start"), 5, "no home", "not mounted")
    assert not outlast.home.exists()
    outlast.home.mkdir(mode=0o700)
    assert (0, b"", b"") == tuple(outlast("supervisor", "start", "--quiet"))
    first = outlast.supervisor_pid()
    assert f"pid {first}, " in outlast("supervisor", "start", status=0).text
    assert first == outlast("supervisor", "start", "--json", status=0).json["pid"]
    outlast("supervisor", "stop", status=0)
    outlast.run("--", "sleep", "1000")
    outlast("wait", "1", "--status", "running", status=0)
    outlast.end()
    assert outlast.supervisor_pid() is None
    outlast("supervisor", "start", status=0)
    eventually(lambda: outlast.show(1)["status"] == "ended")
    assert outlast.supervisor_pid() is not None


def test_asked_to_leave_by_a_signal(outlast):
    outlast.run("--", "sleep", "1000")
    outlast("wait", "1", "--status", "running", status=0)
    outlast("supervisor", "stop", status=0)
    with outlast.start("supervisor", "run") as process:
        eventually(lambda: outlast.supervisor_pid() == process.pid)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert 0 == process.returncode
    assert outlast.supervisor_pid() is None


def test_a_watcher_is_told_at_once(outlast):
    """What happened between a look and the subscription must not be missed: the answer to `watch` is one byte."""
    outlast("wait", str(outlast.run("--", "true")), status=0)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(3)
        connection.connect(str(outlast.home / "supervisor.sock"))
        connection.sendall(b"watch 1\n")
        assert b"." == connection.recv(1)


def test_wrong_words(outlast):
    assert_refused(outlast("supervisor", "statu"), 2, "status")
    assert_refused(outlast("supervisor", "stop", "x"), 2, "x")
