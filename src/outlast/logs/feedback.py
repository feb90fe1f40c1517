"""Reads the feedback file of a run: only what is new since the last look, and never anything but a plain file.

How far it was read is a mark: [device, inode, offset, crc of up to 64 bytes before it]. Where the mark does not fit, the file is another
one or was cut off, and is read from its beginning. Nothing here waits: neither for the writer of a FIFO nor for a device.
"""

import os
import stat
from binascii import crc32

from outlast.core.feedback import Parser
from outlast.core.jsontext import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    Mark = list[int]

TAIL = 64
UNKNOWN = -1  # instead of a crc: it could not be read
WORTH_KEEPING = 1 << 20  # bytes that were read since a cache was written
SUFFIX = ".feedback"
CACHE_SUFFIX = ".feedback-cache"
_PIECE = 1 << 18
_LATEST = 1 << 16  # bytes at the end of a file of which not all can be read now
_SCHEMA = 1


def look(path: str) -> "os.stat_result | None":
    """Return what the kernel tells of `path` if it is a plain file, or a link to one; None if it is not there, or anything else."""
    try:
        told = os.stat(path)
    except (OSError, ValueError):
        return None
    return told if stat.S_ISREG(told.st_mode) else None


def open_plain(path: str) -> int | None:
    """Open a plain file to read. None: there is none. Raises OSError if it cannot be read."""
    if look(path) is None:
        return None
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except FileNotFoundError:
        return None
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)  # somebody has just put something else there
    return None


def mark_at_claim(path: str) -> "Mark | None":
    """Return the mark at the end of what is there before a run begins; None: nothing is. An empty one: something that is no plain file."""
    told = look(path)
    if told is None:
        return [] if _may_be_there(path) else None
    try:
        fd = open_plain(path)
    except OSError:
        return [told.st_dev, told.st_ino, told.st_size, UNKNOWN]
    if fd is None:
        return []
    try:
        return _mark(fd, os.fstat(fd).st_size)
    except OSError:
        return [told.st_dev, told.st_ino, told.st_size, UNKNOWN]
    finally:
        os.close(fd)


def _may_be_there(path: str) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # who knows: what was there before is not removed
        return True
    return True


def _mark(fd: int, offset: int) -> "Mark":
    told = os.fstat(fd)
    before = min(offset, TAIL)
    return [told.st_dev, told.st_ino, offset, crc32(os.pread(fd, before, offset - before))]


def _fits(fd: int, mark: "Mark | None") -> bool:
    """Tell whether the file is the one that was marked, and what was before the mark is still there."""
    if not mark:
        return False
    told = os.fstat(fd)
    if [told.st_dev, told.st_ino] != mark[:2] or told.st_size < mark[2]:
        return False
    return mark[3] == UNKNOWN or _mark(fd, mark[2]) == mark


class Reader:
    """What is known of one feedback file. `changed` and `size` are those of the last look; None: no plain file is there."""

    __slots__ = ("_read", "_since", "changed", "error", "identity", "mark", "parser", "restarts", "size")

    def __init__(self, since: "Mark | None" = None) -> None:
        """`since`: the mark up to which its content is of no concern, if it is still the same file."""
        self._since = since
        self._read = 0  # bytes, since the cache was written
        self.parser = Parser()
        self.mark: Mark | None = None
        self.changed: int | None = None
        self.size = 0
        self.identity: tuple[int, int] | None = None
        self.error: OSError | None = None
        self.restarts = 0  # how often it turned out to be another file, or to be cut off

    def read(self, path: str, most: int | None = None, until: int | None = None) -> bool:
        """Read what is new, at most `most` bytes and not beyond the offset `until`. Tells whether nothing more of that is left."""
        self.error = None
        fd = None
        try:
            fd = open_plain(path)
            if fd is not None:
                return self._read_on(fd, most, until)
        except OSError as error:
            self.error = error
        finally:
            if fd is not None:
                os.close(fd)
        if self.error is None:
            self.changed, self.identity = None, None
        return True

    def _read_on(self, fd: int, most: int | None, until: int | None) -> bool:
        told = os.fstat(fd)
        self.changed, self.size, self.identity = told.st_mtime_ns, told.st_size, (told.st_dev, told.st_ino)
        if not _fits(fd, self.mark):
            self.restarts += self.mark is not None
            self.parser = Parser()
            self.mark = self._since if self.mark is None and _fits(fd, self._since) else None
        start = at = self.mark[2] if self.mark else 0
        end = told.st_size if until is None else min(until, told.st_size)
        if most is not None:
            end = min(end, start + most)
        while at < end:
            piece = os.pread(fd, min(_PIECE, end - at), at)
            if not piece:
                break  # it was cut off meanwhile
            self.parser.feed(piece)
            at += len(piece)
        self.mark = _mark(fd, at)
        self._read += at - start
        return at >= (told.st_size if until is None else min(until, told.st_size)) or at < end

    def latest(self, path: str) -> Parser:
        """Return what is known if not all could be read now: what the end of the file says is true in any case."""
        try:
            fd = open_plain(path)
        except OSError:
            fd = None
        if fd is None:
            return self.parser
        try:
            size = os.fstat(fd).st_size
            return self.parser.over(os.pread(fd, _LATEST, max(size - _LATEST, 0)))
        except OSError:
            return self.parser
        finally:
            os.close(fd)

    def save(self, cache: str) -> None:
        """Keep it for the next who looks, if enough was read since. It is a cache: if it cannot be written, so be it."""
        if self._read < WORTH_KEEPING or self.mark is None:
            return
        text = dumps({"schema": _SCHEMA, "since": self._since, "mark": self.mark, "parser": self.parser.kept()}).encode()
        name = f"{cache}.{os.getpid()}"
        try:
            fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                written = os.write(fd, b"%08x %s" % (crc32(text), text))
            finally:
                os.close(fd)
            if written == len(text) + 9:
                os.replace(name, cache)
                self._read = 0
            else:
                os.unlink(name)
        except OSError:
            pass

    @classmethod
    def from_cache(cls, cache: str, since: "Mark | None" = None) -> "Reader":
        """Return what the cache knows; from the beginning if there is none, or if it is damaged or of another time."""
        made = cls(since)
        try:
            with open(cache, "rb", buffering=0) as file:
                head, text = file.read(9), file.read()
            if head == b"%08x " % crc32(text):
                kept = loads(text.decode())
                if kept["schema"] == _SCHEMA and kept["since"] == since:
                    made.parser, made.mark = Parser.again(kept["parser"]), [int(number) for number in kept["mark"]]
                    if len(made.mark) != 4 or made.mark[2] < 0:  # see the module
                        raise ValueError("no mark")
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls(since)
        return made


def reader_of(path: str, cache: str, since: "Mark | None") -> "Reader | None":
    """Return a reader of the feedback file at `path`, from the cache if it is so large that there may be one; None if there is no file."""
    told = look(path)
    if told is None:
        return None
    return Reader.from_cache(cache, since) if told.st_size >= WORTH_KEEPING else Reader(since)
