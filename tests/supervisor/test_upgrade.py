"""A newer installed version takes over from an older supervisor without touching the jobs."""

import shutil
import subprocess
import sys
from pathlib import Path

import outlast as package
from support import Outlast, eventually


def newer_copy(folder: Path) -> Path:
    """Return a folder with a copy of the package that calls itself 9.9.9."""
    source = Path(package.__file__).parent
    shutil.copytree(source, folder / "outlast", ignore=shutil.ignore_patterns("__pycache__"))
    init = folder / "outlast" / "__init__.py"
    init.write_text(init.read_text().replace(f'__version__ = "{package.__version__}"', '__version__ = "9.9.9"'))
    return folder


def run_newer(outlast: Outlast, new: Path, *command: str) -> int:
    """Submit with the newer version in the same home."""
    code = f"import sys; sys.path.insert(0, {str(new)!r}); from outlast.cli.main import run; run()"
    argv = [sys.executable, "-c", code, "run", "--", *command]
    return int(subprocess.run(argv, env=outlast.environ(), check=True, capture_output=True, timeout=60).stdout)


def told(outlast: Outlast) -> list[str]:
    """Return what the supervisor wrote into its lock."""
    return (outlast.home / "supervisor.lock").read_text().split()


def test_a_newer_client_makes_the_supervisor_become_the_newer_version(outlast: Outlast, short_path: Path) -> None:
    new = newer_copy(short_path / "new")
    gate = short_path / "gate"
    job = outlast.run("--", "sh", "-c", f"until [ -e {gate} ]; do sleep 0.05; done; echo survived; exit 3")
    eventually(lambda: outlast.show(job)["pid"] or _fail("not started"))
    pid, version = told(outlast)[:2]
    assert version == package.__version__
    second = run_newer(outlast, new, "echo", "newer")

    def became() -> None:
        words = told(outlast)
        assert words[:2] == [pid, "9.9.9"]  # the same process, so that the shims stay its children

    eventually(became)
    gate.touch()
    assert outlast("wait", str(job), str(second)).status == 1
    assert (outlast.show(job)["exit_code"], outlast.show(job)["run"]) == (3, 1)
    assert outlast("logs", "--raw", str(job)).stdout == b"survived\n"


def test_an_older_client_changes_nothing(outlast: Outlast, short_path: Path) -> None:
    new = newer_copy(short_path / "new")
    run_newer(outlast, new, "true")
    words = told(outlast)
    start = (outlast.home / "start").read_bytes()
    job = outlast.run("--", "true")
    outlast("wait", str(job))
    assert told(outlast) == words
    assert (outlast.home / "start").read_bytes() == start


def _fail(text: str) -> None:
    raise AssertionError(text)
