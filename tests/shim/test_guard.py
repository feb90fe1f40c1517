"""A guard forks shims at its supervisor's word: requests, answers, and what the forked shim is."""

import array
import errno
import os
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from shim.conftest import Job, Shim, slot
from support import eventually


class Guard:
    """A guard with both ends of its control socket, a lifeline and a home."""

    def __init__(self, shim: Shim) -> None:
        self.shim = shim
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        fifo = shim.fifo("lifeline")
        self.writer = os.open(fifo, os.O_RDWR)
        reader = os.open(fifo, os.O_RDONLY)
        options = [f"home={shim.home}", f"title={' ' * 1000}"]
        self.process = shim.start(options=options, lifeline=reader, verb="guard", fds={3: theirs.fileno()})
        theirs.close()
        os.close(reader)
        assert b"ready" == self.ours.recv(100)

    def ask(self, text: bytes, fds: tuple[int, ...]) -> tuple[bytes, int]:
        """Send a request; return the answer and the pidfd that came with it, or -1."""
        self.ours.sendmsg([text], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
        answer, ancillary, _, _ = self.ours.recvmsg(100, socket.CMSG_SPACE(4))
        return answer, array.array("i", ancillary[0][2])[0] if ancillary else -1

    def run(self, *command: str, env: tuple[str, ...] = ()) -> tuple[Path, bytes, int]:
        """Have a run forked; return its state file, the answer and the pidfd."""
        path, state = self.shim.new_state()
        self.shim.jobs.append(self.process)  # the next state file has another name
        words = ["run", f"output={path}", "run=42.1", "cwd=/", "--", *command]
        text = "".join(f"{word}\0" for word in (f"7 {len(words)}", *words, f"PATH={os.environ['PATH']}", *env))
        try:
            answer, pidfd = self.ask(text.encode(), (self.shim.null,) * 3 + (state,))
        finally:
            os.close(state)
        return path, answer, pidfd

    def end(self) -> None:
        (self.shim.home / "start").unlink(missing_ok=True)
        os.close(self.writer)
        self.ours.close()
        assert 0 == self.process.wait_status()


@pytest.fixture
def guard(shim: Shim) -> Iterator[Guard]:
    made = Guard(shim)
    yield made
    made.end()


def over(pidfd: int) -> None:
    assert select.select([pidfd], [], [], 60)[0]
    os.close(pidfd)


def test_a_forked_shim_owns_its_run(guard: Guard) -> None:
    path, answer, pidfd = guard.run("sh", "-c", "echo $ONE$TWO; exit 3", env=("ONE=1", "TWO=2"))
    serial, pid = answer.split()
    assert b"7" == serial
    over(pidfd)
    job = Job(path, "", os.getpid())
    assert int(pid) == job.started["shim"]
    assert (3 << 8, 3) == (job.result["status"], job.result["stdout"])
    assert b"12\n" == job.raw()
    assert not job.locked
    os.close(job.pidfd)


def test_it_shows_its_words_and_is_nobody_elses_child(guard: Guard) -> None:
    path, answer, pidfd = guard.run("sleep", "100")
    pid = int(answer.split()[1])

    def words() -> list[bytes]:
        return [word for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") if word.startswith(b"output=")]

    def children() -> list[str]:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

    assert [os.fsencode(f"output={path}")] == eventually(lambda: words() or False, 60)
    assert str(guard.process.pid) == Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
    (child,) = eventually(lambda: children() or False, 60)
    os.kill(int(child), 9)
    over(pidfd)


def test_every_start_is_told_as_the_kernel_tells_it(guard: Guard) -> None:
    """Ten milliseconds is a tick: of so many starts some are at its very end."""
    runs = [guard.run("sleep", "1000") for _ in range(60)]
    started = [eventually(lambda path=path: slot(path.read_bytes()[:1024]) or False, 60) for path, _, _ in runs]
    for told in started:
        for pid, start in (("pid", "start"), ("shim", "shim_start")):
            assert int(Path(f"/proc/{told[pid]}/stat").read_text().rpartition(")")[2].split()[19]) == told[start]
    for told, (_, _, pidfd) in zip(started, runs, strict=True):
        os.kill(told["pid"], 9)
        over(pidfd)


def test_nothing_is_started_by_a_request_that_is_none(guard: Guard) -> None:
    null = guard.shim.null
    for text, fds in (
        (b"1 1\0run\0A=B\0", (null,) * 3),
        (b"1 9\0run\0A=B\0", (null,) * 4),
        (b"1 0\0run\0", (null,) * 4),
        (b"1\0", (null,) * 4),
    ):
        assert (b"1 %d" % -errno.EINVAL, -1) == guard.ask(text, fds), text
    many = b"1 4\0" + b"x\0" * 5000
    assert (b"1 %d" % -errno.E2BIG, -1) == guard.ask(many, (null,) * 4)
    _, answer, pidfd = guard.run("true")
    assert answer.startswith(b"7 ")
    over(pidfd)


def test_what_was_not_served_when_the_supervisor_ended_is_dropped_with_its_lock(shim: Shim) -> None:
    guard = Guard(shim)
    path, state = shim.new_state()
    shim.jobs.append(guard.process)
    os.kill(guard.process.pid, 19)  # SIGSTOP: it serves nothing now
    text = f"1 5\0run\0output={path}\0run=42.1\0--\0true\0A=B\0".encode()
    guard.ours.sendmsg([text], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", (shim.null,) * 3 + (state,)))])
    os.close(state)
    assert Job(path, "", os.getpid()).locked
    os.close(guard.writer)
    guard.ours.close()
    os.kill(guard.process.pid, 18)
    assert 0 == guard.process.wait_status()
    job = Job(path, "", os.getpid())
    eventually(lambda: not job.locked, 60)
    assert job.started is None or job.result["status"] == 0  # it was served before the end was seen, or never
