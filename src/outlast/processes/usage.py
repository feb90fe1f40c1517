"""What runs use while they live, as the kernel accounts for it. Nothing is signalled or written; what cannot be read tells nothing.

One look at the machine serves many runs: each is then judged, by the rules of `tree`, among those processes alone that can be its own.
"""

import os

from outlast.core.errors import SystemFault
from outlast.core.value import Value
from outlast.processes import cgroups, procfs
from outlast.processes.tree import members_of, snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from outlast.processes.procfs import Process
    from outlast.processes.tree import Target

_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_UTIME, _RSS = 11, 21  # places in a stat line behind the name: fields 14 and 24 (proc_pid_stat(5))


class Used(Value):
    """What processes use: `cpu` (ns) so far, with that of their children that have ended and were waited for; `rss` (bytes) now."""

    _fields = ("cpu", "rss", "processes")
    cpu: int
    rss: int  # shared pages count once for every process that has them
    processes: int


class Census:
    """All processes of the machine, looked at once, to find those of many runs."""

    __slots__ = ("_children", "_marked", "_marks", "_processes", "_sessions", "_since")

    def __init__(self, since: int) -> None:
        """Look. `since`: when the oldest shim of the runs started (clock ticks); nobody older can carry a mark. Raises SystemFault."""
        self._processes = snapshot()
        self._since = since
        self._marks: dict[int, bytes | None] = {}
        self._marked: dict[bytes, list[Process]] | None = None
        self._children: dict[int, list[Process]] = {}
        self._sessions: dict[int, list[Process]] = {}
        for process in self._processes.values():
            self._children.setdefault(process.ppid, []).append(process)
            self._sessions.setdefault(process.session, []).append(process)

    def members(self, target: "Target") -> "list[Process]":
        """Return the living processes of a run, oldest first. Supervisors and other shims carry marks of their own, so they are none."""
        return members_of(self._around(target), target, {os.getpid()}, (), self._mark)

    def _around(self, target: "Target") -> "dict[int, Process]":
        """Return whoever may be a member: the run's session, who carries its mark, shim and command, and all below them."""
        near = [*(self._sessions.get(target.session, ()) if target.session else ()), *self._with_mark(target.mark)]
        near += (self._processes[one.pid] for one in (target.command, target.shim) if one is not None and one.pid in self._processes)
        found: dict[int, Process] = {}
        while near:
            process = near.pop()
            if process.pid not in found:
                found[process.pid] = process
                near += self._children.get(process.pid, ())
        return found

    def _with_mark(self, mark: bytes) -> "list[Process]":
        if self._marked is None:
            self._marked = {}
            for process in self._processes.values():
                if process.start >= self._since and process.alive:
                    self._marked.setdefault(self._mark(process.pid) or b"", []).append(process)
        return self._marked.get(mark, []) if mark else []

    def _mark(self, pid: int) -> bytes | None:
        if pid not in self._marks:
            self._marks[pid] = procfs.mark_of(pid)
        return self._marks[pid]


def used(processes: "Iterable[Process]") -> Used:
    """Return what these processes use now; who has ended meanwhile is left out."""
    cpu = rss = count = 0
    for process in processes:
        raw = procfs.stat_line(process.pid)
        if raw is None or procfs.parse(process.pid, raw).start != process.start:
            continue
        fields = raw[raw.rindex(b")") + 2 :].split()
        cpu += sum(int(ticks) for ticks in fields[_UTIME : _UTIME + 4]) * _TICK
        rss += int(fields[_RSS]) * _PAGE
        count += 1
    return Used(cpu=cpu, rss=rss, processes=count)


def cpu_of_cgroup(pid: int, name: str) -> int | None:
    """Return the CPU time (ns) of the cgroup that `pid` is in if it is called `name`, a run's own; None: it is in no such."""
    try:
        path = cgroups.of(pid)
    except OSError:
        return None
    return cgroups.cpu(path) if path is not None and os.path.basename(path) == name else None


def of_run(census: Census, target: "Target") -> "Used | None":
    """Return what a run uses now; None if that cannot be found out."""
    try:
        return used(census.members(target))
    except SystemFault:
        return None
