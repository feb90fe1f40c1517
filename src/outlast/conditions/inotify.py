"""The kernel's word on files: inotify(7) and the type of a file system, by ctypes (loaded when the first file is watched: 6 ms)."""

import ctypes
import errno
import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

OPEN, CLOSE = 0x20, 0x18
MOVED_FROM, MOVED_TO, CREATE, DELETE, DELETE_SELF, MOVE_SELF = 0x40, 0x80, 0x100, 0x200, 0x400, 0x800
UNMOUNT, OVERFLOW, IGNORED = 0x2000, 0x4000, 0x8000
_ONLYDIR, _MASK_ADD = 0x01000000, 0x20000000

ITSELF = DELETE_SELF | MOVE_SELF | _ONLYDIR
ENTRIES = MOVED_FROM | MOVED_TO | CREATE | DELETE | ITSELF
USES = OPEN | CLOSE

# statfs(2): changed by other machines, by a process in user space, or by the kernel itself, none of which inotify sees.
_UNSEEN = {
    0x6969: "nfs", 0x517B: "smb", 0xFF534D42: "cifs", 0xFE534D42: "smb2", 0x01021997: "9p", 0x65735546: "fuse", 0x5346414F: "afs",
    0x6B414653: "kafs", 0x00C36400: "ceph", 0x01161970: "gfs2", 0x7461636F: "ocfs2", 0x73757245: "coda", 0x564C: "ncp",
    0x0BD00BD0: "lustre", 0x47504653: "gpfs", 0xAAD7AAEA: "panfs", 0x786F4256: "vboxsf", 0xBACBACBC: "vmhgfs", 0x0187: "autofs",
    0x9FA0: "proc", 0x62656572: "sysfs", 0x64626720: "debugfs", 0x27E0EB: "cgroup", 0x63677270: "cgroup2",
}  # fmt: skip

_HEAD = struct.Struct("iIII")
_BATCH = 1 << 16
_libc = ctypes.CDLL(None, use_errno=True)


class Inotify:
    """One inotify instance. Every call raises OSError."""

    def __init__(self) -> None:
        """Make it."""
        self.fd: int = _checked(_libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC), b"inotify")

    def add(self, path: bytes, mask: int) -> int:
        """Watch what is at `path`, also for all earlier masks; returns its number, the same one for the same inode."""
        return _checked(_libc.inotify_add_watch(self.fd, path, ctypes.c_uint32(mask | _MASK_ADD)), path)

    def remove(self, number: int) -> None:
        """Watch it no longer; that it is gone already is no error."""
        _libc.inotify_rm_watch(self.fd, number)

    def read(self) -> "Iterator[tuple[int, int, bytes]]":
        """Yield (number, what happened, name) of one batch."""
        try:
            batch = os.read(self.fd, _BATCH)
        except BlockingIOError:
            return
        at = 0
        while at < len(batch):
            number, mask, _, length = _HEAD.unpack_from(batch, at)
            at += _HEAD.size
            yield number, mask, batch[at : at + length].rstrip(b"\0")
            at += length

    def close(self) -> None:
        """Let go of it and of all that it watches."""
        os.close(self.fd)


def sees(path: bytes) -> bool:
    """Tell whether inotify sees what happens in the file system of `path`."""
    told = ctypes.create_string_buffer(512)
    _checked(_libc.statfs(path, told), path)
    return ctypes.c_ulong.from_buffer(told).value & 0xFFFFFFFF not in _UNSEEN


def _checked(returned: int, path: bytes) -> int:
    if returned < 0:
        number = ctypes.get_errno() or errno.EIO
        raise OSError(number, os.strerror(number), path)
    return returned
