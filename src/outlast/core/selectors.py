"""Which jobs are meant: selectors as values. The store resolves them.

Bare digits, ranges, lists and `last` are always ids; a bare word is one job by name or key; `name:`, `group:`, `status:`,
`outcome:` and `where:` are sets.
"""

from outlast.core.errors import UsageError
from outlast.core.job import OUTCOMES, STATUSES
from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable
    from typing import Any

IDS = "ids"  # value: ((first, last), ...)
LAST = "last"  # value: how many before the last one
WORD = "word"  # value: a name or key
NAME = "name"  # value: exactly that, of all jobs of the name; no word means it, see `client.statistics`
NAME_GLOB = "name_glob"
NAME_REGEX = "name_regex"
GROUP = "group"
STATUS = "status"  # value: (status, ...)
OUTCOME = "outcome"
WHERE = "where"  # value: a filter (`core.filters`), its times as they were written
KINDS = (IDS, LAST, WORD, NAME, NAME_GLOB, NAME_REGEX, GROUP, STATUS, OUTCOME, WHERE)

_LARGEST = 2**63 - 1  # no job has this id


class Selector(Value):
    """What one word on the command line means. `text` is the word."""

    _fields = ("kind", "text", "value")
    kind: str
    text: str
    value: "Any"

    @property
    def single(self) -> bool:
        """Whether exactly one job is meant, so that finding none or several is worth a sentence."""
        if self.kind == IDS:
            return len(self.value) == 1 and self.value[0][0] == self.value[0][1]
        return self.kind in {LAST, WORD}

    def pattern(self) -> "re.Pattern[str]":
        """Return the compiled regular expression of a NAME_REGEX; it may match anywhere. Raises UsageError if it is none."""
        import re

        try:
            return re.compile(self.value)
        except (re.error, RecursionError, OverflowError) as error:
            raise UsageError(f"{_shown(self.text)} is no regular expression", str(error)) from None

    def ids(self) -> "Iterable[int]":
        """Yield the ids that IDS mean; can be very many."""
        for first, last in self.value:
            yield from range(first, last + 1)


def parse_selector(text: str) -> Selector:
    """Return what `text` selects. Raises UsageError for what can mean nothing."""
    if not text.strip():
        raise UsageError("a selector is empty", "write an id, a name, or a set like `group:nightly`")
    if "\0" in text:
        raise UsageError("a selector holds a NUL character")
    if text == "last" or text.startswith("last~"):
        back = text[5:] or "0"
        if not _digits(back) or text == "last~":
            raise UsageError(f"{_shown(text)} counts nothing", "write `last`, or `last~1` for the one before")
        return Selector(kind=LAST, text=text, value=_number(back))
    if text[0] in "0123456789":
        spans = _spans(text)
        if spans is not None:
            return Selector(kind=IDS, text=text, value=spans)
    prefix, colon, rest = text.partition(":")
    if colon and prefix in {"name", "group", "status", "outcome", "where"}:
        return _set(text, prefix, rest)
    return Selector(kind=WORD, text=text, value=text)


def parse_selectors(words: "Iterable[str]") -> list[Selector]:
    """Return the selectors of `words`. Raises UsageError."""
    return [parse_selector(word) for word in words]


def _spans(text: str) -> "tuple[tuple[int, int], ...] | None":
    """Read `42`, `1-5`, `42,43,50-60`; None if it is none of them, and so a name that begins with a digit."""
    spans = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not _digits(first) or (dash and not _digits(last)):
            return None
        low = _number(first)
        high = _number(last) if dash else low
        if low > high:
            raise UsageError(f"the range {_shown(part)} runs backwards", f"write `{last[:20]}-{first[:20]}`")
        spans.append((low, high))
    return tuple(spans)


def _set(text: str, prefix: str, rest: str) -> Selector:
    if not rest:
        raise UsageError(f"{_shown(text)} names nothing", f"write `{prefix}:{'GLOB' if prefix == 'name' else prefix.upper()}`")
    if prefix == "name":
        if len(rest) > 2 and rest[0] == rest[-1] == "/":
            return Selector(kind=NAME_REGEX, text=text, value=rest[1:-1])
        return Selector(kind=NAME_GLOB, text=text, value=rest)
    if prefix == "where":
        from outlast.core.filters import parse

        return Selector(kind=WHERE, text=text, value=parse(rest))
    if prefix == "group":
        return Selector(kind=GROUP, text=text, value=rest)
    known = STATUSES if prefix == "status" else OUTCOMES
    words = tuple(word.strip().lower().replace("-", "_") for word in rest.split(","))
    for word in words:
        if word not in known:
            from outlast.core.nearest import hint

            raise UsageError(f"there is no {prefix} {_shown(word)}", hint(word, known, f"choose from {', '.join(known)}"))
    return Selector(kind=prefix, text=text, value=words)


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _number(digits: str) -> int:
    return min(int(digits), _LARGEST) if len(digits) < 25 else _LARGEST


def _shown(text: str) -> str:
    return f"`{text[:64]}`"
