"""How far a run is, from the end of its output: which piece counts, how long it may take, how that is said.

The newest piece that says something counts. What could mean something else gives way to a meter that was printed just before and is not
full. Programs print in blocks that end anywhere: the end of a piece that is still open is believed only if what came before bears it out.
"""

from outlast.core.durations import DAY, SECOND
from outlast.core.errors import UsageError
from outlast.core.figures import number_behind, scaled
from outlast.core.meters import ALIASES, OVER, ROLES, Found, meter, part_of
from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, TypeAlias

    Piece: TypeAlias = "tuple[bytes, str, bool]"  # the stamp of its record; see `core.printed`; whether it is whole

OUTPUT = "output"
NONE = "none"
GROUPS = ("done", "total", "percent", "unit", "text")
_MOST = 200  # pieces that are looked at
_NEAR = 20  # pieces that are looked through for a certain one
_TRIED = 32  # pieces that patterns are tried on, so many characters of each
_LONGEST = 500
_MOST_DEGREE = 4  # of a pattern, see `core.patterns`: then still 70 characters of a line are looked at
_MOST_CHOICES = 1000
_REMEMBERED = 1000  # patterns
_LEAST_RUN = SECOND  # before that nothing can be said of the rest
_LEAST_PERCENT = 0.1
_FARTHEST = 3650 * DAY


class Rules(Value):
    """What a job's options say of its output: `patterns` (regular expressions), `aliases` (words to what they mean)."""

    _fields = ("patterns", "aliases")
    patterns: "tuple[str, ...]"
    aliases: "Mapping[str, str]"
    _defaults = {"patterns": (), "aliases": ALIASES}


_USUAL = Rules()


def rules(spec: "Mapping[str, Any]") -> Rules | None:
    """Return how output is to be read by a job's spec, None: not at all."""
    if spec.get("progress.from") == NONE:
        return None
    patterns, own = spec.get("progress.pattern", ()), spec.get("progress.alias")
    if not patterns and not own:
        return _USUAL
    aliases = {**ALIASES, **{word.lower().replace("-", "_"): role for word, role in own.items()}} if own else ALIASES
    return Rules(patterns=tuple(patterns), aliases=aliases)


def check(spec: "Mapping[str, Any]") -> None:
    """Raise UsageError if `progress.pattern` or `progress.alias` is of no use, or could take for ever."""
    for pattern in spec.get("progress.pattern", ()):
        import re

        from outlast.core.disabling import may_take_for_ever
        from outlast.core.patterns import cost

        shown = f"--progress.pattern: `{pattern[:80]}`"
        try:
            groups = re.compile(pattern).groupindex
        except (re.error, OverflowError, RecursionError) as error:
            raise UsageError(f"{shown} is no regular expression: {error}", "see `pydoc re`") from None
        if not set(GROUPS).intersection(groups):
            raise UsageError(f"{shown} names no group", r"as in `(?P<done>\d+) of (?P<total>\d+)`; groups are " + ", ".join(GROUPS))
        costs = None if may_take_for_ever(pattern) else cost(pattern, search=True)
        if costs is None or costs.degree > _MOST_DEGREE or costs.factor > _MOST_CHOICES or _wide(pattern) > 2:
            what = f"{shown} repeats what is repeated, or a choice, or anything more than twice: to match a line could take for ever"
            raise UsageError(what, "write it without, or give several patterns")
    for word, role in spec.get("progress.alias", {}).items():
        if role not in ROLES:
            raise UsageError(f"--progress.alias {word[:40]}: `{str(role)[:40]}` is none of {', '.join(ROLES)}", f"as in `{word[:40]}=done`")


def _wide(pattern: str) -> int:
    """Return how many repetitions without end of more than a class of letters `pattern` has, as `.*` or `[^,]+`."""
    from re import _parser  # type: ignore[attr-defined]

    def count(tree: "Any") -> int:
        found = 0
        for what, about in tree:
            name = str(what)
            if name.endswith("_REPEAT") and about[1] > 64:
                inner = [(str(kind), args) for kind, args in about[2]]
                found += any(kind in {"ANY", "NOT_LITERAL"} or (kind == "IN" and _is_wide(args)) for kind, args in inner)
            for part in about if isinstance(about, tuple) else ():
                if isinstance(part, _parser.SubPattern):
                    found += count(part)
        return found

    return count(_parser.parse(pattern))


def _is_wide(members: "Any") -> bool:
    return any(str(kind) in {"NEGATE", "CATEGORY"} and str(about) not in {"CATEGORY_DIGIT", "CATEGORY_SPACE"} for kind, about in members)


def newest(pieces: "Sequence[Piece]", by: Rules, *, over: bool = False) -> "tuple[bytes, Found] | None":
    """Return the stamp and what the output says last, by `pieces` in the order printed, or None. `over`: nothing more will be printed."""
    first: tuple[bytes, Found] | None = None
    near = _NEAR
    for at, found in _backwards(pieces, by, over=over):
        if found is OVER:
            return first
        if first is None and found is not None:
            first = at, found
            if found.strong:
                return first
        elif first is not None and found is not None and found.strong:
            if first[1].part:  # of one file: the files count, if it is so
                return first if found.total is None else (at, found)
            return first if found.percent == 100 else (at, found)
        elif first is not None and not first[1].part:
            near -= 1
            if not near:
                break
    return first


