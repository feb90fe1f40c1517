"""Processes that multiply or move on faster than anybody looks are gone at the end, too."""

import os
import signal
import sys

import pytest

from outlast.processes.procfs import children_of, look
from outlast.processes.tree import members, snapshot_below
from processes.family import Family, actor, descendants, field, pids, sleepers, spawn, token
from support import eventually

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to set up a user with few processes")


def living_below(pid):
    """Return who lives below `pid`, by an own reading."""
    parents = {each: int(field(each, 4) or 0) for each in pids() if field(each, 3) not in {"Z", None}}
    found, new = set(), {pid}
    while new:
        new = {each for each, parent in parents.items() if parent in new} - found
        found |= new
    return found


def assert_nobody_lives_below_the_shim(family):
    family.assert_shim_lives()
    assert set() == living_below(family.shim.pid)
    assert set() == living_below(family.shim.pid)
    assert 0 == sum(field(pid, 3) not in {"Z", None} for pid in children_of(look(family.shim.pid)))


@root_only
@pytest.mark.parametrize("way", ["session", "setsid"])
def test_a_fork_bomb(way):
    """Each process forks for ever, up to what its user may have."""
    uid = 60_000 + os.getpid() % 5000
    family = Family(*actor("breed", way, uid, 60))
    eventually(lambda: 60 == len(living_below(family.shim.pid)))
    stopping = family.stop(at_once=True)
    assert ([], "") == (stopping.left, stopping.unknown)
    assert stopping.stopped >= 60
    assert_nobody_lives_below_the_shim(family)


@pytest.mark.parametrize("way", ["session", "setsid"])
@pytest.mark.parametrize("number", [1, 5])
def test_processes_that_fork_and_exit_for_ever(tmp_path, way, number):
    family = Family(*actor("comets", way, number, tmp_path / "ready"))
    eventually((tmp_path / "ready").exists)
    stopping = family.stop(at_once=True)
    assert ([], "") == (stopping.left, stopping.unknown)
    assert stopping.stopped > number
    assert_nobody_lives_below_the_shim(family)


def test_a_command_that_itself_moves_on_for_ever():
    """Its command has ended long since: nothing but the shim's children tells of it."""
    family = Family(*actor("comet", "setsid"))
    family.wait()
    assert family.stop(at_once=True).stopped >= 1
    assert_nobody_lives_below_the_shim(family)


def test_a_shell_that_starts_without_end():
    name = token()
    family = Family("sh", "-c", f"ulimit -c 0; i=0; while [ $i -lt 2000 ]; do sleep {name} & i=$((i+1)); done; wait")
    eventually(lambda: len(sleepers(name)) > 10)
    stopping = family.stop(at_once=True)
    assert [] == sleepers(name)
    assert stopping.stopped > 10
    assert signal.SIGKILL == family.wait()


def test_the_glance_sees_what_is_below():
    name = token()
    family = Family("sh", "-c", f"sleep {name} & setsid -f sleep {name}; wait")
    eventually(lambda: 2 == len(sleepers(name)))

    def seen() -> None:  # `setsid -f` is one process more, for a moment
        found, whole = snapshot_below(look(family.shim.pid))
        assert whole
        assert {family.shim.pid, family.command.pid, *sleepers(name)} == set(found)

    eventually(seen)
    assert {family.command.pid, *sleepers(name)} == {process.pid for process in members(family.target, ())}


def test_children_of_every_thread_are_seen():
    code = "import subprocess, threading, time; t = threading.Thread(target=subprocess.run, args=(['sleep', '1000'],)); t.start(); t.join()"
    parent = spawn(sys.executable, "-c", code)
    (child,) = eventually(lambda: [pid for pid in descendants() if field(pid, 4) == str(parent.pid)] or False)
    assert [child] == children_of(look(parent.pid))
    assert [] == children_of(look(child))
