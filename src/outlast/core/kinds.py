"""What the value of an option can be: one reader per kind, for the command line, Python and the environment alike.

Every reader takes a text or the plain Python value and returns what is kept: strings, booleans, integers (durations in
nanoseconds, sizes in bytes), lists. It raises UsageError that says what is accepted, without the option's name.
"""

from outlast.core.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

FLAG = "flag"  # given or not; `--no-x` takes it back
BOOLEAN = "boolean"  # --x, --no-x, --x=false
TEXT = "text"
CHOICE = "choice"
INTEGER = "integer"  # 1 or more
CURSOR = "cursor"  # 0 or more: an id, or before the first one
LIMIT = "limit"  # 1 or more; none, all or -1 for no limit
TRIES = "tries"  # 0 or more; none or -1 for no limit
DURATION = "duration"
GRACE = "grace"  # a duration that ends
SIZE = "size"
TIME = "time"  # in the past unless it says otherwise
INSTANT = "instant"  # a time that may come: the next one that fits
SPAN = "span"  # a duration, or a percentage of the usual one: 300%
NUMBER = "number"  # 0 or more, with a fraction
SIGNED = "signed"  # a whole number, negative too
OVERLAP = "overlap"  # a rule, perhaps with a number: queue=3
JOBS = "jobs"  # words that mean jobs; kept as ids
SIGNAL = "signal"
CODES = "codes"  # exit codes: 0,3,10-12
ASSIGNMENT = "assignment"  # NAME=VALUE
VARIABLE = "variable"  # NAME=VALUE, or NAME: as it is here
NAME = "name"  # of an environment variable
WORDS = "words"  # several words out of `choices`, split by commas
SORT = "sort"  # words out of `choices`, each perhaps with - in front
CPUS = "cpus"  # a number of CPUs, kept in thousandths; none for no limit
NICE = "nice"  # -20 to 19
RUN = "run"  # number of a run, negative from the end, or all

ALL = "all"
_LARGEST = 2**63 - 1
_FEWEST_CPUS = 10  # thousandths: the kernel shares out 1 ms of 100 and more
_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")


def _shown(given: object) -> str:
    return f"`{str(given)[:64]}`"


def _text(given: "Any") -> str:
    if not isinstance(given, str):
        raise UsageError(f"{given!r} is no text")
    if "\0" in given:
        raise UsageError("the text holds a NUL character")
    if not given.isascii():
        try:
            given.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise UsageError("the text cannot be written as bytes: it holds half a character") from None
    return given


def _boolean(given: "Any") -> bool:
    if isinstance(given, bool):
        return given
    word = str(given).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise UsageError(f"{_shown(given)} is neither true nor false", "write `true` or `false`")


def whole(given: "Any") -> int:
    """Return a whole number. Raises UsageError."""
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    text = str(given).strip()
    digits = text[1:] if text[:1] in {"-", "+"} else text
    if isinstance(given, bool) or not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        raise UsageError(f"{_shown(given)} is not a whole number")
    return int(text)


def _integer(given: "Any", least: int = 1) -> int:
    number = whole(given)
    if not least <= number <= _LARGEST:
        raise UsageError(f"{_shown(given)} is out of range", f"it is at least {least}")
    return number


def _limit(given: "Any", least: int = 1) -> int | None:
    if given is None or given == -1 or (isinstance(given, str) and given.strip().lower() in {"none", ALL, "-1"}):
        return None
    try:
        return _integer(given, least)
    except UsageError as error:
        raise UsageError(error.what, f"write a number from {least} up, or `none` for no limit") from None


def _duration(given: "Any") -> int | None:
    from outlast.core.durations import parse_duration  # imported here and below: most command lines hold no such value

    return parse_duration(given)


def _size(given: "Any") -> int | None:
    from outlast.core.sizes import parse_size

    return parse_size(given)


def _signal(given: "Any") -> int:
    from outlast.core.signals import parse_signal

    return parse_signal(given)


def _grace(given: "Any") -> int:
    from outlast.core.durations import parse_grace

    return parse_grace(given)


def _span(given: "Any") -> "int | str | None":
    """Return a duration (ns), or a percentage as a text like `300%`."""
    if not (isinstance(given, str) and given.strip().endswith("%")):
        return _limited(given)
    percent = given.strip()[:-1].strip()
    if not (percent.isascii() and percent.isdigit() and 0 < int(percent) <= _MOST_PERCENT):
        raise UsageError(f"{_shown(given)} is no percentage", f"write `150%` or `300%`, of the usual duration; at most {_MOST_PERCENT}%")
    return f"{int(percent)}%"


