"""What is added to somebody else's file, read in slices: after a rotation the rest of the old file comes first, after a truncation the
beginning again. Nothing here blocks on what is no plain file.
"""  # noqa: D205  # one thought

import os
import stat

from outlast.logs.pieces import LONGEST, cut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

BLOCK = 1 << 18  # of one slice
MARK = 64  # bytes before the place that was come to: if they are others by now, the file was written anew
OLDER = (".1", ".0", ".old")  # what a file is called that was rotated away while nobody looked


class Tail:
    """A file by its path, and how far it was read. `trouble`: why nothing can be read, as a sentence part, until that changes."""

    __slots__ = ("_at", "_device", "_fd", "_inode", "_mark", "path", "trouble")

    def __init__(self, path: str, known: "Mapping[str, Any] | None" = None) -> None:
        """`known`: an earlier `place()`; without it everything counts as read that is there now."""
        self.path = path
        self.trouble = ""
        self._fd = -1
        self._device, self._inode, self._at, self._mark = 0, 0, 0, b""
        if known is not None:
            self._device, self._inode, self._at, self._mark = known["device"], known["inode"], known["at"], bytes.fromhex(known["mark"])
        elif self._open(path):
            self._at = os.fstat(self._fd).st_size
            self._mark = self._before()

    def place(self) -> "dict[str, Any]":
        """Return how far it was read, for JSON."""
        return {"device": self._device, "inode": self._inode, "at": self._at, "mark": self._mark.hex()}

    @property
    def was_there(self) -> bool:
        """Tell whether there ever was a file that could be read."""
        return self._inode != 0

    def close(self) -> None:
        """Let go of the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def read(self, *, last: bool) -> "list[bytes] | None":
        """Return the texts of the next lines; None: there is nothing more now. `last`: nothing comes any more, so a line may lack its end.

        A text is at most LONGEST bytes of a line.
        """
        try:
            if self._fd < 0 and not self._find():
                return None
            if os.fstat(self._fd).st_size < self._at or self._before() != self._mark:
                self._at, self._mark = 0, b""  # truncated, or written anew
            data = os.pread(self._fd, BLOCK, self._at)
            if not data:
                return [] if self._go_to_next() else None
            over = last or self._is_replaced()
        except OSError as error:
            self.trouble = error.strerror or "it cannot be read"
            self.close()
            return None
        self.trouble = ""
        return self._texts(data, over=over)

    def _texts(self, data: bytes, *, over: bool) -> "list[bytes] | None":
        """Take the lines off `data`, which begins at our place; an unfinished one if it is too long, or nothing comes any more."""
        end = data.rfind(b"\n") + 1
        if not end:
            if len(data) < LONGEST and not over:
                return None
            end = len(data) if over else len(data) - len(data) % LONGEST
            lines = [data[:end]]
        else:
            lines = data[: end - 1].split(b"\n")
        self._at += end
        self._mark = self._before()
        return [piece for line in lines for piece in cut(line)]

    def _before(self) -> bytes:
        start = max(self._at - MARK, 0)
        return os.pread(self._fd, self._at - start, start)

    def _find(self) -> bool:
        """Open the file that was read last, wherever it is by now, else the one that is at the path. Tells whether there is one."""
        if self._inode:
            for name in (self.path, *(self.path + end for end in OLDER)):
                if _identity(name) == (self._device, self._inode) and self._open(name):
                    return True
        if not self._open(self.path):
            return False
        self._at, self._mark = 0, b""
        return True

    def _open(self, name: str) -> bool:
        """Open a plain file. A FIFO or a device is not even opened: that could wait, or do something."""
        identity = _identity(name)
        try:
            if not stat.S_ISREG(os.stat(name).st_mode):
                self.trouble = "it is no plain file"
                return False
            self._fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        except FileNotFoundError:
            self.trouble = ""
            return False
        except OSError as error:
            self.trouble = error.strerror or "it cannot be opened"
            return False
        if identity is None or _identity(name) != identity:
            self.close()
            return False  # it was replaced at this very moment: next time
        self._device, self._inode = identity
        return True

    def _is_replaced(self) -> bool:
        """Tell whether another file is at the path by now: ours is complete then."""
        return _identity(self.path) not in (None, (self._device, self._inode))

    def _go_to_next(self) -> bool:
        """Go to the file that is at the path by now, once ours is read. Tells whether there is another one."""
        if not self._is_replaced() or os.fstat(self._fd).st_size > self._at:
            return False
        self.close()
        if self._open(self.path):
            self._at, self._mark = 0, b""
        return self._fd >= 0


def _identity(name: str) -> "tuple[int, int] | None":
    try:
        told = os.stat(name)
    except OSError:
        return None
    return told.st_dev, told.st_ino
