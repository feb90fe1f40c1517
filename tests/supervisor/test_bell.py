"""The bell: what wakes a supervisor for less than a connection; whoever does not hear it is reached by the socket."""

import os
import subprocess
import sys

import pytest

from support import COMMAND, Outlast, eventually, kill


def woken(outlast: Outlast) -> bytes:
    """Submit a job and see it end; return the names of the modules that the client loaded."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", COMMAND, "run", "--", "true"], env=outlast.environ(), cwd=outlast.folder, capture_output=True,
        check=True,
    )  # fmt: skip
    assert 0 == outlast("wait", done.stdout.decode().strip()).status
    return done.stderr


def test_a_client_rings_and_connects_to_nothing(outlast: Outlast) -> None:
    assert b"_socket" in woken(outlast)  # there is no supervisor yet
    assert b"_socket" not in woken(outlast)


def test_a_bell_that_is_full_has_rung(outlast: Outlast) -> None:
    woken(outlast)
    pid = outlast.supervisor_pid()
    bell = os.open(outlast.home / "bell", os.O_WRONLY | os.O_NONBLOCK)
    with pytest.raises(BlockingIOError):  # it is rung faster than it is heard
        while True:
            os.write(bell, b"." * 65536)
    os.close(bell)
    woken(outlast)
    assert pid == outlast.supervisor_pid()


@pytest.mark.parametrize("instead", ["nothing", "file"])
def test_without_a_bell_the_socket_does(outlast: Outlast, instead: str) -> None:
    woken(outlast)
    bell = outlast.home / "bell"
    bell.unlink()
    if instead == "file":  # of a home that was copied
        bell.write_bytes(b"")
    assert b"_socket" in woken(outlast)
    pid = outlast.supervisor_pid()
    assert pid is not None
    kill(pid, outlast.home)

    def another_bell() -> None:
        assert outlast.supervisor_pid() not in (None, pid)
        assert bell.is_fifo()

    eventually(another_bell)
    assert b"_socket" not in woken(outlast)
