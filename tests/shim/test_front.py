"""Pass-through to a client in front, and that the client can neither harm nor end the job."""

import errno
import fcntl
import os
import random
import select
from pathlib import Path

import pytest

from support import eventually

BINARY = random.Random(5).randbytes(300_000)


class Client:
    """Both standard streams of a client in front."""

    def __init__(self) -> None:
        self.out, out = os.pipe()
        self.err, err = os.pipe()
        self.ends = [out, err]

    @property
    def fds(self):
        return {1: self.ends[0], 2: self.ends[1]}

    def leave_to_shim(self):
        for fd in self.ends:
            os.close(fd)
        self.ends = []

    def read_all(self) -> tuple[bytes, bytes]:
        """Read both streams to their ends."""
        got = {self.out: b"", self.err: b""}
        open_ = set(got)
        while open_:
            for fd in select.select(list(open_), [], [], 60)[0]:
                chunk = os.read(fd, 65536)
                got[fd] += chunk
                if not chunk:
                    open_.discard(fd)
        return got[self.out], got[self.err]

    def close(self) -> None:
        for fd in (self.out, self.err, *self.ends):
            try:
                os.close(fd)
            except OSError:
                pass


@pytest.fixture
def client():
    one = Client()
    yield one
    one.close()


@pytest.fixture
def binary(shim):
    path = shim.folder / "binary"
    path.write_bytes(BINARY)
    return path


def start(shim, client, *command, options=()):
    job = shim.start(*command, options=["front=1", *options], fds=client.fds)
    client.leave_to_shim()
    return job


@pytest.mark.parametrize("kept", ["stdout,stderr", "none"])
def test_bytes_are_passed_on_unchanged(shim, client, binary, kept):
    job = start(shim, client, "sh", "-c", f"cat {binary}; cat {binary} {binary} >&2", options=[f"streams={kept}"])
    assert (BINARY, BINARY * 2) == client.read_all()
    result = job.wait().result
    assert (len(BINARY), 2 * len(BINARY)) == (result["stdout"], result["stderr"])
    assert (BINARY if kept != "none" else b"") == job.raw()


def test_without_front_nothing_is_passed_on(shim, client):
    job = shim.start("sh", "-c", "echo out; echo err >&2", fds=client.fds)
    client.leave_to_shim()
    assert (b"", b"") == client.read_all()
    assert 0 == job.wait().result["status"]


def test_bytes_are_passed_on_as_they_come(shim, client):
    gate = shim.fifo("gate")
    job = start(shim, client, "sh", "-c", f"printf half; read x < {gate}; echo line")
    assert b"half" == os.read(client.out, 100)
    gate.write_bytes(b"")
    assert (b"line\n", b"") == client.read_all()
    job.wait()


def test_a_client_that_leaves_does_not_end_the_job(shim, client, binary):
    os.close(client.out)
    job = start(shim, client, "sh", "-c", f"cat {binary} {binary}; cat {binary} >&2; exit 3")
    read = b""
    while chunk := os.read(client.err, 65536):
        read += chunk
    assert BINARY == read  # the other stream goes on
    assert 3 << 8 == job.wait().result["status"]
    assert BINARY * 2 == job.raw()


def test_a_client_that_leaves_in_the_middle(shim, client, binary):
    job = start(shim, client, "sh", "-c", f"cat {binary} {binary}; exit 3")
    assert os.read(client.out, 1000)
    os.close(client.out)
    os.close(client.err)
    assert 3 << 8 == job.wait().result["status"]
    assert BINARY * 2 == job.raw()


def test_a_slow_client_holds_its_stream_back_and_no_other(shim, client, binary):
    note = shim.folder / "note"
    job = start(shim, client, "sh", "-c", f"(cat {binary} {binary} {binary}; touch {note}) & cat {binary} >&2; wait")
    got = b""
    while len(got) < len(BINARY):
        got += os.read(client.err, 65536)
    assert BINARY == got
    eventually(lambda: b"pipe" in b"".join(waits_of(pid) for pid in shim.mine()), 60)  # cat waits to write
    assert not note.exists()
    assert job.result is None
    assert (BINARY * 3, b"") == client.read_all()
    assert note.exists()
    assert BINARY * 3 == job.wait().raw()


