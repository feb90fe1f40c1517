"""Takes away in the background what was kept long enough: a pass when the last one is an hour ago, in slices, jobs first.

It is driven by the loop's clock alone. Between two passes it costs nothing; a slice waits while there is anything to start or record,
and is followed by a pause that is longer than itself.
"""

from outlast.logs.removing import measure, remove
from outlast.seams import monotonic, now
from outlast.store import keeping
from outlast.store.pruning import Pass
from outlast.supervisor.context import Context, said

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

FIRST = 1_000_000_000  # after the start: whoever has started us wants a job to run
EVERY = 3600_000_000_000
AGAIN = 60_000_000_000  # after a pass that failed: the disk may be full, and it is what would make room
SOON = 20_000_000  # while jobs have to be seen to
SHARE = 4  # of the time that passes, one part in so many and one


class Pruner:
    """Runs passes of `store.pruning.Pass`. `checkpoint`: the supervisor's: these writes are no part of its cycles."""

    __slots__ = ("_checkpoint", "_context", "_pass", "_planned", "_removed")

    def __init__(self, context: Context, checkpoint: "Callable[..., None]") -> None:
        """Nothing is planned yet."""
        self._context = context
        self._checkpoint = checkpoint
        self._pass: Pass | None = None
        self._planned = False
        self._removed = [0, 0]  # by this pass: output of runs, records

    def start(self) -> None:
        """Plan the next pass: when an hour is over since the last one of this home, whoever made it."""
        try:
            left = keeping.begun_at(self._context.store) + EVERY - now()
        except Exception as error:  # noqa: BLE001  # the supervisor has other things to do
            self._context.log(f"pruning: {said(error)}")
            left = EVERY
        self._plan(min(max(left, FIRST), EVERY))

    def committed(self) -> None:
        """Begin at once, if nothing is under way and a run's end has let output go: its files are to be removed."""
        if not self._context.store.leaving:
            return
        self._context.store.leaving = False
        if self._pass is None:
            self._pass = self._new(limits=False)
            self._context.loop.call_after(SOON, self._slice)

    def _plan(self, after: int) -> None:
        if not self._planned:
            self._planned = True
            self._context.loop.call_after(after, self._begin)

    def _begin(self) -> None:
        self._planned = False
        if self._pass is not None:
            self._plan(EVERY)
            return
        try:
            self._pass = self._new(limits=True)
        except Exception as error:  # noqa: BLE001
            self._context.log(f"pruning: {said(error)}")
            self._plan(AGAIN)
            return
        self._slice()

    def _new(self, *, limits: bool) -> Pass:
        return Pass(self._context.store, remove, measure, self._tell, logs=limits, records=limits)

    def _tell(self, text: str) -> None:
        self._context.log(f"pruning: {text}")

    def _slice(self) -> None:
        """Do one slice of the pass, unless jobs have to be seen to; then plan the next one."""
        context, running = self._context, self._pass
        if running is None:
            return
        if context.dirty:
            context.loop.call_after(SOON, self._slice)
            return
        began, again = monotonic(), EVERY
        try:
            more = running.step(now())
            if running.removed:
                for item in running.removed:
                    self._removed[not item.run] += 1
                context.poke([item.job for item in running.removed])
                self._checkpoint()
            if not more and running.through:
                keeping.note_pass(context.store, now())
        except Exception as error:  # noqa: BLE001  # all other services go on; what is recorded is resumed
            context.log(f"pruning: {said(error)}")
            more, again = False, AGAIN
        context.store.leaving = False
        if more:
            context.loop.call_after(max((monotonic() - began) * SHARE, 1_000_000), self._slice)
            return
        self._pass = None
        if any(self._removed):
            context.log(f"pruning: the output of {self._removed[0]} runs and the records of {self._removed[1]} jobs were removed")
            self._removed = [0, 0]
        if not context.runs:
            self._checkpoint(idle=True)
        self._plan(again)
