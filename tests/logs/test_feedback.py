"""A feedback file is read on where it was left, from the beginning if it is another one, and nothing else than a plain file is touched."""

import os
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.logs.feedback import WORTH_KEEPING, Reader, mark_at_claim, reader_of

LINE = b"[n]%07d\n"


def fill(path: Path, first: int, count: int) -> None:
    with path.open("ab") as file:
        file.write(b"".join(LINE % n for n in range(first, first + count)))


def bytes_read(reader: Reader) -> int:
    return reader._read


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "f"


def test_it_goes_on_where_it_was(path: Path) -> None:
    reader = Reader()
    assert reader.read(str(path))
    assert (None, {}) == (reader.changed, reader.parser.facts)
    path.write_bytes(b"[a]1\n[b")
    assert reader.read(str(path))
    assert {"a": "1"} == reader.parser.facts
    with path.open("ab") as file:
        file.write(b"]2\n")
    assert reader.read(str(path))
    assert {"a": "1", "b": "2"} == reader.parser.facts
    assert (10, 0) == (bytes_read(reader), reader.restarts)
    assert path.stat().st_mtime_ns == reader.changed


@pytest.mark.parametrize("change", ["cut", "cut and longer", "another", "gone and back"])
def test_another_content_is_read_from_its_beginning(path: Path, change: str) -> None:
    path.write_bytes(b"[a]1\n[b]2\n")
    reader = Reader()
    reader.read(str(path))
    if change == "cut":
        path.write_bytes(b"[c]3\n")
    elif change == "cut and longer":
        path.write_bytes(b"[c]3\n" + b"# comment\n" * 10)
    elif change == "another":
        (path.parent / "g").write_bytes(b"[c]3\n" + b"# comment\n" * 10)
        os.replace(path.parent / "g", path)
    else:
        path.unlink()
        reader.read(str(path))
        assert reader.changed is None
        path.write_bytes(b"[c]3\n")
    reader.read(str(path))
    assert {"c": "3"} == reader.parser.facts
    assert 1 == reader.restarts


def test_what_was_there_before_a_run_is_ignored(path: Path) -> None:
    assert mark_at_claim(str(path)) is None
    assert mark_at_claim(str(path / "below")) is None
    path.write_bytes(b"[old]1\n" * 100)
    mark = mark_at_claim(str(path))
    assert mark is not None
    assert 700 == mark[2]
    reader = Reader(mark)
    reader.read(str(path))
    assert {} == reader.parser.facts
    with path.open("ab") as file:
        file.write(b"[new]2\n")
    reader.read(str(path))
    assert {"new": "2"} == reader.parser.facts
    path.write_bytes(b"[begun]again\n" * 200)  # longer, but another one
    for again in (reader, Reader(mark)):
        again.read(str(path))
        assert {"begun": "again"} == again.parser.facts


def test_no_more_than_asked_for(path: Path) -> None:
    fill(path, 0, 1000)
    reader = Reader()
    assert not reader.read(str(path), 4000)
    assert {"n": "0000362"} == reader.parser.facts
    assert {"n": "0000999"} == reader.latest(str(path)).facts
    assert not reader.read(str(path), 4000, until=10_000)
    assert reader.read(str(path), 4000, until=10_000)
    assert 10_000 == bytes_read(reader)
    assert reader.read(str(path))
    assert {"n": "0000999"} == reader.parser.facts


