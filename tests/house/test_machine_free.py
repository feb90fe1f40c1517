"""Nothing in the project depends on, or tells of, the machine that it was written on."""

import re
import subprocess
from pathlib import Path

import pytest

from house.modules import none
from support import CHECKOUT

# Written so that this file does not hold what it looks for.
PLACES = [
    "/wo" + "rk/",
    "/opt/" + "dev",
    "/opt/" + "pypi",
    "/ro" + "ot/",
    "/home/" + r"(?!me\b|you\b|user\b|alice\b|bob\b)\w",
    "/Us" + r"ers/(?!me\b|you\b)\w",
    "~/" + "farm",
    r"\.pye" + "nv",
    r"/tmp/" + r"bash_jobs",
]
HOSTS = [
    "pypi" + r"\.org",
    "pythonhosted" + r"\.org",
    "debian" + r"\.org",
    "npmjs" + r"\.(?:org|com)",
    "ghcr" + r"\.io",
    "docker" + r"\.io",
    "gop" + "roxy",
    "proxy" + r"\.golang\.org",
    r"(?:index|registry|mirror)-url",
]
WORDS = [
    r"\bproject " + "machine",
    r"\bissues " + r"(?:show|list|close)\b",
    r"\bthe C" + "EO",
    r"\bAnth" + "ropic",
    r"\bCl" + r"aude\b",
    r"\bGP" + r"T-?\d",
    r"\.lib" + "rary/",
    r"shared/" + r"(?:seeds|DESIGN|CONTRACT|SHIM|STYLE|FEATURES|LIBRARIES|ENGINES)",
]
FORBIDDEN = re.compile("|".join([*PLACES, *HOSTS, *WORDS]))


def project_files() -> list[Path]:
    """Return what git has or would take; without git, or outside of a checkout, everything but what is made."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=CHECKOUT, capture_output=True, check=True
        ).stdout
        paths = [CHECKOUT / name.decode() for name in listed.split(b"\0") if name]
    except (OSError, subprocess.CalledProcessError):
        made = {".git", "__pycache__", "build", "dist"}
        paths = [path for path in CHECKOUT.rglob("*") if not any(part in made or part.startswith(".venv") for part in path.parts)]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def test_nothing_tells_of_a_machine() -> None:
    found = []
    for path in project_files():
        text = path.read_bytes().decode("utf-8", "replace")
        for number, line in enumerate(text.splitlines(), 1):
            match = FORBIDDEN.search(line)
            if match:
                found.append(f"{path.relative_to(CHECKOUT)}:{number}: {match[0]}")
    none(found, "the project tells of a machine")


def test_nothing_large_or_built_is_kept() -> None:
    large = [f"{path.relative_to(CHECKOUT)}: {path.stat().st_size}" for path in project_files() if path.stat().st_size > 500_000]
    built = [str(path.relative_to(CHECKOUT)) for path in project_files() if path.suffix in {".pyc", ".whl", ".so", ".o", ".db"}]
    none(large, "too large for a repository")
    none(built, "built, not written")


@pytest.mark.parametrize("line", ["cd /wo" + "rk/main", "see https://pypi" + ".org/", "/home/" + "joe/x"])
def test_a_telling_line_is_seen(line: str) -> None:
    assert FORBIDDEN.search(line)
