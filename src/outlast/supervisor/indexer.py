"""Puts the texts of jobs into the index that finds them, behind everybody's back: in slices, when there is nothing else to do.

While jobs run only what would make a search slow is put in, a slice now and then. A small history is never indexed.
"""

import os

from outlast.store import texts
from outlast.supervisor.context import said

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from outlast.supervisor.context import Context

SLICE = 500  # jobs of one commit: some 10 ms
WORTH = int(os.environ.get("OUTLAST_INDEX_FROM") or 1000)  # jobs that lack, before it begins while idle: so many are read as fast
TOO_MANY = 20_000  # likewise while there is work
BREATH = 250_000_000  # ns between two slices while there is work
EVERY = 64  # of the loop's rounds: how often it looks while there is work


class Indexer:
    """The service. `busy`: it goes on as soon as the loop lets it."""

    __slots__ = ("_checkpoint", "_context", "_looks", "_is_idle", "_is_off", "busy")

    def __init__(self, context: "Context", is_idle: "Callable[[], bool]", checkpoint: "Callable[[], None]") -> None:
        """`is_idle`: is there nothing else to do; `checkpoint`: to be called after each commit."""
        self._context = context
        self._is_idle = is_idle
        self._checkpoint = checkpoint
        self._looks = 0
        self._is_off: bool | None = None  # it cannot be done here; None: not tried
        self.busy = False

    def consider(self) -> None:
        """Begin if there is enough to do. Costs next to nothing while jobs run."""
        self._looks += 1
        if self.busy or self._is_off or (self._looks % EVERY and not self._is_idle()):
            return
        if texts.backlog(self._context.store) >= self._worth():
            self._go_on()

    def _worth(self) -> int:
        return WORTH if self._is_idle() else TOO_MANY

    def _go_on(self) -> None:
        self.busy = True
        self._context.loop.call_after(0 if self._is_idle() else BREATH, self._slice)

    def _slice(self) -> None:
        self.run_once()

    def run_once(self) -> int:
        """Index one slice and see to the next one. Returns how many jobs that were."""
        self.busy = False
        if self._is_off is None:
            self._is_off = not texts.is_possible()
        if self._is_off:
            return 0
        try:
            done = texts.index(self._context.store, SLICE)
            self._checkpoint()
            if done and texts.backlog(self._context.store) >= (1 if self._is_idle() else TOO_MANY):
                self._go_on()
        except Exception as error:  # noqa: BLE001  # a search without it is slower, nothing else
            self._is_off = True
            self._context.log(f"texts are indexed no further: {said(error)}")
            return 0
        return done
