"""The newest output of a run, read from the end of its log."""

import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.writer import SECOND, T0, Writer
from outlast.core.progress import as_progress, spelled
from outlast.logs.newest import MOST, newest


def told(path, spec=None, *, over=False):
    found = newest(str(path), spec or {}, over=over)
    return None if found.found is None else spelled(as_progress(found.found)), found.last_line


@pytest.fixture
def log(tmp_path):
    return Writer(tmp_path / "1.1")


def test_no_log_says_nothing(tmp_path):
    assert (None, None) == told(tmp_path / "1.1")
    (tmp_path / "2.1.log").mkdir()
    assert (None, None) == told(tmp_path / "2.1")
    (tmp_path / "3.1.log").write_bytes(b"")
    assert (None, None) == told(tmp_path / "3.1")
    (tmp_path / "4.1.log").write_bytes(b"this is no log 5/10\n" * 10_000)
    assert (None, None) == told(tmp_path / "4.1")


def test_the_last_line_that_says_something(log):
    log.write(T0, "stdout", b"1/4 files\n")
    log.write(T0 + SECOND, "stdout", b"2/4 files\nand so on\n\n  \n")
    assert ("2/4 files (50%)", "and so on") == told(log.path)
    assert T0 + SECOND == newest(log.path, {}, over=False).at
    assert (None, "and so on") == told(log.path, {"progress.from": "none"})


def test_pieces_are_joined_by_stream(log):
    log.write(T0, "stderr", b"\r 10%|#   | 10/1")
    log.write(T0, "stdout", b"a line of the other stream\nand anoth")
    log.write(T0 + 1, "stderr", b"00 [00:10<01:30]")
    assert ("10/100 (10%)", "10%|#   | 10/100 [00:10<01:30]") == told(log.path)
    log.write(T0 + 2, "stderr", b"\r 20%|##  | 20/1")
    log.write(T0 + 3, "stdout", b"er\n")
    assert ("20%", "20%|##  | 20/1") == told(log.path)  # what is there of it is certain
    log.write(T0 + 4, "stderr", b"00 [00:20<01:20]\n")
    assert ("20/100 (20%)", "20%|##  | 20/100 [00:20<01:20]") == told(log.path)


def test_an_open_end_counts_when_nothing_follows_any_more(log):
    log.write(T0, "stdout", b"at 5/10")
    assert (None, "at 5/10") == told(log.path)
    assert ("5/10 (50%)", "at 5/10") == told(log.path, over=True)


def test_a_line_whose_beginning_is_not_seen_says_nothing(log):
    log.write(T0, "stdout", b"x" * 1000 + b"1" * (5 * MOST) + b"5/100 files\n")
    assert (None, None) == told(log.path)
    log.write(T0, "stdout", b"6/100 files\n")
    assert ("6/100 files (6%)", "6/100 files") == told(log.path)


def test_a_long_line_redrawn_for_ever(log):
    for number in range(20_000):
        log.write(T0 + number, "stderr", b"\r%d/20000" % number)
    assert "19999/20000 (99%)" == told(log.path)[0]


def test_it_is_found_behind_much_that_says_nothing_but_not_for_ever(log):
    log.write(T0, "stdout", b"5/10 files\n" + b"a line that tells nothing\n" * 150)
    assert "5/10 files (50%)" == told(log.path)[0]
    log.write(T0, "stdout", b"a line that tells nothing\n" * 10_000)
    assert (None, "a line that tells nothing") == told(log.path)


def test_over_several_files(tmp_path):
    log = Writer(tmp_path / "1.1", max_bytes=2000, max_files=3)
    for number in range(200):
        log.write(T0 + number, "stdout", b"%d/200 files\n" % number)
    assert "199/200 files (99%)" == told(log.path)[0]
    for step in log.steps(T0, "stdout", b"nothing\n" * 30):
        assert "199/200 files (99%)" == told(log.path)[0], step


def test_what_is_torn_is_left_out(log):
    log.write(T0, "stdout", b"5/10 files\n")
    with open(f"{log.path}.log", "ab") as file:
        file.write(b"\0" * 100 + b"\nnonsense 7/10\n2026-11-22T08:00:00.1234567")
    assert "5/10 files (50%)" == told(log.path)[0]


@given(
    st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.binary(max_size=200)), max_size=20), st.binary(max_size=50), st.booleans()
)
def test_any_log_is_taken(tmp_path_factory, chunks, end, over):
    log = Writer(tmp_path_factory.mktemp("any") / "1.1")
    for number, (stream, chunk) in enumerate(chunks):
        log.write(T0 + number, stream, chunk)
    with open(f"{log.path}.log", "ab") as file:
        file.write(end)
    told(log.path, over=over)


def test_the_work_is_the_same_for_a_large_log(tmp_path):
    def work(path):
        best = None
        for _ in range(7):
            before = time.process_time_ns()
            newest(path, {}, over=False)
            took = time.process_time_ns() - before
            best = took if best is None else min(best, took)
        return best

    for name, lines in (("1.1", 1000), ("2.1", 300_000)):
        Writer(tmp_path / name).write(T0, "stdout", b"a line that tells nothing, however long one looks at it: x=5\n" * lines)
    assert os.path.getsize(tmp_path / "2.1.log") > 25_000_000
    assert work(str(tmp_path / "2.1")) <= 3 * work(str(tmp_path / "1.1"))
