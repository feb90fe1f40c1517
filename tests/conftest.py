"""Fixtures of all tests: a fresh home for each, the installed command, and the end of whatever a test leaves running."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

import outlast as package

pytest.register_assert_rewrite("support", "crash.scene")  # else their assertions fail without a word

from support import CHECKOUT, COMMAND, SOURCE, Outlast  # noqa: E402  # after the line above

if Path(package.__file__).resolve().is_relative_to(CHECKOUT / "src"):
    message = f"outlast is imported from {package.__file__}: the tests are for the installed package; run `sh tests/run`"
    raise pytest.UsageError(message)
if not COMMAND.exists():
    message = f"there is no {COMMAND}: run `sh tests/run`, which installs it"
    raise pytest.UsageError(message)


def pytest_report_header() -> str:
    """Tell how large the modules are: the house likes small ones."""
    lines = {path: path.read_bytes().count(b"\n") for path in SOURCE.rglob("*.py")}
    longest = max(lines, key=lambda path: lines[path])
    return (
        f"outlast: {len(lines)} modules, median {median(lines.values()):.0f} lines, longest {longest.relative_to(SOURCE)} {lines[longest]}"
    )


@pytest.fixture(autouse=True)
def own_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test sees a home or settings of the person who runs it."""
    for name in list(os.environ):
        if name.startswith(("OUTLAST_", "XDG_")) and name != "OUTLAST_TEST_VENV":
            monkeypatch.delenv(name)
    monkeypatch.setenv("OUTLAST_HOME", "/nonexistent/outlast-test-without-a-home")


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A fresh directory with a short path, private, removed afterwards."""
    top = "/tmp" if os.access("/tmp", os.W_OK) else tempfile.gettempdir()
    folder = Path(tempfile.mkdtemp(prefix="ol-", dir=top)).resolve()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def outlast(short_path: Path) -> Iterator[Outlast]:
    """The installed command with a fresh home. Afterwards every process of that home is ended."""
    command = Outlast(short_path)
    yield command
    command.end()


@pytest.fixture
def home(outlast: Outlast) -> Path:
    """The path of the fresh home that `outlast` uses; nothing is there yet."""
    return outlast.home


@pytest.fixture
def nothing_left(outlast: Outlast) -> Iterator[None]:
    """The test fails if, at its end, a process of its home lives on (a supervisor that is still leaving has 10 s for it)."""
    yield
    outlast.assert_nothing_left()
