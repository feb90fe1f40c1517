"""Who belongs to a run: by session, by ancestry, by the mark in the environment; and who never does.

Invariant: a process is a member only if one of three things proves it, and never if it is the shim, spared, pid 1 or ourselves.
A job may submit a job: the supervisor and the second job's shim are then descendants of the first job's shim, because that one
is a subreaper. So ancestry ends at whoever is spared and at whoever carries another run's mark.
"""

import os

from outlast.core.errors import SystemFault
from outlast.core.value import Value
from outlast.processes import procfs
from outlast.processes.identity import Identity
from outlast.processes.pidfd import open_proved, send
from outlast.processes.procfs import Process, look

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping


class Target(Value):
    """The run whose processes are meant; what is not known is None or empty.

    `mark`: its `OUTLAST_MARK`. `session`, `session_start`: the session that its command leads, by default the command's pid and
    start. The shim must be here, or be spared, while it lives: it carries the mark too.
    """

    _fields = ("mark", "session", "session_start", "command", "shim")
    mark: bytes
    session: int | None
    session_start: int | None
    command: Identity | None
    shim: Identity | None
    _defaults = {"mark": b"", "session": None, "session_start": None, "command": None, "shim": None}


def snapshot() -> dict[int, Process]:
    """Return all processes by pid; each was read once, not all at one instant. Raises SystemFault if /proc cannot be read."""
    try:
        names = os.listdir("/proc")
    except OSError as error:
        raise SystemFault(f"cannot read /proc ({error.strerror})", "it must be mounted to find processes") from error
    found = {}
    for name in reversed(names):  # the youngest first: they are the ones that may be gone in a moment
        if name[0] <= "9":
            process = look(int(name))
            if process is not None:
                found[process.pid] = process
    return found


def snapshot_below(root: Process) -> "tuple[dict[int, Process], bool]":
    """Return `root` and its descendants by pid, and whether all that were named could be read. Finds who lives for microseconds only.

    A process that forks and exits for ever is seldom seen by `snapshot`, which takes milliseconds. But its parent by then is a
    subreaper, and the kernel makes it that one's child before its own parent is gone (kernel/exit.c): if nobody lives below a
    subreaper at one instant, nobody ever will.
    """
    found = {root.pid: root}
    whole = True
    parents = [root]
    while parents:
        pids = procfs.children_of(parents.pop())
        whole = whole and pids is not None
        for pid in pids or ():
            child = look(pid)
            if child is None:
                whole = False
            elif pid not in found:
                found[pid] = child
                if child.alive:
                    parents.append(child)
    return found, whole


def members(target: Target, spare: "Collection[int]", known: "Iterable[tuple[int, int]]" = ()) -> list[Process]:
    """Return the living processes of the run, oldest first. `known`: keys of the members of an earlier look, which stay members."""
    return members_of(snapshot(), target, {*spare, os.getpid()}, known, procfs.mark_of)


def signal_members(target: Target, spare: "Collection[int]", signal: int) -> int:
    """Send `signal` once to every member, parents first; returns to how many. Who is born meanwhile is not reached."""
    reached = 0
    for process in members(target, spare):
        pidfd = open_proved(Identity(*process.key))
        if pidfd is not None:
            reached += send(pidfd, signal)
            os.close(pidfd)
    return reached


def freeze(target: Target, spare: "Collection[int]") -> int:
    """Send SIGSTOP to every member that does not stand still yet; returns to how many. When that is none, no more can be born."""
    reached = 0
    for process in members(target, spare):
        if process.state not in "Tt":
            pidfd = open_proved(Identity(*process.key))
            if pidfd is not None:
                reached += send(pidfd, _SIGSTOP)
                os.close(pidfd)
    return reached


_SIGSTOP = 19


