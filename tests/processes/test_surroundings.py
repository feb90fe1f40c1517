"""What is taken of the submitter is all there, is plain JSON, and taking it changes nothing."""

import json
import os
import resource
import subprocess
import sys

import pytest

from outlast.processes import surroundings as module
from outlast.processes.identity import pid_namespace
from outlast.processes.surroundings import surroundings, umask
from processes.family import spawn


def test_everything_is_there():
    found = surroundings()
    assert ["umask", "nice", "affinity", "rlimits", "pidns"] == list(found)
    assert found == json.loads(json.dumps(found))
    assert os.nice(0) == found["nice"]
    assert os.sched_getaffinity(0) == set(found["affinity"])
    assert pid_namespace() == found["pidns"]
    numbers = {getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")}
    assert numbers == {int(number) for number in found["rlimits"]}
    for number, limits in found["rlimits"].items():
        assert resource.getrlimit(int(number)) == tuple(limits)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o777])
def test_the_umask_is_told_and_stays(mask):
    before = os.umask(mask)
    try:
        assert mask == umask()
        assert mask == umask()
    finally:
        assert mask == os.umask(before)


def test_the_umask_without_proc(monkeypatch):
    def no_proc(*_):
        raise OSError(2, "No such file or directory")

    before = os.umask(0o027)
    try:
        monkeypatch.setattr(module.os, "open", no_proc)
        assert 0o027 == umask()
        monkeypatch.undo()
        assert 0o027 == umask()
    finally:
        os.umask(before)


def test_limits_are_soft_and_hard_and_minus_one_is_infinity():
    code = "from outlast.processes.surroundings import surroundings; print(surroundings()['rlimits'])"
    limits = "ulimit -S -n 64; ulimit -H -n 128; ulimit -S -c 0; exec "
    shell = spawn("sh", "-c", f'{limits} "$0" -c "$1"', sys.executable, code, stdout=subprocess.PIPE)
    found = eval(shell.communicate()[0])
    assert [64, 128] == found[str(resource.RLIMIT_NOFILE)]
    assert 0 == found[str(resource.RLIMIT_CORE)][0]
    assert all(limit >= -1 for pair in found.values() for limit in pair)


def test_it_imports_next_to_nothing():
    code = """if 1:
        import sys, os, resource
        before = set(sys.modules)
        import outlast.processes.surroundings
        print(*set(sys.modules) - before)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert {"outlast", "outlast.processes", "outlast.processes.surroundings"} == set(done.stdout.split())
