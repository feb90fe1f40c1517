"""Stretches of time as people say them. The zone is Berlin's: it has daylight saving."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core.errors import UsageError
from outlast.core.times import LATEST, SECOND, format_time_local, parse_time
from outlast.core.windows import parse_window

NOW = int(datetime(2026, 11, 27, 7, 0, 0, tzinfo=UTC).timestamp()) * SECOND  # Friday 08:00 in Berlin
FAR = NOW + 400 * 86_400 * SECOND  # so that the year is shown


@pytest.fixture(autouse=True, scope="module")
def berlin():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("today", "2026-11-27", "2026-11-28"),
        ("Yesterday", "2026-11-26", "2026-11-27"),
        ("tomorrow", "2026-11-28", "2026-11-29"),
        ("friday", "2026-11-27", "2026-11-28"),
        ("thu", "2026-11-26", "2026-11-27"),
        ("saturday", "2026-11-21", "2026-11-22"),
        ("last friday", "2026-11-20", "2026-11-21"),
        ("last monday", "2026-11-23", "2026-11-24"),
        ("this week", "2026-11-23", "2026-11-30"),
        ("last week", "2026-11-16", "2026-11-23"),
        ("this month", "2026-11-01", "2026-12-01"),
        ("last month", "2026-10-01", "2026-11-01"),
        ("this year", "2026-01-01", "2027-01-01"),
        ("last year", "2025-01-01", "2026-01-01"),
        ("last day", "2026-11-26", "2026-11-27"),
        ("2026", "2026-01-01", "2027-01-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2024-02-29", "2024-02-29", "2024-03-01"),
        ("2026-10-25", "2026-10-25", "2026-10-26"),  # of 25 hours
        ("2026-11-01..2026-11-03", "2026-11-01", "2026-11-03"),
        ("yesterday .. today", "2026-11-26", "2026-11-27"),
    ],
)
def test_days(text, since, until):
    first, end = parse_window(text, NOW)
    assert (since, until) == (format_time_local(first, FAR), format_time_local(end, FAR))
    assert [0, 0] == [time.localtime(instant // SECOND)[3] for instant in (first, end)]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("hour", 3600), ("week", 7 * 86_400), ("month", 30 * 86_400), ("last 7 days", 7 * 86_400), ("past 90 minutes", 5400),
     ("last 1 hour", 3600),     ("last fortnight", 14 * 86_400), ("last hour", 3600)],
)  # fmt: skip
def test_up_to_now(text, seconds):
    assert (NOW - seconds * SECOND, NOW + 1) == parse_window(text, NOW)


def test_open_ends():
    assert (0, parse_time("8am", NOW)) == parse_window("..8am", NOW)
    assert (parse_time("8am", NOW), LATEST) == parse_window("8am..", NOW)


@pytest.mark.parametrize(
    "text",
    ["", " ", "x", "8am", "last", "this friday x", "last 0 days ago", "last x days", "last 9999999 days", "2026-13", "2026-02-30", "2026-1",
     "26",      "1900", "today..yesterday", "x..y", "last weeks", "ä", "a" * 200, "99999-01"],
)  # fmt: skip
def test_refused(text):
    with pytest.raises(UsageError):
        parse_window(text, NOW)


@given(
    st.text(max_size=40)
    | st.lists(st.sampled_from(["last", "this", "week", "7", "days", "2026", "-11", "..", "monday", "past"])).map(" ".join)
)
def test_any_text_is_read_or_refused(text):
    try:
        since, until = parse_window(text, NOW)
    except UsageError:
        return
    assert 0 <= since < until <= LATEST