def _backwards(pieces: "Sequence[Piece]", by: Rules, *, over: bool) -> "Iterator[tuple[bytes, Found | None]]":
    """Yield what each piece says, the last one first."""
    for place in range(len(pieces) - 1, max(len(pieces) - _MOST, 0) - 1, -1):
        at, text, whole = pieces[place]
        patterns = by.patterns if len(pieces) - place <= _TRIED else ()
        sure = text if whole or over else text.rstrip(_UNSURE)
        found = _read(sure, patterns, by.aliases)
        if found is None and len(sure) < len(text):
            found = _read(text, patterns, by.aliases)
            if found is not None and not _borne_out(found, pieces[max(0, place - _NEAR) : place], by):
                found = None
        yield at, found


def _borne_out(found: Found, before: "Sequence[Piece]", by: Rules) -> bool:
    """Tell whether the last one of `before` that says something says as much of the same whole."""
    for _, text, _ in reversed(before):
        earlier = _read(text, by.patterns, by.aliases)
        if earlier is not None:
            return found.total is not None and found.total == earlier.total
    return False


_UNSURE = "0123456789.,abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _read(text: str, patterns: "tuple[str, ...]", aliases: "Mapping[str, str]") -> Found | None:
    for pattern in patterns:
        found = _by_pattern(text, pattern)
        if found is not None:
            return found
    return meter(text, aliases)


_lengths: "dict[str, int]" = {}  # of the patterns that were met, so many characters each are looked at


def _longest(pattern: str) -> int:
    """Return how much of a line a pattern is tried on: what programs print is theirs, and must not hold up who reads it."""
    if pattern not in _lengths:
        from outlast.core.patterns import cost

        if len(_lengths) >= _REMEMBERED:
            _lengths.clear()
        _lengths[pattern] = min(_LONGEST, cost(pattern, search=True).longest)
    return _lengths[pattern]


def _by_pattern(text: str, pattern: str) -> Found | None:
    import re

    match = re.search(pattern, text[: _longest(pattern)])
    if match is None:
        return None
    told = {name: held for name, held in match.groupdict().items() if name in GROUPS and held}
    numbers = {}
    words: dict[str, str] = {}
    for name in ("done", "total", "percent"):
        value = number_behind(told.get(name, "").strip(), 0)
        if value is not None:
            numbers[name] = scaled(value[1], value[2])
            words |= {"unit": "B"} if value[2][-1:] in {"B", "b"} else {}
    done, total, percent = (numbers.get(name) for name in ("done", "total", "percent"))
    if percent is None and done is not None and total is not None:
        percent = part_of(done, total)
        if percent is None:
            return None
    if percent is not None and percent > 100:
        return None
    words |= {name: told[name].strip()[:200] for name in ("unit", "text") if name in told}
    if done is None and percent is None and not words.get("text"):
        return None
    return Found(done=done, total=total, percent=None if percent is None else round(float(percent), 2), strong=True, **words)


def as_progress(found: Found) -> "dict[str, Any]":
    """Return what is kept and shown of `found`."""
    names = ("percent", "done", "total", "unit", "text")
    return {**{name: getattr(found, name) for name in names}, "from": OUTPUT}


def eta(progress: "Mapping[str, Any]", *, began: int | None, at: int, now: int, told: int | None = None) -> int | None:
    """Return how long it may take (ns, whole seconds) from `now` on if it goes on as it went, None if that cannot be said.

    `began`: when the run did, moved on by its pauses; `at`: when it was so far; `told`: what its program said then was left.
    """
    percent, done, total = progress.get("percent"), progress.get("done"), progress.get("total")
    if done is not None and total and 0 <= done <= total:
        percent = done * 100 / total
    if percent is not None and percent >= 100:
        return None
    left = told
    if left is None:
        if began is None or percent is None or percent < _LEAST_PERCENT or at - began < _LEAST_RUN:
            return None
        left = int((at - began) * (100 - percent) / percent)
    left -= max(0, now - at)
    return round(left / SECOND) * SECOND if 0 <= left <= _FARTHEST else None


def spelled(progress: "Mapping[str, Any]", *, long: bool = False) -> str:
    """Return a progress for people: `25/100 files (25%)`, `25%`; `long`: with its text."""
    percent, done, total = progress.get("percent"), progress.get("done"), progress.get("total")
    unit = progress.get("unit") or ""
    rate = "" if percent is None else f"{int(percent)}%"
    if done is not None:
        if unit in {"B", "bytes"}:
            from outlast.core.sizes import format_size

            sizes = (format_size(int(size)) for size in (done, total) if size is not None)
            figures = "/".join(sizes)
        else:
            figures = "/".join(
                f"{figure:g}" if isinstance(figure, float) else str(figure) for figure in (done, total) if figure is not None
            )
            figures = f"{figures} {unit}".rstrip()
        rate = f"{figures} ({rate})" if rate else figures
    text = progress.get("text") or ""
    if not rate:
        return str(text)
    return f"{text}: {rate}" if long and text and progress.get("from") == OUTPUT else rate  # a report's text is these figures
