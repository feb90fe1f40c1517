"""The watch over files, on real ones: told at once by the kernel, within a second or two by polling, and never for nothing."""

import errno
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conditions.conftest import Driven
from outlast.conditions import inotify
from outlast.conditions.files import FileWatch

SOON = 1.0
POLLED = 5.0  # a second, and what a busy machine adds


class Told:
    """Counts how often it was called."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1

    def again(self) -> bool:
        """Tell whether it was called since the last time it was asked."""
        times, self.times = self.times, 0
        return times > 0


@pytest.fixture(params=["kernel", "polls"])
def files(request: pytest.FixtureRequest, loop: Driven) -> Iterator[FileWatch]:
    watch = FileWatch(loop, only_polls=request.param == "polls")
    yield watch
    watch.close()


@pytest.fixture
def told_files(loop: Driven) -> Iterator[FileWatch]:
    """One that relies on the kernel."""
    watch = FileWatch(loop)
    yield watch
    watch.close()


def patience(files: FileWatch) -> float:
    return POLLED if files._only_polls else SOON


def settle(loop: Driven, told: Told) -> None:
    """Let what is under way be told, and forget it."""
    loop.idle(50)
    told.again()


def test_a_file_that_comes_and_goes(files, loop, tmp_path):
    told = Told()
    files.watch(str(tmp_path / "in.csv"), told)
    assert 0 == loop.idle(30)
    (tmp_path / "in.csv").touch()
    loop.until(told.again, patience(files))
    (tmp_path / "in.csv").unlink()
    loop.until(told.again, patience(files))


def test_a_file_that_is_moved_to_its_name(files, loop, tmp_path):
    told = Told()
    files.watch(str(tmp_path / "in.csv"), told)
    (tmp_path / "part").touch()
    loop.idle(30)
    told.again()
    (tmp_path / "part").rename(tmp_path / "in.csv")
    loop.until(told.again, patience(files))
    (tmp_path / "in.csv").rename(tmp_path / "elsewhere")
    loop.until(told.again, patience(files))


def test_directories_that_are_not_there_yet(files, loop, tmp_path):
    told = Told()
    path = tmp_path / "a" / "b" / "c" / "in.csv"
    files.watch(str(path), told)
    (tmp_path / "a").mkdir()
    loop.idle(30)
    (tmp_path / "a" / "b").mkdir()
    loop.idle(30)
    (tmp_path / "a" / "b" / "c").mkdir()
    settle(loop, told)
    path.touch()
    loop.until(told.again, patience(files))


def test_directories_that_come_faster_than_we_look(files, loop, tmp_path):
    told = Told()
    path = tmp_path / "a" / "b" / "c" / "in.csv"
    files.watch(str(path), told)
    path.parent.mkdir(parents=True)
    path.touch()
    loop.until(told.again, patience(files))


def test_a_directory_that_is_renamed_and_made_anew(files, loop, tmp_path):
    told = Told()
    path = tmp_path / "a" / "b" / "in.csv"
    path.parent.mkdir(parents=True)
    path.touch()
    files.watch(str(path), told)
    loop.idle(30)
    (tmp_path / "a").rename(tmp_path / "old")  # not its own directory, but the one above
    loop.until(told.again, patience(files))
    path.parent.mkdir(parents=True)
    settle(loop, told)
    path.touch()
    loop.until(told.again, patience(files))


def test_a_directory_that_is_removed_and_made_anew(files, loop, tmp_path):
    told = Told()
    path = tmp_path / "a" / "in.csv"
    path.parent.mkdir()
    path.touch()
    files.watch(str(path), told)
    shutil.rmtree(path.parent)
    loop.until(told.again, patience(files))
    path.parent.mkdir()
    path.touch()
    loop.until(told.again, patience(files))


def test_a_link_to_a_directory_that_is_turned(files, loop, tmp_path):
    told = Told()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "current").symlink_to("one")
    files.watch(str(tmp_path / "current" / "in.csv"), told)
    (tmp_path / "one" / "in.csv").touch()
    loop.until(told.again, patience(files))
    (tmp_path / "next").symlink_to(tmp_path / "two")
    (tmp_path / "next").rename(tmp_path / "current")
    loop.until(told.again, patience(files))
    (tmp_path / "two" / "in.csv").touch()
    loop.until(told.again, patience(files))


def test_a_file_that_is_a_link(files, loop, tmp_path):
    told = Told()
    (tmp_path / "there").mkdir()
    (tmp_path / "in.csv").symlink_to("there/first")
    (tmp_path / "there" / "first").symlink_to("../second")
    files.watch(str(tmp_path / "in.csv"), told)
    assert 0 == loop.idle(30)
    (tmp_path / "second").touch()
    loop.until(told.again, patience(files))
    (tmp_path / "second").unlink()
    loop.until(told.again, patience(files))
    (tmp_path / "there" / "first").unlink()
    settle(loop, told)
    (tmp_path / "there" / "first").touch()
    loop.until(told.again, patience(files))


def test_links_in_a_circle(files, loop, tmp_path):
    told = Told()
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    files.watch(str(tmp_path / "a"), told)
    files.watch(str(tmp_path / "a" / "in.csv"), told)
    loop.idle(30)
    (tmp_path / "b").unlink()
    (tmp_path / "b").mkdir()
    loop.until(told.again, POLLED)


def test_dots_and_slashes_in_a_path(files, loop, tmp_path):
    told = Told()
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real/deep")
    files.watch(f"{tmp_path}/link/..//./in.csv/", told)  # in real, not beside the link
    (tmp_path / "real" / "in.csv").mkdir()
    loop.until(told.again, patience(files))


def test_a_name_that_is_no_utf8(files, loop, tmp_path):
    told = Told()
    name = os.path.join(os.fsencode(tmp_path), b"\xff\xfe")
    files.watch(os.fsdecode(name), told)
    os.close(os.open(name, os.O_CREAT))
    loop.until(told.again, patience(files))


def test_the_root(files, loop):
    told = Told()
    files.watch("/", told)
    assert 0 == loop.idle(30)
    assert not told.again()


def test_what_is_forgotten_is_not_told(files, loop, tmp_path):
    told, other = Told(), Told()
    files.watch(str(tmp_path / "in.csv"), told)
    files.watch(str(tmp_path / "in.csv"), other)
    (tmp_path / "in.csv").touch()
    files.forget(str(tmp_path / "in.csv"), told)
    loop.until(other.again, patience(files))
    assert not told.again()
    files.forget(str(tmp_path / "in.csv"), other)
    files.forget(str(tmp_path / "in.csv"), other)
    assert ({}, {}, {}, set()) == (files._entries, files._places, files._watched, files._polled)
    if files._kernel is not None:
        assert "inotify wd" not in Path(f"/proc/self/fdinfo/{files._kernel.fd}").read_text()


def test_one_that_is_forgotten_by_another(told_files, loop, tmp_path):
    """Each of two has the other one forgotten: only one of them is told."""
    path = str(tmp_path / "in.csv")
    calls = []

    def one() -> None:
        calls.append("one")
        told_files.forget(path, two)

    def two() -> None:
        calls.append("two")
        told_files.forget(path, one)

    told_files.watch(path, one)
    told_files.watch(path, two)
    (tmp_path / "in.csv").touch()
    loop.until(lambda: calls, SOON)
    loop.idle(20)
    assert 1 == len(calls)


def test_told_once_a_round(told_files, loop, tmp_path):
    told = Told()
    for name in ("a", "b", "c"):
        told_files.watch(str(tmp_path / name), told)
    for _ in range(20):
        for name in ("a", "b", "c"):
            (tmp_path / name).touch()
            (tmp_path / name).unlink()
    loop.until(lambda: told.times, SOON)
    assert 1 == told.times


def test_open_and_close(told_files, loop, tmp_path):
    path = tmp_path / "in.csv"
    told, existence = Told(), Told()
    told_files.watch(str(path), told, opens=True)
    told_files.watch(str(path), existence)
    with path.open("w"):
        loop.until(told.again, SOON)
        settle(loop, existence)
        with path.open():
            loop.until(told.again, SOON)
        loop.until(told.again, SOON)
    loop.until(told.again, SOON)
    path.rename(tmp_path / "old")  # another file now
    path.touch()
    settle(loop, told)
    with path.open("a"):
        loop.until(told.again, SOON)
    settle(loop, told)
    assert 0 == loop.idle(30)


def test_open_and_close_through_a_link(told_files, loop, tmp_path):
    told = Told()
    (tmp_path / "real").touch()
    (tmp_path / "in.csv").symlink_to("real")
    told_files.watch(str(tmp_path / "in.csv"), told, opens=True)
    assert 0 == loop.idle(20)
    with (tmp_path / "real").open():
        loop.until(told.again, SOON)


def test_use_is_looked_at_at_each_poll(loop, tmp_path):
    files = FileWatch(loop, only_polls=True)
    told = Told()
    (tmp_path / "in.csv").touch()
    files.watch(str(tmp_path / "in.csv"), told, opens=True)
    for _ in range(2):
        assert loop.until(told.again, POLLED) > 0.5
    files.close()


def test_a_storm_of_other_names(told_files, loop, tmp_path):
    """One read for a batch of events, nobody is told, and nothing is looked up in the file system."""
    told = Told()
    told_files.watch(str(tmp_path / "in.csv"), told)
    for number in range(1000):
        (tmp_path / f"other{number}").touch()
    looked = []
    with pytest.MonkeyPatch.context() as patch:
        for name in ("stat", "lstat", "readlink"):
            real = getattr(os, name)
            patch.setattr(os, name, lambda *args, real=real: looked.append(args) or real(*args))
        assert 1 == loop.idle(20)
    assert [] == looked
    assert 0 == told.times


def test_an_overflow_of_the_kernels_queue(told_files, loop, tmp_path):
    """What was lost is looked for: all are told, and directories that came unseen are found."""
    told, other = Told(), Told()
    path = tmp_path / "a" / "in.csv"
    told_files.watch(str(path), told)
    told_files.watch(str(tmp_path / "never"), other)
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    first, second = tmp_path / "x", tmp_path / "y"
    first.touch()
    for _ in range(limit // 2 + 10):
        os.rename(first, second)
        first, second = second, first
    path.parent.mkdir()
    loop.until(lambda: other.times, POLLED)
    loop.idle(50)
    told.again()
    path.touch()
    loop.until(told.again, SOON)


def test_no_watches_left(loop, tmp_path, monkeypatch):
    """The kernel's limit belongs to the user, so other tests would meet it, too: the answer is made here, all else is real."""
    real = inotify.Inotify.add
    full = True

    def add(self, path, mask):
        if full and path.startswith(os.fsencode(tmp_path)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(self, path, mask)

    monkeypatch.setattr(inotify.Inotify, "add", add)
    monkeypatch.setattr("outlast.conditions.files.TRY_AGAIN", 1)
    files = FileWatch(loop)
    told = Told()
    files.watch(str(tmp_path / "in.csv"), told)
    (tmp_path / "in.csv").touch()
    loop.until(told.again, POLLED)
    assert 1 == len(files._polled)
    full = False
    loop.until(lambda: not files._polled, POLLED)
    settle(loop, told)
    (tmp_path / "in.csv").unlink()
    loop.until(told.again, SOON)
    files.close()


def test_no_instance_left(loop, tmp_path, monkeypatch):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = FileWatch(loop)
    told = Told()
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        files.watch(str(tmp_path / "in.csv"), told)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    (tmp_path / "in.csv").touch()
    loop.until(told.again, POLLED)
    files.close()


def test_what_inotify_does_not_see_is_polled(loop, tmp_path):
    """In /proc, as in network file systems, things come and go without a word."""
    files = FileWatch(loop)
    told = Told()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        files.watch(f"/proc/{child.pid}/cwd", told)
        child.communicate(b"\n")
    loop.until(told.again, POLLED)
    (tmp_path / "link").symlink_to("/proc/self/no such name")
    files.watch(str(tmp_path / "link"), told)
    assert {b"/proc/self", b"/proc/%d" % child.pid} == {place.path for place in files._polled}
    files.close()


def test_no_polls_for_nothing(told_files, loop, tmp_path):
    told_files.watch(str(tmp_path / "a" / "in.csv"), Told())
    assert 0 == loop.idle(1200)


MOUNTED = """
import os, subprocess, sys
from pathlib import Path
from outlast.conditions.files import FileWatch
from outlast.supervisor.loop import Loop
loop = Loop()
files = FileWatch(loop)
told = []
target = Path(sys.argv[1])
files.watch(f"{target}/in.csv", lambda: told.append(1))
def heard(what):
    told.clear()
    what()
    while not told:
        loop.wait(None)
heard(lambda: subprocess.run(["mount", "-t", "tmpfs", "none", target], check=True))
heard((target / "in.csv").touch)
heard(lambda: subprocess.run(["umount", target], check=True))
heard((target / "in.csv").touch)
"""


def test_a_file_system_that_is_mounted_there(tmp_path):
    """In mounts of its own: other tests are not told of it."""
    own = ["unshare", "--mount"]
    if subprocess.run([*own, "mount", "-t", "tmpfs", "none", tmp_path], capture_output=True, check=False).returncode:
        pytest.skip("may not mount")
    subprocess.run([*own, sys.executable, "-c", MOUNTED, tmp_path], check=True, timeout=30)


ORDINARY = """
import os, sys
from outlast.conditions import inotify
from outlast.conditions.files import FileWatch
from outlast.supervisor.loop import Loop
top = sys.argv[1]
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
loop = Loop()
files = FileWatch(loop)
told = []
files.watch(top + "/closed/mine/in.csv", lambda: told.append(1))
print(len(files._polled), flush=True)
files.watch(top + "/closed/in.csv", lambda: told.append(2))
print(len(files._polled), flush=True)
while sorted(set(told)) != [1, 2]:
    loop.wait(None)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_directory_that_may_be_passed_but_not_read(short_path):
    short_path.chmod(0o755)
    closed = short_path / "closed"
    (closed / "mine").mkdir(parents=True)
    closed.chmod(0o711)
    (closed / "mine").chmod(0o755)
    with subprocess.Popen([sys.executable, "-c", ORDINARY, short_path], stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            assert ["0\n", "1\n"] == [child.stdout.readline(), child.stdout.readline()]
            (closed / "mine" / "in.csv").touch()
            (closed / "in.csv").touch()
            assert 0 == child.wait(20)
        finally:
            child.kill()


COST = """
import gc, os, resource, sys
from outlast.conditions.files import FileWatch
from outlast.supervisor.loop import Loop
top = sys.argv[1]
def kib():
    gc.collect()
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
loop = Loop()
files = FileWatch(loop)
called = lambda: None
files.watch(f"{top}/d0/first", called)
before = kib()
for n in range(10000):
    files.watch(f"{top}/d{n % 10}/file-of-some-length-{n}.csv", called)
print(kib() - before, len(files._watched), end=" ")
def cpu():
    told = resource.getrusage(resource.RUSAGE_SELF)
    return told.ru_utime + told.ru_stime, told.ru_nvcsw
used, woken = cpu()
loop.wait(1_500_000_000)
after, woken_after = cpu()
print(round((after - used) * 1e6), woken_after - woken)
"""


def test_the_cost_of_ten_thousand(tmp_path):
    for number in range(10):
        (tmp_path / f"d{number}").mkdir()
    done = subprocess.run([sys.executable, "-c", COST, tmp_path], capture_output=True, text=True, check=True)
    kib, watched, microseconds, woken = map(int, done.stdout.split())
    assert 8 * 1024 > kib
    assert 10 + len(tmp_path.parts[1:]) == watched
    assert 5_000 > microseconds
    assert 3 > woken


def test_a_busy_directory_above_wakes_nobody(told_files, loop, tmp_path):
    told = Told()
    (tmp_path / "a").mkdir()
    told_files.watch(str(tmp_path / "a" / "in.csv"), told)
    for number in range(100):
        (tmp_path / f"other{number}").touch()
    assert 0 == loop.idle(20)


def test_a_file_where_a_directory_is_wanted(files, loop, tmp_path):
    told = Told()
    (tmp_path / "a").touch()
    files.watch(str(tmp_path / "a" / "in.csv"), told)
    (tmp_path / "a").unlink()
    (tmp_path / "a").mkdir()
    settle(loop, told)
    (tmp_path / "a" / "in.csv").touch()
    loop.until(told.again, patience(files))


def test_a_busy_directory_wakes_nobody_once_what_is_waited_for_lies_deeper(told_files, loop, tmp_path):
    told = Told()
    path = tmp_path / "a" / "b" / "in.csv"
    told_files.watch(str(path), told)
    path.parent.mkdir(parents=True)
    settle(loop, told)
    for number in range(100):
        (tmp_path / f"other{number}").touch()
        (tmp_path / "a" / f"other{number}").touch()
    assert 0 == loop.idle(20)
    (tmp_path / "a").rename(tmp_path / "old")
    loop.until(told.again, SOON)
    path.parent.mkdir(parents=True)
    settle(loop, told)
    path.touch()
    loop.until(told.again, SOON)
