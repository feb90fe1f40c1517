"""Following: what is written, rotated and removed between two looks, or in the middle of one, is told once and in its place."""

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logs.expectations import CHUNKS, SIZES, accounts_for, fill, merged, naive_last, naive_lines
from logs.writer import SECOND, T0, Writer
from outlast.logs import files, lines
from outlast.logs.cri import Record, Torn
from outlast.logs.gaps import Gap
from outlast.logs.lines import Line
from outlast.logs.reader import RunLog

ONE_STREAM = CHUNKS.map(lambda chunks: [(step, "stdout", text, reason) for step, _, text, reason in chunks])


class Script:
    """A run whose parts happen whenever the reader waits."""

    def __init__(self, parts):
        self.parts = list(parts)

    def alive(self):
        return bool(self.parts)

    def pause(self):
        if self.parts:
            self.parts.pop(0)()


def writing(writer, batches):
    """One part for each batch of chunks."""
    at = T0

    def part(batch):
        nonlocal at
        at = fill(writer, batch, at)

    return [lambda batch=batch: part(batch) for batch in batches]


def told(items):
    return (item.raw() if isinstance(item, Record) else item for item in items)


@given(st.lists(ONE_STREAM, max_size=8), SIZES, st.booleans())
def test_every_byte_is_told_or_accounted_for(batches, sizes, head_start):
    with tempfile.TemporaryDirectory(prefix="ol-") as folder:
        writer = Writer(Path(folder) / "42.1", *sizes)
        script = Script(writing(writer, batches))
        if head_start:
            script.pause()
        found = list(RunLog(writer.path).follow(script.alive, script.pause))
        original = b"".join(text for _, text in writer.written)
        assert len(original) == accounts_for(told(found), original)


@given(st.lists(CHUNKS, max_size=8), st.sampled_from([60, 150, 400, 0]))
def test_nothing_is_missing_if_nothing_is_removed(batches, max_bytes):
    batches = [[(step, stream, text, "") for step, stream, text, _ in batch] for batch in batches]
    with tempfile.TemporaryDirectory(prefix="ol-") as folder:
        writer = Writer(Path(folder) / "42.1", max_bytes)
        script = Script(writing(writer, batches))
        assert list(RunLog(writer.path).follow(script.alive, script.pause)) == writer.items()


@given(st.lists(CHUNKS, min_size=1, max_size=6), SIZES, st.sampled_from([None, b"a", b"^$"]), st.sampled_from([None, 0, 1, 3, 100]))
def test_lines(batches, sizes, pattern, last):
    """With `grep` lines are whole also across looks; without it the pieces of a line follow each other."""
    grep = re.compile(pattern) if pattern else None
    with tempfile.TemporaryDirectory(prefix="ol-") as folder:
        writer = Writer(Path(folder) / "42.1", sizes[0])
        script = Script(writing(writer, batches))
        script.pause()
        begun = naive_lines(writer.items())
        before = [item for item in begun if not isinstance(item, Line) or item.whole]
        found = list(RunLog(writer.path).follow_lines(script.alive, script.pause, grep=grep, last=last))
        expected = naive_lines(writer.items())
        if grep is None and last is None:
            for stream in ("stdout", "stderr"):
                mine, theirs = (
                    b"".join(x.raw() for x in items if isinstance(x, Line) and x.stream == stream) for items in (found, expected)
                )
                assert theirs == mine
        elif grep is not None and last is None:
            assert [x for x in expected if isinstance(x, Line) and grep.search(x.text)] == [x for x in found if isinstance(x, Line)]
        elif grep is None and last and not any(isinstance(item, Gap) for item in expected) and before == begun:
            shown = naive_last(begun, last)
            assert shown == found[: len(shown)]
            rest = b"".join(x.raw() for x in expected[len(begun) :] if isinstance(x, Line) and x.stream == "stdout")
            assert rest == b"".join(x.raw() for x in found[len(shown) :] if isinstance(x, Line) and x.stream == "stdout")


@given(st.lists(ONE_STREAM, min_size=1, max_size=3), SIZES, st.data())
@settings(max_examples=300)
def test_a_rotation_in_the_middle_of_a_look(batches, sizes, data):
    """Between any two files that the reader opens, the writer may do some of its steps."""
    with tempfile.TemporaryDirectory(prefix="ol-") as folder, pytest.MonkeyPatch.context() as patch:
        writer = Writer(Path(folder) / "42.1", *sizes)
        at = T0

        def work(chunks):
            nonlocal at
            for step, stream, text, reason in chunks:
                at += step + 1
                if reason:
                    writer.lose(at, stream, text, reason)
                else:
                    yield from writer.steps(at, stream, text)

        steps = work(chunk for batch in batches for chunk in batch)
        pace = data.draw(st.lists(st.sampled_from([0, 0, 1, 2, 3, 10, 40]), max_size=300))
        real, over = files._open, False

        def advance():
            """Not between telling and removing a file of one chunk: that is the one moment that no reader can be sure of."""
            nonlocal over
            step = next(steps, None)
            over = (next(steps, None) if step == "told" else step) is None

        def opening(path, number):
            for _ in range(pace.pop(0) if pace else 0):
                advance()
            return real(path, number)

        patch.setattr(files, "_open", opening)
        for _ in range(data.draw(st.integers(0, 30))):
            advance()
        once = list(RunLog(writer.path).raw())
        original = b"".join(text for _, text in writer.written)
        accounts_for(once, original)
        found = list(RunLog(writer.path).follow(lambda: not over, advance))
        original = b"".join(text for _, text in writer.written)
        assert len(original) == accounts_for(told(found), original)


