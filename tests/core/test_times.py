"""Instants as people write them. The zone is Berlin's: it has daylight saving."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core.errors import UsageError
from outlast.core.times import LATEST, SECOND, format_time_full, format_time_local, format_time_utc, parse_time

NOW = int(datetime(2026, 11, 22, 7, 0, 0, tzinfo=UTC).timestamp()) * SECOND  # Sunday 08:00 in Berlin


@pytest.fixture(autouse=True, scope="module")
def berlin():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "past", "future"),
    [
        ("now", "2026-11-22 08:00:00 CET", None),
        ("8am", "2026-11-22 08:00:00 CET", "2026-11-23 08:00:00 CET"),
        ("9am", "2026-11-21 09:00:00 CET", "2026-11-22 09:00:00 CET"),
        ("at 12am", "2026-11-22 00:00:00 CET", "2026-11-23 00:00:00 CET"),
        ("12pm", "2026-11-21 12:00:00 CET", "2026-11-22 12:00:00 CET"),
        ("8:30 pm", "2026-11-21 20:30:00 CET", "2026-11-22 20:30:00 CET"),
        ("22:30", "2026-11-21 22:30:00 CET", "2026-11-22 22:30:00 CET"),
        ("noon", "2026-11-21 12:00:00 CET", "2026-11-22 12:00:00 CET"),
        ("today", "2026-11-22 00:00:00 CET", None),
        ("today 17:00", "2026-11-22 17:00:00 CET", None),
        ("yesterday", "2026-11-21 00:00:00 CET", None),
        ("yesterday at 18:00", "2026-11-21 18:00:00 CET", None),
        ("8am tomorrow", "2026-11-23 08:00:00 CET", None),
        ("tomorrow 22:30", "2026-11-23 22:30:00 CET", None),
        ("friday 17:00", "2026-11-20 17:00:00 CET", "2026-11-27 17:00:00 CET"),
        ("5pm on fri", "2026-11-20 17:00:00 CET", "2026-11-27 17:00:00 CET"),
        ("sunday", "2026-11-22 00:00:00 CET", "2026-11-29 00:00:00 CET"),
        ("last sunday", "2026-11-15 00:00:00 CET", None),
        ("next monday 8am", "2026-11-23 08:00:00 CET", None),
        ("2h ago", "2026-11-22 06:00:00 CET", None),
        ("an hour ago", "2026-11-22 07:00:00 CET", None),
        ("90 minutes ago", "2026-11-22 06:30:00 CET", None),
        ("in 3h", "2026-11-22 11:00:00 CET", None),
        ("+1h30m", "2026-11-22 09:30:00 CET", None),
        ("-1d", "2026-11-21 08:00:00 CET", None),
        ("week", "2026-11-15 08:00:00 CET", None),
        ("2026-07-01", "2026-07-01 00:00:00 CEST", None),
        ("2026-07-01 12:30", "2026-07-01 12:30:00 CEST", None),
        ("2026-07-01T12:30:15", "2026-07-01 12:30:15 CEST", None),
        ("2026-07-01T12:00:00Z", "2026-07-01 14:00:00 CEST", None),
        ("2026-07-01 12:00 UTC", "2026-07-01 14:00:00 CEST", None),
        ("2026-07-01T12:00+05:30", "2026-07-01 08:30:00 CEST", None),
        ("2026-07-01T12:00:00.5-0100", "2026-07-01 15:00:00 CEST", None),
        ("2024-02-29", "2024-02-29 00:00:00 CET", None),
        ("@1700000000", "2023-11-14 23:13:20 CET", None),
        ("2026-03-29 02:30", "2026-03-29 03:30:00 CEST", None),  # an hour that was not
    ],
)
def test_accepted(text, past, future):
    assert past == format_time_full(parse_time(text, NOW))
    assert (future or past) == format_time_full(parse_time(text, NOW, future=True))


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "x", "8", "25:00", "8:5", "12:60", "13pm", "0am", "2026-02-30", "2026-13-01", "2026-7-1", "2026-07-01T",
        "2026-07-01Tx", "next",
        "next today", "today today", "today x", "ago", "in", "in none", "none ago", "@x", "@", "1900-01-01", "9999-01-01",
        "in 291y", "@99999999999999",
        "12:00+99:00", "٣am", "x" * 100,
    ],
)  # fmt: skip
def test_refused_with_what_is_accepted(text):
    with pytest.raises(UsageError) as caught:
        parse_time(text, NOW)
    assert "2h ago" in caught.value.hint


WORDS = st.sampled_from("now today tomorrow yesterday monday fri at on next last in ago 8am 22:30 2h week noon 2026-01-01 - + @1 z".split())


@given(st.text(st.characters()) | st.lists(WORDS, max_size=5).map(" ".join) | st.text("0123456789-:T.Z+ apm@", max_size=30), st.booleans())
def test_nothing_but_an_instant_or_a_usage_error(text, future):
    try:
        assert 0 <= parse_time(text, NOW, future=future) <= LATEST
    except UsageError:
        pass


@given(st.integers(0, 2**62))
def test_utc_is_read_back_to_the_microsecond(ns):
    assert ns // 1000 * 1000 == parse_time(format_time_utc(ns), 0)
    if ns < 250_000_000_000 * SECOND:
        assert datetime.fromisoformat(format_time_utc(ns)).timestamp() == pytest.approx(ns / SECOND, abs=1e-5)


def test_shown_for_tables():
    assert "08:00:00" == format_time_local(NOW, NOW)
    assert "Nov 21 08:00" == format_time_local(NOW - 86_400 * SECOND, NOW)
    assert "2025-11-22" == format_time_local(NOW - 365 * 86_400 * SECOND, NOW)
    assert "" == format_time_local(None, NOW)
    assert "" == format_time_full(None)
    assert format_time_utc(None) is None
    assert "2026-11-22T07:00:00.000000Z" == format_time_utc(NOW)
