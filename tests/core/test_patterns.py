"""What a regular expression may cost: whatever it is tried on, it ends soon, or it is refused."""

import time

import pytest

from outlast.core.disabling import check_pattern
from outlast.core.errors import UsageError
from outlast.core.patterns import cost
from outlast.core.printed import pieces
from outlast.core.progress import Rules, check, newest

HARD = ("1" * 490, "a" * 490, "1/" * 245, "a1" * 245, "1 " * 245, " " * 490, "[1/1] " * 80, "é" * 490)


@pytest.mark.parametrize(
    ("pattern", "degree"),
    [
        ("abc", 1),
        (r"\d+ of \d+", 2),  # it may begin at any digit
        (r"^\d+ of \d+", 1),
        (r"step \d+ of \d+", 1),
        (r"\d+.*?\d+ files", 4),
        (r"^\w+: \d+/\d+", 1),
        (r"^[^x]*[^y]*x", 2),
        (r"^.*/.*/.*x", 3),
        (r"^a+(?:b+|c+)a+", 2),  # the choice may match nothing, for all we know
        (r"^a+b+a+", 1),
        (r"^(?=.*x).*y", 2),
        (r"^(?>.*.*)x", 2),
        (r"^[^\W]+é\w+", 2),
        (r"^[a-m]+[N-Z]+", 1),
        (r"(?i)^[a-m]+[A-M]+", 2),
    ],
)
def test_the_degree(pattern, degree):
    assert degree == cost(pattern, search=True).degree


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?P<done>\d+).*?(?P<total>\d+) files",
        r"(?P<done>[^x]*[^y]*)x",
        r"(?P<done>\S+) (?P<total>\S+) (?P<unit>é)",
        r"(?P<done>\d+)\D*(?P<total>\d+)x",
    ],
)
def test_no_output_makes_a_pattern_of_the_progress_take_long(pattern):
    check({"progress.pattern": [pattern]})
    began = time.process_time()
    for line in HARD:
        newest([(b"", text, True) for text in pieces("\n".join([line] * 40).encode())], Rules(patterns=(pattern,)), over=True)
        newest([(b"", line, True)] * 40, Rules(patterns=(pattern,)), over=True)
    assert time.process_time() - began < 30  # it was hours


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?>(\d+)+(?P<done>b))",
        r"(?:a?){30}a{30}(?P<done>b)",
        r"\d+\d+\d+\d+\d+(?P<done>\d+)x",
        r"a+a+a+a+a+a+(?P<done>b)",
        r"\d{0,60}\d{0,60}\d{0,60}\d{0,60}(?P<done>\d)x",
        r"a?" * 30 + r"(?P<done>\d)",
    ],
)
def test_a_pattern_of_the_progress_that_could_take_for_ever_is_refused(pattern):
    with pytest.raises(UsageError, match="for ever"):
        check({"progress.pattern": [pattern]})


@pytest.mark.parametrize("pattern", [r"(?>(a+)+b)", r"(?:a?){30}a{30}", r".*.*.*.*.*.*x", "a*a*a*a*a*a*b", r"(?>(?:a|aa)*b)"])
def test_a_name_s_pattern_that_could_take_for_ever_is_refused(pattern):
    with pytest.raises(UsageError, match="for ever"):
        check_pattern(pattern, regex=True)


@pytest.mark.parametrize("pattern", [r"nightly-.*-db-.*", r"backup-\d+", r"(?:db|web)-.*", r"a{3}b?"])
def test_usual_patterns_of_names_are_taken(pattern):
    check_pattern(pattern, regex=True)
