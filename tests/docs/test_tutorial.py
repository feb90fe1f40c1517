"""The tutorial and the README say what really happens: every typed line is run, every shown line compared."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from support import CHECKOUT, Outlast, eventually

LOOKS = re.compile(r"outlast (list|ps|show|history|why|logs|events|stats)\b")
PAGES = (
    "docs/tutorial.md", "README.md", "docs/how-to/wait-for-something.md", "docs/how-to/put-jobs-in-order.md",
    "docs/how-to/retry-and-limit.md", "docs/how-to/nightly-backup.md", "docs/how-to/give-a-job-input.md", "docs/how-to/see-what-it-uses.md",
    "docs/how-to/progress.md", "docs/how-to/what-changed.md", "docs/how-to/feedback.md", "docs/how-to/warnings.md",
    "docs/how-to/history.md", "docs/how-to/keep-and-clean.md",
)  # fmt: skip
BLOCK = re.compile(r"```(console|python)\n(.*?)```", re.DOTALL)


def steps(page: Path) -> list[tuple[str, str]]:
    """Return (typed line, expected output) of every console block of `page`; a block of Python is one line that writes nothing."""
    found: list[tuple[str, list[str]]] = []
    for kind, block in BLOCK.findall(page.read_text()):
        if kind == "python":
            found.append((f"{sys.executable} -c {shlex.quote(block)}", []))
            continue
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif line.startswith("> ") and "<<" in found[-1][0]:
                found[-1] = (f"{found[-1][0]}\n{line[2:]}", [])  # the shell asks for more
            else:
                found[-1][1].append(line)
    return [(typed, "\n".join(lines)) for typed, lines in found]


def matches(expected: str, got: str) -> bool:
    """Compare line by line as doctest does: `...` stands for anything; runs of blanks count as one."""
    pattern = re.escape(re.sub(r"[ \t]+", " ", expected.strip())).replace(r"\.\.\.", ".*").replace(r"\ ", " ")
    return re.fullmatch(pattern, re.sub(r"[ \t]+", " ", got.strip()), re.DOTALL) is not None


@pytest.mark.parametrize("page", PAGES)
def test_page(outlast: Outlast, page: str) -> None:
    found = steps(CHECKOUT / page)
    assert found
    for typed, expected in found:
        if "pip install" in typed or typed.startswith("sh tests/run"):
            continue

        def typed_says_it(typed: str = typed, expected: str = expected) -> None:
            done = subprocess.run(
                ["bash", "-c", typed], env=outlast.environ(), cwd=outlast.folder, capture_output=True, text=True, timeout=60, check=False
            )
            got = done.stdout + done.stderr
            assert matches(expected, got), f"{page}: $ {typed}\nexpected:\n{expected}\ngot:\n{got}"

        if LOOKS.match(typed):
            eventually(typed_says_it)  # a person is slower than this: the job has started when somebody looks
        else:
            typed_says_it()


def test_a_page_that_is_wrong_would_be_seen() -> None:
    assert matches("a ... c", "a b  c")
    assert not matches("a ... c", "a b")
    assert not matches("1", "2")
