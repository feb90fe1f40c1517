"""One line of the log: the container log format of Kubernetes (CRI) as the shim writes it, and nothing looser.

`2026-11-22T08:00:00.123456789Z stdout F text`: UTC with nine digits, the stream, `F` (the command's own newline follows)
or `P` (the line goes on). Both streams' names have six letters, so the text always begins at byte 40.

Whatever is no such line is never an error: it is told as `Torn`, how many bytes from where on. One exception: a last line
that has its whole header but no newline (a shim was killed while it wrote) holds true bytes of the command, and is
read as a piece (`final` false).
"""

import time

from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator
    from typing import TypeAlias

    Batch: TypeAlias = "tuple[list[bytes], bool]"  # lines without their newline; whether a newline follows each

STDOUT = "stdout"
STDERR = "stderr"
STREAMS = (STDOUT, STDERR)
HEADER = 40
LONGEST = HEADER + 16384  # a record without its newline, by the protocol

TAGS = {
    b"Z stdout F ": (STDOUT, True, b"\n"),
    b"Z stdout P ": (STDOUT, False, b""),
    b"Z stderr F ": (STDERR, True, b"\n"),
    b"Z stderr P ": (STDERR, False, b""),
}
_MONTHS = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Record:
    """One record: `at` ns since the epoch (UTC), `stream`, `final` (the text is the end of a line), `text` (bytes).

    A plain class, not a Value: a long log has millions of them.
    """

    __slots__ = ("at", "stream", "final", "text")

    def __init__(self, at: int, stream: str, final: bool, text: bytes) -> None:
        """Take the four fields in the order of the line."""
        self.at = at
        self.stream = stream
        self.final = final
        self.text = text

    def raw(self) -> bytes:
        """Return the command's own bytes of this record."""
        return self.text + b"\n" if self.final else self.text

    def __eq__(self, other: object) -> bool:
        """Records are equal if all their fields are."""
        if type(other) is not Record:
            return NotImplemented
        return (self.at, self.stream, self.final, self.text) == (other.at, other.stream, other.final, other.text)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Show the fields."""
        return f"Record({self.at}, {self.stream!r}, {self.final}, {self.text!r})"


class Torn(Value):
    """`bytes` bytes of the log stream, from position `offset` on, that are no record."""

    _fields = ("offset", "bytes")
    offset: int
    bytes: int


def parse_stamp(text: bytes) -> int | None:
    """Return the ns since the epoch of `2026-11-22T08:00:00.123456789` (29 bytes, UTC), None if it is no such time."""
    digits = text[:4] + text[5:7] + text[8:10] + text[11:13] + text[14:16] + text[17:19] + text[20:]
    if len(text) != 29 or text[4:20:3] != b"--T::." or not digits.isdigit():
        return None
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    hour, minute, second = int(text[11:13]), int(text[14:16]), int(text[17:19])
    if not (1 <= month <= 12 and 1 <= day <= _MONTHS[month] and hour < 24 and minute < 60 and second <= 60):
        return None
    if month == 2 and day == 29 and (year % 4 or (year % 100 == 0 and year % 400)):
        return None
    # days since 1970-01-01 of the proleptic Gregorian calendar, the year counted from March on
    if month <= 2:
        year -= 1
        month += 12
    days = year * 365 + year // 4 - year // 100 + year // 400 + (month * 153 - 457) // 5 + day - 719469
    return (days * 86400 + hour * 3600 + minute * 60 + second) * 1_000_000_000 + int(text[20:])


def format_stamp(at: int) -> bytes:
    """Return `at` (ns since the epoch) as the 30 bytes that begin a line: `2026-11-22T08:00:00.123456789Z`."""
    seconds, fraction = divmod(at, 1_000_000_000)
    t = time.gmtime(seconds)
    return b"%04d-%02d-%02dT%02d:%02d:%02d.%09dZ" % (*t[:6], fraction)


def parse(line: bytes) -> Record | None:
    """Return the record that `line` (without its newline) is, None if it is none."""
    tag = TAGS.get(line[29:40])
    at = None if tag is None else parse_stamp(line[:29])
    return None if tag is None or at is None else Record(at, tag[0], tag[1], line[40:])


def records(batches: "Iterable[Batch]", position: int) -> "Iterator[Record | Torn]":
    """Yield the records of `batches`, and neighbouring unreadable lines as one Torn. `position`: of the first line in the stream."""
    stamp, at, torn = b"", 0, 0
    for lines, ended in batches:
        for line in lines:
            tag = TAGS.get(line[29:40])
            if tag is not None and line[:29] != stamp:
                value = parse_stamp(line[:29])
                if value is None:
                    tag = None
                else:
                    stamp, at = line[:29], value
            if tag is None or (not ended and len(line) > LONGEST):
                torn += len(line) + ended
            else:
                if torn:
                    yield Torn(offset=position - torn, bytes=torn)
                    torn = 0
                yield Record(at, tag[0], tag[1] and ended, line[40:])
            position += len(line) + ended
    if torn:
        yield Torn(offset=position - torn, bytes=torn)


def raw(batches: "Iterable[Batch]", position: int, streams: "Container[str]" = STREAMS) -> "Iterator[bytes | Torn]":
    """Yield the command's own bytes of `streams`, at most a batch at a time, and unreadable lines as Torn, in order."""
    stamp, torn = b"", 0
    for lines, ended in batches:
        out: list[bytes] = []
        for line in lines:
            tag = TAGS.get(line[29:40])
            if tag is not None and line[:29] != stamp:
                stamp = b"" if parse_stamp(line[:29]) is None else line[:29]
                tag = tag if stamp else None
            if tag is None or (not ended and len(line) > LONGEST):
                if out:
                    yield b"".join(out)
                    out = []
                torn += len(line) + ended
            else:
                if torn:
                    yield Torn(offset=position - torn, bytes=torn)
                    torn = 0
                if tag[0] in streams:
                    out += (line[40:], tag[2] if ended else b"")
            position += len(line) + ended
        if out:
            yield b"".join(out)
    if torn:
        yield Torn(offset=position - torn, bytes=torn)