def waits_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/wchan").read_bytes()
    except OSError:
        return b""


def test_the_result_does_not_wait_for_the_client(shim, client):
    size = 65536 + 40000  # what the client's pipe does not take, the shim has
    job = start(shim, client, "sh", "-c", f"head -c {size} /dev/zero; exit 6")
    result = job.wait_result()
    assert (6 << 8, size) == (result["status"], result["stdout"])
    assert b"\0" * size == job.raw()
    assert job.locked
    assert not job.over
    assert (b"\0" * size, b"") == client.read_all()
    job.wait()
    assert not job.locked


def test_all_that_lies_in_the_pipe_of_an_ended_command_is_kept_and_passed_on(shim, client):
    size = 120_000  # less than one pipe to the client and one from the command
    job = start(shim, client, "sh", "-c", f"head -c {size} /dev/zero; exit 6", options=["grace=0"])
    assert size == job.wait_result()["stdout"]
    assert b"\0" * size == job.raw()
    assert (b"\0" * size, b"") == client.read_all()
    job.wait()


def test_a_client_that_leaves_at_last_lets_the_shim_go(shim, client):
    job = start(shim, client, "sh", "-c", "head -c 100000 /dev/zero")
    job.wait_result()
    assert not job.over
    os.close(client.out)
    job.wait()


def test_the_descriptors_of_the_client_are_never_made_non_blocking(shim, client, binary):
    kept = [os.dup(fd) for fd in client.ends]
    job = start(shim, client, "sh", "-c", f"cat {binary}; echo err >&2")
    got = b""
    while len(got) < len(BINARY):
        got += os.read(client.out, 65536)
        assert [0, 0] == [fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK for fd in kept]
    job.wait()
    assert [0, 0] == [fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK for fd in kept]
    for fd in kept:
        os.close(fd)


def test_a_client_on_a_terminal(shim):
    master, slave = os.openpty()
    job = shim.start("sh", "-c", "seq 100; echo err >&2", options=["front=1"], fds={1: slave, 2: slave})
    os.close(slave)
    got = b""
    while b"err" not in got or b"100" not in got:
        got += os.read(master, 65536)
    assert sorted([*(b"%d" % number for number in range(1, 101)), b"err"]) == sorted(got.split())
    job.wait()
    os.close(master)


def test_a_terminal_that_is_closed(shim):
    gate = shim.fifo("gate")
    master, slave = os.openpty()
    job = shim.start("sh", "-c", f"echo one; read x < {gate}; seq 30000; exit 2", options=["front=1"], fds={1: slave, 2: slave})
    os.close(slave)
    assert os.read(master, 100)
    os.close(master)
    gate.write_bytes(b"")
    assert 2 << 8 == job.wait().result["status"]
    assert job.raw().endswith(b"\n30000\n")


def test_a_file_in_front_and_a_full_device(shim):
    path = shim.folder / "out"
    out, full = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), os.open("/dev/full", os.O_WRONLY)
    job = shim.run("sh", "-c", "seq 30000; seq 30000 >&2; exit 2", options=["front=1"], fds={1: out, 2: full})
    os.close(out)
    os.close(full)
    assert path.read_bytes() == job.raw() == job.raw("stderr")
    assert (2 << 8, [0, errno.ENOSPC]) == (job.result["status"], job.result["passed"])


def test_little_on_a_full_device(shim):
    full = os.open("/dev/full", os.O_WRONLY)
    job = shim.run("echo", "hi", options=["front=1"], fds={1: full, 2: full})
    os.close(full)
    assert (0, b"hi\n", [errno.ENOSPC, 0]) == (job.result["status"], job.raw(), job.result["passed"])


def test_a_reader_that_left_is_no_error(shim, client):
    os.close(client.out)
    os.close(client.err)
    job = start(shim, client, "sh", "-c", "seq 30000; seq 30000 >&2")
    assert [0, 0] == job.wait().result["passed"]
