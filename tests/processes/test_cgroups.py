"""Cgroups of runs: where ours is, and on a machine that has some to give, real ones."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from outlast.processes import cgroups
from outlast.processes.cgroups import LEAF, Delegation, oom_kills, place, remove

MOUNT = "29 23 0:26 {root} {point} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
V1 = "30 23 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"


@pytest.mark.parametrize(
    ("cgroup", "mountinfo", "expected"),
    [
        ("0::/user.slice/a.service\n", MOUNT.format(root="/", point="/sys/fs/cgroup"), ("/sys/fs/cgroup/user.slice/a.service", False)),
        ("4:memory:/x\n0::/\n", f"{V1}\n{MOUNT.format(root='/', point='/sys/fs/cgroup/unified')}", ("/sys/fs/cgroup/unified", True)),
        ("0::/docker/abc\n", MOUNT.format(root="/docker/abc", point="/sys/fs/cgroup"), ("/sys/fs/cgroup", True)),
        ("0::/docker/abc/x\n", MOUNT.format(root="/docker/abc", point="/sys/fs/cgroup"), ("/sys/fs/cgroup/x", False)),
        ("0::/docker/abcd\n", MOUNT.format(root="/docker/abc", point="/sys/fs/cgroup"), None),
        ("0::/a\n", MOUNT.format(root="/", point="/mnt/a\\040b"), ("/mnt/a b/a", False)),
        ("0::/../other\n", MOUNT.format(root="/", point="/sys/fs/cgroup"), None),
        ("4:memory:/x\n", MOUNT.format(root="/", point="/sys/fs/cgroup"), None),
        ("0::/a\n", V1, None),
        ("", "", None),
    ],
)
def test_where_it_is(cgroup, mountinfo, expected):
    assert expected == place(cgroup, mountinfo)


def test_the_root_of_the_machine_and_what_is_not_marked_are_not_ours(tmp_path):
    own = tmp_path / "a.service"
    own.mkdir()
    assert cgroups._delegated(str(own), True) is None
    (own / "cgroup.events").touch()
    (own / "cgroup.subtree_control").touch()
    assert cgroups._delegated(str(own), False) is None
    assert str(own) == cgroups._delegated(str(own), True)
    assert str(own) == cgroups._delegated(str(own / LEAF), False)


def test_the_mark_of_systemd(tmp_path):
    own = tmp_path / "a.service"
    (own / "main").mkdir(parents=True)
    for path in (own, own / "main"):
        (path / "cgroup.events").touch()
        (path / "cgroup.subtree_control").touch()
    try:
        os.setxattr(own, "user.delegate", b"1")
    except OSError:
        pytest.skip("the file system keeps no attributes")
    assert str(own) == cgroups._delegated(str(own), False)
    assert str(own) == cgroups._delegated(str(own / "main"), False)
    (own / "b.scope").mkdir()
    (own / "b.scope" / "cgroup.events").touch()
    assert cgroups._delegated(str(own / "b.scope"), False) is None  # of the manager that `own` was delegated to


def test_settings_and_what_is_missing(tmp_path):
    """A plain directory stands for a cgroup that is there."""
    one = Delegation(str(tmp_path), ("memory",))
    path = tmp_path / "42.1"
    path.mkdir()
    (path / "memory.max").write_text("max")
    settings = {"memory.max": "1000", "memory.swap.max": "0", "memory.oom.group": "1"}
    assert str(path) == one.make("42.1", settings)
    assert "1000" == (path / "memory.max").read_text()[:4]
    assert ["memory.max"] == os.listdir(path)
    with pytest.raises(FileNotFoundError):
        one.make("43.1", {"pids.max": "5"})
    assert not (tmp_path / "43.1").exists()


def test_what_the_kernel_has_killed(tmp_path):
    (tmp_path / "memory.events").write_text("low 0\nhigh 0\nmax 7\noom 2\noom_kill 3\noom_group_kill 1\n")
    assert 3 == oom_kills(str(tmp_path))
    assert 0 == oom_kills(str(tmp_path / "nowhere"))


def test_what_was_used(tmp_path):
    assert (None, None) == (cgroups.cpu(str(tmp_path)), cgroups.peak(str(tmp_path), "pids"))
    (tmp_path / "cpu.stat").write_text("usage_usec 1500\nuser_usec 1000\nsystem_usec 500\n")
    (tmp_path / "pids.peak").write_text("7\n")
    (tmp_path / "memory.peak").write_text("no number\n")
    assert 1_500_000 == cgroups.cpu(str(tmp_path))
    assert (7, None) == (cgroups.peak(str(tmp_path), "pids"), cgroups.peak(str(tmp_path), "memory"))


def test_the_cpu_time_of_those_that_nobody_waited_for(base):
    """Of a real cgroup: the kernel needs no controller for that."""
    burn = "end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    code = f"""
