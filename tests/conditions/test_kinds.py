"""The built-in kinds: each keeps to the port, and says what it sees."""

import mmap
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conditions.asking import MS, ask
from outlast.conditions import kinds
from outlast.conditions.existing import File
from outlast.conditions.script import Script
from outlast.conditions.unopened import NonopenFile
from outlast.core.errors import UsageError
from outlast.core.ports import EXISTENCE, NOTHING, USE, Seen
from outlast.testing import check_condition

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


@pytest.mark.parametrize("name", kinds.BUILT_IN)
def test_the_table_is_true(name):
    kind = kinds.find(name)
    assert (name, kinds.is_fast(name), kinds.watch_of(name)) == (kind.name, kind.fast, kind.watch)


def test_what_tells_when_to_look():
    assert [EXISTENCE, USE, NOTHING, NOTHING, NOTHING, NOTHING] == [kinds.watch_of(name) for name in (*kinds.BUILT_IN, "other")]


def test_a_kind_that_is_not_there():
    with pytest.raises(UsageError, match="there is no condition `fiel`.*file, nonopen-file, script, http, s3"):
        kinds.find("fiel")
    assert "there is no condition `fiel`" in ask("fiel", "x").text


def test_a_file(tmp_path):
    (tmp_path / "here").touch()
    check_condition(File(), "here", "not-here", cwd=str(tmp_path))
    check_condition(File(), str(tmp_path), f"{tmp_path}/here/below")


def test_what_a_file_is(tmp_path):
    look = File().look
    path = str(tmp_path / "in.csv")
    assert Seen(met=False, text=f"`{path}` is not there") == look(path)
    (tmp_path / "in.csv").symlink_to("real")
    assert not look(path).met
    (tmp_path / "real").mkdir()
    assert Seen(met=True, text=f"`{path}` is there") == look(path)
    assert look(f"{path}/").met
    (tmp_path / "real").rmdir()
    (tmp_path / "real").touch()
    assert Seen(met=False, text=f"`{path}/` cannot be looked at (Not a directory)") == look(f"{path}/")


def test_a_path_is_kept_absolute():
    assert "/srv/in.csv" == File().check("in.csv", "/srv")
    assert "/data/../in.csv" == NonopenFile().check("/data/../in.csv", "/srv")


def test_a_script():
    check_condition(Script(), "echo ready", "echo not yet; exit 1")
    check_condition(Script(), "true", "false")


@pytest.mark.parametrize("word", ["", "  ", "a\0b"])
def test_no_script(word):
    with pytest.raises(UsageError, match="script"):
        Script().check(word, "/")


def test_a_file_that_nobody_has_open(tmp_path):
    (tmp_path / "free").touch()
    (tmp_path / "busy").touch()
    with (tmp_path / "busy").open():
        check_condition(NonopenFile(), "free", "busy", cwd=str(tmp_path))
    check_condition(NonopenFile(), "busy", "gone", cwd=str(tmp_path))


def test_who_has_it_open(tmp_path):
    path = tmp_path / "in.csv"
    assert Seen(met=False, text=f"`{path}` is not there") == ask("nonopen-file", str(path))
    path.touch()
    free = ask("nonopen-file", str(path))
    assert free.met
    assert free.text.startswith("open by nobody")
    link = tmp_path / "other name"
    link.hardlink_to(path)
    with link.open() as file:
        children = [subprocess.Popen(["sleep", "900"], stdin=file) for _ in range(2)]
    assert Seen(met=False, text=f"open by process {children[0].pid} (sleep) and 1 more") == ask("nonopen-file", str(path))
    children[0].kill()
    children[0].wait()
    assert Seen(met=False, text=f"open by process {children[1].pid} (sleep)") == ask("nonopen-file", str(path))
    children[1].kill()
    children[1].wait()
    assert ask("nonopen-file", str(path)).met


def test_a_file_that_is_mapped_only(tmp_path):
    path = tmp_path / "in.csv"
    path.write_bytes(b"x" * 5000)
    with path.open("r+b") as file:
        mapping = mmap.mmap(file.fileno(), 0)
    # Python keeps a descriptor for `resize`: it is closed here, for what is left is the mapping alone
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.path.samestat(os.fstat(int(name)), path.stat()):
                os.close(int(name))
        except OSError:
            pass
    seen = ask("nonopen-file", str(path))
    assert not seen.met
    assert seen.text.startswith(f"open by process {os.getpid()} (")
    replaced = os.open("/dev/null", os.O_RDONLY)  # what `close` closes below must not be somebody else's
    try:
        mapping.close()
    except OSError:
        pass
    try:
        os.close(replaced)
    except OSError:
        pass
    assert ask("nonopen-file", str(path)).met


OTHERS = """
import os, sys
from outlast.conditions.unopened import NonopenFile
from outlast.processes import identity
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
print(NonopenFile().look(sys.argv[1]).text)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_processes_of_others_are_counted(short_path):
    short_path.chmod(0o755)
    path = short_path / "in.csv"
    path.touch()
    with path.open():  # by root, whom nobody else may look at
        done = subprocess.run([sys.executable, "-c", OTHERS, path], capture_output=True, text=True, check=True)
    told, _, count = done.stdout.strip().partition("; ")
    assert "open by nobody that can be seen" == told
    others = [name for name in os.listdir("/proc") if name.isdigit() and readable(Path("/proc", name, "cmdline"))]
    assert "processes could not be looked at" == count.partition(" ")[2]
    assert 2 <= int(count.split()[0]) <= len(others) + 3


def readable(path: Path) -> bytes:
    try:
        return path.read_bytes()  # empty for zombies and threads of the kernel
    except OSError:
        return b""


def test_a_look_that_takes_too_long():
    assert Seen(met=False, text="no answer within 300ms") == ask("script", "sleep 900", limit=300 * MS)
