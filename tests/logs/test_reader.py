"""One pass over a log that does not change: nothing added, nothing left out, everything in its place."""

import os
import re
import tempfile
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logs.expectations import CHUNKS, SIZES, accounts_for, fill, merged, naive_last, naive_lines
from logs.writer import SECOND, T0, Writer
from outlast.core.errors import SystemFault
from outlast.logs import files, lines, seek, sift
from outlast.logs.cri import Record, Torn
from outlast.logs.gaps import Gap
from outlast.logs.lines import Line
from outlast.logs.reader import RunLog


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    """So that small logs have windows, steps and margins too."""
    monkeypatch.setattr(lines, "WINDOW", 70)
    monkeypatch.setattr(seek, "STEP", 100)
    monkeypatch.setattr(sift, "BLOCK", 200)
    monkeypatch.setattr(files, "MOST_OPEN", 3)


@contextmanager
def written(chunks, sizes):
    with tempfile.TemporaryDirectory(prefix="ol-") as folder:
        writer = Writer(Path(folder) / "42.1", *sizes)
        writer.end = fill(writer, chunks)
        yield writer


@given(CHUNKS, SIZES)
def test_every_record_and_gap_in_its_place(chunks, sizes):
    with written(chunks, sizes) as writer:
        assert writer.items() == list(RunLog(writer.path).items())


@given(CHUNKS, SIZES)
def test_the_commands_own_bytes(chunks, sizes):
    chunks = [(step, "stdout", text, reason) for step, _, text, reason in chunks]
    with written(chunks, sizes) as writer:
        told = list(RunLog(writer.path).raw())
        original = b"".join(text for _, text in writer.written)
        assert len(original) == accounts_for(told, original)
        assert merged(item.raw() if isinstance(item, Record) else item for item in writer.items()) == merged(told)


@given(CHUNKS, SIZES, st.sampled_from(["stdout", "stderr"]))
def test_one_stream(chunks, sizes, stream):
    with written(chunks, sizes) as writer:
        log = RunLog(writer.path)
        expected = [item for item in writer.items() if isinstance(item, Gap) or item.stream == stream]
        assert expected == list(log.items(streams=[stream]))
        assert merged(item.raw() if isinstance(item, Record) else item for item in expected) == merged(log.raw([stream]))
        assert naive_lines(expected) == list(log.lines(streams=[stream]))


@given(CHUNKS, SIZES, st.sampled_from([None, "stdout", "stderr"]), st.sampled_from([None, b"a", b"no|x", b"x.*a", b"^$"]))
@settings(max_examples=300)
def test_lines_and_the_last_of_them(chunks, sizes, stream, pattern):
    with written(chunks, sizes) as writer:
        streams = [stream] if stream else ["stdout", "stderr"]
        grep = re.compile(pattern) if pattern else None
        expected = naive_lines(item for item in writer.items() if isinstance(item, Gap) or item.stream in streams)
        expected = [item for item in expected if not isinstance(item, Line) or grep is None or grep.search(item.text)]
        log = RunLog(writer.path)
        assert expected == list(log.lines(streams=streams, grep=grep))
        for wanted in (0, 1, 2, 3, 7, 20, len(expected) + 1):
            assert naive_last(expected, wanted) == list(log.lines(streams=streams, grep=grep, last=wanted)), wanted


def in_time(item, since, until):
    start, end = (item.at, item.at) if isinstance(item, Record) else (item.since, item.until)
    return (since is None or end >= since) and (until is None or start <= until)


@given(CHUNKS, SIZES, st.data())
def test_since_and_until(chunks, sizes, data):
    with written(chunks, sizes) as writer:
        end = writer.end
        times = [T0 - 1, end + 1, *(item.at for item in writer.items() if isinstance(item, Record))]
        limit = st.one_of(st.none(), st.sampled_from(times), st.sampled_from(times).map(lambda at: at + 1), st.integers(T0, end + 1))
        since, until = data.draw(limit), data.draw(limit)
        log = RunLog(writer.path)
        expected = [item for item in writer.items() if in_time(item, since, until)]
        assert expected == list(log.items(since=since, until=until))
        assert naive_last(naive_lines(expected), 3) == list(log.lines(since=since, until=until, last=3))


