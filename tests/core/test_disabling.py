"""Jobs that are disabled by name."""

import re

import pytest

from core.samples import NOW
from outlast.core.disabling import Rule, check_pattern, reason, rule_for
from outlast.core.errors import UsageError


def rule(pattern: str, **fields: object) -> Rule:
    return Rule(pattern=pattern, at=NOW - 9, **fields)


@pytest.mark.parametrize(
    ("given", "name", "expected"),
    [
        (rule("backup"), "backup", True),
        (rule("backup"), "backup2", False),
        (rule("backup"), "Backup", False),
        (rule("b.*"), "backup", False),  # no expression
        (rule("b.*"), "b.*", True),
        (rule("b.*", regex=True), "backup", True),
        (rule("b.*", regex=True), "a backup", False),  # from its first letter
        (rule("back", regex=True), "backup", False),  # to its last one
        (rule("a|backup", regex=True), "backup", True),
        (rule("b.*p", regex=True), "back\nup", True),  # a name may have several lines
        (rule("backup", regex=True), "backup\n", False),
        (rule("\udcff.", regex=True), "\udcff\udcfe", True),
        (rule("backup", until=NOW + 1), "backup", True),
        (rule("backup", until=NOW), "backup", False),
    ],
)
def test_who_is_meant(given: Rule, name: str, expected: bool) -> None:
    assert (given if expected else None) == rule_for([given], name, NOW)


def test_the_first_rule_that_holds_is_told() -> None:
    over, other, first, second = rule("n", until=NOW), rule("x"), rule("n", note="1"), rule(".*", regex=True)
    assert first == rule_for([over, other, first, second], "n", NOW)
    assert second == rule_for([over, other, second, first], "n", NOW)
    assert rule_for([], "n", NOW) is None


def test_the_reason_says_by_whom_until_when_and_why() -> None:
    assert "jobs called `n` are disabled" == reason(rule("n"))
    assert "jobs called `n` are disabled by me: disk" == reason(rule("n", by="me", note="disk"))
    told = reason(rule("n.*", regex=True, by="me", until=NOW, note="disk"))
    assert re.fullmatch(r"jobs that match `n\.\*` are disabled by me until 2023-11-1\d .*: disk", told), told


@pytest.mark.parametrize(
    ("pattern", "regex", "said"), [("", False, "no name"), ("", True, "no name"), ("(", True, "no regular expression")]
)
def test_what_is_no_name_and_no_expression(pattern: str, regex: bool, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_pattern(pattern, regex=regex)


def test_any_text_is_a_name() -> None:
    for pattern in ("(", "*", "\udcff", " "):
        check_pattern(pattern, regex=False)
    check_pattern("import-.*", regex=True)


def test_an_expression_that_is_too_long_is_refused() -> None:
    check_pattern("a" * 10_000, regex=True)
    with pytest.raises(UsageError, match="10001 characters"):
        check_pattern("a" * 10_001, regex=True)
