"""Homes that are damaged, newer, full, read-only, or cannot lock; surroundings that lack nearly everything."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
from contextlib import suppress

import pytest

from cli.outside import assert_refused, sh
from support import COMMAND, Outlast


@pytest.fixture
def ended(outlast):
    """A home with one ended job and no supervisor."""
    outlast("wait", str(outlast.run("--name", "old", "--", "true")), status=0)
    outlast("supervisor", "stop", status=0)
    return outlast


def test_a_newer_database(ended):
    connection = sqlite3.connect(ended.home / "outlast.db")
    connection.execute("PRAGMA user_version=99")
    connection.close()
    for words in (["run", "--", "true"], ["list"], ["show", "1"], ["wait", "1"], ["stop", "1"], ["logs", "1"], ["group"]):
        assert_refused(ended(*words), 5, "newer", "99")
    assert_refused(ended("run", "-w", "--", "true"), 125, "newer")
    assert [] == ended.processes()


@pytest.mark.parametrize("damage", [b"this is no database\n" * 500, None], ids=["text", "pages"])
def test_a_damaged_database(ended, damage):
    path = ended.home / "outlast.db"
    for extra in ended.home.glob("outlast.db-*"):
        extra.unlink()
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xa5" * (len(content) - 100) if damage is None else damage)
    found = path.read_bytes()
    for words in (["list"], ["show", "1"], ["run", "--", "true"], ["wait", "1"]):
        assert_refused(ended(*words), 5, str(path), "outlast doctor")
    assert_refused(ended("exec", "--", "true"), 125, str(path))
    assert found == path.read_bytes()


def test_a_home_that_is_a_file(outlast):
    outlast.home.write_text("x")
    assert_refused(outlast("run", "--", "true"), 5, "not a directory")
    assert_refused(outlast("exec", "--", "true"), 125, "not a directory")
    assert_refused(outlast("list"), 5, "Not a directory")
    outlast.home.unlink()


def test_a_home_with_a_long_path(outlast):
    """A socket's path has 108 bytes at most; a home's has not."""
    outlast.home = outlast.folder / ("deep" * 30) / ("er" * 60) / "h"
    assert (0, b"x\n", b"") == tuple(outlast("exec", "--", "echo", "x"))
    assert outlast.supervisor_pid() is not None


def test_a_home_with_an_odd_name(outlast):
    outlast.home = outlast.folder / "a b%?#'\"\n\xff é"
    assert (0, b"x\n", b"") == tuple(outlast("exec", "--", "echo", "x"))
    assert 0 == outlast("doctor").status


def test_a_relative_home(outlast):
    told = outlast("run", "--", "true", env={"OUTLAST_HOME": "h"}, status=0)
    assert b"1\n" == told.stdout
    assert 0 == outlast("wait", "1").status


def test_a_home_that_cannot_lock(outlast):
    strace = shutil.which("strace")
    inject = [strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace=flock", "-e", "inject=flock:error=ENOLCK"]
    if not strace or subprocess.run([*inject, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no strace that may trace")
    for words, status in ((["run", "--", "true"], 5), (["exec", "--", "true"], 125)):
        done = subprocess.run([*inject, COMMAND, *words], env=outlast.environ(), cwd=outlast.folder, capture_output=True, check=False)
        assert (status, b"") == (done.returncode, done.stdout), done
        line = rb"outlast: the file system of [^\n]+ cannot lock [^\n]*`export OUTLAST_HOME=/var/tmp/[^\n]+-outlast`[^\n]*\n"
        assert re.fullmatch(line, done.stderr), done
    assert [] == outlast.processes()


@pytest.fixture
def full(short_path):
    """`outlast` with its home on a file system of 6 MiB."""
    place = short_path / "full"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", place]
    if os.getuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("may not mount a small file system")
    command = Outlast(short_path)
    command.home = place / "h"
    yield command
    command.end()
    subprocess.run(["umount", place], check=True)


def test_a_full_disk(full):
    line = "head -c 40000000 /dev/zero | tr '\\0' x | fold -w 79; echo end >&2; exit 7"
    full.run("--", "sh", "-c", line)
    assert 1 == full("wait", "1").status
    job = full.show(1)
    assert (7, "failed") == (job["exit_code"], job["outcome"])
    (run,) = job["runs"]
    assert 40_000_000 < run["stdout"] < 41_000_000
    told = full("logs", "--raw", "--streams", "stdout", "1", status=0)
    assert re.search(rb"\[outlast: [\d.]+ MiB missing: disk full\]\n", told.stderr)
    assert run["stdout"] + run["stderr"] <= len(told.stdout) + 4 + run["missing"]
    assert (3, b"next\n") == full("exec", "--", "sh", "-c", "echo next; exit 3")[:2]
    again = full.run("--", "sh", "-c", "exit 4")
    full("wait", str(again))
    assert 4 == full.show(again)["exit_code"]


def test_a_disk_that_somebody_else_fills(full):
    """Not a byte is free: what runs ends as it ends, what is new is refused with a sentence or runs."""
    fifo = full.folder / "go"
    os.mkfifo(fifo)
    full.run("--", "sh", "-c", f"read x < {fifo}; echo after; exit 9")
    full("wait", "1", "--status", "running", status=0)
    with open(full.home.parent / "filler", "wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    told = full("run", "--", "true")
    if told.status:
        assert_refused(told, 5, "space")
    assert 0 == full("list").status
    fifo.write_text("x\n")
    full("wait", "1", "--timeout", "30")
    assert 9 == full.show(1)["exit_code"]
    (full.home.parent / "filler").unlink()
    assert 0 == full("exec", "--", "true").status
    assert 9 == full.show(1)["exit_code"]


def test_almost_no_environment(outlast):
    said = sh(f"env -i OUTLAST_HOME={outlast.home} {COMMAND} run -w -- /bin/echo x", outlast)
    assert (0, b"x\n", b"") == tuple(said)
    said = sh(f"env -i OUTLAST_HOME={outlast.home} {COMMAND} list", outlast)
    assert (0, b"") == (said.status, said.stderr)


def test_a_home_by_default(outlast):
    folder = outlast.folder
    for env, home in (
        ({"OUTLAST_HOME": None}, folder / ".local/state/outlast"),
        ({"OUTLAST_HOME": "", "XDG_STATE_HOME": str(folder / "x")}, folder / "x/outlast"),
    ):
        outlast.home = home
        assert 0 == outlast("exec", "--", "true", env=env).status
        assert (home / "outlast.db").exists()
        assert 0o700 == home.stat().st_mode & 0o777
        outlast.end()


def test_a_path_without_python(outlast):
    env = {"PATH": "/nowhere"}
    assert (0, b"x\n") == outlast("exec", "--", "/bin/echo", "x", env=env)[:2]
    job = outlast.run("--", "echo", "x", env=env)
    outlast("wait", str(job), env=env)
    assert ("not_started", 127) == tuple(outlast.show(job)[key] for key in ("outcome", "exit_code"))


def test_python_that_is_told_other_things(outlast):
    """Variables for the command's Python are none for ours."""
    (outlast.folder / "json.py").write_text("raise SystemExit('not this one')\n")
    (outlast.folder / "sqlite3.py").write_text("raise SystemExit('not this one')\n")
    env = {"PYTHONPATH": str(outlast.folder)}
    told = outlast("exec", "--", "sh", "-c", "echo $PYTHONPATH", env=env)
    assert (0, f"{outlast.folder}\n".encode()) == told[:2]
    assert 0 == outlast("list", "--json", env=env).status


