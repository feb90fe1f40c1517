"""Somebody else's file as it grows: what is added comes once, whatever is done to the file."""

import os

import pytest

from outlast.logs.pieces import LONGEST
from outlast.logs.tail import BLOCK, Tail


@pytest.fixture
def path(tmp_path):
    return tmp_path / "app.log"


def read(tail, *, last=False):
    """Return all that comes now."""
    found = []
    for _ in range(1000):
        texts = tail.read(last=last)
        if texts is None:
            return found
        found += texts
    raise AssertionError


def add(path, text):
    with path.open("ab") as file:
        file.write(text)


def resumed(tail):
    known = tail.place()
    tail.close()
    return Tail(tail.path, known)


def test_what_is_there_before_does_not_count(path):
    path.write_bytes(b"old\nhalf of a")
    tail = Tail(str(path))
    assert [] == read(tail)
    add(path, b" line\nnew\n\npart")
    assert [b" line", b"new", b""] == read(tail)
    assert [] == read(tail)
    assert [b"part"] == read(tail, last=True)
    tail.close()


def test_a_file_that_comes_later_is_read_from_its_beginning(path):
    tail = Tail(str(path))
    assert [] == read(tail)
    assert not tail.was_there
    path.write_bytes(b"a\nb\n")
    assert [b"a", b"b"] == read(tail)
    assert tail.was_there
    tail.close()


@pytest.mark.parametrize("again", [lambda tail: tail, resumed])
def test_after_a_rotation_the_rest_of_the_old_file_comes_first(path, again):
    path.write_bytes(b"a\n")
    tail = Tail(str(path))
    add(path, b"b\n")
    assert [b"b"] == read(tail)
    add(path, b"c\nd")
    path.rename(f"{path}.1")
    path.write_bytes(b"e\n")
    tail = again(tail)
    assert [b"c", b"d", b"e"] == read(tail)
    tail.close()


def test_one_that_is_removed_is_read_to_its_end(path):
    path.write_bytes(b"")
    tail = Tail(str(path))
    add(path, b"a\n")
    with path.open("ab") as file:
        path.unlink()
        assert [b"a"] == read(tail)
        file.write(b"b\n")
        file.flush()
        assert [b"b"] == read(tail)
    path.write_bytes(b"c\n")
    assert [b"c"] == read(tail)
    tail.close()


@pytest.mark.parametrize("again", [lambda tail: tail, resumed])
@pytest.mark.parametrize("content", [b"", b"x\n", b"much more than was there before\n"])
def test_a_truncated_one_is_read_from_its_beginning(path, again, content):
    path.write_bytes(b"one\ntwo\n")
    tail = Tail(str(path))
    add(path, b"three\n")
    assert [b"three"] == read(tail)
    path.write_bytes(content)  # the same inode
    tail = again(tail)
    assert content.split(b"\n")[:-1] == read(tail)
    tail.close()


def test_one_goes_on_where_one_left_off(path):
    path.write_bytes(b"old\n")
    tail = Tail(str(path))
    for number in range(5):
        add(path, b"%d\n" % number)
        assert [b"%d" % number] == read(tail)
        tail = resumed(tail)
        assert [] == read(tail)
    tail.close()


def test_long_lines_and_large_files_come_in_slices(path):
    path.write_bytes(b"")
    tail = Tail(str(path))
    add(path, b"x" * (3 * BLOCK + 5))
    found = read(tail)
    assert max(map(len, found)) <= LONGEST
    add(path, b"y\n" + b"line\n" * 100_000)
    found += read(tail)
    assert b"x" * (3 * BLOCK + 5) + b"y" == b"".join(found[:-100_000])
    assert [b"line"] * 100_000 == found[-100_000:]
    tail.close()


def test_a_file_of_gigabytes_costs_nothing_but_what_is_new(path):
    with path.open("wb") as file:
        file.truncate(8 << 30)
    tail = Tail(str(path))
    assert [] == read(tail)
    add(path, b"\nnew\n")
    assert [b"", b"new"] == read(tail)
    tail.close()


def test_what_is_no_plain_file_is_not_even_opened(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path in (fifo, tmp_path, "/dev/zero"):
        tail = Tail(str(path))
        assert [] == read(tail)
        assert "it is no plain file" == tail.trouble
        tail.close()


def test_a_link_is_followed(tmp_path, path):
    (tmp_path / "link").symlink_to(path)
    path.write_bytes(b"")
    tail = Tail(str(tmp_path / "link"))
    add(path, b"a\n")
    assert [b"a"] == read(tail)
    tail.close()


def test_one_that_cannot_be_read_says_so_and_is_read_once_it_can(path):
    path.symlink_to(path)
    tail = Tail(str(path))
    assert [] == read(tail)
    assert "Too many levels of symbolic links" == tail.trouble
    path.unlink()
    path.write_bytes(b"a\n")
    assert [b"a"] == read(tail)
    assert "" == tail.trouble
    tail.close()