def test_a_removed_file_that_is_still_there_is_read_and_not_told(tmp_path):
    """The shim was ended between telling the gap and removing the file."""
    writer = Writer(tmp_path / "42.1", max_bytes=100, max_files=3)
    for number in range(6):
        writer.write(T0 + number, "stdout", b"line %d\n" % number)
    steps = writer.steps(T0 + 9, "stdout", b"line 9\n")
    assert "told" == next(steps)
    assert [b"line %d\n" % number for number in range(6)] == [
        item.raw() for item in RunLog(writer.path).items() if isinstance(item, Record)
    ]
    assert [] == [item for item in RunLog(writer.path).items() if isinstance(item, Gap)]
    assert "removed" == next(steps)
    assert [14] == [item.bytes for item in RunLog(writer.path).items() if isinstance(item, Gap)]


def test_a_loss_before_the_next_file_while_only_the_oldest_is_there(tmp_path):
    """With two files the second is removed before the next one is made; a loss in between has its place before that one."""
    writer = Writer(tmp_path / "42.1", 60, 2)
    writer.write(T0, "stdout", b"0")
    writer.write(T0 + 1, "stdout", b"1")
    writer.lose(T0 + 2, "stdout", b"2")
    steps = writer.steps(T0 + 3, "stdout", b"3")
    assert ["told", "removed"] == [next(steps), next(steps)]
    script = Script([lambda: list(steps)])
    found = list(RunLog(writer.path).follow(script.alive, script.pause))
    assert [b"0", "rotated", "disk full", b"3"] == [item.reason if isinstance(item, Gap) else item.raw() for item in found]


def test_an_unfinished_record_is_waited_for(tmp_path):
    path = tmp_path / "42.1.log"
    line = Writer.line(Record(T0, "stdout", True, b"hello"))

    def append(data):
        with path.open("ab") as file:
            file.write(data)

    script = Script([lambda: append(line[:10]), lambda: append(line[10:43]), lambda: append(line[43:]), lambda: append(line[:42])])
    found = list(RunLog(str(tmp_path / "42.1")).follow(script.alive, script.pause))
    assert [Record(T0, "stdout", True, b"hello"), Record(T0, "stdout", False, b"he")] == found


@pytest.mark.parametrize("size", [1, 39, 42, 44])
def test_following_begins_in_the_middle_of_a_record(tmp_path, size):
    path = tmp_path / "42.1.log"
    line = Writer.line(Record(T0, "stdout", True, b"hello"))
    path.write_bytes(line + line[:size])
    script = Script([lambda: path.write_bytes(line * 2)])
    assert [Record(T0, "stdout", True, b"hello")] * 2 == list(RunLog(str(tmp_path / "42.1")).follow(script.alive, script.pause))


def test_an_unfinished_line_is_shown_before_a_pause(tmp_path):
    writer = Writer(tmp_path / "42.1")
    shown = []
    seen = []
    script = Script([
        lambda: writer.write(T0, "stdout", b"password: "),
        lambda: seen.append(list(shown)),
        lambda: writer.write(T0 + 1, "stdout", b"ok\n"),
        lambda: seen.append(list(shown)),
    ])  # fmt: skip
    shown.extend(RunLog(writer.path).follow_lines(script.alive, script.pause))
    assert [
        [Line(T0, "stdout", b"password: ", False)],
        [Line(T0, "stdout", b"password: ", False), Line(T0 + 1, "stdout", b"ok", True)],
    ] == seen


def test_a_slow_look_while_many_files_are_made(tmp_path, monkeypatch):
    """We are held up after the newest file; ten newer ones push it up among the names that we have not looked at."""
    writer = Writer(tmp_path / "42.1", 60)
    for number in range(3):
        writer.write(T0 + number, "stdout", b"line %d\n" % number)
    expected = writer.items()
    real = files._open

    def opening(path, number):
        if number == 1 and len(writer.parts) == 3:
            for later in range(3, 13):
                writer.write(T0 + later, "stdout", b"line %d\n" % later)
        return real(path, number)

    monkeypatch.setattr(files, "_open", opening)
    assert expected == list(RunLog(writer.path).items())


def test_the_last_lines_and_an_unfinished_one_that_goes_on(tmp_path):
    writer = Writer(tmp_path / "42.1")
    for number in range(9):
        writer.write(T0 + number, "stdout", b"line %d\n" % number)
    writer.write(T0 + 9, "stdout", b"line be")
    script = Script([lambda: writer.write(T0 + 10, "stdout", b"gun\n")])
    found = list(RunLog(writer.path).follow_lines(script.alive, script.pause, grep=re.compile(b"^line"), last=9))
    assert [*(b"line %d" % number for number in range(9)), b"line begun"] == [item.text for item in found if isinstance(item, Line)]


