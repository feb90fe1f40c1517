import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.writer import SECOND, T0, Writer, stamp
from outlast.logs.cri import Record, Torn, format_stamp, parse, parse_stamp, raw, records


@given(st.integers(-62135596800 * SECOND, 253402300799 * SECOND + SECOND - 1))
def test_a_time_comes_back(at):
    assert at == parse_stamp(format_stamp(at)[:29])
    assert stamp(at)[-26:] == format_stamp(at)[-26:]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"2026-11-22T08:00:00.12345678",
        b"2026-11-22T08:00:00.1234567890",
        b"2026-13-22T08:00:00.123456789",
        b"2026-11-31T08:00:00.123456789",
        b"2025-02-29T08:00:00.123456789",
        b"1900-02-29T08:00:00.123456789",
        b"2026-11-00T08:00:00.123456789",
        b"2026-11-22T24:00:00.123456789",
        b"2026-11-22T08:60:00.123456789",
        b"2026-11-22 08:00:00.123456789",
        b"2026-11-22T08:00:00,123456789",
        b"2026-11-22T08:00:00.12345_789",
        b"2026-11-22T08:00:00.+23456789",
        b"2026-11-22T 8:00:00.123456789",
        "2026-11-22T08:00:00.12345678٩".encode(),
    ],
)
def test_what_is_no_time(text):
    assert parse_stamp(text) is None
    assert parse(text + b"Z stdout F x") is None


def test_leap_days():
    assert parse_stamp(b"2024-02-29T00:00:00.000000000") == 1709164800 * SECOND
    assert parse_stamp(b"2000-02-29T00:00:00.000000000") == 951782400 * SECOND


def test_the_lines_of_the_protocol():
    assert Record(T0 + 123456789, "stdout", True, b"text") == parse(b"2026-11-22T08:00:00.123456789Z stdout F text")
    assert Record(T0, "stderr", False, b"") == parse(b"2026-11-22T08:00:00.000000000Z stderr P ")
    assert Record(T0, "stderr", True, b" \r\0\xff") == parse(b"2026-11-22T08:00:00.000000000Z stderr F  \r\0\xff")


@pytest.mark.parametrize(
    "line",
    [
        b"2026-11-22T08:00:00.000000000Z stdin  F x",
        b"2026-11-22T08:00:00.000000000Z stdout X x",
        b"2026-11-22T08:00:00.000000000Z stdout F",
        b"2026-11-22T08:00:00.000000000+01:00 stdout F x",
        b"x 2026-11-22T08:00:00.000000000Z stdout F x",
    ],
)
def test_a_line_that_is_no_record(line):
    assert parse(line) is None
    good = Writer.line(Record(T0, "stdout", True, b"good"))[:-1]
    torn = Torn(offset=7 + len(good) + 1, bytes=2 * len(line) + 2)
    batch = [([good, line], True), ([line, good], True)]
    assert [Record(T0, "stdout", True, b"good"), torn, Record(T0, "stdout", True, b"good")] == list(records(batch, 7))
    assert [b"good\n", torn, b"good\n"] == list(raw(batch, 7))


@pytest.mark.parametrize("cut", range(50))
def test_a_line_that_was_not_finished(cut):
    line = Writer.line(Record(T0, "stdout", True, b"1234567890"))[:cut]
    found = list(records([([line], False)] if line else [], 0))
    told = list(raw([([line], False)] if line else [], 0))
    if cut >= 40:
        assert [Record(T0, "stdout", False, b"1234567890"[: cut - 40])] == found
        assert b"1234567890"[: cut - 40] == b"".join(told)
    else:
        assert ([Torn(offset=0, bytes=cut)] if cut else []) == found == told


def test_the_end_of_something_longer_than_any_record_is_no_record():
    line = Writer.line(Record(T0, "stdout", True, b"x" * 16385))[:-1]
    assert [Torn(offset=0, bytes=len(line))] == list(records([([line], False)], 0))


@given(st.lists(st.binary(max_size=60)), st.randoms())
def test_raw_and_records_agree(texts, chance: random.Random):
    lines = [
        Writer.line(Record(T0 + n % 3, chance.choice(["stdout", "stderr"]), n % 4 > 0, text.replace(b"\n", b"")))[:-1]
        for n, text in enumerate(texts)
    ]
    lines = [line[:-3] if chance.random() < 0.1 else b"junk" if chance.random() < 0.1 else line for line in lines]
    found = list(records([(lines, True)], 0))
    assert b"".join(item.raw() for item in found if isinstance(item, Record)) == b"".join(
        item for item in raw([(lines, True)], 0) if isinstance(item, bytes)
    )
    assert [item for item in found if isinstance(item, Torn)] == [item for item in raw([(lines, True)], 0) if isinstance(item, Torn)]
