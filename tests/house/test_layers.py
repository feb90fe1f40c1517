"""Nothing imports upward, and what is dangerous is done in one place only."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from house.modules import SHIM, imports, modules, name_of, names_used, none, place, within
from support import CHECKOUT, SOURCE

# What is done, and who alone may do it. A reason stands behind every name that DESIGN does not give.
ONLY = {
    "speaks SQL": (
        {"sqlite3", "_sqlite3", "apsw", "psycopg"},
        {"outlast.store"},
    ),
    "starts or signals a process": (
        {
            "os.kill", "os.killpg", "os.fork", "os.forkpty", "os.posix_spawn", "os.posix_spawnp", "os.system", "os.popen",
            "posix.kill", "posix.killpg", "posix.fork", "posix.posix_spawn",
            "signal.pidfd_send_signal", "_signal.pidfd_send_signal", "signal.pthread_kill",
            "subprocess.Popen", "subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output",
            "_posixsubprocess", "pty", "multiprocessing",
        },
        {
            "outlast.processes", "outlast.executors", SHIM,
            "outlast.conditions.looking",  # forks the child that looks, which may block where we may not
            "outlast.seams",  # a failpoint ends its own process
            "outlast.testing",
        },
    ),
    "reads a clock": (
        {
            "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.clock_gettime",
            "time.clock_gettime_ns", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
        },
        {"outlast.seams", SHIM},
    ),
}  # fmt: skip


def offences(path: Path, forbidden: set[str]) -> list[str]:
    found = {
        (line, name)
        for name, line in (*names_used(path), *imports(path))
        for word in forbidden
        if name == word or name.startswith(f"{word}.")
    }
    return [f"{place(path, line)}: {name}" for line, name in sorted(found)]


def test_nothing_imports_upward() -> None:
    scripts = Path(sysconfig.get_path("scripts"))
    done = subprocess.run([scripts / "lint-imports", "--no-cache"], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("duty", ONLY)
def test_only_one_place(duty: str) -> None:
    forbidden, allowed = ONLY[duty]
    found = [offence for path in modules() if not within(name_of(path), *allowed) for offence in offences(path, forbidden)]
    none(found, f"only {', '.join(sorted(allowed))} {duty}")


def test_the_check_sees_every_spelling(tmp_path: Path) -> None:
    path = SOURCE / "cli" / "seeded.py"  # never written: only its tree is looked at
    seeded = tmp_path / "seeded.py"
    seeded.write_text(
        "import os as o\nfrom os import kill as k\nfrom datetime import datetime\nimport sqlite3\n\n\n"
        "def f():\n    o.killpg(1, 9)\n    k(1, 9)\n    datetime.now()\n"
    )
    found = {name for name, _ in (*names_used(seeded), *imports(seeded))}
    assert {"os.killpg", "os.kill", "datetime.datetime.now", "sqlite3"} <= found
    assert "outlast.cli.seeded" == name_of(path)


def test_the_shim_imports_nothing_of_outlast() -> None:
    found = [
        f"{place(path, line)}: {name}"
        for path in modules()
        if within(name_of(path), SHIM)
        for name, line in imports(path)
        if name.startswith(".") or name.partition(".")[0] not in sys.stdlib_module_names
    ]
    none(found, "the shim travels alone: it has the standard library and nothing else")


def test_nobody_imports_the_shim() -> None:
    found = [
        f"{place(path, line)}: {name}"
        for path in modules()
        if not within(name_of(path), SHIM)
        for name, line in imports(path)
        if within(name, SHIM)
    ]
    none(found, "the shim is a program that is started, not a module")


def test_the_core_reaches_nothing() -> None:
    """The core decides; it has no clock, file, process or database in reach."""
    outside = {"os", "posix", "io", "time", "socket", "_socket", "select", "fcntl", "signal", "subprocess", "pathlib", "shutil", "tempfile"}
    tables = {
        "os.strerror",
        "os.fsencode",
        "os.fsdecode",
        "time.gmtime",
        "time.localtime",
        "time.mktime",
        "time.strftime",
        "time.tzname",
        "signal.NSIG",
    }
    found = [
        f"{place(path, line)}: {name}"
        for path in modules()
        if within(name_of(path), "outlast.core")
        for name, line in names_used(path)
        if "." in name and name.partition(".")[0] in outside and name not in tables
    ]
    none(found, "the core has no clock, file, process or database in reach")
