"""The conformance check sees what it is there to see, and a text is one line."""

import os

import pytest

from outlast.core.errors import UsageError
from outlast.core.ports import NOTHING, Seen, one_line
from outlast.testing import check_condition

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


class Good:
    """Met for `yes`."""

    name = "good"
    fast = False
    watch = NOTHING

    def check(self, word: str, cwd: str) -> str:
        if not word or "\0" in word:
            raise UsageError("no word")
        return word

    def look(self, word: str) -> Seen:
        return Seen(met=word.endswith("yes"), text="a word")


class TakesAll(Good):
    def check(self, word: str, cwd: str) -> str:
        return word


class KeepsChanging(Good):
    def check(self, word: str, cwd: str) -> str:
        return super().check(word, cwd).join(("x", "yes"))


class SaysMuch(Good):
    def look(self, word: str) -> Seen:
        return super().look(word).replace(text="line " * 50)


class Raises(Good):
    def look(self, word: str) -> Seen:
        raise OSError("gone")


class Ends(Good):
    def look(self, word: str) -> Seen:
        raise SystemExit(0)


class Hangs(Good):
    def look(self, word: str) -> Seen:
        never, _ = os.pipe()
        return Seen(met=bool(os.read(never, 1)), text="")


class BadName(Good):
    name = "not good"


class BadWatch(Good):
    watch = "all"


def test_a_good_one():
    check_condition(Good(), "yes", "no")


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (TakesAll, "a UsageError is expected"),
        (KeepsChanging, "and of that something else"),
        (Raises, "'yes': exit status 2 instead of 0 .gone"),
        (Ends, "'yes': exit status 255 instead of 0"),
        (Hangs, "no answer within 0.3 s"),
        (BadName, "its name is no word"),
        (BadWatch, "`watch` is none"),
    ],
)
def test_a_bad_one(kind, why):
    with pytest.raises(AssertionError, match=why):
        check_condition(kind(), "yes", "no", within=0.3 if kind is Hangs else 60)


def test_one_that_says_much_is_cut_by_us():
    check_condition(SaysMuch(), "yes", "no")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("one", "one"),
        ("one\ntwo\n\n", "two"),
        ("10%\r20%\r", "20%"),
        ("a\x00b\x1b[0m\tc", "a b [0m c"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 199 + "…"),
    ],
)
def test_one_line(text, line):
    assert line == one_line(text)