def test_two_homes_never_touch(outlast):
    outlast.run("--name", "here", "--", "true")
    other = str(outlast.folder / "other")
    assert b"1\n" == outlast("run", "--name", "there", "--", "true", env={"OUTLAST_HOME": other}).stdout
    outlast("wait", "1", status=0)
    outlast("wait", "1", env={"OUTLAST_HOME": other}, status=0)
    assert ["here"] == [job["name"] for job in outlast("list", "--json").json["jobs"]]
    assert ["there"] == [job["name"] for job in outlast("--home", other, "list", "--json").json["jobs"]]
    outlast("supervisor", "stop", env={"OUTLAST_HOME": other}, status=0)
    assert outlast.supervisor_pid() is not None


def test_from_inside_a_job_of_another_home(outlast):
    other = outlast.folder / "other"
    told = outlast("exec", "--", "sh", "-c", f"{COMMAND} --home {other} exec -- sh -c 'echo $OUTLAST_HOME $OUTLAST_JOB'")
    assert (0, f"{other} 1\n".encode()) == told[:2]
    outlast("supervisor", "stop", env={"OUTLAST_HOME": str(other)}, status=0)


READERS = (
    "list --json", "list", "history", "show 2", "show 2 --json", "why 2", "logs 2", "feedback 2", "diff 2", "stats", "clean", "doctor",
    "bundle 2 --output x --force", "list --where param.x=1", "list --sort duration",
)  # fmt: skip


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("command", '[{"a": 3}]'), ("warnings", '[{"warning": 3}]'), ("feedback", '{"a": {"b": [1]}}'), ("progress", '{"percent": "x"}'),
        ("params", '{"a": 1}'), ("info", '{"a": 1}'), ("stop_requested", "[1]"),
    ],
)  # fmt: skip
def test_a_damaged_value_is_told_by_everybody(ended, column, value):
    """None of them calls it a bug of ours."""
    ended("wait", str(ended.run("--", "sh", "-c", "exit 3")))
    ended("supervisor", "stop", status=0)
    with sqlite3.connect(ended.home / "outlast.db") as database:
        database.execute(f"UPDATE jobs SET {column} = ? WHERE id = 2", (value,))
    database.close()
    for words in READERS:
        told = ended(*words.split())
        assert 70 != told.status, (words, told)
    assert_refused(ended("show", "2"), 5, "damaged", column)
    listed = ended("list")
    assert (5, True, True) == (listed.status, b" old " in listed.stdout, b"that of job 2" in listed.stderr)  # the others are shown
    assert [1] == [job["id"] for job in json.loads(ended("history", "--json").stdout)["jobs"]]
