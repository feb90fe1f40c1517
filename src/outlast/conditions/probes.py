"""Looks at conditions that may block: few at a time, the same one once however many ask, and no orphans."""

import _signal  # type: ignore[import-not-found]  # `signal` would load enum

from outlast.conditions.looking import Look, Probe
from outlast.core.errors import SystemFault
from outlast.core.ports import Seen, one_line
from outlast.processes.procfs import mark_of
from outlast.processes.stopping import Stopping, run_to_end, wait_readable
from outlast.processes.tree import Target, snapshot
from outlast.seams import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from outlast.conditions.looking import Loop

    Heard = Callable[[Seen], None]

__all__ = ["Probe", "Prober", "sweep"]

MOST = 4  # children at once


class Prober:
    """Asks conditions by children. Nothing here blocks but `close`."""

    def __init__(self, loop: "Loop", home_id: str) -> None:
        """`home_id` begins the mark of all children."""
        self._loop = loop
        self._home_id = home_id
        self._serial = 0
        self._asked: dict[Probe, list[Heard]] = {}  # waiting and running, in the order of asking
        self._looks: dict[Probe, Look] = {}  # running; one may be there that nobody asks for any more
        self._due = False

    def ask(self, probe: Probe, heard: "Heard") -> None:
        """Look once, and call `heard` with what was seen, later; a look under way at the same probe is shared."""
        self._asked.setdefault(probe, []).append(heard)
        self._go_on()

    def forget(self, probe: Probe, heard: "Heard") -> None:
        """Do not call `heard` any more; a look that nobody asks for is ended. Nothing happens if it was not asked for."""
        asked = self._asked.get(probe, [])
        if heard in asked:
            asked.remove(heard)
        if probe in self._asked and not asked:
            del self._asked[probe]
            look = self._looks.get(probe)
            if look is not None:
                look.forgotten = True
                look.end("nobody asks any more")

    def reaped(self, pid: int, status: int) -> None:
        """Take the raw wait status of a child from who reaps all children. Those of others are none of our business."""
        for look in self._looks.values():
            if look.pid == pid:
                look.reaped(status)

    def close(self) -> None:
        """End what runs, waiting for that; nobody hears of it."""
        self._asked.clear()
        for look in self._looks.values():
            look.close()
        self._looks.clear()

    def _go_on(self) -> None:
        """Start what may be started, later in this round: who asks is not told before `ask` has returned."""
        if not self._due:
            self._due = True
            self._loop.call_after(0, self._start)

    def _start(self) -> None:
        self._due = False
        for probe in [probe for probe in self._asked if probe not in self._looks]:
            if len(self._looks) >= MOST:
                return
            if probe not in self._asked:
                continue  # whoever heard of another one has forgotten it
            self._serial += 1
            mark = f"{_prefix(self._home_id)}{self._serial}"
            try:
                self._looks[probe] = Look(self._loop, probe, mark, lambda seen, probe=probe: self._seen(probe, seen))  # type: ignore[misc]
            except (OSError, SystemFault) as error:
                self._tell(probe, Seen(met=False, text=one_line(f"cannot be looked at: {error}")))

    def _seen(self, probe: Probe, seen: Seen) -> None:
        look = self._looks.pop(probe)
        self._go_on()
        if not look.forgotten:
            self._tell(probe, seen)

    def _tell(self, probe: Probe, seen: Seen) -> None:
        for heard in self._asked.pop(probe, ()):
            heard(seen)


def sweep(home_id: str) -> int:
    """End what probes of an earlier supervisor have left, waiting for that. Returns how many processes were ended. Raises SystemFault."""
    prefix = _prefix(home_id).encode()
    marks = {mark for process in snapshot().values() if process.alive and (mark := mark_of(process.pid) or b"").startswith(prefix)}
    ended = 0
    for mark in sorted(marks):
        stopping = Stopping(Target(mark=mark), set, _signal.SIGKILL, 0, at_once=True)
        run_to_end(stopping, monotonic, wait_readable)
        ended += stopping.stopped
    return ended


def _prefix(home_id: str) -> str:
    return f"{home_id}:probe:"