def members_of(
    processes: "Mapping[int, Process]",
    target: Target,
    spare: "Collection[int]",
    known: "Iterable[tuple[int, int]]",
    mark_of: "Callable[[int], bytes | None]",
) -> list[Process]:
    """Return the members among `processes`: a decision only, nothing is read but marks, each at most once."""
    search = _Search(processes, target, spare, mark_of)
    search.add(processes[pid] for pid, start in known if search.is_living(pid, start) and not search.is_foreign(pid))
    search.add_session()
    search.descend()
    search.add_marked()
    search.descend()
    if not search.session_added and search.add_session():
        search.descend()
    return sorted(search.found.values(), key=_age)


class _Search:
    """One search for members; `found` grows."""

    def __init__(
        self, processes: "Mapping[int, Process]", target: Target, spare: "Collection[int]", mark_of: "Callable[[int], bytes | None]"
    ) -> None:
        self.processes = processes
        self.target = target
        self.mark_of = mark_of
        self.marks: dict[int | bytes, bytes | None] = {}
        self.found: dict[int, Process] = {}
        self.session_added = False
        self.never = {*spare, 1}
        command, shim = target.command, target.shim
        self.shim = shim.pid if shim is not None and self.is_living(shim.pid, shim.start) else None
        if self.shim is not None:
            self.never.add(self.shim)
        if command is not None and self.is_living(command.pid, command.start):
            self.add((processes[command.pid],))
        self.session, self.session_start = target.session, target.session_start
        if self.session is None and command is not None:
            self.session, self.session_start = command.pid, command.start
        self.oldest = min((born for born in (self.session_start, command and command.start, shim and shim.start) if born), default=0)

    def is_living(self, pid: int, start: int) -> bool:
        """Tell whether this very process is there and no zombie."""
        process = self.processes.get(pid)
        return process is not None and process.start == start and process.alive

    def is_foreign(self, pid: int) -> bool:
        """Tell whether `pid` carries the mark of another run. What cannot be read carries none."""
        mark = self._mark(pid)
        return bool(mark) and mark != self.target.mark

    def _mark(self, pid: int) -> bytes | None:
        """Return its mark, read once for each `exec`: reading it waits for a lock that forking processes hold nearly all the time."""
        image = self.processes[pid].image or pid
        if image not in self.marks:
            self.marks[image] = self.mark_of(pid)
        return self.marks[image]

    def add(self, processes: "Iterable[Process]") -> None:
        """Take `processes` as members unless they never are."""
        for process in processes:
            if process.alive and process.pid not in self.never:
                self.found[process.pid] = process

    def add_session(self) -> bool:
        """Add the command's session if it is provably that one.

        The kernel gives no number out again that a session still uses. So it is the command's if its leader is the command, and
        also, with the leader gone, if somebody in it is a member for another reason; but not if its leader is somebody younger.
        """
        if self.session is None:
            return False
        leader = self.processes.get(self.session)
        if leader is not None and leader.session == self.session:
            proved = leader.start == self.session_start
        else:
            proved = any(process.session == self.session for process in self.found.values())
        if proved:
            self.session_added = True
            self.add(process for process in self.processes.values() if process.session == self.session)
        return proved

    def add_marked(self) -> None:
        """Add who carries the mark. A process older than shim and command never got it, and is not read."""
        if self.target.mark:
            self.add(
                process
                for process in self.processes.values()
                if process.start >= self.oldest
                and process.pid not in self.found
                and process.pid not in self.never
                and self._mark(process.pid) == self.target.mark
            )

    def descend(self) -> None:
        """Add the descendants of the shim and of all members, but none that only a spared or foreign process leads to."""
        children: dict[int, list[Process]] = {}
        for process in self.processes.values():
            children.setdefault(process.ppid, []).append(process)
        parents = [*self.found]
        if self.shim is not None:
            parents.append(self.shim)
        while parents:
            parent = parents.pop()
            new = [child for child in children.get(parent, ()) if child.pid not in self.found and child.pid not in self.never]
            if not new or (parent != self.shim and self.is_foreign(parent)):
                continue
            new = [child for child in new if child.alive and not self.is_foreign(child.pid)]
            self.add(new)
            parents += (child.pid for child in new)


def _age(process: Process) -> tuple[int, int]:
    return process.start, process.pid
