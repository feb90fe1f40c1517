"""Looks at running jobs that want to be warned of something: by turns, a few milliseconds each, so that a loud one holds up nobody.

There is a timer only while such a job runs. What was found is recorded by the collector, beside all else of the run; a run's end is
recorded when the rest of its output has been looked at.
"""

import os

from outlast.core.job import NOT_STARTED
from outlast.core.warnings import is_watched
from outlast.seams import monotonic
from outlast.supervisor.context import Context, LiveRun, said

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from outlast.core.job import Ending
    from outlast.supervisor.watch import Watch

FOLDER = "watched"  # of the home: how far was looked, a file per run
TURN = 5_000_000  # ns of work, then everybody else is asked; the next turn comes after as long again
LAST = 10_000_000_000  # that the end of a run waits for what is left to look at


class Observer:
    """The service."""

    __slots__ = ("_busy", "_context", "_has_turn")

    def __init__(self, context: Context) -> None:
        """Nothing is watched yet."""
        self._context = context
        self._busy: dict[Watch, None] = {}  # those that have something to read, the next one first
        self._has_turn = False

    def prepare(self, live: LiveRun) -> None:
        """Begin to watch a run, if its job wants that, before its command starts: what its files hold by then is not its own."""
        if live.watch is not None or not is_watched(live.job.spec):
            return
        from outlast.supervisor.watch import Watch

        try:
            folder = self._context.home.at(FOLDER)
            os.makedirs(folder, 0o700, exist_ok=True)
            live.watch = watch = Watch(live, folder)
            watch.save(now=True)
        except Exception as error:  # noqa: BLE001  # no warning is worth the job
            self._give_up(live, error)
            return
        self._tick(watch)

    def adopt(self) -> None:
        """Go on with the runs that an earlier supervisor has left, and forget those whose end it recorded at last."""
        for live in [*self._context.runs.values()]:
            self.prepare(live)
        known = {f"{live.id}.{live.run.run}" for live in self._context.runs.values()}
        try:
            kept = os.listdir(self._context.home.at(FOLDER))
        except OSError:
            return
        for name in kept:
            if name not in known:
                self._forget(name)

    def _forget(self, name: str) -> None:
        try:
            os.unlink(f"{self._context.home.at(FOLDER)}/{name}")
        except OSError:
            pass  # the next supervisor tries it again

    def holds(self, live: LiveRun, ending: "Ending") -> bool:
        """Tell whether the end of a run has to wait until everything that it wrote was looked at."""
        watch = live.watch
        if watch is None or not watch.sources or watch.done or watch.closed or ending.outcome == NOT_STARTED:
            return False
        if not watch.last:
            watch.last = True
            watch.ending = ending
            watch.until = monotonic() + LAST
            self._has_more(watch)
        return True

    def recorded(self, ended: "Iterable[LiveRun]") -> None:
        """Forget runs whose end is durable."""
        for live in ended:
            if live.watch is not None:
                live.watch.close()
                self._forget(f"{live.id}.{live.run.run}")

    def drop(self, live: LiveRun) -> None:
        """Let go of a run that is going to be found out anew."""
        if live.watch is not None:
            live.watch.close()

    def _tick(self, watch: "Watch") -> None:
        """Look, and again after the interval."""
        if watch.closed or watch.last:
            return
        self._context.loop.call_after(watch.every, lambda: self._tick(watch))
        self._record(watch, space=True)
        self._has_more(watch)

    def _has_more(self, watch: "Watch") -> None:
        self._busy.setdefault(watch)
        if not self._has_turn:
            self._has_turn = True
            self._context.loop.call_after(0, self._turn)

    def _turn(self) -> None:
        """Work for a moment on what there is to read, each watch a step at a time."""
        began = at = monotonic()
        touched: list[Watch] = []
        while self._busy and at - began < TURN:
            watch = next(iter(self._busy))
            del self._busy[watch]
            if not watch.closed:
                if self._step(watch):
                    self._busy[watch] = None
                if watch not in touched:
                    touched.append(watch)
            at = monotonic()
        for watch in touched:
            if not watch.closed:
                self._record(watch, space=False)
        self._has_turn = bool(self._busy)
        if self._has_turn:
            self._context.loop.call_after(at - began, self._turn)

    def _step(self, watch: "Watch") -> bool:
        """Do one step. Tells whether there is more to do now."""
        try:
            more = watch.step()
            late = watch.last and monotonic() >= watch.until
            if more and not late:
                watch.save(now=False)
                return True
            watch.save(now=True)
            if watch.last:
                watch.finish(given_up=more)
                self._context.touch()
        except Exception as error:  # noqa: BLE001  # no warning is worth the job
            self._give_up(watch.live, error)
        return False

    def _record(self, watch: "Watch", *, space: bool) -> None:
        """Have the collector record what there is to tell."""
        live = watch.live
        try:
            live.notes += watch.look_at_space() if space else watch.news()
        except Exception as error:  # noqa: BLE001  # no warning is worth the job
            self._give_up(live, error)
        if live.notes:
            self._context.touch()

    def _give_up(self, live: LiveRun, error: Exception) -> None:
        """Look no more at a run that cannot be looked at, and say so."""
        from outlast.core.events import Noted

        text = f"run {live.run.run} is not looked at for warnings any longer: {said(error)}"
        self._context.log(f"job {live.id}: {text}")
        live.notes.append(Noted(text=text, data={"run": live.run.run}))
        if live.watch is not None:
            live.watch.close()
        self._context.touch()
