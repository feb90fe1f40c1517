"""Instants as people write them and as they are shown. Kept as integer nanoseconds since the epoch (UTC).

Without a zone a time is local: `time.mktime` and `time.localtime` know the zone's rules, daylight saving included.
"""

import time

from outlast.core.errors import UsageError

SECOND = 1_000_000_000
ACCEPTED = "write it like `8am`, `22:30`, `yesterday 18:00`, `friday 17:00`, `2h ago`, `in 3h`, `2026-11-22 08:00`, `2026-11-22T08:00:00Z`"
LATEST = 2**63 - 1  # what the store can hold: the year 2262

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NEAR = {"today": 0, "tomorrow": 1, "yesterday": -1}
_BACK = {"week": 7, "fortnight": 14, "month": 30, "year": 365}
_FILLERS = ("at", "on", "the")
_NAMED = {"noon": (12, 0, 0, 0), "midnight": (0, 0, 0, 0), "midday": (12, 0, 0, 0)}

Clock = tuple[int, int, int, int]  # hour, minute, second, nanosecond


def parse_time(text: str, now: int, *, future: bool = False) -> int:
    """Return the instant that `text` means at `now`, both in ns.

    A time of the day or a day of the week alone is the last one before `now`, or with `future` the next one after it. A day
    alone begins at midnight. `week`, `fortnight`, `month`, `year` are so long ago. Raises UsageError.
    """
    given = text
    if not isinstance(text, str) or len(text) > 80 or not text.isascii():
        raise _bad(given)
    words = [word for word in text.lower().replace(",", " ").split() if word not in _FILLERS]
    if not words:
        raise _bad(given)
    try:
        at = _read(words, now, future)
    except (OverflowError, ValueError, OSError):  # of mktime: out of the range of the platform
        at = None
    if at is None or not 0 <= at <= LATEST:
        raise _bad(given)
    return at


def _read(words: list[str], now: int, future: bool) -> int | None:
    if words == ["now"]:
        return now
    if len(words) == 1 and words[0] in _BACK:
        return now - _BACK[words[0]] * 86_400 * SECOND
    at = _relative(words, now)
    if at is None:
        at = _iso(words)
    return _day_and_clock(words, now, future) if at is None else at


def _relative(words: list[str], now: int) -> int | None:
    """Read `in 3h`, `3 hours ago`, `+3h`, `-3h`; and `@1700000000`, seconds since the epoch."""
    first = words[0]
    if first[0] == "@" and len(words) == 1:
        whole, _, part = first[1:].partition(".")
        if _digits(whole) and (not part or _digits(part)):
            return int(whole) * SECOND + int(part[:9].ljust(9, "0") or 0)
        return None
    if words[-1] == "ago" and len(words) > 1:
        sign, rest = -1, words[:-1]
    elif first == "in" and len(words) > 1:
        sign, rest = 1, words[1:]
    elif first[0] in "+-" and len(first) > 1:
        sign, rest = (1 if first[0] == "+" else -1), [first[1:], *words[1:]]
    else:
        return None
    from outlast.core.durations import parse_duration

    if rest[0] in {"a", "an"}:
        rest[0] = "1"
    try:
        ns = parse_duration(" ".join(rest))
    except UsageError:
        return None
    return None if ns is None else now + sign * ns


def _iso(words: list[str]) -> int | None:
    """Read a date, perhaps a time after `t` or a space, perhaps a zone (RFC 3339, ISO 8601)."""
    date, mark, rest = words[0].partition("t")
    parts = date.split("-")
    if len(parts) != 3 or [len(part) for part in parts] != [4, 2, 2] or not all(map(_digits, parts)):
        return None
    year, month, day = map(int, parts)
    if not (1 <= month <= 12 and 1 <= day <= _days_in(year, month)):
        return None
    rest = " ".join(filter(None, (rest, *words[1:])))
    if not rest:
        return None if mark else _local(year, month, day, (0, 0, 0, 0))
    rest, zone = _zone(rest)
    clock = _clock(rest)
    if clock is None:
        return None
    if zone is None:
        return _local(year, month, day, clock)
    hour, minute, second, ns = clock
    return (_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - zone) * SECOND + ns


def _zone(text: str) -> tuple[str, int | None]:
    """Split `08:00+01:00` into the time and the offset in seconds; None if there is none."""
    for name in ("z", " utc", " gmt"):
        if text.endswith(name):
            return text[: -len(name)].rstrip(), 0
    for sign in "+-":
        clock, found, offset = text.partition(sign)
        digits = offset.replace(":", "", 1)
        if found and _digits(digits) and len(digits) in {2, 4} and int(digits[2:] or 0) < 60 and int(digits[:2]) < 24:
            seconds = int(digits[:2]) * 3600 + int(digits[2:] or 0) * 60
            return clock.rstrip(), seconds if sign == "+" else -seconds
    return text, None


