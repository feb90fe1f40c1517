"""Style and types. `make format` repairs most of the first two."""

import subprocess
import sys
import sysconfig
from pathlib import Path

from house.modules import names_used, none, place
from support import CHECKOUT

SCRIPTS = Path(sysconfig.get_path("scripts"))


def check(*argv: str | Path) -> None:
    done = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr


def test_ruff() -> None:
    check(SCRIPTS / "ruff", "check", "--output-format", "concise", ".")


def test_layout() -> None:
    check(SCRIPTS / "ruff", "format", "--check", ".")


def test_types() -> None:
    check(sys.executable, "-m", "mypy")


def test_no_test_sleeps() -> None:
    """`support.eventually` is the one poller. (ruff says so too, but could be silenced in the file.)"""
    found = [
        f"{place(path, line)}: {name}"
        for path in sorted((CHECKOUT / "tests").rglob("*.py"))
        if path != CHECKOUT / "tests" / "support.py"
        for name, line in names_used(path)
        if name in {"time.sleep", "asyncio.sleep"}
    ]
    none(found, "wait for a condition with `eventually`, or for a pipe")
