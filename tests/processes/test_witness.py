"""How a command ended whose shim was killed: told by the kernel, or by its zombie, or by nobody, but never invented."""

import os
import signal
import struct

import pytest

from outlast.processes import witness
from outlast.processes.witness import exit_status, open_witness
from processes.family import Family, eventually_zombie, field, identity_of, spawn
from support import eventually

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be another user")
ENDINGS = [("exit 0", 0), ("exit 3", 3 << 8), ("exit 255", 255 << 8), ("kill -TERM $$", signal.SIGTERM), ("kill -KILL $$", signal.SIGKILL)]


@pytest.fixture
def gate(tmp_path):
    """A FIFO: a command that reads it goes on when it is opened."""
    path = tmp_path / "gate"
    os.mkfifo(path)
    return path


def has_get_info():
    fd = os.pidfd_open(os.getpid())
    try:
        return witness._info(fd) is not None
    finally:
        os.close(fd)


def orphaned(gate, ending):
    """A command that kills its shim and ends; it is ours now. Returns the family and the witness, opened while it lived."""
    family = Family("sh", "-c", f"read x < {gate}; kill -KILL $PPID; {ending}")
    pidfd = open_witness(family.command.pid, family.command.start, family.shim.pid)
    assert pidfd is not None
    assert exit_status(pidfd, family.command.pid, family.command.start) is None
    gate.write_text("go\n")
    family.process.wait()
    eventually_zombie(family.command.pid)
    return family, pidfd


@pytest.mark.parametrize(("ending", "status"), ENDINGS)
def test_a_zombie_tells(gate, ending, status):
    family, pidfd = orphaned(gate, ending)
    assert status == exit_status(pidfd, family.command.pid, family.command.start)
    assert status == exit_status(-1, family.command.pid, family.command.start)  # also without a pidfd
    assert exit_status(-1, family.command.pid, family.command.start + 1) is None
    os.close(pidfd)


@pytest.mark.skipif(not has_get_info(), reason="needs PIDFD_GET_INFO (Linux 6.15)")
@pytest.mark.parametrize(("ending", "status"), ENDINGS)
def test_the_kernel_tells_after_it_was_reaped(gate, ending, status):
    family, pidfd = orphaned(gate, ending)
    assert (family.command.pid, status) == os.waitpid(family.command.pid, 0)
    assert status == exit_status(pidfd, family.command.pid, family.command.start)
    assert exit_status(-1, family.command.pid, family.command.start) is None
    os.close(pidfd)


def test_a_kernel_that_cannot_tell(gate, monkeypatch):
    monkeypatch.setattr(witness, "_GET_INFO", 0xC040FFFF)
    family, pidfd = orphaned(gate, "exit 3")
    assert 3 << 8 == exit_status(pidfd, family.command.pid, family.command.start)
    os.waitpid(family.command.pid, 0)
    assert exit_status(pidfd, family.command.pid, family.command.start) is None
    os.close(pidfd)


def test_only_the_command_itself_is_a_witness():
    child = spawn("sleep", "1000")
    born = identity_of(child.pid)
    assert open_witness(born.pid, born.start + 1, os.getpid()) is None
    assert open_witness(2**22 + 17, born.start, os.getpid()) is None
    assert open_witness(2**40, born.start, os.getpid()) is None
    assert open_witness(0, born.start, os.getpid()) is None
    pidfd = open_witness(born.pid, born.start, 1)  # its shim may be gone: the start time proves it
    assert pidfd is not None
    os.close(pidfd)


@pytest.mark.skipif(not has_get_info(), reason="needs PIDFD_GET_INFO (Linux 6.15)")
def test_reaped_while_we_look_its_parent_proves_it(monkeypatch):
    child = spawn("sleep", "1000")
    monkeypatch.setattr(witness, "look", lambda pid: None)
    pidfd = open_witness(child.pid, 1, os.getpid())
    assert pidfd is not None
    os.close(pidfd)
    assert open_witness(child.pid, 1, os.getpid() + 1) is None


def test_a_stopped_process_has_not_ended():
    child = spawn("sleep", "1000")
    born = identity_of(child.pid)
    child.send_signal(signal.SIGSTOP)
    eventually(lambda: "T" == field(child.pid, 3))
    assert exit_status(-1, born.pid, born.start) is None


@root_only
def test_a_status_that_we_may_not_see_is_not_a_success():
    """For an ordinary user the kernel writes 0 into the last field of another user's zombie."""
    child = spawn("false")
    born = identity_of(child.pid)
    eventually_zombie(born.pid)
    assert 1 << 8 == exit_status(-1, born.pid, born.start)
    reader, writer = os.pipe()
    looker = os.fork()
    if looker == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            told = exit_status(-1, born.pid, born.start)
            os.write(writer, repr((told, field(born.pid, 52))).encode())
        finally:
            os._exit(0)
    os.close(writer)
    assert "(None, '0')" == os.read(reader, 100).decode()
    os.close(reader)
    os.waitpid(looker, 0)


def test_the_layout_of_the_kernels_answer():
    assert 64 == witness._INFO.size
    assert 60 == struct.calcsize("=QQ11I")
