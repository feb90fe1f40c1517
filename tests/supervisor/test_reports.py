"""The last reading of a feedback file: a piece at a time, and not for ever."""

from pathlib import Path

from outlast.logs.feedback import Reader
from outlast.supervisor.reports import Reading


def reading_of(path: Path) -> Reading:
    return Reading(str(path), Reader(), path.stat().st_size)


def test_it_is_read_in_pieces_up_to_what_it_was_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"[a]1\n" * 1000 + b"[last]2\n")
    reading = reading_of(path)
    with path.open("ab") as file:
        file.write(b"[later]3\n")  # by what the run left behind
    pieces = 0
    while not reading.through:
        reading.go_on(1000)
        pieces += 1
    assert (6, True) == (pieces, reading.whole)
    assert {"a": "1", "last": "2"} == reading.reader.parser.facts


def test_one_without_an_end_is_left(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"[a]1\n")
    with path.open("ab") as file:
        file.truncate(1 << 38)  # it takes no room
    reading = reading_of(path)
    reading.left = 5000
    for _ in range(5):
        assert not reading.through
        reading.go_on(1000)
    assert (True, False) == (reading.through, reading.whole)
    assert {"a": "1"} == reading.reader.parser.facts


def test_one_that_is_written_anew_all_the_time_is_left(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"[a]1\n" * 1000)
    reading = reading_of(path)
    for n in range(6):
        reading.go_on(100)
        path.write_bytes(b"[a]%d\n" % n * 1000)
    assert reading.through
