"""A pid and a start time are one process for ever."""

import ctypes
import os
from pathlib import Path

import pytest

from outlast.processes import identity, procfs
from outlast.processes.identity import Identity, lives, me, start_of, state_of
from processes.family import field, identity_of, spawn
from support import eventually

PR_SET_NAME = 15
NOBODY = 2**22 + 17  # above the largest pid there can be


def test_we_live():
    assert Identity(os.getpid(), int(field(os.getpid(), 22) or 0)) == me()
    assert lives(me())
    assert "R" == state_of(os.getpid())


def test_another_start_is_another_process():
    assert not lives(Identity(os.getpid(), me().start + 1))
    assert not lives(Identity(os.getpid(), me().start - 1))


def test_nobody():
    assert start_of(NOBODY) is None
    assert state_of(NOBODY) is None
    assert not lives(Identity(NOBODY, 1))


def test_identities_are_values():
    assert Identity(1, 2) == Identity(pid=1, start=2)
    assert {Identity(1, 2)} == {Identity(1, 2), Identity(1, 2)}
    assert Identity(1, 2) != Identity(1, 3)


def test_a_zombie_is_dead_but_has_its_start():
    process = spawn("true")
    born = identity_of(process.pid)
    eventually(lambda: "Z" == state_of(process.pid))
    assert not lives(born)
    assert born.start == start_of(process.pid)
    process.wait()
    assert start_of(process.pid) is None


@pytest.mark.parametrize("name", [b"a b", b") S 1 1 1", b"((", b"))", b") Z (", b"\xff\xfe", b"a\nb"])
def test_names_with_everything_in_them(name):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        ctypes.CDLL(None).prctl(PR_SET_NAME, name, 0, 0, 0)
        os.write(write, b"x")
        os.read(read, 1) if os.close(write) else os.read(os.pipe()[0], 1)
    os.read(read, 1)
    process = procfs.look(child)
    assert process is not None
    assert (child, os.getpid(), os.getpgrp(), os.getsid(0)) == (process.pid, process.ppid, process.pgrp, process.session)
    assert name.decode("utf-8", "replace") == process.comm
    assert process.alive
    os.close(read)
    os.close(write)


def test_a_process_whose_first_thread_has_ended_lives():
    raw = Path("/proc/self/stat").read_bytes()
    head, _, tail = raw.rpartition(b")")
    fields = tail.split()
    fields[0] = b"Z"
    for threads, alive in ((b"2", True), (b"1", False)):
        fields[17] = threads
        assert alive == procfs.parse(1, head + b") " + b" ".join(fields) + b"\n").alive


def test_boot_and_namespace():
    assert Path("/proc/sys/kernel/random/boot_id").read_text().strip() == identity.boot_id()
    assert f"pid:[{identity.pid_namespace()}]" == str(Path("/proc/self/ns/pid").readlink())


def test_marks():
    process = spawn("sleep", "1000", env={"XOUTLAST_MARK": "no", "OUTLAST_MARK": "a:1:1", "OUTLAST_MARKX": "no"})
    assert b"a:1:1" == eventually(lambda: procfs.mark_of(process.pid) or False)
    bare = spawn("sleep", "1000", env={"NOTE": "\nOUTLAST_MARK=no"})
    eventually(lambda: "sleep" == procfs.look(bare.pid).comm)
    assert b"" == procfs.mark_of(bare.pid)
    assert b"" == procfs.mark_of(NOBODY)


def test_a_mark_behind_a_large_environment_is_found():
    env = {f"LARGE{n}": "x" * 100_000 for n in range(8)} | {"OUTLAST_MARK": "b:2:2"}
    process = spawn("sleep", "1000", env=env)
    assert b"b:2:2" == eventually(lambda: procfs.mark_of(process.pid) or False)
