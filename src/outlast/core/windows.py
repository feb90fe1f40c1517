"""Stretches of time as people say them: `today`, `last week`, `2026-11`, `last 7 days`. Each is from an instant up to another one.

Days, weeks (from Monday on), months and years are those of the local calendar; `day`, `week`, `month` and `year` alone are the last 1, 7,
30 and 365 days, as for `--since`.
"""

import time

from outlast.core.errors import UsageError
from outlast.core.times import LATEST, SECOND, parse_time

ACCEPTED = (
    "write it like `today`, `yesterday`, `monday`, `this week`, `last week`, `month`, `last 7 days`, `2026-11`, `2026-11-22`, "
    "`yesterday..8am`"
)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_BACK = {"hour": 3600, "day": 86_400, "week": 7 * 86_400, "fortnight": 14 * 86_400, "month": 30 * 86_400, "year": 365 * 86_400}
_PARTS = 3  # of a date


def parse_window(text: str, now: int) -> tuple[int, int]:
    """Return (first instant, first instant after it), in ns, of what `text` means at `now`. Raises UsageError."""
    if not isinstance(text, str) or len(text) > 160 or not text.isascii():
        raise _bad(text)
    words = text.lower().split()
    if ".." in text:
        return _range(text, now)
    try:
        found = _read(words, now) if words else None
    except (OverflowError, ValueError, OSError):  # of mktime: out of the range of the platform
        found = None
    if found is None or not 0 <= found[0] < found[1] <= LATEST:
        raise _bad(text)
    return found


def _range(text: str, now: int) -> tuple[int, int]:
    """Read `FROM..TO`, each perhaps empty."""
    first, _, last = text.partition("..")
    since = parse_time(first, now) if first.strip() else 0
    until = parse_time(last, now) if last.strip() else LATEST
    if since >= until:
        raise UsageError(f"`{text[:64]}` ends before it begins", f"write `{last.strip()[:30]}..{first.strip()[:30]}`")
    return since, until


def _read(words: list[str], now: int) -> tuple[int, int] | None:
    if len(words) == 1:
        return _single(words[0], now)
    if words[0] in {"last", "past"} and words[-1].rstrip("s") in (*_BACK, "minute", "second") and len(words) == 3:
        return _last(words[1], words[2].rstrip("s"), now)
    if words[0] in {"this", "last"} and len(words) == 2:
        if words[1] in {"day", "week", "month", "year"}:
            return _calendar(words[1], now, -(words[0] == "last"))
        if words[0] == "last" and words[1] in _BACK:
            return now - _BACK[words[1]] * SECOND, now + 1
        day = _weekday(words[1], now, whole_week=words[0] == "last")
        return None if day is None else _of_days(now, day, day + 1)
    return None


def _last(number: str, unit: str, now: int) -> tuple[int, int] | None:
    if not (number.isascii() and number.isdigit() and 0 < len(number) < 7):
        return None
    seconds = {"minute": 60, "second": 1, **_BACK}[unit]
    return max(0, now - int(number) * seconds * SECOND), now + 1


def _single(word: str, now: int) -> tuple[int, int] | None:
    if word in {"today", "yesterday", "tomorrow"}:
        day = {"today": 0, "yesterday": -1, "tomorrow": 1}[word]
        return _of_days(now, day, day + 1)
    if word in _BACK:
        return now - _BACK[word] * SECOND, now + 1
    day_of_week = _weekday(word, now, whole_week=False)
    if day_of_week is not None:
        return _of_days(now, day_of_week, day_of_week + 1)
    parts = word.split("-")
    if len(parts) > _PARTS or [len(part) for part in parts] != [4, 2, 2][: len(parts)] or not all(p.isdigit() for p in parts):
        return None
    if len(parts) == _PARTS:
        parse_time(word, now)  # there is such a day
    year, month, day = map(int, [*parts, "01", "01"][:_PARTS])
    if not 1 <= month <= 12:
        return None
    step = [(1, 0, 0), (0, 1, 0), (0, 0, 1)][len(parts) - 1]
    return _local(year, month, day), _local(year + step[0], month + step[1], day + step[2])


def _weekday(word: str, now: int, *, whole_week: bool) -> int | None:
    """Return how many days from today on the last such day is, 0 or less; `whole_week`: not today."""
    number = next((i for i, name in enumerate(_DAYS) if len(word) >= 3 and name.startswith(word)), None)
    if number is None:
        return None
    back = (time.localtime(now // SECOND).tm_wday - number) % 7
    return -(back or 7 * whole_week)


def _calendar(unit: str, now: int, step: int) -> tuple[int, int]:
    """Return the day, week, month or year of `now`, or with `step` -1 the one before it."""
    today = time.localtime(now // SECOND)
    if unit in {"day", "week"}:
        days = 1 if unit == "day" else 7
        first = step * days - (today.tm_wday if unit == "week" else 0)
        return _of_days(now, first, first + days)
    if unit == "month":
        return _local(today.tm_year, today.tm_mon + step, 1), _local(today.tm_year, today.tm_mon + step + 1, 1)
    return _local(today.tm_year + step, 1, 1), _local(today.tm_year + step + 1, 1, 1)


def _of_days(now: int, first: int, end: int) -> tuple[int, int]:
    today = time.localtime(now // SECOND)
    return tuple(_local(today.tm_year, today.tm_mon, today.tm_mday + day) for day in (first, end))  # type: ignore[return-value]


def _local(year: int, month: int, day: int) -> int:
    """Return the midnight, in ns, with which a day begins; months and days may lie outside of their range."""
    return int(time.mktime((year, month, day, 0, 0, 0, 0, 0, -1))) * SECOND


def _bad(given: object) -> UsageError:
    return UsageError(f"`{str(given)[:64]}` is no stretch of time", ACCEPTED)
