"""The commands that shell loops call stay light: they load what `imports.txt` allows, and nothing else."""

import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from house.modules import none
from support import COMMAND, SOURCE, Outlast, eventually

ALLOWED = [
    line.strip() for line in Path(__file__).with_name("imports.txt").read_text().splitlines() if line.strip() and not line.startswith("#")
]
LOADED = re.compile(rb"^import time:\s+\d+ \|\s+\d+ \|\s+(\S+)$", re.MULTILINE)

pytestmark = pytest.mark.skipif(not (SOURCE / "cli" / "main.py").exists(), reason="there is no command yet")


def loaded(trace: bytes) -> set[str]:
    return {name.decode() for name in LOADED.findall(trace)}


@pytest.fixture(scope="module")
def bare() -> set[str]:
    """What this interpreter loads for nothing, `.pth` files of its environment included."""
    done = subprocess.run([sys.executable, "-X", "importtime", "-c", "pass"], capture_output=True, check=True)
    return loaded(done.stderr)


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--", "true"),
        ("run", "--name", "x", "--retries", "2", "--retries.delay", "1s", "--", "true"),
        ("--", "true"),
        (),
        ("list",),
        ("list", "--json"),
        ("list", "--ids"),
        ("show", "1"),
        ("show", "1", "--json"),
        ("wait", "1"),
        ("report", "progress=12", "phase=copy"),
    ],
    ids=lambda words: "-".join(("outlast", *words)),
)
def test_a_light_command(outlast: Outlast, bare: set[str], words: tuple[str, ...]) -> None:
    outlast("run", "--", "true", status=0)
    outlast("wait", "1", status=0)
    check(outlast, bare, words)


@pytest.mark.parametrize("words", [("list",), ("list", "--json"), ("show", "2"), ("show", "2", "--json")], ids="-".join)
def test_a_light_look_at_what_runs(outlast: Outlast, bare: set[str], words: tuple[str, ...]) -> None:
    outlast("exec", "--name", "x", "--", "true", status=0)
    outlast("run", "--name", "x", "--", "sleep", "1000", status=0)
    eventually(lambda: outlast.show(2)["usual_duration"] is not None and outlast.show(2)["pid"] is not None)
    check(outlast, bare, words)


def check(outlast: Outlast, bare: set[str], words: tuple[str, ...]) -> None:
    """Fail if the command loads what is not allowed."""
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", COMMAND, *words],
        env=outlast.environ({"OUTLAST_FEEDBACK": str(outlast.folder / "feedback")}),
        cwd=outlast.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        stdout, stderr = process.communicate(timeout=60)
    assert 0 == process.returncode, (stdout, stderr)
    names = loaded(stderr)
    assert "outlast.cli.main" in names, "the trace tells nothing"
    extra = sorted(name for name in names - bare if not any(fnmatch(name, pattern) for pattern in ALLOWED))
    none(extra, f"`outlast {' '.join(words)}` loads what tests/house/imports.txt does not allow")


def test_byte_code_is_installed() -> None:
    """An install that compiles at each call is 80 ms slower; PYTHONDONTWRITEBYTECODE must not matter."""
    import outlast

    package = Path(outlast.__file__).parent
    tag = sys.implementation.cache_tag
    missing = [
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if not (path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc").exists()
    ]
    none(missing, "installed without byte code")
