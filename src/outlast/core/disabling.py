"""Jobs that are disabled by name: who is meant by a rule, and until when it holds."""

from outlast.core.errors import UsageError
from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


_MOST_DEGREE = 4  # see `core.patterns`: of a name of 200 letters some 70 million places, were each of them tried


class Rule(Value):
    """What disables jobs: those of a name, or (`regex`) those whose name matches from its first to its last letter."""

    _fields = ("pattern", "regex", "note", "until", "by", "at")
    pattern: str
    regex: bool
    note: str
    until: int | None  # ns; None: until somebody enables them
    by: str
    at: int
    _defaults = {"regex": False, "note": "", "until": None, "by": "", "at": 0}


_LONGEST = 10_000  # characters of an expression: each takes the memory of hundreds when it is read


def check_pattern(pattern: str, *, regex: bool) -> None:
    """Raise UsageError if `pattern` is empty, or no regular expression where it has to be one."""
    if not pattern:
        raise UsageError("no name is given", "name the jobs to be disabled")
    if regex and len(pattern) > _LONGEST:
        raise UsageError(f"the regular expression has {len(pattern)} characters", f"{_LONGEST} are the most; disable several patterns")
    if regex:
        import re

        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            raise UsageError(f"`{pattern[:80]}` is no regular expression: {error}", "see `pydoc re`") from None
        from outlast.core.patterns import cost

        if may_take_for_ever(pattern) or cost(pattern, search=False).degree > _MOST_DEGREE:
            what = f"`{pattern[:80]}` repeats what is repeated, or a choice, or too much side by side: to match a name could take for ever"
            raise UsageError(what, "write it without, or disable several patterns")


def may_take_for_ever(pattern: str) -> bool:
    """Tell whether a repetition holds another one, or a choice: only so can trying double with each letter of the text."""
    from re import _parser  # type: ignore[attr-defined]

    def repeats(tree: "Any", *, inside: bool) -> bool:
        for what, about in tree:
            name = str(what)
            if name in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
                many = about[1] > 1
                if (inside and about[1] > about[0]) or repeats(about[2], inside=inside or many):
                    return True
            elif name == "BRANCH":
                if inside or any(repeats(branch, inside=inside) for branch in about[1]):
                    return True
            else:  # an atomic group has its expression alone, others have it among more
                inner = about if isinstance(about, tuple) else (about,)
                if any(repeats(part, inside=inside) for part in inner if isinstance(part, _parser.SubPattern)):
                    return True
        return False

    return repeats(_parser.parse(pattern), inside=False)


def rule_for(rules: "Iterable[Rule]", name: str, now: int) -> Rule | None:
    """Return the first rule that disables jobs called `name` at `now`, or None."""
    for rule in rules:
        if (rule.until is None or now < rule.until) and _means(rule, name):
            return rule
    return None


def _means(rule: Rule, name: str) -> bool:
    if not rule.regex:
        return rule.pattern == name
    import re

    return re.fullmatch(rule.pattern, name, re.DOTALL) is not None


def reason(rule: Rule) -> str:
    """Return why a job did not start, as a sentence."""
    what = f"jobs that match `{rule.pattern}`" if rule.regex else f"jobs called `{rule.pattern}`"
    who = f" by {rule.by}" if rule.by else ""
    note = f": {rule.note}" if rule.note else ""
    if rule.until is None:
        return f"{what} are disabled{who}{note}"
    from outlast.core.times import format_time_full

    return f"{what} are disabled{who} until {format_time_full(rule.until)}{note}"