def test_the_cache(path: Path) -> None:
    cache = str(path) + ".cache"
    fill(path, 0, 10)
    reader = Reader()
    reader.read(str(path))
    reader.save(cache)
    assert not os.path.exists(cache)  # too little to be worth it
    fill(path, 10, WORTH_KEEPING // 11)
    path.write_bytes(b"[first]1\n[a b]\n" + path.read_bytes())
    reader = Reader()
    reader.read(str(path))
    reader.save(cache)
    assert [path.name, path.name + ".cache"] == sorted(os.listdir(path.parent))
    with path.open("ab") as file:
        file.write(b"[last]2\n")
    again = reader_of(str(path), cache, None)
    assert again is not None
    assert again.read(str(path))
    assert 8 == bytes_read(again)
    assert ["first", "n", "last"] == [*again.parser.facts]
    assert ["a b"] == [*again.parser.faults]
    assert 1 < bytes_read_with(path, cache, since=[1, 2, 3, 4])  # of another run


def bytes_read_with(path: Path, cache: str, since: "list[int] | None" = None) -> int:
    reader = Reader.from_cache(cache, since)
    reader.read(str(path))
    assert "1" == reader.parser.facts.get("first")
    return bytes_read(reader)


def test_a_damaged_cache_is_none(path: Path) -> None:
    cache = Path(f"{path}.cache")
    path.write_bytes(b"[first]1\n")
    fill(path, 0, WORTH_KEEPING // 11 + 1)
    reader = Reader()
    reader.read(str(path))
    reader.save(str(cache))
    whole = cache.read_bytes()
    size = path.stat().st_size
    assert 0 == bytes_read_with(path, str(cache))
    for damaged in (b"", b"\0" * 100, whole[:-1], whole[:20] + b"9" + whole[21:], b"12345678 {}", b"\xff" * 50, whole + b" "):
        cache.write_bytes(damaged)
        assert size == bytes_read_with(path, str(cache)), damaged[:40]
    cache.unlink()
    cache.mkdir()
    assert size == bytes_read_with(path, str(cache))
    reader._read = WORTH_KEEPING
    reader.save(str(cache))  # cannot be, and is no error


def test_nothing_else_is_read_or_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"[a]1\n")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "to fifo").symlink_to("fifo")
    (tmp_path / "to device").symlink_to("/dev/zero")
    for name in ("fifo", "folder", "loop", "to fifo", "to device", "none", "file/below", "x" * 300, "nul\0"):
        reader = Reader()
        assert reader.read(str(tmp_path / name)), name
        assert (None, None, {}) == (reader.changed, reader.error, reader.parser.facts), name
        assert reader_of(str(tmp_path / name), "none", None) is None
    assert [] == mark_at_claim(str(tmp_path / "fifo")) == mark_at_claim(str(tmp_path / "loop")) == mark_at_claim(str(tmp_path / "folder"))
    reader = Reader([])
    reader.read(str(tmp_path / "link"))
    assert {"a": "1"} == reader.parser.facts


def test_a_fifo_in_its_place_in_the_last_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is opened, but does not wait for a writer, and is not read."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "file").touch()
    true = os.stat
    monkeypatch.setattr("outlast.logs.feedback.os.stat", lambda _: true(tmp_path / "file"))
    reader = Reader()
    done = threading.Thread(target=reader.read, args=(str(tmp_path / "fifo"),))
    done.start()
    done.join(20)
    assert not done.is_alive()
    assert {} == reader.parser.facts


class Files:
    """What happens to a file, and who reads it meanwhile: whatever it is, the reader knows what the file says, as one who reads it anew."""

    def __init__(self, folder: Path) -> None:
        self.path, self.cache = folder / "f", str(folder / "cache")
        self.reader = Reader()
        self.count = 0

    def line(self) -> bytes:
        self.count += 1
        return b"[k%d]%d\n" % (self.count % 7, self.count)

    def do(self, what: str, number: int) -> None:
        if what == "add":
            with self.path.open("ab") as file:
                file.write(b"".join(self.line() for _ in range(number)))
        elif what == "half":
            with self.path.open("ab") as file:
                file.write(self.line()[: number + 1])
        elif what == "cut":
            self.path.write_bytes(b"".join(self.line() for _ in range(number)))
        elif what == "other":
            self.path.unlink(missing_ok=True)
            self.path.write_bytes(b"[]\n" + self.line())
        elif what == "gone":
            self.path.unlink(missing_ok=True)
        elif what == "read":
            self.reader.read(str(self.path), number * 3)
        else:
            self.reader._read = WORTH_KEEPING
            self.reader.save(self.cache)
            self.reader = Reader.from_cache(self.cache)


@given(
    st.lists(st.tuples(st.sampled_from(["add", "half", "cut", "other", "gone", "read", "read", "keep"]), st.integers(0, 20)), max_size=30)
)
def test_whatever_happens_to_a_file(happens: "list[tuple[str, int]]") -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = Files(Path(folder))
        for what, number in happens:
            files.do(what, number)
        fresh = Reader()
        assert files.reader.read(str(files.path)) == fresh.read(str(files.path)) is True
        if fresh.changed is not None:
            assert fresh.parser.facts == files.reader.parser.facts