def _clock(text: str) -> Clock | None:
    """Read `8am`, `8:30 pm`, `22:30`, `22:30:15.5`, `noon`."""
    if text in _NAMED:
        return _NAMED[text]
    half = text[-2:] if text[-2:] in {"am", "pm"} else ""
    parts = text[: len(text) - len(half)].rstrip().split(":")
    last, dot, fraction = parts[-1].partition(".")
    parts[-1] = last
    if len(parts) > 3 or (len(parts) == 1 and not half) or not all(_digits(part) and len(part) <= 2 for part in parts):
        return None
    if (dot and (len(parts) < 3 or not _digits(fraction))) or any(len(part) != 2 for part in parts[1:]):
        return None
    hour, minute, second = ([int(part) for part in parts] + [0, 0])[:3]
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return hour, minute, second, int(fraction[:9].ljust(9, "0") or 0) if fraction else 0


def _day_and_clock(words: list[str], now: int, future: bool) -> int | None:
    """Read a day, a time of the day, or both in any order."""
    today = time.localtime(now // SECOND)
    near: int | None = None  # days from today
    step = 0  # how far apart the days are that can be meant; 0: only this one
    rest: list[str] = []
    turn = ""
    for word in words:
        weekday = next((i for i, name in enumerate(_DAYS) if len(word) >= 3 and name.startswith(word)), None)
        if near is None and word in _NEAR:
            near = _NEAR[word]
        elif near is None and weekday is not None:
            near, step = weekday - today.tm_wday, 7
        elif word in {"last", "next"} and not turn and near is None:
            turn = word
        else:
            rest.append(word)
    if turn and not step:
        return None
    clock = _clock(" ".join(rest)) if rest else (0, 0, 0, 0)
    if clock is None or (near is None and not rest):
        return None
    if near is None:
        near, step = 0, 1
    at = _local(today.tm_year, today.tm_mon, today.tm_mday + near, clock)
    if not step:
        return at
    later = turn == "next" or (future and turn != "last")
    before = _local(today.tm_year, today.tm_mon, today.tm_mday, (0, 0, 0, 0)) - 1 if turn == "last" else now
    while (at <= now) if later else (at > before):
        near += step if later else -step
        at = _local(today.tm_year, today.tm_mon, today.tm_mday + near, clock)
    return at


def _local(year: int, month: int, day: int, clock: Clock) -> int:
    hour, minute, second, ns = clock
    return int(time.mktime((year, month, day, hour, minute, second, 0, 0, -1))) * SECOND + ns


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _days_in(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 or year % 400 == 0) else 28
    return 30 if month in {4, 6, 9, 11} else 31


def _civil(year: int, month: int, day: int) -> int:
    """Return days since 1970-01-01 in the Gregorian calendar (the year begins in March, so that leap days come last)."""
    year -= month <= 2
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * ((month + 9) % 12) + 2) // 5 + day - 1 - 719_468


def _bad(given: object) -> UsageError:
    return UsageError(f"`{str(given)[:64]}` is not a time", ACCEPTED)


def format_time_utc(ns: int | None) -> str | None:
    """Return RFC 3339 in UTC with microseconds, `2026-11-22T08:00:00.123456Z`; None for None."""
    if ns is None:
        return None
    at = time.gmtime(ns // SECOND)
    return f"{at[0]:04d}-{at[1]:02d}-{at[2]:02d}T{at[3]:02d}:{at[4]:02d}:{at[5]:02d}.{ns % SECOND // 1000:06d}Z"


def format_time_local(ns: int | None, now: int) -> str:
    """Return local time as short as a table wants it: `08:00:03` today, `Nov 21 08:00` within half a year, else `2025-11-21`."""
    if ns is None:
        return ""
    at, today = time.localtime(ns // SECOND), time.localtime(now // SECOND)
    if at[:3] == today[:3]:
        return f"{at[3]:02d}:{at[4]:02d}:{at[5]:02d}"
    if abs(now - ns) < 180 * 86_400 * SECOND:
        return f"{_MONTHS[at[1] - 1]} {at[2]:2d} {at[3]:02d}:{at[4]:02d}"
    return f"{at[0]:04d}-{at[1]:02d}-{at[2]:02d}"


def format_time_full(ns: int | None) -> str:
    """Return local time with its zone: `2026-11-22 08:00:03 CET`."""
    if ns is None:
        return ""
    at = time.localtime(ns // SECOND)
    return f"{at[0]:04d}-{at[1]:02d}-{at[2]:02d} {at[3]:02d}:{at[4]:02d}:{at[5]:02d} {at.tm_zone}"
