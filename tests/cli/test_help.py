"""Help comes from the tables and fits the terminal."""

import re
import shlex

import pytest

from outlast.cli.help import default_of, help_text, wrap
from outlast.cli.parse import parse
from outlast.core.errors import UsageError
from outlast.core.retention import LIMITS
from outlast.core.verb_exits import EXITS
from outlast.core.verb_texts import DESCRIPTIONS, EXAMPLES, OVERVIEW
from outlast.core.verbs import ALIASES, COMMON, VERBS

SHOWN = [verb for verb in VERBS if not verb.hidden]
NOW = 1_800_000_000_000_000_000


@pytest.mark.parametrize("name", ["", *(verb.name for verb in VERBS), *ALIASES])
def test_it_fits_80_columns(name):
    text = help_text(name)
    assert [] == [line for line in text.splitlines() if len(line) > 80]
    assert text.endswith("\n")
    assert not re.search(r"[ \t]$", text, re.MULTILINE)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_page_is_whole(verb):
    text = help_text(verb.name)
    flat = " ".join(text.split())
    for option in (*verb.options, *COMMON):
        assert option.help
        assert option.example
        assert f"--{option.name}" in text
        assert " ".join(option.help.split()) in flat
    for line, _ in EXAMPLES[verb.name]:
        assert line in text
    assert re.search(r"\nExit status:\n(  \S+ +.*\n( {9,}.*\n)?)+$", text), "exit statuses stand last"


def test_every_verb_has_its_texts():
    names = {verb.name for verb in VERBS}
    assert names == set(DESCRIPTIONS) == set(EXAMPLES) == set(EXITS)
    assert sorted(verb.name for verb in SHOWN) == sorted(name for _, verbs in OVERVIEW for name in verbs)
    overview = help_text()
    assert all(f"  {verb.name}" in overview and verb.summary in " ".join(overview.split()) for verb in SHOWN)


@pytest.mark.parametrize("line", [line for examples in EXAMPLES.values() for line, _ in examples])
def test_every_example_is_understood(line):
    words = shlex.split(line.rpartition(" | ")[2])
    if ">" in words:
        words = words[: words.index(">")]
    assert "outlast" == words[0]
    parse(words[1:], {}, NOW)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_example_of_an_option_is_understood(verb):
    operands = {"run": ["--", "true"], "group": ["set", "G"]}
    for option in (*verb.options, *COMMON):
        words = shlex.split(option.example)
        if verb.takes_command:
            rest = [] if "--" in words or "--from" in words else operands["run"]
        elif verb.name == "group":
            rest = ["list"] if option.name == "follow" else ["set", "G", "--slots", "1"]
        elif verb.name == "service":
            rest = ["install"]
        elif verb.operand_choices:
            rest = [verb.operand_choices[0]]
        else:
            rest = ["TERM", "42"] if verb.name == "signal" else ["42"] * min(1, verb.forms[0].most)
        if verb.name == "rerun" and "--" in words:
            words = [word for word in words[: words.index("--")] if word not in {"--overlap", "skip"}]
        parse([verb.name, *words, *rest], {}, NOW)


def test_limits_are_written_as_clean_writes_them() -> None:
    assert ["30d", "10GiB", ""] == [default_of(option) for option in LIMITS[:3]]


def test_an_unknown_verb_is_told():
    with pytest.raises(UsageError, match="`logs`"):
        help_text("lgos")


def test_wrapping():
    assert "  a b\n  c\n" == wrap("a b c", 5, "  ")
    assert "  abcdefgh\n  c\n" == wrap("abcdefgh c", 5, "  ")
    assert "" == wrap(" ", 5)
