"""The thread that looks: again when something has changed, once a second while something runs, else hardly ever."""

import select
import socket
from threading import Thread
from typing import TYPE_CHECKING

from outlast.cli.top.seen import NOTHING, Seen, Wanted, look
from outlast.client.waiting import Watch
from outlast.seams import monotonic, now

if TYPE_CHECKING:
    from collections.abc import Callable

    from outlast.client.jobs import Jobs

TICK = 1.0  # seconds between two looks at what runs, and at the record while no supervisor tells of changes
IDLE = 5.0  # likewise, when nothing runs
CALM = 0.25  # seconds from one look to the next at least, however much changes
SHARE = 4  # and so many times as long as the look took: at most a fifth of a processor
_SECOND = 1_000_000_000


class Watcher(Thread):
    """Looks at a home and tells `show` of it, from its own thread; `show` must not block. Starts no supervisor."""

    def __init__(self, jobs: "Jobs", wanted: Wanted, show: "Callable[[Seen], object]") -> None:
        """It has to be started."""
        super().__init__(name="top-watcher", daemon=True)
        self._jobs = jobs
        self._wanted = wanted
        self._show = show
        self._bell, self._rope = socket.socketpair()
        self._bell.setblocking(False)
        self._rope.setblocking(False)
        self._over = False
        self._changed = True

    def ring(self, *, changed: bool = False) -> None:
        """Have it look at once; `changed`: at the record too."""
        self._changed = self._changed or changed
        try:
            self._rope.send(b"!")
        except BlockingIOError:
            pass  # it has not heard the last ones yet

    def close(self) -> None:
        """Let it end, and wait for that."""
        self._over = True
        self.ring()
        self.join(IDLE)
        self._bell.close()
        self._rope.close()

    def run(self) -> None:
        """Look until it is over."""
        watch = Watch(self._jobs.home, None, start=False)
        seen = NOTHING
        recorded = monotonic()  # when the record was looked at
        try:
            while not self._over:
                begun = monotonic()
                changed, self._changed = self._changed or begun - recorded > IDLE * _SECOND, False
                recorded = begun if changed else recorded
                seen = look(self._jobs, self._wanted, seen, now(), changed=changed)
                self._show(seen)
                calm = max(CALM, SHARE * (monotonic() - begun) / _SECOND)
                if not self._hears(calm):
                    runs = bool(seen.counts["running"]) or seen.counts["pid"] is None or bool(seen.trouble)
                    told = watch.pause(max(0.0, (TICK if runs else IDLE) - calm), self._bell.fileno())
                    self._changed = self._changed or told
                    self._hears(0)
        finally:
            watch.close()

    def _hears(self, within: float) -> bool:
        """Tell whether the bell is rung within so many seconds."""
        if not select.select([self._bell], [], [], within)[0]:
            return False
        self._bell.recv(4096)
        return True
