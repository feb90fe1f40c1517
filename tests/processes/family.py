"""Real processes for these tests: a run under a fake shim, who of them lives, and the end of all of them afterwards."""

import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Collection, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from outlast.processes.identity import Identity, start_of
from outlast.processes.stopping import Stopping, run_to_end, wait_readable
from outlast.processes.tree import Target
from outlast.seams import monotonic
from support import eventually

MS = 1_000_000
HOUR = 3600_000 * MS
FAKE_SHIM = Path(__file__).with_name("fake_shim.py")
ACTORS = Path(__file__).with_name("actors.py")
PYTHON = (sys.executable, "-I", "-S")
_numbers = count(1)
_children: "list[subprocess.Popen[bytes]]" = []


def token() -> str:
    """Return an argument for `sleep` (a day and more) that no other process on this machine has."""
    return f"{90000 + next(_numbers)}.{os.getpid()}"


def sleepers(token: str) -> list[int]:
    """Return the pids of the living processes that are `sleep TOKEN`."""
    return [pid for pid in pids() if arguments(pid)[:2] == [b"sleep", token.encode()]]


def pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def arguments(pid: int) -> Sequence[bytes]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def field(pid: int, number: int) -> str | None:
    """Return a field of /proc/PID/stat, counted as in the manual page, from 3 on. An own reading, to judge the code's by."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[number - 3]
    except OSError:
        return None


def eventually_zombie(pid: int) -> None:
    """Wait until `pid` has ended and nobody has reaped it."""

    def ended() -> None:
        assert "Z" == field(pid, 3)

    eventually(ended)


def identity_of(pid: int) -> Identity:
    start = start_of(pid)
    assert start is not None
    return Identity(pid, start)


def spawn(*command: "str | Path", **options: Any) -> "subprocess.Popen[bytes]":
    """Start a child that `end_all` ends if it still lives when the test is over."""
    child = subprocess.Popen(command, **options)
    _children.append(child)
    return child


class Family:
    """A command under a fake shim, and whatever it starts. `mark` is in its environment."""

    def __init__(self, *command: str, mark: str | None = None, uid: int = 0, nproc: int = 0, env: dict[str, str] | None = None) -> None:
        self.mark = mark or f"test:{os.getpid()}:{next(_numbers)}"
        limits = ["-u", str(uid), "-n", str(nproc)] if uid else []
        self.process = spawn(
            *PYTHON,
            FAKE_SHIM,
            *limits,
            *command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # two lines at once must not hide in a buffer from `select`
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "OUTLAST_MARK": self.mark, **(env or {})},
            start_new_session=True,
        )
        word, pid = self._line()
        assert "started" == word
        self.shim = identity_of(self.process.pid)
        self.command = Identity(pid, start_of(pid) or 0)

    def _line(self) -> tuple[str, int]:
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], 60)[0], "the fake shim says nothing"
        word, _, number = self.process.stdout.readline().decode().partition(" ")
        return word, int(number)

    def wait(self) -> int:
        """Wait for the command's end as the shim tells it. Returns the raw wait status."""
        word, status = self._line()
        assert "ended" == word
        return status

    def kill_shim(self) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def target(self) -> Target:
        return Target(mark=self.mark.encode(), command=self.command, shim=self.shim)

    def stop(self, *, signal: int = signal.SIGTERM, grace: int = HOUR, at_once: bool = False, spare: Collection[int] = ()) -> Stopping:
        stopping = Stopping(self.target, lambda: {self.shim.pid, *spare}, signal, grace, at_once=at_once)
        run_to_end(stopping, monotonic, wait_readable)
        return stopping

    def assert_shim_lives(self) -> None:
        assert self.process.poll() is None
        assert field(self.shim.pid, 3) not in {"Z", None}


def actor(name: str, *words: object) -> tuple[str, ...]:
    """Return the command line of one of `actors.py`."""
    return (*PYTHON, str(ACTORS), name, *map(str, words))


def be_subreaper(yes: bool) -> None:
    """Whatever loses its shim becomes ours, not pid 1's: we can find it, and reap it. Only while these tests run."""
    ctypes.CDLL(None).prctl(36, int(yes), 0, 0, 0)


def descendants() -> set[int]:
    """Return the pids of all our descendants, zombies too."""
    parents = {pid: field(pid, 4) for pid in pids()}
    found: set[int] = set()
    new = {os.getpid()}
    while new:
        new = {pid for pid, parent in parents.items() if parent is not None and int(parent) in new} - found
        found |= new
    return found


def is_descendant(pid: int) -> bool:
    """Tell whether a process descends from us; costs the number of its ancestors, not that of all processes."""
    while pid > 1:
        pid = int(field(pid, 4) or 0)
        if pid == os.getpid():
            return True
    return False


def end_all(but: Collection[int]) -> None:
    """End and reap all our descendants but some: frozen first, so that none is born meanwhile."""

    def ended() -> bool:
        states = {pid: field(pid, 3) for pid in descendants() - set(but)}
        moving = [pid for pid, state in states.items() if state not in {"T", "Z", None}]
        for pid in moving:
            send(pid, signal.SIGSTOP)
        for pid, state in states.items():
            if state != "Z" and not moving:
                send(pid, signal.SIGKILL)
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass
        return not states

    eventually(ended, within=60)
    while _children:
        child = _children.pop()
        child.wait()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                stream.close()


def send(pid: int, number: int) -> None:
    """Signal a descendant of ours through a pidfd; between its opening and the check it may end, but nobody else gets the signal."""
    try:
        fd = os.pidfd_open(pid)
    except OSError:
        return
    try:
        if is_descendant(pid):
            signal.pidfd_send_signal(fd, number)
    except OSError:
        pass
    finally:
        os.close(fd)
