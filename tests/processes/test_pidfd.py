"""Only what was proved is signalled."""

import os
import resource
import signal

import pytest

from outlast.core.errors import SystemFault
from outlast.processes import tree
from outlast.processes.identity import Identity, state_of
from outlast.processes.pidfd import has_ended, open_proved, send, send_to_group
from processes.family import identity_of, spawn
from support import eventually


@pytest.fixture
def sleeper():
    return spawn("sleep", "1000", start_new_session=True)


def test_the_right_one_is_signalled(sleeper):
    fd = open_proved(identity_of(sleeper.pid))
    assert fd is not None
    assert not has_ended(fd)
    assert send(fd, signal.SIGTERM)
    assert -signal.SIGTERM == sleeper.wait()
    assert has_ended(fd)
    assert not send(fd, signal.SIGTERM)
    os.close(fd)


@pytest.mark.parametrize("off", [-1, 1, 100_000])
def test_who_has_the_pid_but_not_the_start_is_never_opened(sleeper, off):
    born = identity_of(sleeper.pid)
    assert open_proved(Identity(born.pid, born.start + off)) is None
    assert sleeper.poll() is None


def test_a_zombie_is_gone(sleeper):
    born = identity_of(sleeper.pid)
    sleeper.send_signal(signal.SIGKILL)
    eventually(lambda: "Z" == state_of(born.pid))
    assert open_proved(born) is None
    sleeper.wait()
    assert open_proved(born) is None


def test_a_thread_is_no_process():
    assert open_proved(Identity(0, 1)) is None
    assert open_proved(Identity(-1, 1)) is None


def test_no_descriptor_leaks(sleeper):
    born = identity_of(sleeper.pid)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        open_proved(Identity(born.pid, born.start + 1))
        fd = open_proved(born)
        assert fd is not None
        os.close(fd)
    assert before == len(os.listdir("/proc/self/fd"))


def test_a_group_is_signalled_at_once(sleeper):
    other = spawn("sleep", "1000", process_group=0)
    fd = open_proved(identity_of(sleeper.pid))
    assert fd is not None
    assert send_to_group(fd, sleeper.pid, signal.SIGTERM)
    assert -signal.SIGTERM == sleeper.wait()
    assert other.poll() is None
    assert not send_to_group(fd, sleeper.pid, signal.SIGTERM)
    os.close(fd)


def test_a_kernel_without_group_pidfds(sleeper, monkeypatch):
    def send_old(pidfd, number, siginfo=None, flags=0):
        if flags:
            raise OSError(22, "Invalid argument")

    monkeypatch.setattr("outlast.processes.pidfd._signal.pidfd_send_signal", send_old)
    fd = open_proved(identity_of(sleeper.pid))
    assert fd is not None
    assert send_to_group(fd, sleeper.pid, signal.SIGTERM)
    assert -signal.SIGTERM == sleeper.wait()
    assert not send_to_group(fd, sleeper.pid, signal.SIGTERM)
    os.close(fd)


def test_want_of_descriptors_is_never_taken_for_an_end(sleeper):
    born = identity_of(sleeper.pid)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(SystemFault):
            open_proved(born)
        with pytest.raises(SystemFault):
            tree.snapshot()
        with pytest.raises(SystemFault):
            state_of(born.pid)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