def _limited(given: "Any") -> int | None:
    """Return a duration (ns) that is no less than a moment; None for no limit."""
    ns = _duration(given)
    if ns is not None and ns <= 0:
        raise UsageError(f"{_shown(given)} is no time at all", "write a duration like `90s`, or `none` for no limit")
    return ns


def _number(given: "Any") -> float:
    try:
        number = float(given) if not isinstance(given, bool) else -1.0
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number < _MOST_NUMBER:  # false for NaN, too
        raise UsageError(f"{_shown(given)} is no number", "write one like `2` or `1.5`")
    return number


def _signed(given: "Any") -> int:
    number = whole(given)
    if abs(number) > _MOST_SIGNED:
        raise UsageError(f"{_shown(given)} is out of range", f"it is from -{_MOST_SIGNED} to {_MOST_SIGNED}")
    return number


def _overlap(given: "Any", choices: "tuple[str, ...]") -> str:
    """Return a rule, perhaps with its number: `queue=3`."""
    word, equals, number = str(given).strip().partition("=")
    rule = _choice(word.strip(), tuple(choice.partition("=")[0].rstrip("[") for choice in choices))
    if not equals:
        return rule
    if f"{rule}[=N]" not in choices:
        raise UsageError(f"`{rule}` takes no number", f"write `{rule}` alone")
    return f"{rule}={_integer(number)}"


def instant(given: "Any", now: int) -> int:
    """Return the instant (ns) that a text or a `datetime` means at `now`: of several the next one."""
    if isinstance(given, int) and not isinstance(given, bool):
        if not 0 <= given <= _LARGEST:
            raise UsageError(f"{_shown(given)} is no time that can be kept", "it is nanoseconds since 1970, up to the year 2262")
        return given  # as it is kept
    try:
        microseconds: int = round(given.timestamp() * 1_000_000)
        return microseconds * 1000
    except AttributeError:
        from outlast.core.times import parse_time

        return parse_time(given, now, future=True)


_MOST_PERCENT = 1_000_000
_MOST_NUMBER = 1e6
_MOST_SIGNED = 1_000_000


def _codes(given: "Any") -> list[int]:
    """Return exit codes in order. Codes are 0 to 255, as wait(2) has them."""
    if isinstance(given, str):
        parts: list[Any] = [part.strip() for part in given.split(",")] if given.strip() else []
    else:
        parts = [given] if isinstance(given, int) else list(given) if isinstance(given, list | tuple | set | frozenset | range) else [given]
    codes: set[int] = set()
    for part in parts:
        first, dash, last = part.partition("-") if isinstance(part, str) else (part, "", "")
        try:
            low = whole(first)
            high = whole(last) if dash else low
        except UsageError:
            low, high = -1, -1
        if not 0 <= low <= high <= 255:
            raise UsageError(f"{_shown(part)} is no exit code", "codes are 0 to 255, as in `0,3,10-12`")
        codes.update(range(low, high + 1))
    return sorted(codes)


def _assignments(given: "Any", *, bare: bool) -> "dict[str, str | None]":
    """Return names and values of one `NAME=VALUE`, a list of them, or a mapping. `bare`: a NAME alone has the value None."""
    if isinstance(given, str):
        given = [given]
    if hasattr(given, "items"):
        pairs = [(name, value) for name, value in given.items()]
    elif isinstance(given, list | tuple):
        pairs = []
        for item in given:
            name, equals, value = _text(item).partition("=")
            pairs.append((name, value if equals else None))
    else:
        raise UsageError(f"{given!r} is neither `NAME=VALUE` nor a mapping")
    kept: dict[str, str | None] = {}
    for name, value in pairs:
        if not name or (value is None and not bare):
            raise UsageError(f"{_shown(name)} lacks its {'value' if name else 'name'}", "write `NAME=VALUE`")
        if "=" in str(name):
            raise UsageError(f"{_shown(name)} is no name: it holds `=`", "the value stands apart from it")
        kept[_text(name)] = None if value is None else _text(value if isinstance(value, str) else str(value))
    return kept