import os, signal, time
open("{base}/cgroup.procs", "w").write("0")
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
if not os.fork():
    exec({burn!r})
    os._exit(0)
try:
    os.wait()
except ChildProcessError:
    pass
from outlast.processes import cgroups
from outlast.processes.usage import cpu_of_cgroup
print(cgroups.of(os.getpid()))
print(cpu_of_cgroup(os.getpid(), "another"))
print(cpu_of_cgroup(os.getpid(), "{base.name}"))
print(sum(os.times()[:4]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    own, another, cpu, waited_for = done.stdout.decode().split()
    assert (str(base), "None") == (own, another)
    assert 0.25e9 <= int(cpu) <= 5e9
    assert int(cpu) / 1e9 >= float(waited_for) + 0.25


def test_removing(tmp_path):
    (tmp_path / "one").mkdir()
    assert remove(str(tmp_path / "one"))
    assert remove(str(tmp_path / "one"))
    (tmp_path / "two" / "three").mkdir(parents=True)
    assert not remove(str(tmp_path / "two"))


def test_whatever_this_machine_is_looking_does_no_harm():
    """In a process of its own, which may be moved."""
    code = "from outlast.processes.cgroups import Delegation; print(Delegation.find())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (0, b"") == (done.returncode, done.stderr)


@pytest.fixture
def base():
    """A cgroup of version 2 that is ours and has controllers to give."""
    points = re.findall(r"^\S+ \S+ \S+ / (\S+) .* - cgroup2 ", Path("/proc/self/mountinfo").read_text(), re.MULTILINE)
    if os.geteuid() or not points:
        pytest.skip("needs root and cgroups of version 2")
    path = Path(points[0]) / f"outlast-test-{os.getpid()}"
    try:
        path.mkdir()
    except OSError:
        pytest.skip("no cgroup can be made here")
    yield path
    for folder in (*path.iterdir(), path):
        if folder.is_dir():
            folder.rmdir()


def test_a_real_one(base):
    """A process goes there, takes it, gives children of it to others, and is in a leaf then."""
    if not set((base / "cgroup.controllers").read_text().split()) & set(cgroups.CONTROLLERS):
        pytest.skip("no controller of ours is to be had")
    code = f"""
import os, signal
from outlast.processes.cgroups import Delegation, remove
open("{base}/cgroup.procs", "w").write("0")
one = Delegation.take("{base}")
print(*one.controllers)
print(open("/proc/self/cgroup").read().split("0::")[1].strip())
again = Delegation.take("{base}")
assert again.controllers == one.controllers
settings = {{"pids.max": "5"}} if "pids" in one.controllers else {{}}
path = one.make("42.1", settings)
print(os.path.exists(path + "/pids.max") and open(path + "/pids.max").read().strip())
if os.fork() == 0:
    open(path + "/cgroup.procs", "w").write("0")
    count = 0
    try:
        while os.fork():
            count += 1
            assert count < 100
        signal.pause()
    except OSError:
        print(count, flush=True)
        open(path + "/cgroup.kill", "w").write("1")
os.wait()
while not remove(path):
    pass
print("removed")
"""
    done = subprocess.run([sys.executable, "-u", "-c", code], capture_output=True, check=False, timeout=60)
    assert b"" == done.stderr
    controllers, own, *rest = done.stdout.decode().splitlines()
    assert own.endswith(f"/{base.name}/{LEAF}")
    assert "removed" == rest[-1]
    if "pids" in controllers.split():
        assert ["5", "4", "removed"] == rest


def test_it_is_not_taken_from_others(base):
    """Controllers cannot be enabled while others are inside; they are left where they are."""
    code = f"""
import os, sys
from outlast.processes.cgroups import Delegation
open("{base}/cgroup.procs", "w").write("0")
child = os.fork()
if child == 0:
    sys.stdin.read()
    os._exit(0)
print(Delegation.take("{base}"))
print(open("/proc/self/cgroup").read().split("0::")[1].strip())
"""
    with subprocess.Popen([sys.executable, "-u", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        told, _ = process.communicate()
    assert b"None" == told.splitlines()[0]
    assert told.splitlines()[1].endswith(base.name.encode())
