"""A kind that another package brings, really installed: in an environment of its own, found by its entry point."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

PLUGIN = """
from outlast.core.errors import UsageError
from outlast.core.ports import NOTHING, Seen


class Moon:
    name = "moon"
    fast = False
    watch = NOTHING

    def check(self, word, cwd):
        if word not in ("full", "new", "raise", "junk"):
            raise UsageError(f"no such phase: {word!r}")
        return word

    def look(self, word):
        print("noise of a library")
        if word == "raise":
            raise RuntimeError("clouds\\nin the way")
        return 7 if word == "junk" else Seen(met=word == "full", text=f"the moon is {'' if word == 'full' else 'not '}full")


KIND = Moon()
"""
METADATA = "Metadata-Version: 2.1\nName: outlast-moon\nVersion: 1.0\n"
ENTRIES = "[outlast.conditions]\nmoon = outlast_moon:Moon\nmoon-made = outlast_moon:KIND\nbroken = outlast_moon:Nothing\n"
BROKEN = "the condition `broken` of outlast-moon cannot be loaded (AttributeError: module 'outlast_moon' has no attribute 'Nothing')"
NONE = "there is no condition `none`: there are file, nonopen-file, script, http, s3, broken, moon, moon-made"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that has this outlast and the plugin."""
    top = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", top], check=True)
    site = next((top / "lib").glob("python*/site-packages"))
    (site / "tests.pth").write_text(f"{sysconfig.get_path('purelib')}\n{Path(__file__).parents[1]}\n")
    (site / "outlast_moon.py").write_text(PLUGIN)
    (site / "outlast_moon-1.0.dist-info").mkdir()
    (site / "outlast_moon-1.0.dist-info" / "METADATA").write_text(METADATA)
    (site / "outlast_moon-1.0.dist-info" / "entry_points.txt").write_text(ENTRIES)
    return top / "bin" / "python"


def told(python: Path, line: str) -> str:
    done = subprocess.run([python, "-c", line], capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("kind", "word", "answer"),
    [
        ("moon", "full", "True the moon is full"),
        ("moon", "new", "False the moon is not full"),
        ("moon-made", "full", "True the moon is full"),
        ("moon", "raise", "False cannot be looked at: clouds in the way"),
        ("moon", "junk", "False cannot be looked at: the condition `moon` returned int"),
        ("broken", "x", f"False cannot be looked at: {BROKEN}"),
        ("none", "x", f"False cannot be looked at: {NONE}"),
    ],
)
def test_a_child_asks_it(python, kind, word, answer):
    line = f"from conditions.asking import ask; seen = ask({kind!r}, {word!r}); print(seen.met, seen.text)"
    assert answer == told(python, line)


def test_it_keeps_to_the_port(python):
    line = (
        "from outlast.conditions.kinds import find; from outlast.testing import check_condition\n"
        "check_condition(find('moon'), 'full', 'new')\n"
        "try:\n    check_condition(find('moon'), 'new', 'full')\nexcept AssertionError as error:\n    print(error)"
    )
    assert "'new': exit status 1 instead of 0 (the moon is not full)" == told(python, line)


def test_built_in_ones_need_no_metadata(python):
    line = (
        "import sys; from outlast.conditions import kinds\nfor name in kinds.BUILT_IN: kinds.find(name)\n"
        "print([name for name in ('importlib.metadata', 'boto3', 'urllib', 'ctypes', 'email') if name in sys.modules])"
    )
    assert "[]" == told(python, line)
