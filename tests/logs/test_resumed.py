"""A log read on from where one left off, and the texts that are searched in it."""

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from logs.expectations import CHUNKS, SIZES, fill
from logs.writer import T0, Writer
from outlast.logs.files import Snapshot
from outlast.logs.follow import Follower
from outlast.logs.gaps import Gap
from outlast.logs.pieces import LONGEST, Pieces, cut


def read_on(follower):
    """Return (lines, log bytes that were removed unseen) up to the end."""
    lines, removed = [], 0
    for part in follower.batches(lambda: False, lambda: None):
        if isinstance(part, Gap):
            removed += part.log
        elif part is not None:
            lines += part[1][0]
    return lines, removed


def size_of(lines):
    return sum(len(line) + 1 for line in lines)


@given(CHUNKS, CHUNKS, SIZES, st.integers(0, 10**6))
def test_a_log_is_read_on_from_any_line_wherever_it_lies_by_now(before, after, limits, chosen):
    with tempfile.TemporaryDirectory() as folder:
        writer = Writer(Path(folder) / "1", *limits)
        at = fill(writer, before, T0)
        first = Follower(Snapshot(writer.path), 0)
        starts = [first.place]  # of lines
        for part in first.batches(lambda: False, lambda: None):
            if part is not None and not isinstance(part, Gap):
                position = part[0]
                for line in part[1][0]:
                    position += len(line) + 1
                    starts.append(position)
        first.close()
        position = starts[chosen % len(starts)]
        fill(writer, after, at)
        snapshot = Snapshot(writer.path)
        end = snapshot.end
        follower = Follower(snapshot, position)
        missed = follower.place - position
        lines, removed = read_on(follower)
        assert missed >= 0
        assert end - position == missed + removed + size_of(lines)
        assert end == follower.place
        follower.close()
        whole = Follower(Snapshot(writer.path), 0)
        everything, _ = read_on(whole)
        whole.close()
        assert everything[len(everything) - len(lines) :] == lines


def test_a_log_that_is_not_there_yet_is_read_from_its_beginning(tmp_path):
    follower = Follower(Snapshot(str(tmp_path / "1")), 0)
    assert 0 == follower.place
    parts = follower.batches(lambda: True, lambda: None)
    assert next(parts) is None
    writer = Writer(tmp_path / "1")
    writer.write(T0, "stdout", b"a\nb\n")
    position, (lines, ended) = next(parts)
    assert (0, 2, True) == (position, len(lines), ended)
    assert next(parts) is None
    follower.close()


# Pieces


def texts(*lines, pieces=None, ended=True):
    pieces = pieces or Pieces(0)
    return pieces.add(pieces.settled, ([b"2026-11-22T08:00:00.123456789Z " + line for line in lines], ended)), pieces


def test_lines_are_put_together_each_stream_for_itself():
    found, pieces = texts(b"stdout P ab", b"stderr F x", b"stdout P cd", b"stderr F ", b"stdout F e")
    assert [b"x", b"", b"abcde"] == found
    assert pieces.is_settled
    assert 5 * 40 + 6 + 5 == pieces.settled


def test_torn_lines_are_nothing_of_the_commands():
    assert [b"a", b"b"] == texts(b"stdout F a", b"stdxxx F a", b"stdout F b")[0]


def test_a_place_is_settled_only_where_no_line_is_unfinished():
    _, pieces = texts(b"stdout F a")
    there = pieces.settled
    assert [b"c"] == texts(b"stdout P b", b"stderr F c", pieces=pieces)[0]
    assert (False, there) == (pieces.is_settled, pieces.settled)
    assert [b"b"] == pieces.finish()
    assert (True, there + 2 * (40 + 2)) == (pieces.is_settled, pieces.settled)
    assert ([], 1000) == (pieces.finish(1000), pieces.settled)  # the end of what was removed


def test_a_last_line_without_its_end_is_unfinished():
    found, pieces = texts(b"stdout F abc", ended=False)
    assert ([], [b"abc"]) == (found, pieces.finish())


def test_long_lines_come_in_pieces_of_bounded_length():
    whole = b"x" * LONGEST
    assert [whole, whole, b"y"] == cut(whole * 2 + b"y")
    assert [b""] == cut(b"")
    found, pieces = texts(b"stdout P " + whole, b"stdout P " + whole, b"stdout F y")
    assert b"".join(found) == whole * 2 + b"y"
    assert max(map(len, found)) <= LONGEST
    assert pieces.is_settled
