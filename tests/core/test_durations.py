"""Durations as people write them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core.durations import (
    DAY,
    HOUR,
    LONGEST,
    MILLISECOND,
    MINUTE,
    SECOND,
    exact_duration,
    format_duration,
    parse_duration,
    parse_grace,
)
from outlast.core.errors import UsageError

ANY_TEXT = st.text(st.characters()) | st.text("0123456789.smhdwPT:- none", max_size=20)


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("90", 90 * SECOND),
        ("90s", 90 * SECOND),
        ("1.5h", 90 * MINUTE),
        (".5s", SECOND // 2),
        ("1h30m", 90 * MINUTE),
        ("1h 30m", 90 * MINUTE),
        ("1 hour 30 minutes", 90 * MINUTE),
        ("250ms", 250_000_000),
        ("7us", 7_000),
        ("7µs", 7_000),
        ("7ns", 7),
        ("2w", 14 * DAY),
        ("1:30:00", 90 * MINUTE),
        ("0:00:01.5", 1_500_000_000),
        ("PT1H30M", 90 * MINUTE),
        ("pt0.5s", SECOND // 2),
        ("PT0,5S", SECOND // 2),
        ("P1DT12H", 36 * HOUR),
        ("P2W", 14 * DAY),
        ("0", 0),
        ("none", None),
        ("-1", None),
        (" NONE ", None),
        (-1, None),
        (None, None),
        (90, 90 * SECOND),
        (1.5, 1_500_000_000),
        (timedelta(days=1, microseconds=1), DAY + 1000),
        ("0.000000001", 1),
    ],
)
def test_accepted(text, ns):
    assert ns == parse_duration(text)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "x", "1x", "h", "1h1h", "1h30", "1:30", "1:60:00", "1:00:61", "-5", "-5s", "1e3", "1..5", "1.2.3s", "P", "PT",
        "P1Y", "P1M", "P1DT",
        "PT1M1H1M", "٣s", "none s", "300y", "999999999w", float("nan"), float("inf"), True, [], timedelta(days=-1), 10**30, "9" * 60,
    ],
)  # fmt: skip
def test_refused_with_what_is_accepted(text):
    with pytest.raises(UsageError) as caught:
        parse_duration(text)
    assert str(text)[:10].strip() in str(caught.value)
    assert "none" in caught.value.hint


@given(ANY_TEXT | st.floats() | st.integers())
def test_nothing_but_a_duration_or_a_usage_error(text):
    try:
        ns = parse_duration(text)
    except UsageError:
        return
    assert ns is None or 0 <= ns <= LONGEST


@given(st.integers(0, LONGEST) | st.none())
def test_the_exact_form_is_read_back(ns):
    assert ns == parse_duration(exact_duration(ns))


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (None, "none"),
        (0, "0s"),
        (500, "0.5us"),
        (250_000_000, "250ms"),
        (999_499_999, "999ms"),
        (999_600_000, "1s"),
        (1_250_000_000, "1.25s"),
        (12_000_000_000, "12s"),
        (59_994_000_000, "59.99s"),
        (59_996_000_000, "1m 00s"),
        (250 * SECOND, "4m 10s"),
        (3 * HOUR + 2 * MINUTE, "3h 02m"),
        (HOUR - SECOND // 2, "1h 00m"),
        (2 * DAY + 4 * HOUR, "2d 4h"),
        (DAY - SECOND, "1d 0h"),
        (-SECOND, "-1s"),
    ],
)
def test_shown_for_people(ns, text):
    assert text == format_duration(ns)


@given(st.integers(0, LONGEST - DAY))
def test_what_is_shown_is_never_far_off(ns):
    shown = parse_duration(format_duration(ns))
    assert abs(shown - ns) <= max(5, ns / 20)


@pytest.mark.parametrize("given", ["soon", "-5s", "", "none", -1, "9" * 40, float("inf")])
def test_what_has_to_end_is_not_offered_none(given) -> None:
    with pytest.raises(UsageError) as told:
        parse_grace(given)
    assert told.value.hint
    assert "none" not in told.value.hint


def test_what_ends_is_read_as_a_duration() -> None:
    assert (90 * SECOND, 0, 90_000 * MILLISECOND) == (parse_grace("1m30s"), parse_grace(0), parse_grace(90))
