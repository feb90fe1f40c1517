"""Cgroups (version 2) of runs, below one that was delegated to us (cgroups(7); systemd's CGROUP_DELEGATION).

Only what is ours is touched: a cgroup that says so by systemd's mark (`Delegate=yes`; readable by users from systemd 251 on), that a
user owns and its parent's owner does not, or that is the root of our cgroup namespace, as in a container. A cgroup whose children have
controllers can hold no processes itself: the supervisor goes to a leaf of its own first, and does not if it is not alone.
"""

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

CONTROLLERS = ("memory", "pids", "cpu")
LEAF = "outlast-supervisor"
_OPTIONAL = ("memory.swap.max", "memory.oom.group")  # kernels without swap accounting; before 4.19
_UNITS = (".service", ".scope", ".slice")
_MARKS = ("user.delegate", "trusted.delegate")


class Delegation:
    """A cgroup of ours in which every run can have one of its own. `controllers`: those that its children have."""

    __slots__ = ("controllers", "path")

    def __init__(self, path: str, controllers: "tuple[str, ...]") -> None:
        """Nothing is touched."""
        self.path = path
        self.controllers = controllers

    @classmethod
    def find(cls) -> "Self | None":
        """Return the delegation that we live in, or None. We are in a leaf of it then, and so is whatever we start from now on."""
        try:
            base = _delegated(*_own())
            return cls.take(base) if base else None
        except OSError:
            return None

    @classmethod
    def take(cls, base: str) -> "Self | None":
        """Take `base`, which must be ours and holds no process but this one; None if nothing comes of it, and then all is as before."""
        there = _read(f"{base}/cgroup.controllers").split()
        enabled = _read(f"{base}/cgroup.subtree_control").split()
        missing = [name for name in CONTROLLERS if name in there and name not in enabled]
        moved = False
        if missing:
            inside = _read(f"{base}/cgroup.procs").split()
            if [pid for pid in inside if pid != str(os.getpid())]:
                return None
            if inside:
                _make(f"{base}/{LEAF}")
                _write(f"{base}/{LEAF}/cgroup.procs", "0")
                moved = True
            for name in missing:
                try:
                    _write(f"{base}/cgroup.subtree_control", f"+{name}")
                except OSError:
                    continue  # that one is not to be had
                enabled.append(name)
        controllers = tuple(name for name in CONTROLLERS if name in enabled)
        if controllers:
            return cls(base, controllers)
        if moved:
            _write(f"{base}/cgroup.procs", "0")
            os.rmdir(f"{base}/{LEAF}")
        return None

    def make(self, name: str, settings: "Mapping[str, str]") -> str:
        """Make the cgroup `name` with these settings (file: text) and return its path. Raises OSError, and then there is none.

        One that is there already, of a run that is started again, is used.
        """
        path = f"{self.path}/{name}"
        _make(path)
        try:
            for file, text in settings.items():
                try:
                    _write(f"{path}/{file}", text)
                except FileNotFoundError:
                    if file not in _OPTIONAL:
                        raise
        except OSError:
            remove(path)
            raise
        return path


def oom_kills(path: str) -> int:
    """Return how often the kernel has killed in the cgroup for want of memory; 0 if never, or if nothing is known.

    Not how many processes: where all of them go together the first one is counted twice (seen on Linux 6.1).
    """
    return _pairs(f"{path}/memory.events").get("oom_kill", 0)


def cpu(path: str) -> int | None:
    """Return the CPU time (ns) of all processes that are and were in the cgroup, whoever waited for them; None if it is not told."""
    usec = _pairs(f"{path}/cpu.stat").get("usage_usec")
    return None if usec is None else usec * 1000


def peak(path: str, controller: str) -> int | None:
    """Return the most that a controller has counted in the cgroup at once; None if the kernel does not tell.

    `memory`: bytes, cached files too (Linux 5.19). `pids`: processes and threads (Linux 6.1).
    """
    try:
        return int(_read(f"{path}/{controller}.peak"))
    except (OSError, ValueError):
        return None


def prefix(home_id: str) -> str:
    """Return what the names of the cgroups of a home's runs begin with; the run's own, `42.1`, follows."""
    return f"outlast-{home_id}-"


def of(pid: int) -> str | None:
    """Return the path of the cgroup that a process is in; None if it has none of version 2. Raises OSError."""
    found = place(_read(f"/proc/{pid}/cgroup"), _read("/proc/self/mountinfo"))
    return None if found is None else found[0]


def remove(path: str) -> bool:
    """Remove the cgroup. False: processes live in it."""
    try:
        os.rmdir(path)
    except OSError as error:
        return error.errno == errno.ENOENT
    return True


def place(cgroup: str, mountinfo: str) -> "tuple[str, bool] | None":
    """Return the path of the own cgroup, and whether it is the topmost that can be seen; None if there is none (of version 2).

    `cgroup`, `mountinfo`: the texts of those files in /proc/self (cgroups(7), proc_pid_mountinfo(5)).
    """
    own = next((line[3:] for line in cgroup.splitlines() if line.startswith("0::/")), None)
    if own is None or own.startswith("/.."):
        return None
    for line in mountinfo.splitlines():
        fields, _, rest = line.partition(" - ")
        root, point = (_unescaped(field) for field in fields.split(" ")[3:5])
        inside = own if root == "/" else own.removeprefix(root) if f"{own}/".startswith(f"{root}/") else None
        if rest.startswith("cgroup2 ") and inside is not None:
            inside = inside.strip("/")
            return (f"{point}/{inside}" if inside else point), not inside
    return None


def _own() -> "tuple[str, bool]":
    found = place(_read("/proc/self/cgroup"), _read("/proc/self/mountinfo"))
    if found is None:
        raise FileNotFoundError(errno.ENOENT, "no cgroup of version 2")
    return found


def _delegated(own: str, topmost: bool) -> str | None:
    """Return the delegated cgroup that the cgroup `own` is, or is a leaf of."""
    parent, name = os.path.split(own)
    if name == LEAF:
        return parent  # where a supervisor before us went
    if not os.path.exists(f"{own}/cgroup.events"):
        return None  # the root of the whole machine is nobody's
    if _is_marked(own) or topmost or _is_handed_over(own, parent):
        return own if os.access(f"{own}/cgroup.subtree_control", os.W_OK) else None
    # DelegateSubgroup= has put us in a leaf; a unit of its own below a delegated one is another manager's
    return parent if not name.endswith(_UNITS) and _is_marked(parent) else None


def _is_marked(path: str) -> bool:
    for mark in _MARKS:
        try:
            if os.getxattr(path, mark) == b"1":
                return True
        except OSError:
            continue
    return False


def _is_handed_over(path: str, parent: str) -> bool:
    user = os.geteuid()
    return user != 0 and os.stat(path).st_uid == user and os.stat(parent).st_uid != user


def _make(path: str) -> None:
    try:
        os.mkdir(path, 0o755)
    except FileExistsError:
        pass


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def _pairs(path: str) -> "dict[str, int]":
    """Return what a file of lines `name number` tells; nothing if it is not there."""
    try:
        return {name: int(number) for name, number in (line.split() for line in _read(path).splitlines())}
    except (OSError, ValueError):
        return {}


def _write(path: str, text: str) -> None:
    """Write into a file that is there: one `write`, as the kernel wants it."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def _unescaped(field: str) -> str:
    return field.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
