"""The condition `nonopen-file`: the file is there, and no process has it open or mapped.

Only the kernel knows that, and it tells only what we may see: processes of other users, of outer pid namespaces, and other machines
of a network file system are out of sight. Those that can be counted are counted in the text.
"""

import os

from outlast.conditions.existing import checked_path, missing
from outlast.core.errors import SystemFault
from outlast.core.ports import USE, Seen, one_line
from outlast.processes import procfs

_KTHREADD = 2


class NonopenFile:
    """Met while the path leads to something that nobody who can be seen has open."""

    name = "nonopen-file"
    fast = False
    watch = USE

    def check(self, word: str, cwd: str) -> str:
        """Return the absolute path."""
        return checked_path(word, cwd)

    def look(self, word: str) -> Seen:
        """Look at the descriptors and mappings of all processes: some milliseconds, more with thousands of them."""
        try:
            told = os.stat(word)
        except OSError as error:
            return missing(word, error)
        users, hidden = _users(told.st_dev, told.st_ino)
        if users:
            first = procfs.look(users[0])
            name = f" ({one_line(first.comm)})" if first is not None else ""
            more = f" and {len(users) - 1} more" if len(users) > 1 else ""
            return Seen(met=False, text=f"open by process {users[0]}{name}{more}")
        if not os.path.exists("/proc/1"):
            return Seen(met=True, text="open by nobody that can be seen; processes of other users are hidden (hidepid)")
        if hidden:
            count = "1 process" if hidden == 1 else f"{hidden} processes"  # of other users, or that protect themselves
            return Seen(met=True, text=f"open by nobody that can be seen; {count} could not be looked at")
        return Seen(met=True, text="open by nobody")


def _users(device: int, inode: int) -> tuple[list[int], int]:
    """Return the pids of those who have that file open, and how many could not be looked at."""
    users = []
    hidden = 0
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            if _has_open(name, device, inode):
                users.append(int(name))
        except PermissionError:
            hidden += _may_have_files(int(name))
        except OSError:
            pass  # it has just ended
    return sorted(users), hidden


def _has_open(pid: str, device: int, inode: int) -> bool:
    folder = f"/proc/{pid}/fd"
    for fd in os.listdir(folder):
        try:
            told = os.stat(f"{folder}/{fd}")
        except OSError:
            continue  # closed meanwhile
        if told.st_ino == inode and told.st_dev == device:
            return True
    return _has_mapped(pid, device, inode)


def _has_mapped(pid: str, device: int, inode: int) -> bool:
    """Tell whether it has the file mapped: a descriptor is not needed for that any more (proc_pid_maps(5))."""
    wanted = b"%d" % inode
    with open(f"/proc/{pid}/maps", "rb") as file:
        for line in file:
            fields = line.split(None, 5)
            if fields[4] == wanted and (_device(fields[3]) == device or _is_at(pid, fields[5:], device, inode)):
                return True
    return False


def _device(text: bytes) -> int:
    major, _, minor = text.partition(b":")
    return os.makedev(int(major, 16), int(minor, 16))


def _is_at(pid: str, path: "list[bytes]", device: int, inode: int) -> bool:
    """Ask the path of a mapping: btrfs and overlayfs show another device there than stat(2) does."""
    try:
        told = os.stat(f"/proc/{pid}/root".encode() + path[0].rstrip(b"\n").replace(b"\\012", b"\n")) if path else None
    except OSError:
        return False
    return told is not None and (told.st_dev, told.st_ino) == (device, inode)


def _may_have_files(pid: int) -> bool:
    """Tell whether somebody who may not be looked at can have files open at all: not a zombie, nor a thread of the kernel."""
    try:
        process = procfs.look(pid)
    except SystemFault:
        return True
    return process is not None and process.alive and _KTHREADD not in (pid, process.ppid)