def test_a_gap_that_grows_is_told_in_parts(tmp_path):
    writer = Writer(tmp_path / "42.1")
    script = Script([
        lambda: writer.write(T0, "stdout", b"a\n"),
        lambda: writer.lose(T0 + 1, "stdout", b"12345"),
        lambda: None,
        lambda: writer.lose(T0 + 2, "stdout", b"678"),
        lambda: writer.write(T0 + 3, "stdout", b"b\n"),
    ])  # fmt: skip
    found = list(RunLog(writer.path).follow(script.alive, script.pause))
    assert [b"a\n", 5, 3, b"b\n"] == [item.bytes if isinstance(item, Gap) else item.raw() for item in found if not isinstance(item, Torn)]


@pytest.mark.parametrize("look_between", [True, False])
def test_a_chunk_that_is_taken_back(tmp_path, look_between):
    """The disk was full in the middle of a chunk: what had been written of it is cut off, and other output comes there."""
    writer = Writer(tmp_path / "42.1")
    path = Path(writer.name(0))

    def half():
        with path.open("ab") as file:
            file.write(Writer.line(Record(T0 + 1, "stdout", True, b"taken back")) + b"2026-")

    def taken_back():
        path.write_bytes(path.read_bytes()[: writer.position])
        writer.lose(T0 + 1, "stdout", b"taken back\nand more\n")

    def other():
        writer.write(T0 + 2, "stdout", b"other, and this is longer\nend\n")

    rest = [taken_back, other] if look_between else [lambda: (taken_back(), other())]
    script = Script([lambda: writer.write(T0, "stdout", b"first\n"), half, *rest])
    found = list(RunLog(writer.path).follow(script.alive, script.pause))
    texts = [item.text for item in found if isinstance(item, Record)]
    assert [b"first", b"taken back", b"other, and this is longer", b"end"] == texts
    assert [len(b"and more\n")] == [item.bytes for item in found if isinstance(item, Gap)]  # not what was told before it was taken back
    assert not any(isinstance(item, Torn) for item in found)


def test_the_whole_run_is_removed_while_it_is_followed(tmp_path):
    writer = Writer(tmp_path / "42.1", 100)
    script = Script(
        [
            *writing(writer, [[(1, "stdout", b"x" * 50 + b"\n", "")] * 3]),
            *[Path(tmp_path / name).unlink for name in ("42.1.log", "42.1.log.1")],
        ]
    )
    found = list(RunLog(writer.path).follow(script.alive, script.pause))
    assert 3 == len(found)


def test_streams_and_times_are_kept_apart(tmp_path):
    writer = Writer(tmp_path / "42.1", 100)
    batches = [[(SECOND, stream, b"%d\n" % number, "")] for number in range(5) for stream in ("stdout", "stderr")]
    script = Script(writing(writer, batches))
    script.pause()
    expected = [1, 2, 3, 4]
    log = RunLog(writer.path)
    found = list(log.follow(script.alive, script.pause, streams=["stderr"], since=T0 + 3 * SECOND))
    assert [b"%d" % number for number in expected] == [item.text for item in found if isinstance(item, Record)]


def test_no_descriptor_stays_open(tmp_path):
    import os

    writer = Writer(tmp_path / "42.1", 60, 4)
    before = os.listdir("/proc/self/fd")
    script = Script(writing(writer, [[(1, "stdout", b"line\n", "")] * 5] * 20))
    list(RunLog(writer.path).follow_lines(script.alive, script.pause))
    list(RunLog(writer.path).lines(last=2))
    half = RunLog(writer.path).items()
    next(half)
    half.close()
    assert len(before) == len(os.listdir("/proc/self/fd"))


def test_a_follower_that_keeps_up_holds_few_files(tmp_path, monkeypatch):
    import os

    monkeypatch.setattr(files, "MOST_OPEN", 4)
    monkeypatch.setattr("outlast.logs.follow.MOST_OPEN", 4)
    writer = Writer(tmp_path / "42.1", 60)
    most = 0
    before = len(os.listdir("/proc/self/fd"))

    def count():
        nonlocal most
        most = max(most, len(os.listdir("/proc/self/fd")) - before)

    parts = [part for pair in zip(writing(writer, [[(1, "stdout", b"line\n", "")]] * 60), [count] * 60, strict=True) for part in pair]
    script = Script(parts)
    assert 60 == len(list(RunLog(writer.path).follow(script.alive, script.pause)))
    assert most <= 12


@pytest.fixture(autouse=True)
def small_window(monkeypatch):
    monkeypatch.setattr(lines, "WINDOW", 70)


def test_merged_is_what_it_says():
    gap = Gap(offset=0, bytes=1, log=0, since=0, until=0, reason="x")
    assert [b"ab", gap, b"c"] == merged([b"a", b"b", gap, b"", b"c"])