def _names(given: "Any") -> list[str]:
    """Return names of environment variables."""
    names = list(given) if isinstance(given, list | tuple) else [given]
    for name in names:
        if not _text(name) or "=" in name:
            raise UsageError(f"{_shown(name)} is no name of an environment variable")
    return names


def _cpus(given: "Any") -> int | None:
    text = str(given).strip().lower()
    if given is None or text == "none":
        return None
    whole_, _, part = text.partition(".")
    if isinstance(given, bool) or not (whole_ + part).isascii() or not (whole_ + part).isdigit() or len(part) > 3 or len(whole_) > 4:
        raise UsageError(f"{_shown(given)} is no number of CPUs", "write it like `2`, `1.5`, or `none` for no limit")
    thousandths = int(whole_ or "0") * 1000 + int(part.ljust(3, "0"))
    if thousandths < _FEWEST_CPUS:
        raise UsageError(f"{_shown(given)} CPUs are too few", "0.01 is the least")
    return thousandths


def _nice(given: "Any") -> int:
    number = whole(given)
    if not -20 <= number <= 19:
        raise UsageError(f"{_shown(given)} is no nice value", "it lies between -20 and 19; higher ones give way to others")
    return number


def _run(given: "Any") -> int | str:
    if isinstance(given, str) and given.strip().lower() == ALL:
        return ALL
    number = whole(given)
    if not number or abs(number) > _LARGEST:
        raise UsageError("runs are numbered from 1", "write `1`, `-1` for the last one, or `all`")
    return number


_READERS: "Mapping[str, Callable[[Any], Any]]" = {
    FLAG: _boolean, BOOLEAN: _boolean, TEXT: _text, INTEGER: _integer, LIMIT: _limit,
    CURSOR: lambda given: _integer(given, 0),
    TRIES: lambda given: _limit(given, 0), DURATION: _duration, GRACE: _grace, SIZE: _size,
    SPAN: _span, NUMBER: _number, SIGNED: _signed, CPUS: _cpus, NICE: _nice,
    SIGNAL: _signal, CODES: _codes, NAME: _names, RUN: _run,
    ASSIGNMENT: lambda given: _assignments(given, bare=False), VARIABLE: lambda given: _assignments(given, bare=True),
}  # fmt: skip


def read(kind: str, given: "Any", choices: "tuple[str, ...]" = ()) -> "Any":
    """Return the value of an option of `kind`. Raises UsageError."""
    if kind == CHOICE:
        return _choice(str(given).strip(), choices)
    if kind == OVERLAP:
        return _overlap(given, choices)
    if kind == JOBS:
        return [part.strip() if isinstance(part, str) else part for part in (given.split(",") if isinstance(given, str) else [given])]
    if kind in {WORDS, SORT}:
        parts = list(given) if isinstance(given, list | tuple) else str(given).split(",")
        words = [str(part).strip() for part in parts if str(part).strip()]
        if not words:
            raise UsageError("nothing is named", f"choose from {', '.join(choices)}")
        if kind == WORDS:
            return [_choice(word, choices) for word in words]
        return ["-" * word.startswith("-") + _choice(word.lstrip("-+"), choices) for word in words]
    return _READERS[kind](given)


def _choice(word: str, choices: "tuple[str, ...]") -> str:
    lower = word.lower().replace("-", "_")
    for choice in choices:
        if lower == choice.replace("-", "_"):
            return choice
    from outlast.core.nearest import hint

    raise UsageError(f"{_shown(word)} is none of {', '.join(choices)}", hint(word, choices))


def spell(kind: str, value: "Any") -> str:
    """Return a kept value as a person would write it: what `read` takes back."""
    if value is None or isinstance(value, bool):
        return "none" if value is None else str(value).lower()
    if kind in {DURATION, GRACE, SPAN} and not isinstance(value, str):
        from outlast.core.durations import exact_duration

        return exact_duration(value)
    if kind == INSTANT:
        from outlast.core.times import format_time_utc

        return format_time_utc(value) or ""
    if kind == SIZE:
        from outlast.core.sizes import exact_size

        return exact_size(value)
    if kind == CPUS:
        return f"{value / 1000:.3f}".rstrip("0").rstrip(".")
    if kind == SIGNAL:
        from outlast.core.signals import signal_name

        name = signal_name(value)
        return name if name.startswith("SIG") else str(value)
    if isinstance(value, dict):
        value = [name if text is None else f"{name}={text}" for name, text in value.items()]
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value)
