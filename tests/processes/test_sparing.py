"""Who must survive: a job that a job submitted, its supervisor, other users' processes, ourselves."""

import os
import signal
from pathlib import Path

import pytest

from outlast.processes.identity import lives
from outlast.processes.stopping import PATIENCE, Stopping
from outlast.processes.tree import members
from processes.family import FAKE_SHIM, HOUR, MS, Family, actor, field, identity_of, sleepers, spawn, token
from support import eventually

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be several users")
FREEZER = Path("/sys/fs/cgroup/freezer")
NOBODY = 65534


@pytest.fixture
def submitted(tmp_path):
    """A run that submitted another: its family, the supervisor's pid, the second shim's pid, the token of the second run."""
    name, path = token(), tmp_path / "pids"
    family = Family(*actor("submit", path, FAKE_SHIM, "test:second:1", name))
    eventually(path.exists)
    supervisor, shim = map(int, path.read_text().split())
    eventually(lambda: 2 == len(sleepers(name)))
    eventually(lambda: 1 == len(sleepers(f"{name}1")) == len(sleepers(f"{name}2")))
    return family, supervisor, shim, name


def assert_second_run_lives(shim, name):
    assert 2 == len(sleepers(name))
    assert field(shim, 3) not in {"Z", None}


def test_a_job_in_a_job_survives_and_so_does_the_supervisor(submitted):
    family, supervisor, shim, name = submitted
    assert str(family.shim.pid) == field(supervisor, 4)  # a subreaper's: by ancestry it is ours
    stopping = family.stop(at_once=True, spare={supervisor, shim})
    assert 1 == stopping.stopped
    assert [] == sleepers(f"{name}2")
    assert [supervisor] == sleepers(f"{name}1")
    assert_second_run_lives(shim, name)


def test_the_supervisor_alone_spares_what_it_started(submitted):
    family, supervisor, shim, name = submitted
    family.stop(at_once=True, spare={supervisor})
    assert [supervisor] == sleepers(f"{name}1")
    assert_second_run_lives(shim, name)


def test_another_mark_protects_a_run_whose_supervisor_is_gone(submitted):
    family, supervisor, shim, name = submitted
    os.kill(supervisor, signal.SIGKILL)
    eventually(lambda: str(family.shim.pid) == field(shim, 4))
    assert [family.command.pid] == [process.pid for process in members(family.target, ())]
    stopping = family.stop(at_once=True)
    assert 1 == stopping.stopped
    assert_second_run_lives(shim, name)


def test_the_second_can_be_stopped_without_the_first(submitted):
    family, supervisor, shim, name = submitted
    (command,) = {int(field(pid, 4) or 0) for pid in sleepers(name)} - {shim}
    target = family.target.replace(mark=b"test:second:1", command=identity_of(command), shim=identity_of(shim))
    stopping = Stopping(target, {supervisor, shim, family.shim.pid}.copy, signal.SIGTERM, HOUR)
    at = 0
    while (due := stopping.step(at)) is not None:
        at = due
    assert [] == sleepers(name)
    assert lives(family.command)
    assert [supervisor] == sleepers(f"{name}1")
    assert field(shim, 3) not in {"Z", None}


def test_a_group_with_somebody_spared_in_it_is_not_signalled_as_one():
    name = token()
    family = Family("sh", "-c", f"sleep {name} & sleep {name}1 & wait")
    eventually(lambda: 1 == len(sleepers(name)) == len(sleepers(f"{name}1")))
    (spared,) = sleepers(name)
    assert str(family.command.pid) == field(spared, 5)
    stopping = family.stop(at_once=True, spare={spared})
    assert 2 == stopping.stopped
    assert "S" == field(spared, 3)


def test_we_never_end_ourselves():
    """Ourselves by the mark, as a client that runs inside of the job it stops."""
    name = token()
    family = Family("sleep", name)
    target = family.target.replace(shim=identity_of(os.getpid()), command=None, mark=b"")
    other = spawn("sleep", name)
    found = {process.pid for process in members(target, {family.shim.pid})}
    assert os.getpid() not in found
    assert other.pid in found
    assert family.command.pid not in found
    assert other.pid not in {process.pid for process in members(family.target, ())}


def as_nobody(stopping):
    """Drive to the end as an ordinary user, in a child with an invented clock. Returns (stopped, left pids)."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        told = b"it raised"
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            at = 0
            while (due := stopping.step(at)) is not None:
                at = due
            told = repr((stopping.stopped, [pid for pid, _ in stopping.left], stopping.unknown)).encode()
        finally:
            os.write(write, told)
            os._exit(0)
    os.close(write)
    told = os.read(read, 65536)
    os.close(read)
    os.waitpid(child, 0)
    return told.decode()


@root_only
def test_another_users_processes_are_left_and_nothing_is_raised():
    name = token()
    family = Family("sh", "-c", f"sleep {name} & wait")
    eventually(lambda: 1 == len(sleepers(name)))
    (child,) = sleepers(name)
    stopping = Stopping(family.target, set, signal.SIGTERM, 3000 * MS)
    assert repr((0, [family.command.pid, child], "")) == as_nobody(stopping)
    stopping.close()
    assert lives(family.command)


@root_only
def test_what_may_be_ended_is_although_something_is_left():
    name = token()
    family = Family(*actor("of_two_users", name, NOBODY))
    eventually(lambda: 1 == len(sleepers(name)) == len(sleepers(f"{name}1")))
    (left,) = sleepers(name)
    stopping = Stopping(family.target, set, signal.SIGTERM, 0)
    assert repr((1, [left], "")) == as_nobody(stopping)
    stopping.close()
    assert [left] == sleepers(name)
    assert signal.SIGTERM == family.wait()


@root_only
def test_another_users_mark_is_not_read():
    name = token()
    other = spawn("sleep", name, env={"OUTLAST_MARK": "test:foreign:1", "PATH": os.environ["PATH"]})
    eventually(lambda: 1 == len(sleepers(name)))
    target = Family("true").target.replace(mark=b"test:foreign:1")
    stopping = Stopping(target, set, signal.SIGKILL, 0)
    assert "(0, [], '')" == as_nobody(stopping)
    stopping.close()
    assert other.poll() is None


@root_only
@pytest.mark.skipif(not (FREEZER / "tasks").exists(), reason="needs a cgroup freezer of version 1")
def test_who_cannot_be_ended_is_left_after_a_while():
    """A frozen process takes no SIGKILL, like one that waits uninterruptibly for a disk."""
    name = token()
    family = Family("sh", "-c", f"sleep {name} & wait")
    eventually(lambda: 1 == len(sleepers(name)))
    (child,) = sleepers(name)
    group = FREEZER / f"outlast-test-{os.getpid()}"
    group.mkdir()
    try:
        (group / "tasks").write_text(str(child))
        (group / "freezer.state").write_text("FROZEN")
        eventually(lambda: "FROZEN\n" == (group / "freezer.state").read_text())
        stopping = Stopping(family.target, set, signal.SIGTERM, 0)
        at = 0
        while (due := stopping.step(at)) is not None:
            at = due
        assert [(child, "sleep")] == stopping.left
        assert 1 == stopping.stopped
        assert at >= PATIENCE
    finally:
        (group / "freezer.state").write_text("THAWED")
        eventually(lambda: [] == sleepers(name))
        group.rmdir()
