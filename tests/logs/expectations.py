"""The reader's duties in their simplest form, to compare it with."""

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from logs.writer import SECOND, T0, Writer
from outlast.logs.cri import Record, Torn
from outlast.logs.gaps import Gap
from outlast.logs.lines import Line

if TYPE_CHECKING:
    from collections.abc import Iterable

TEXT = st.one_of(
    st.binary(max_size=40),
    st.text("ab\n", max_size=40).map(str.encode),
    st.sampled_from(
        [b"\n", b"\n\n", b"x\0y\r\n", b"2026-11-22T08:00:00.000000000Z stderr F no\n", b"a" * 300 + b"\n", b"no end", b"Z stdout F "]
    ),
).filter(bool)
STREAM = st.sampled_from(["stdout", "stdout", "stderr"])
STEP = st.one_of(st.integers(0, 3 * SECOND), st.integers(0, 3), st.just(3600 * SECOND))
CHUNKS = st.lists(st.tuples(STEP, STREAM, TEXT, st.sampled_from(["", "", "", "", "disk full", "cannot write: EIO"])), max_size=40)
SIZES = st.tuples(st.sampled_from([0, 60, 150, 400, 2000]), st.sampled_from([0, 0, 2, 3, 5]))


def fill(writer: Writer, chunks: "Iterable[tuple[int, str, bytes, str]]", at: int = T0) -> int:
    """Write or lose chunks; the time of each is given as steps. Returns the last time."""
    for step, stream, text, reason in chunks:
        at += step + 1
        if reason:
            writer.lose(at, stream, text, reason)
        else:
            writer.write(at, stream, text)
    return at


def naive_lines(items: "Iterable[Record | Gap | Torn]") -> list[Line | Gap | Torn]:
    """Join the pieces of each stream; whatever is missing ends all lines."""
    found: list[Line | Gap | Torn] = []
    open_: dict[str, tuple[int, bytes]] = {}

    def end(stream: str, whole: bool) -> None:
        at, text = open_.pop(stream)
        found.append(Line(at, stream, text, whole))

    for item in items:
        if isinstance(item, Record):
            at, text = open_.get(item.stream, (item.at, b""))
            open_[item.stream] = at, text + item.text
            if item.final:
                end(item.stream, True)
        else:
            for stream in list(open_):
                end(stream, False)
            found.append(item)
    for stream in list(open_):
        end(stream, False)
    return found


def naive_last(items: list[Line | Gap | Torn], wanted: int) -> list[Line | Gap | Torn]:
    places = [index for index, item in enumerate(items) if isinstance(item, Line)]
    if wanted == 0:
        return []
    return items[places[-wanted] :] if len(places) >= wanted else items


def merged(items: "Iterable[bytes | Gap | Torn]") -> list[bytes | Gap | Torn]:
    """Neighbouring bytes as one."""
    found: list[bytes | Gap | Torn] = []
    for item in items:
        if isinstance(item, bytes) and found and isinstance(found[-1], bytes):
            found[-1] += item
        elif item:
            found.append(item)
    return found


def accounts_for(items: "Iterable[bytes | Gap | Torn]", original: bytes) -> int:
    """Hold `items` against what was written: bytes are the same at their place, gaps as long as what lacks. Returns the length."""
    at = 0
    for item in items:
        assert not isinstance(item, Torn), item
        if isinstance(item, Gap):
            assert item.bytes is not None
            at += item.bytes
        else:
            assert item == original[at : at + len(item)]
            at += len(item)
    assert at <= len(original)
    return at
