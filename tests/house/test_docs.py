"""The documents are true: everything that exists is in the reference, links lead somewhere, examples run."""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from house.modules import none
from outlast.core.options import OPTIONS
from outlast.core.verbs import COMMON, VERBS, Verb
from support import CHECKOUT, Outlast

REFERENCE = CHECKOUT / "docs" / "reference.md"
SHOWN = [verb for verb in VERBS if not verb.hidden]
PAGES = sorted([*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md"), *(CHECKOUT / "changelog.d").glob("*.md")])
LINK = re.compile(r"\[[^\]\[]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def reference() -> str:
    assert REFERENCE.exists(), "docs/reference.md is made from core/options.py and core/verbs.py"
    return REFERENCE.read_text()


@pytest.mark.parametrize("verb", SHOWN, ids=lambda verb: verb.name)
def test_every_verb_is_in_the_reference(verb: Verb, reference: str) -> None:
    assert re.search(rf"^#+ .*\b{re.escape(verb.name)}\b", reference, re.MULTILINE), f"no heading for {verb.name}"


def test_every_option_is_in_the_reference(reference: str) -> None:
    options = {option.name: option for option in (*OPTIONS, *COMMON, *(option for verb in SHOWN for option in verb.options))}
    missing = [spelling for option in options.values() for spelling in option.spellings if spelling not in reference]
    none(missing, "not in docs/reference.md")
    none((option.name for option in options.values() if option.help not in reference), "another help text in docs/reference.md")


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as the usual renderers make them."""
    text = FENCE.sub("", page.read_text())
    headings = re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(FENCE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = Path(os.path.normpath(page.parent / path)) if path else page
        if not place.exists() or (anchor and place.suffix == ".md" and anchor not in anchors(place)):
            broken.append(target)
    none(broken, "leads nowhere")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_fences_are_closed(page: Path) -> None:
    assert 0 == len(re.findall(r"^ *```", page.read_text(), re.MULTILINE)) % 2


def examples() -> Iterator[tuple[str, str]]:
    """Yield (where, words after `$ outlast`) of every line `$ outlast ...` in a code block."""
    for page in PAGES:
        for _, block in FENCE.findall(page.read_text()):
            for line in block.splitlines():
                match = re.match(r"\$ (outlast(?: .*)?)$", line)
                if match and not line.endswith("\\"):
                    yield f"{page.relative_to(CHECKOUT)}: {line}", match[1]


EXAMPLES = dict(examples())


@pytest.mark.parametrize("where", EXAMPLES)
def test_an_example_uses_what_exists(where: str, outlast: Outlast) -> None:
    """Its verb answers to --help, and every long option before `--` is known to that help. What it prints is the tutorial's test."""
    lexer = shlex.shlex(EXAMPLES[where], posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split = True
    words = list(lexer)[1:]
    stops = [n for n, word in enumerate(words) if word == "--" or set(word) <= set("|&;<>()")]
    words = words[: stops[0]] if stops else words
    verb = words[0] if words and not words[0].startswith("-") else "run"
    told = outlast(verb, "--help", status=0).text
    unknown = [word for word in words if word.startswith("--") and word.partition("=")[0].replace("--no-", "--", 1) not in told]
    none(unknown, f"not in `outlast {verb} --help`")


def test_there_is_a_first_page() -> None:
    text = (CHECKOUT / "README.md").read_text()
    assert "sh tests/run" in text
    assert "docs/" in text
