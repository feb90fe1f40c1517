"""The state file of a run (docs/shim-protocol.md): making it, and reading the truth from it.

Anybody may read it at any time, with or without a supervisor: the lock tells whether the run lives, the slots what it told.
"""

import fcntl
import os
from binascii import crc32

from outlast.core.jsontext import loads
from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SIZE = 4096
_RESULT = 1024
_RESERVE = b"\n" * SIZE
_HEAD = 14  # "LLLL CCCCCCCC "


class State(Value):
    """What the state file of a run tells. `exists`: there is one; `locked`: its shim (or its command, before exec) lives."""

    __slots__ = ("exists", "locked", "started", "result")
    exists: bool
    locked: bool
    started: "dict[str, Any] | None"
    result: "dict[str, Any] | None"
    _defaults = {"exists": True, "locked": False, "started": None, "result": None}


def create(path: str) -> int:
    """Make the state file with its room really written, locked. Returns the descriptor. Raises OSError.

    A file of that name without `started` is what a claim left that came no further: it is taken away first.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        if os.pwrite(fd, _RESERVE, 0) != SIZE:
            raise OSError(28, os.strerror(28))
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        os.unlink(path)
        raise
    return fd


def read(path: str) -> State:
    """Return what the state file tells now. The lock is asked first: a run that ends meanwhile is then seen with its result."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return State(exists=False)
    try:
        locked = False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            locked = True
        content = os.pread(fd, SIZE, 0)
    finally:
        os.close(fd)
    return State(locked=locked, started=_slot(content, 0), result=_slot(content, _RESULT))


def _slot(content: bytes, offset: int) -> "dict[str, Any] | None":
    """Return the object of a slot, or None unless the line is whole: length, newline, checksum."""
    head = content[offset : offset + _HEAD]
    if not head[:4].isdigit():
        return None
    end = offset + _HEAD + int(head[:4])
    text = content[offset + _HEAD : end]
    if content[end : end + 1] != b"\n" or b"%08x" % crc32(text) != head[5:13]:
        return None
    told: dict[str, Any] = loads(text.decode("ascii", "replace"))
    return told
