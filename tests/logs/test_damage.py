"""Whatever the files hold, reading ends, raises nothing, tells every byte, and reads each byte a bounded number of times."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.writer import T0, Writer
from outlast.logs import seek, stretch
from outlast.logs.cri import HEADER, Record, Torn
from outlast.logs.gaps import Gap
from outlast.logs.lines import Line
from outlast.logs.reader import RunLog

LINE = Writer.line(Record(T0, "stdout", True, b"good"))
GAP = b'{"offset":50,"bytes":3,"log":20,"from":1,"to":2,"reason":"rotated"}'.ljust(255) + b"\n"
BYTES = st.one_of(
    st.binary(max_size=300),
    st.lists(st.sampled_from([LINE, LINE[:-1], LINE[:20], LINE[20:], b"\n", b"\0" * 50, GAP, b"\n\n", b"x"]), max_size=20).map(b"".join),
)


class Reads:
    """Counts what is read of the files."""

    def __init__(self, monkeypatch):
        self.bytes = 0

        def counting(fd, size, offset):
            data = os.pread(fd, size, offset)
            self.bytes += len(data)
            return data

        for module in (stretch,):
            monkeypatch.setattr(module, "read_at", counting)


@pytest.fixture
def reads(monkeypatch):
    return Reads(monkeypatch)


@given(BYTES, BYTES, BYTES, st.integers(0, 5))
def test_any_bytes_in_any_file(log, log1, gaps, last):
    with tempfile.TemporaryDirectory(prefix="ol-") as folder:
        path = str(Path(folder) / "42.1")
        for name, data in ((".log", log), (".log.1", log1), (".gaps", gaps)):
            Path(path + name).write_bytes(data)
        reader = RunLog(path)
        found = list(reader.items())
        told = sum(item.bytes for item in found if isinstance(item, Torn))
        told += sum(HEADER + len(item.text) + 1 for item in found if isinstance(item, Record))
        assert len(log) + len(log1) <= told <= len(log) + len(log1) + 2  # a record at the end of a file may lack its newline
        assert len(gaps) // 256 == sum(isinstance(item, Gap) for item in found)
        list(reader.raw())
        list(reader.lines())
        list(reader.lines(last=last, since=T0 - 1, until=T0 + 1))
        list(reader.follow(lambda: False, lambda: None))
        reader.missing_tail(10**9)


@pytest.mark.parametrize(
    "unit", [b"\0", b"\n", b"x", LINE[:-1], LINE[:HEADER] + b"y" * 20000], ids=["zeros", "newlines", "letters", "joined", "long"]
)
def test_megabytes_of_anything_are_read_twice_at_most(tmp_path, reads, unit):
    path = tmp_path / "42.1.log"
    path.write_bytes(unit * (2_000_000 // len(unit)))
    size = path.stat().st_size
    log = RunLog(str(tmp_path / "42.1"))
    items = list(log.items())
    assert len(items) < 1000 or unit == LINE
    assert reads.bytes <= 2 * size + 1_000_000
    reads.bytes = 0
    list(log.raw())
    assert reads.bytes <= 2 * size + 1_000_000
    reads.bytes = 0
    list(log.lines(last=10))
    assert reads.bytes <= 4 * size + 1_000_000
    reads.bytes = 0
    list(log.items(since=T0 + 10**15))
    assert reads.bytes <= 3 * size + 1_000_000


def test_records_that_lie_across_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(stretch, "BLOCK", 17_000)
    writer = Writer(tmp_path / "42.1")
    for number in range(300):
        writer.write(T0 + number, "stdout", b"%d" % number * (number * 97 % 5000) + b"\n" * (number % 3))
    assert writer.items() == list(RunLog(writer.path).items())
    assert b"".join(text for _, text in writer.written) == b"".join(item for item in RunLog(writer.path).raw() if isinstance(item, bytes))


@pytest.fixture(scope="module")
def long_log(tmp_path_factory):
    """Some 40 MB in four files, a line each millisecond, and a single line of stderr at the very end."""
    path = tmp_path_factory.mktemp("long") / "42.1"
    for part in range(4):
        with open(f"{path}.log" + (f".{3 - part}" if part < 3 else ""), "wb") as file:
            for number in range(part * 175, part * 175 + 175):
                text = b"%06d and what a command says in a line" % number
                file.write(Writer.line(Record(T0 + (number + 1) * 10**9, "stdout", True, text)) * 700)
            if part == 3:
                file.write(Writer.line(Record(T0 + 700 * 10**9 + 1, "stderr", True, b"it failed")))
    return RunLog(str(path))


def test_the_last_lines_of_a_long_log_need_its_end_only(long_log, reads):
    found = list(long_log.lines(last=10))
    assert [b"it failed"] + [b"000699 and what a command says in a line"] * 9 == [
        line.text for line in reversed(found) if isinstance(line, Line)
    ]
    assert reads.bytes < 1_000_000


def test_the_last_line_of_a_stream_that_is_rare(long_log, reads):
    assert [b"it failed"] == [line.text for line in long_log.lines(last=1, streams=["stderr"]) if isinstance(line, Line)]
    assert reads.bytes < 1_000_000


def test_since_in_a_long_log_needs_its_end_only(long_log, reads, monkeypatch):
    monkeypatch.setattr(seek, "MARGIN", 20 * 10**9)
    found = list(long_log.items(since=T0 + 699 * 10**9))
    assert 1401 == len(found)
    assert reads.bytes < 4_000_000


def test_until_in_a_long_log_needs_its_beginning_only(long_log, reads, monkeypatch):
    monkeypatch.setattr(seek, "MARGIN", 20 * 10**9)
    assert 700 == len(list(long_log.items(until=T0 + 10**9)))
    assert reads.bytes < 4_000_000
