"""A live standard input: senders come and go, the end comes once, and nobody's death ends it."""

import errno
import os
import signal
import stat
from pathlib import Path

import pytest

from support import eventually

ALL_BYTES = bytes(range(256)) * 1000  # more than a pipe holds


@pytest.fixture
def live(shim):
    return shim.folder / "42.1.stdin"


def start(shim, live, *command, **kwargs):
    """Start a command that reads `live`, and wait until it may be sent to."""
    job = shim.start(*command, options=[b"live=" + os.fsencode(live)], **kwargs)
    job.wait_started()
    return job


def send(live, data):
    """Send as the protocol says: the opening must not block."""
    fd = os.open(live, os.O_WRONLY | os.O_NONBLOCK)
    os.set_blocking(fd, True)
    with open(fd, "wb", 0) as file:
        while data:
            data = data[file.write(data) :]


def end(live):
    os.close(os.open(f"{live}.end", os.O_WRONLY | os.O_NONBLOCK))


def nobody_reads(path):
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
    except OSError as error:
        return error.errno == errno.ENXIO
    return False


def nothing_there(live):
    return [] == [name for name in os.listdir(live.parent) if name.startswith(live.name)]


def test_senders_one_after_the_other_and_one_end(shim, live):
    job = start(shim, live, "cat")
    assert stat.S_ISFIFO(live.stat().st_mode)
    assert [0o600, 0o600] == [stat.S_IMODE(os.stat(f"{live}{suffix}").st_mode) for suffix in ("", ".end")]
    send(live, b"one\n")
    eventually(lambda: b"one\n" == job.raw(), 60)
    send(live, b"two\n")
    eventually(lambda: b"one\ntwo\n" == job.raw(), 60)
    assert job.result is None
    end(live)
    assert 0 == job.wait().result["status"]
    assert b"one\ntwo\n" == job.raw()
    assert nothing_there(live)


def test_bytes_are_bytes(shim, live):
    job = start(shim, live, "cat")
    send(live, ALL_BYTES)
    end(live)
    job.wait()
    assert ALL_BYTES == job.raw()


def test_a_byte_is_an_end_too(shim, live):
    job = start(shim, live, "cat")
    send(live, b"x")
    keep = os.open(f"{live}.end", os.O_WRONLY | os.O_NONBLOCK)
    os.write(keep, b"\0")
    assert 0 == job.wait().result["status"]
    os.close(keep)
    assert b"x" == job.raw()


def test_a_sender_that_is_there_at_the_end_is_heard(shim, live):
    job = start(shim, live, "cat")
    fd = os.open(live, os.O_WRONLY)
    end(live)
    eventually(lambda: nothing_there(live), 60)
    os.write(fd, b"still heard")
    eventually(lambda: b"still heard" == job.raw(), 60)
    assert job.result is None
    os.close(fd)
    assert 0 == job.wait().result["status"]


def test_after_the_end_there_is_no_way_in(shim, live):
    gate = shim.fifo("gate")
    job = start(shim, live, "sh", "-c", f"cat; read x < {gate}")
    end(live)
    eventually(lambda: nothing_there(live), 60)
    assert job.result is None
    for suffix in ("", ".end"):
        with pytest.raises(FileNotFoundError):
            os.open(f"{live}{suffix}", os.O_WRONLY | os.O_NONBLOCK)
    gate.write_bytes(b"\n")
    job.wait()


def test_the_end_before_the_command_looks(shim, live):
    job = shim.start("cat", options=[f"live={live}", "failpoint=after-started:delay=300"])
    job.wait_started()
    send(live, b"early")
    end(live)
    assert 0 == job.wait().result["status"]
    assert b"early" == job.raw()


def test_a_command_that_exits_without_reading(shim, live):
    gate = shim.fifo("gate")
    job = start(shim, live, "sh", "-c", f"read x < {gate}")
    fd = os.open(live, os.O_WRONLY)
    os.write(fd, b"x" * 65536)  # all that the pipe holds
    gate.write_bytes(b"\n")
    assert 0 == job.wait().result["status"]
    with pytest.raises(BrokenPipeError):
        os.write(fd, b"x")
    os.close(fd)
    assert nothing_there(live)


