"""Durations as people write them, kept as integer nanoseconds. None means no limit."""

from outlast.core.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import timedelta

MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
LONGEST = 2**63 - 1  # what the store can hold: 292 years

OR_NONE = "; `none` is no limit"
ACCEPTED = f"write it like `90`, `90s`, `1.5h`, `1h30m`, `250ms`, `2w`, `1:30:00`, `PT1H30M`{OR_NONE}"
_LONGEST_TEXT = 64

_UNITS = {
    "ns": 1, "us": MICROSECOND, "µs": MICROSECOND, "μs": MICROSECOND, "ms": MILLISECOND,
    "s": SECOND, "sec": SECOND, "secs": SECOND, "second": SECOND, "seconds": SECOND,
    "m": MINUTE, "min": MINUTE, "mins": MINUTE, "minute": MINUTE, "minutes": MINUTE,
    "h": HOUR, "hr": HOUR, "hrs": HOUR, "hour": HOUR, "hours": HOUR,
    "d": DAY, "day": DAY, "days": DAY, "w": WEEK, "week": WEEK, "weeks": WEEK,
}  # fmt: skip
_EXACT = (("w", WEEK), ("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND), ("ms", MILLISECOND), ("us", MICROSECOND), ("ns", 1))


def parse_duration(given: "str | float | timedelta | None") -> int | None:
    """Return `given` in nanoseconds, None for no limit (`none` or -1). A number is seconds.

    Raises UsageError for everything else, and for what is negative or longer than 292 years.
    """
    ns = _read(given)
    if ns is not None and not 0 <= ns <= LONGEST:
        raise UsageError(f"the duration {_shown(given)} is out of range", f"it lies between 0 and 292 years{OR_NONE}")
    return ns


def parse_grace(given: "str | float | timedelta | None") -> int:
    """Return as `parse_duration` does what has to come to an end: no limit is refused, and not offered either."""
    try:
        ns = parse_duration(given)
    except UsageError as error:
        raise UsageError(error.what, error.hint.removesuffix(OR_NONE)) from None
    if ns is None:
        raise UsageError(f"{_shown(given)} has no end", "write a duration like `10s`, however long")
    return ns


def _read(given: "str | float | timedelta | None") -> int | None:
    if given is None or given == -1:
        return None
    if isinstance(given, str):
        return _read_text(given)
    if isinstance(given, int) and not isinstance(given, bool):
        return given * SECOND
    if isinstance(given, float) and abs(given) < 1e12:  # false for NaN and infinities too
        return round(given * SECOND)
    if not isinstance(given, int | float):
        try:
            return (given.days * 86_400 + given.seconds) * SECOND + given.microseconds * MICROSECOND
        except AttributeError:
            pass
    raise _bad(given)


def _read_text(given: str) -> int | None:
    text = given.strip().lower()
    if text in {"none", "-1"}:
        return None
    if not text or len(text) > _LONGEST_TEXT:
        raise _bad(given)
    if text[0] == "p":
        return _read_iso(text[1:], given)
    if ":" in text:
        return _read_clock(text, given)
    rest, number = _number(text, given)
    if not rest:
        return _times(number, SECOND)
    total = 0
    seen: list[int] = []
    while True:
        end = 0
        while end < len(rest) and rest[end].isalpha():
            end += 1
        unit = _UNITS.get(rest[:end])
        if unit is None or unit in seen:
            raise _bad(given)
        seen.append(unit)
        total += _times(number, unit)
        rest = rest[end:].lstrip(" ")
        if not rest:
            return total
        rest, number = _number(rest, given)


def _read_iso(text: str, given: str) -> int:
    """Read the rest of an ISO 8601 duration. Years and months have no fixed length and are refused."""
    days, mark, clock = text.partition("t")
    total = 0
    pieces = 0
    for part, units in ((days, {"w": WEEK, "d": DAY}), (clock, {"h": HOUR, "m": MINUTE, "s": SECOND})):
        rest = part
        left = dict(units)
        while rest:
            rest, number = _number(rest.replace(",", "."), given)
            unit = left.pop(rest[:1], None)
            if unit is None:
                raise _bad(given)
            total += _times(number, unit)
            rest = rest[1:]
            pieces += 1
    if not pieces or (mark and not clock):
        raise _bad(given)
    return total


def _read_clock(text: str, given: str) -> int:
    """Read `H:MM:SS`. Two parts alone could be hours or minutes: refused."""
    parts = text.split(":")
    if len(parts) != 3 or not _digits(parts[0]) or not _digits(parts[1]):
        raise _bad(given)
    rest, seconds = _number(parts[2], given)
    minutes = int(parts[1])
    if rest or minutes > 59 or int(seconds[0]) > 59:
        raise _bad(given)
    return int(parts[0]) * HOUR + minutes * MINUTE + _times(seconds, SECOND)


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _number(text: str, given: object) -> tuple[str, tuple[str, str]]:
    """Take a decimal number off the start of `text`: (what follows it, (digits before the point, digits after))."""
    end = 0
    while end < len(text) and text[end] in "0123456789.":
        end += 1
    whole, _, part = text[:end].partition(".")
    if not (whole or part) or "." in part:
        raise _bad(given)
    return text[end:].lstrip(" "), (whole or "0", part)


def _times(number: tuple[str, str], unit: int) -> int:
    whole, part = number
    return int(whole) * unit + (int(part) * unit // 10 ** len(part) if part else 0)


def _shown(given: object) -> str:
    text = str(given) if not isinstance(given, str) else given
    return f"`{text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + '…'}`"


def _bad(given: object) -> UsageError:
    return UsageError(f"{_shown(given)} is not a duration", ACCEPTED)


def format_duration(ns: int | None) -> str:
    """Return a duration for people, rounded to what matters: `250ms`, `1.25s`, `4m 10s`, `3h 02m`, `2d 4h`; None is `none`."""
    if ns is None:
        return "none"
    if ns < 0:
        return f"-{format_duration(-ns)}"
    if ns < MINUTE - 5 * MILLISECOND:
        return _short(ns)
    seconds = (ns + SECOND // 2) // SECOND
    if seconds < 3600:
        return f"{seconds // 60}m {seconds % 60:02d}s"
    minutes = (seconds + 30) // 60
    if minutes < 24 * 60:
        return f"{minutes // 60}h {minutes % 60:02d}m"
    hours = (minutes + 30) // 60
    return f"{hours // 24}d {hours % 24}h"


def _short(ns: int) -> str:
    if not ns:
        return "0s"
    if ns < 999_500:
        return f"{_trimmed(ns, MICROSECOND)}us"
    return f"{_trimmed(ns, MILLISECOND)}ms" if ns < 999_500_000 else f"{_trimmed(ns, SECOND)}s"


def _trimmed(ns: int, unit: int) -> str:
    """Return ns / unit with three digits that count at most, and no idle zeros."""
    value = ns / unit
    text = f"{value:.0f}" if value >= 100 else f"{value:.2f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def exact_duration(ns: int | None) -> str:
    """Return a duration that `parse_duration` reads back unchanged: `1h30m`, `250ms`, `none`."""
    if ns is None:
        return "none"
    if not ns:
        return "0s"
    text = ""
    for name, unit in _EXACT:
        count, ns = divmod(ns, unit)
        if count:
            text += f"{count}{name}"
    return text
