"""Writes logs as docs/shim-protocol.md says, step by step, and remembers what a reader has to find. Shares no code with the reader."""

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path

from outlast.logs.cri import Record
from outlast.logs.gaps import Gap

SECOND = 1_000_000_000
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
T0 = 1_795_334_400 * SECOND  # 2026-11-22T08:00:00Z


def stamp(at: int) -> bytes:
    seconds, fraction = divmod(at, SECOND)
    return (EPOCH + dt.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S").encode() + b".%09dZ" % fraction


def pieces(chunk: bytes) -> Iterator[tuple[bool, bytes]]:
    for line in chunk.split(b"\n")[:-1]:
        whole = line + b"\n"
        yield from [(False, line[at : at + 16384]) for at in range(0, len(line) - 16384, 16384)]
        yield True, line[(len(whole) - 2) // 16384 * 16384 :] if line else b""
    rest = chunk.rpartition(b"\n")[2]
    yield from [(False, rest[at : at + 16384]) for at in range(0, len(rest), 16384)]


class Part:
    def __init__(self) -> None:
        self.size = self.bytes = self.start = self.end = 0
        self.removed = False


class Writer:
    """One run's log. `max_bytes`, `max_files`: 0 is no limit."""

    def __init__(self, path: Path, max_bytes: int = 0, max_files: int = 0) -> None:
        self.path, self.max_bytes, self.max_files = str(path), max_bytes, max_files
        self.parts: list[Part] = []  # newest first
        self.position = 0
        self.gaps: list[dict[str, int | str]] = []
        self.rotated = -1
        self.history: list[tuple[Part, Record] | int] = []  # records with their file, indices of gaps
        self.written: list[tuple[str, bytes]] = []  # every byte of the command

    def name(self, number: int) -> str:
        return f"{self.path}.log.{number}" if number else f"{self.path}.log"

    def write(self, at: int, stream: str, chunk: bytes) -> None:
        """What one read returned."""
        for _ in self.steps(at, stream, chunk):
            pass

    def steps(self, at: int, stream: str, chunk: bytes) -> Iterator[str]:
        """The same, stopping wherever a reader could look."""
        found = [Record(at, stream, final, text) for final, text in pieces(chunk)]
        data = b"".join(self.line(record) for record in found)
        if self.max_bytes and self.parts and self.parts[0].size and self.parts[0].size + len(data) > self.max_bytes:
            yield from self._rotate()
        if not self.parts or not os.path.exists(self.name(0)):
            self.parts.insert(0, Part())
        part = self.parts[0]
        with open(self.name(0), "ab") as file:
            file.write(data)
        part.start = part.start or at
        part.end = at
        part.size += len(data)
        part.bytes += len(chunk)
        self.position += len(data)
        self.history += [(part, record) for record in found]
        self.written.append((stream, chunk))
        yield "written"

    def _rotate(self) -> Iterator[str]:
        oldest = len(self.parts) - 1
        if self.max_files and len(self.parts) >= self.max_files:
            part = self.parts.pop(oldest - 1)
            if self.rotated < 0:
                self.rotated = self._new_gap(self.parts[-1].size, "rotated", part.start)
            gap = self.gaps[self.rotated]
            gap["bytes"], gap["log"], gap["to"] = gap["bytes"] + part.bytes, gap["log"] + part.size, part.end
            self.tell()
            part.removed = True
            yield "told"
            os.unlink(self.name(oldest - 1))
            yield "removed"
            oldest -= 2
        for number in range(oldest, -1, -1):
            os.rename(self.name(number), self.name(number + 1))
            yield "renamed"

    def lose(self, at: int, stream: str, chunk: bytes, reason: str = "disk full") -> None:
        """A chunk that could not be written."""
        last = self.history[-1] if self.history else None
        if not isinstance(last, int) or (self.gaps[last]["reason"], self.gaps[last]["offset"]) != (reason, self.position):
            last = self._new_gap(self.position, reason, at)
            self.history.append(last)
        self.gaps[last]["bytes"] += len(chunk)  # type: ignore[operator]
        self.gaps[last]["to"] = at
        self.written.append((stream, chunk))
        self.tell()

    def _new_gap(self, offset: int, reason: str, at: int) -> int:
        self.gaps.append({"offset": offset, "bytes": 0, "log": 0, "from": at, "to": at, "reason": reason})
        return len(self.gaps) - 1

    def tell(self) -> None:
        with open(f"{self.path}.gaps", "wb") as file:
            file.writelines(json.dumps(gap, separators=(",", ":")).encode().ljust(255) + b"\n" for gap in self.gaps)

    @staticmethod
    def line(record: Record) -> bytes:
        return b"%b %b %b %b\n" % (stamp(record.at), record.stream.encode(), b"F" if record.final else b"P", record.text)

    def gap(self, index: int) -> Gap:
        told = self.gaps[index]
        return Gap(**{{"from": "since", "to": "until"}.get(key, key): value for key, value in told.items()})

    def items(self) -> list[Record | Gap]:
        """What a reader has to find now."""
        found: list[Record | Gap] = []
        removed = False
        for entry in self.history:
            if isinstance(entry, int):
                found.append(self.gap(entry))
            elif not entry[0].removed:
                found.append(entry[1])
            elif not removed:
                removed = True
                found.append(self.gap(self.rotated))
        return found
