"""What one run has written, for an archive: all of it, or its beginning and its end, masked, in bounded memory.

It stays in the format of the log, so that every line keeps its time and its stream. Stars are as many as what they stand for: the size is
known before the first byte is read, as an archive wants it.
"""

import os

from outlast.core.sizes import format_size
from outlast.logs.files import Snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from outlast.core.secrecy import Mask
    from outlast.logs.files import LogFile

ENDS = 256 << 10  # bytes of the beginning, and as many of the end
_BLOCK = 64 << 10


class Excerpt:
    """The output of one run as it is now. To be closed."""

    __slots__ = ("_mask", "_snapshot", "size")

    def __init__(self, path: str, mask: "Mask") -> None:
        """`path`: what the files of the run are named after. Raises SystemFault, OSError."""
        self._snapshot = Snapshot(path)
        self._mask = mask
        self.size = sum(file.size for file in self._snapshot.files)

    def close(self) -> None:
        """Let go of the files."""
        self._snapshot.close()

    def gaps(self) -> "list[dict[str, Any]]":
        """Return what is missing of the output, as JSON has it."""
        from outlast.core.times import format_time_utc

        return [
            {**dict(gap.items()), "since": format_time_utc(gap.since or None), "until": format_time_utc(gap.until or None)}
            for gap in self._snapshot.gaps
        ]

    def short(self) -> bytes:
        """Return all of it if it is short, else whole lines of its beginning and its end with a word about what was left out."""
        if self.size <= 2 * ENDS:
            return b"".join(self.blocks())
        head = self._mask.output(self._read(0, ENDS).rpartition(b"\n")[0] + b"\n")
        tail = self._mask.output(self._read(self.size - ENDS, ENDS).partition(b"\n")[2])
        left = self.size - len(head) - len(tail)
        return head + f"[outlast: {format_size(left)} of the log left out here: `--full-logs` has them]\n".encode() + tail

    def blocks(self) -> "Iterator[bytes]":
        """Yield exactly `size` bytes: all of it, masked. What is gone meanwhile is blank."""
        for file in self._snapshot.files:
            begun, at = b"", 0
            while at < file.size:
                block = _at(file, at, min(_BLOCK, file.size - at))
                at += len(block)
                whole, newline, rest = (begun + block).rpartition(b"\n")
                if newline or at >= file.size or len(begun) > _BLOCK:
                    yield self._mask.output(whole + newline if newline and at < file.size else begun + block)
                    begun = rest if newline and at < file.size else b""
                else:
                    begun += block
            if file.lazy:
                file.close()

    def _read(self, start: int, length: int) -> bytes:
        """Return `length` bytes of all files together from `start` on."""
        pieces, before = [], 0
        for file in self._snapshot.files:
            low, high = max(start - before, 0), min(start + length - before, file.size)
            if low < high:
                pieces.append(_at(file, low, high - low))
            before += file.size
        return b"".join(pieces)


def _at(file: "LogFile", start: int, length: int) -> bytes:
    """Return exactly so many bytes of a file."""
    data = os.pread(file.fd, length, start) if file.reopen() else b""
    return data.ljust(length, b" ")