def test_a_command_that_stops_reading(shim, live):
    gate = shim.fifo("gate")
    job = start(shim, live, "sh", "-c", f"exec </dev/null; read x < {gate}")
    eventually(lambda: nobody_reads(live), 60)
    gate.write_bytes(b"\n")
    assert 0 == job.wait().result["status"]


def test_background_children_see_the_end_with_the_command(shim, live):
    job = start(shim, live, "sh", "-c", "cat <&0 & exec 0<&-; read x <&3 3</dev/null; exit 0")
    assert 0 == job.wait().result["status"]
    assert job.result["drained"]


def test_the_fifo_is_read_only_blocking_and_the_only_one(shim, live):
    job = start(shim, live, "sh", "-c", "cat /proc/self/fdinfo/0; ls /proc/self/fd")
    assert 0 == job.wait().result["status"]
    flags = int(job.raw().split(b"flags:")[1].split()[0], 8)
    assert 0 == flags & (os.O_ACCMODE | os.O_NONBLOCK)
    assert [b"0", b"1", b"2", b"3"] == job.raw().rsplit(b"\n", 5)[-5:-1]


@pytest.mark.parametrize("old", ["fifo", "file", "link"])
def test_an_old_one_is_replaced(shim, live, old):
    """As a killed shim leaves it, or a run of this name that never began."""
    other = shim.folder / "other"
    other.write_bytes(b"old")
    for path in (live, Path(f"{live}.end")):
        {"fifo": os.mkfifo, "file": lambda path: path.write_bytes(b"old"), "link": lambda path: path.symlink_to(other)}[old](path)
    job = start(shim, live, "cat")
    send(live, b"new")
    end(live)
    job.wait()
    assert b"new" == job.raw()
    assert b"old" == other.read_bytes()


def test_a_killed_shim_leaves_fifos_without_readers_and_the_command_its_end(shim, live):
    job = start(shim, live, "cat")
    fd = os.open(live, os.O_WRONLY)
    os.kill(job.pid, signal.SIGKILL)
    assert -signal.SIGKILL == job.wait_status()
    eventually(lambda: nobody_reads(f"{live}.end"), 60)  # until `exec` the child has what the shim had
    os.close(fd)  # the last one: the command reads the end and is over
    eventually(lambda: nobody_reads(live), 60)


def test_the_death_of_supervisors_ends_nothing(shim, live):
    fifo = shim.fifo("lifeline")
    reader, writer = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK), os.open(fifo, os.O_WRONLY)
    job = shim.start("cat", options=[f"live={live}", f"home={shim.home}"], lifeline=reader)
    job.wait_started()
    send(live, b"one ")
    os.close(writer)
    os.close(reader)
    send(live, b"two")
    eventually(lambda: b"one two" == job.raw(), 60)
    assert job.result is None
    end(live)
    assert 0 == job.wait().result["status"]


def test_a_fifo_that_cannot_be_made(shim, live):
    job = shim.run("true", options=["live=/no/such/folder/stdin"])
    assert (None, errno.ENOENT, "stdin") == tuple(job.result[key] for key in ("status", "error", "stage"))
    live.mkdir()
    job = shim.run("true", options=[f"live={live}"])
    assert (None, errno.EEXIST, "stdin") == tuple(job.result[key] for key in ("status", "error", "stage"))
    assert job.started is None
    assert not Path(f"{live}.end").exists()


def test_standard_input_closed_at_the_start(shim, live):
    job = shim.start("cat", options=[f"live={live}"], wrapper=("sh", "-c", 'exec "$@" 0<&-', "sh"))
    job.wait_started()
    send(live, b"x")
    end(live)
    assert (0, b"x") == (job.wait().result["status"], job.raw())


def test_live_and_stdin_exclude_each_other(shim, live):
    _, state = shim.new_state()
    try:
        for words in (["stdin=/dev/null", f"live={live}"], [f"live={live}", "stdin=/dev/null"]):
            told = shim.call("run", "output=/tmp/x", "run=1.1", *words, "--", "true")
            assert (2, 1) == (told.returncode, told.stderr.count(b"\n"))
            assert b"stdin" in told.stderr
    finally:
        os.close(state)
    assert nothing_there(live)