@given(st.lists(st.integers(1, 5 * SECOND), min_size=1, max_size=200), st.integers(-1, 200), st.sampled_from([0, 300, 10**9]))
def test_since_in_a_log_that_was_written_fast(steps, nth, early):
    """However little is read of what was written shortly before."""
    with tempfile.TemporaryDirectory(prefix="ol-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(seek, "EARLY", early)
        writer, at = Writer(Path(folder) / "42.1", 2000), T0
        for step in steps:
            at += step
            writer.write(at, "stdout", b"%d\n" % step)
        since = writer.items()[min(nth, len(steps) - 1)].at + (nth < 0)
        assert [item for item in writer.items() if item.at >= since] == list(RunLog(writer.path).items(since=since))


@given(
    st.lists(st.tuples(st.integers(1, 400), st.integers(1, 30)), min_size=1, max_size=20),
    st.integers(0, 19),
    st.integers(1, 300),
    st.data(),
)
def test_since_when_the_clock_was_set_back(bursts, where, back, data):
    """Each burst of lines has a minute's pace or more; somewhere the clock goes back by up to five hours."""
    with tempfile.TemporaryDirectory(prefix="ol-") as folder:
        writer = Writer(Path(folder) / "42.1", 2000)
        at = T0
        for number, (minutes, count) in enumerate(bursts):
            at += minutes * 60 * SECOND - (back * 60 * SECOND if number == where else 0)
            for _ in range(count):
                at += SECOND
                writer.write(at, "stdout", b"a line\n" * 3)  # more than a step: every jump is between two looks
        moment = st.integers(T0 - 6 * 3600 * SECOND, max(at, T0))
        since, until = data.draw(moment), data.draw(moment)
        for low, high in ((since, None), (None, until), (since, until)):
            assert [item for item in writer.items() if in_time(item, low, high)] == list(RunLog(writer.path).items(since=low, until=high))


def test_no_log(tmp_path):
    log = RunLog(str(tmp_path / "42.1"))
    assert [] == list(log.items()) == list(log.raw()) == list(log.lines()) == list(log.lines(last=5)) == list(log.items(since=1))
    assert 0 == log.size()
    assert log.missing_tail(0) is None
    assert Gap(offset=0, bytes=None, log=7, since=0, until=0, reason="lost with the machine") == log.missing_tail(7)


def test_everything_was_lost(tmp_path):
    writer = Writer(tmp_path / "42.1")
    writer.lose(T0, "stdout", b"12345")
    log = RunLog(writer.path)
    assert writer.items() == list(log.items()) == list(log.raw()) == list(log.lines()) == list(log.lines(last=1))


@given(CHUNKS, SIZES)
def test_sizes_and_the_tail_that_a_machine_took(chunks, sizes):
    with written(chunks, sizes) as writer:
        log = RunLog(writer.path)
        held = sorted(Path(writer.path).parent.iterdir())
        assert sum(path.stat().st_size for path in held) == log.size()
        assert log.missing_tail(writer.position) is None
        lost = log.missing_tail(writer.position + 9)
        assert lost is not None
        assert (writer.position, 9, None) == (lost.offset, lost.log, lost.bytes)
        records = [item.at for item in writer.items() if isinstance(item, Record)]
        assert (records[-1] if records else 0) == lost.since


def test_a_torn_end_is_read_as_far_as_it_goes(tmp_path):
    writer = Writer(tmp_path / "42.1")
    writer.write(T0, "stdout", b"one\ntwo\n")
    log = RunLog(writer.path)
    whole = Path(writer.name(0)).read_bytes()
    for size in range(len(whole)):
        Path(writer.name(0)).write_bytes(whole[:size])
        told = b"".join(item for item in log.raw() if isinstance(item, bytes))
        torn = [item for item in log.items() if isinstance(item, Torn)]
        rest = size % 44
        assert (b"one\n"[: max(0, size - 40)] if size < 44 else b"one\n" + b"two\n"[: max(0, rest - 40)]) == told
        assert ([Torn(offset=size - rest, bytes=rest)] if 0 < rest < 40 else []) == torn
        assert told.splitlines()[-1:] == [item.text for item in log.lines() if isinstance(item, Line) and item.text][-1:]


def test_a_gap_ends_a_line(tmp_path):
    writer = Writer(tmp_path / "42.1")
    writer.write(T0, "stdout", b"begin")
    writer.lose(T0 + 1, "stdout", b" middle")
    writer.write(T0 + 2, "stdout", b" end\n")
    first, gap, second = RunLog(writer.path).lines()
    assert Line(T0, "stdout", b"begin", False) == first
    assert isinstance(gap, Gap)
    assert Line(T0 + 2, "stdout", b" end", True) == second
    assert [gap, second] != list(RunLog(writer.path).lines(last=1))
    assert [second] == list(RunLog(writer.path).lines(last=1))


def test_a_long_line_is_joined_up_to_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_LINE", 100_000)
    writer = Writer(tmp_path / "42.1", max_bytes=150_000)
    text = b"0123456789" * 25_000
    for at in range(0, len(text), 65536):
        writer.write(T0 + at, "stdout", text[at : at + 65536])
        writer.write(T0 + at, "stderr", b"x\n")
    writer.write(T0 + len(text), "stdout", b"\n")
    found = [item for item in RunLog(writer.path).lines(streams=["stdout"]) if isinstance(item, Line)]
    assert text + b"\n" == b"".join(line.raw() for line in found)
    assert [False] * (len(found) - 1) + [True] == [line.whole for line in found]
    assert all(100_000 <= len(line.text) < 100_000 + 16384 for line in found[:-1])
    grepped = list(RunLog(writer.path).lines(grep=re.compile(b"x$|9$")))
    assert [b"x"] * 4 == [line.text for line in grepped if isinstance(line, Line) and line.stream == "stderr"]


def test_a_line_that_began_before_the_window_is_told_whole(tmp_path):
    writer = Writer(tmp_path / "42.1")
    for number in range(5):
        writer.write(T0 + number, "stderr", b"line\n")
    writer.write(T0 + 8, "stdout", b"abc")
    writer.write(T0 + 9, "stdout", b"def\n")
    assert [Line(T0 + 8, "stdout", b"abcdef", True)] == list(RunLog(writer.path).lines(last=1))
    writer.write(T0 + 10, "stdout", b"x")
    for number in range(20, 30):
        writer.write(T0 + number, "stderr", b"line\n")
    assert [Line(T0 + 10, "stdout", b"x", False)] == list(RunLog(writer.path).lines(last=1))  # unfinished: it ends last


def test_since_when_the_clock_was_set_back_a_little_between_two_looks(tmp_path, monkeypatch):
    monkeypatch.setattr(seek, "STEP", 1000)
    writer = Writer(tmp_path / "42.1")
    times = [*range(10), *range(-300, -200)]
    for number, second in enumerate(times):
        writer.write(T0 + second * SECOND, "stdout", b"%04d\n" % number)
    found = list(RunLog(writer.path).items(since=T0 + 5 * SECOND))
    assert [b"0005", b"0006", b"0007", b"0008", b"0009"] == [item.text for item in found if isinstance(item, Record)]


def test_few_of_many_files_are_open_at_once(tmp_path):
    writer = Writer(tmp_path / "42.1", max_bytes=60)
    for number in range(60):
        writer.write(T0 + number, "stdout", b"line %d\n" % number)
    before = len(os.listdir("/proc/self/fd"))
    assert 6 >= max(len(os.listdir("/proc/self/fd")) - before for _ in RunLog(writer.path).items())


def test_a_line_without_end_does_not_keep_its_neighbours_from_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_LINE", 1000)
    writer = Writer(tmp_path / "42.1")
    for number in range(200):
        writer.write(T0 + number, "stdout", b"\rprogress %d" % number)
    found = list(RunLog(writer.path).lines(last=2))
    assert 2 == len(found)
    assert b"".join(b"\rprogress %d" % number for number in range(200)).endswith(
        b"".join(line.raw() for line in found if isinstance(line, Line))
    )


def test_a_file_that_somebody_removed_is_no_error(tmp_path):
    writer = Writer(tmp_path / "42.1", max_bytes=100)
    for number in range(12):
        writer.write(T0 + number, "stdout", b"line %d\n" % number)
    Path(writer.name(3)).unlink()
    log = RunLog(writer.path)
    texts = [item.text for item in log.items() if isinstance(item, Record)]
    assert 10 == len(texts)
    lost = log.missing_tail(writer.position)
    assert lost is not None
    assert writer.position - lost.offset == lost.log > 0


def test_a_file_that_vanishes_while_it_waits_for_its_turn_is_told(tmp_path):
    writer = Writer(tmp_path / "42.1", max_bytes=60)
    for number in range(9):
        writer.write(T0 + number, "stdout", b"line %d\n" % number)
    items = RunLog(writer.path).items()  # holds three of the nine files open
    assert Record(T0, "stdout", True, b"line 0") == next(items)
    for number in range(8):
        Path(writer.name(number)).unlink()
    found = list(items)
    told = [item for item in found if isinstance(item, Gap)]
    assert [b"line 6", b"line 7", b"line 8"] == [item.text for item in found if isinstance(item, Record)]
    assert 5 == len(told)
    assert all(gap.log == 47 and gap.bytes is None for gap in told)


def test_a_log_that_may_not_be_read_is_a_fault(tmp_path):
    (tmp_path / "42.1.log").symlink_to("42.1.log")
    with pytest.raises(SystemFault, match=r"cannot read .*42\.1\.log: "):
        list(RunLog(str(tmp_path / "42.1")).items())


def test_what_the_machine_took_of_the_oldest_file(tmp_path):
    """The removed part stays where it was: behind the oldest file."""
    writer = Writer(tmp_path / "42.1", max_bytes=100, max_files=3)
    for number in range(12):
        writer.write(T0 + number, "stdout", b"line %d\n" % number)
    oldest = Path(writer.name(2))
    oldest.write_bytes(oldest.read_bytes()[:47])
    found = list(RunLog(writer.path).items())
    assert isinstance(found[1], Gap)
    assert 47 == found[1].offset


@given(CHUNKS, SIZES)
def test_times_never_go_back_in_what_is_told(chunks, sizes):
    with written(chunks, sizes) as writer:
        assert all(
            before.at <= after.at for before, after in pairwise(item for item in RunLog(writer.path).items() if isinstance(item, Record))
        )


@given(
    st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.sampled_from([b"x", b"a", b"x\n", b"\n", b"y\n", b"y"])), max_size=40),
    st.sampled_from([b"x", b"a", b"xy", b"x.*y", b"[^y]x", b"x$"]),
    st.integers(50, 200),
    st.lists(st.integers(0, 2000), max_size=2),
)
@settings(max_examples=300)
def test_a_search_that_leaves_blocks_out_finds_what_one_line_by_line_finds(chunks, pattern, block, spoilt):
    """Also where lines go on from block to block, and where bytes are no records."""
    with tempfile.TemporaryDirectory(prefix="ol-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sift, "BLOCK", block)
        writer = Writer(Path(folder) / "42.1")
        for number, (stream, text) in enumerate(chunks):
            writer.write(T0 + number, stream, text)
        if chunks:
            with open(writer.name(0), "r+b") as file:
                whole = bytearray(file.read())
                for place in spoilt:
                    whole[place % len(whole)] ^= 1
                file.seek(0)
                file.write(whole)
        grep, log = re.compile(pattern), RunLog(writer.path)
        expected = [item for item in log.lines() if not isinstance(item, Line) or grep.search(item.text)]
        assert expected == list(log.lines(grep=grep))
        assert naive_last(expected, 2) == list(log.lines(grep=grep, last=2))
