"""Looking at a run's tree again and again: who belongs to it, who is new, whose process group is all its own, what cannot be seen."""

import os

from outlast.processes import procfs
from outlast.processes.procfs import look
from outlast.processes.tree import members_of, snapshot, snapshot_below

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from outlast.processes.procfs import Process
    from outlast.processes.tree import Target

LOOKS = 3  # that must find nobody before we believe it: /proc is not read at one instant
LOOKS_WITHOUT_SHIM = 8  # likewise, if nobody can be asked for its children
TRIES = 50  # to see all that is below the shim in one glance

_SHIM_GONE = "its shim is gone: processes that left its session and cleared their environment cannot be found"
_HIDDEN = "processes of other users are hidden (hidepid): those of them that belong to it cannot be found"


class Lookout:
    """The members of one run. `living`: keys of all living processes at the last look; `unknown`: what could not be seen, a sentence."""

    def __init__(self, target: "Target", spare: "Callable[[], Collection[int]]") -> None:
        """`spare`: asked before each look for the pids that never are members, nor anybody below them."""
        self.living: set[tuple[int, int]] = set()
        self.unknown = ""
        self._target = target
        self._spare = spare
        self._known: set[tuple[int, int]] = set()
        self._groups: dict[int, set[int]] = {}
        self._met_somebody = False

    def look(self) -> "list[Process]":
        """Return the members that live now, oldest first. Nobody, only if that was seen several times."""
        looked = 0
        while True:
            processes = snapshot()
            found = self._members(processes)
            shim = self._shim()
            if not found and shim is not None:
                found = self._glance_until_sure(shim)
                processes.update((process.pid, process) for process in found)
            looked += 1
            if found or looked >= (LOOKS if shim is not None else LOOKS_WITHOUT_SHIM):
                break
        self._remember(processes, found)
        if shim is None and (found or not self._met_somebody):
            self.unknown = _SHIM_GONE
        elif 1 not in processes:
            self.unknown = self.unknown or _HIDDEN
        self._met_somebody = self._met_somebody or bool(found)
        return found

    def glance(self) -> "list[Process]":
        """Return the members below the shim, as fast as it can be: for who forks and exits faster than `look` looks."""
        shim = self._shim()
        return self._members(snapshot_below(shim)[0]) if shim is not None else []

    def owns_group_of(self, leader: "Process") -> bool:
        """Tell whether `leader` leads its process group and all in it were members at the last look."""
        pids = {pid for pid, _ in self._known}
        return leader.pgrp == leader.pid and self._groups.get(leader.pgrp, {0}) <= pids

    def _shim(self) -> "Process | None":
        shim = self._target.shim
        process = look(shim.pid) if shim is not None else None
        return process if process is not None and shim is not None and process.start == shim.start and process.alive else None

    def _glance_until_sure(self, shim: "Process") -> "list[Process]":
        for _ in range(TRIES):
            processes, whole = snapshot_below(shim)
            found = self._members(processes)
            if found or whole:
                return found
        return []

    def _members(self, processes: "Mapping[int, Process]") -> "list[Process]":
        return members_of(processes, self._target, {*self._spare(), os.getpid()}, self._known, procfs.mark_of)

    def _remember(self, processes: "Mapping[int, Process]", found: "list[Process]") -> None:
        self._known = {process.key for process in found}
        self._groups = {}
        self.living = set()
        for process in processes.values():
            if process.alive:
                self.living.add(process.key)
                self._groups.setdefault(process.pgrp, set()).add(process.pid)
