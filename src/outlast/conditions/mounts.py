"""Which paths lie on file systems that may keep whoever touches them waiting for ever: those of networks, and those that programs serve.

They are told by the table of mounts alone, component by component, so that nothing on them is touched to find out.
"""

import os

from outlast.seams import monotonic

_REMOTE = {
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "gfs2", "ocfs2", "lustre", "glusterfs", "beegfs", "virtiofs", "ncpfs",
    "coda", "davfs", "sshfs", "autofs",
}  # fmt: skip
_MOST_LINKS = 40
_ESCAPES = {"040": " ", "011": "\t", "012": "\n", "134": "\\"}


def is_remote(path: str, mountinfo: str = "/proc/self/mountinfo") -> bool:
    """Tell whether the way to `path` (absolute) leads through such a file system. False if that cannot be told."""
    at = monotonic()
    known, since = _known.get(mountinfo, (set(), -_FRESH))
    if at - since >= _FRESH:  # thousands may ask at once
        known = _remote_mounts(mountinfo)
        _known[mountinfo] = known, at
    return bool(known) and _crosses(path, known)


_FRESH = 1_000_000_000
_known: "dict[str, tuple[set[str], int]]" = {}


def _remote_mounts(mountinfo: str) -> "set[str]":
    try:
        with open(mountinfo, encoding="utf-8", errors="surrogateescape") as file:
            found = {point for point, kind in map(_mount, file) if kind in _REMOTE or kind.startswith("fuse")}
            return {point for point in found if not point.startswith("/proc/")}  # systemd mounts binfmt_misc on demand
    except OSError:
        return set()


def _mount(line: str) -> tuple[str, str]:
    """Return (mount point, type) of a line of mountinfo (proc_pid_mountinfo(5))."""
    head, _, tail = line.partition(" - ")
    first, *rest = head.split()[4].split("\\")
    point = first + "".join(_ESCAPES.get(part[:3], "\\" + part[:3]) + part[3:] for part in rest)
    return point, tail.split()[0]


def _crosses(path: str, remote: "set[str]") -> bool:
    """Walk along `path`, following links as long as they stand on file systems that answer."""
    left = [part for part in reversed(path.split("/")) if part not in ("", ".")]
    here, links = "/", 0
    if here in remote:
        return True
    while left:
        part = left.pop()
        there = os.path.dirname(here) if part == ".." else os.path.join(here, part)
        if there in remote:
            return True
        try:
            target = os.readlink(there)
        except OSError:
            here = there  # no link, or nothing at all
            continue
        links += 1
        if links > _MOST_LINKS:
            return False
        if target.startswith("/"):
            here = "/"
        left += (piece for piece in reversed(target.split("/")) if piece not in ("", "."))
    return False
