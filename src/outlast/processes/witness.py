"""The second witness: how a command ended whose shim was killed before it could tell.

Either the kernel still has it on record for who holds a pidfd (PIDFD_GET_INFO, Linux 6.15: after it was reaped by whomever), or it is
a zombie that nobody reaps and /proc tells it. Nothing is invented: what is not certain is None. Nothing is raised.
"""

import fcntl
import os
import struct

from outlast.core.errors import SystemFault
from outlast.processes.procfs import Process, look, parse, stat_line, status_field

_GET_INFO = 0xC040FF0B  # _IOWR(0xFF, 11, 64 bytes): PIDFD_GET_INFO with the first published struct pidfd_info
_INFO = struct.Struct("=QQ11Ii")  # mask, cgroupid, pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid... exit_code at 60
_WANTED = 0xF  # PID, CREDS, CGROUPID, EXIT
_PID, _EXIT = 0x1, 0x8
_SYS_PTRACE = 1 << 19


def open_witness(pid: int, start: int, shim_pid: int) -> int | None:
    """Return a pidfd of the command, or None if that process is gone (or pidfds are not to be had).

    Proved by the start time; if it was reaped in this very moment, by its parent having been the shim.
    """
    try:
        pidfd = os.pidfd_open(pid)
    except (OSError, OverflowError):
        return None
    info = _info(pidfd)
    seen = _look(pid)
    if seen is not None:
        proved = seen.start == start
    else:
        proved = info is not None and bool(info[0] & _PID) and (info[2], info[4]) == (pid, shim_pid)
    if proved:
        return pidfd
    os.close(pidfd)
    return None


def exit_status(pidfd: int, pid: int, start: int) -> int | None:
    """Return the raw wait status of the process (`os.waitstatus_to_exitcode` reads it), None if it lives or nobody knows."""
    zombie = _zombie_status(pid, start)
    if zombie is not None:
        return zombie
    info = _info(pidfd)
    return info[-1] if info is not None and info[0] & _EXIT else None


def _look(pid: int) -> Process | None:
    try:
        return look(pid)
    except SystemFault:
        return None


def _zombie_status(pid: int, start: int) -> int | None:
    """Return the last field of the stat line of a zombie (field 52: the raw wait status)."""
    try:
        line = stat_line(pid)
        if line is None:
            return None
        process = parse(pid, line)
        if process.start != start or process.alive:
            return None
        status = int(line.split()[-1])
        return status if status or _may_see_status(pid) else None
    except SystemFault:
        return None


def _may_see_status(pid: int) -> bool:
    """Tell whether a 0 in field 52 is one: the kernel writes 0 for whoever may not trace the process (ptrace(2), access mode)."""
    capable = status_field("self", b"CapEff")
    if capable and int(capable[0], 16) & _SYS_PTRACE and _in_first_user_namespace():
        return True
    users, groups = status_field(pid, b"Uid")[:3], status_field(pid, b"Gid")[:3]
    return set(users) == {b"%d" % os.geteuid()} and set(groups) == {b"%d" % os.getegid()}


def _in_first_user_namespace() -> bool:
    try:
        with open("/proc/self/uid_map", "rb") as file:
            return file.read().split() == [b"0", b"0", b"4294967295"]
    except OSError:
        return False


def _info(pidfd: int) -> "tuple[int, ...] | None":
    room = bytearray(_INFO.size)
    room[0] = _WANTED
    try:
        fcntl.ioctl(pidfd, _GET_INFO, room, True)
    except (OSError, ValueError):
        return None
    return _INFO.unpack(room)
