"""What jobs wait for: whenever something changed that a job needs, its need is looked at, and the job goes on or is over.

The store marks what has to be looked at in the transaction that changed it, so that nothing is missed whoever dies.
"""

from outlast.core import events as e
from outlast.core import job as j
from outlast.core.deadlines import at_deadline
from outlast.core.needs import CONDITIONS, MET, NEVER, TURN, met, verdict
from outlast.seams import failpoint
from outlast.supervisor.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from outlast.core.job import Job
    from outlast.core.needs import Need

AT_ONCE = 500  # needs of one commit


class Settler:
    """Settles needs and deadlines of jobs."""

    __slots__ = ("_context", "begin")

    def __init__(self, context: Context, begin: "Callable[[Job], None]") -> None:
        """`begin` is told of every job whose conditions somebody has to look at."""
        self._context = context
        self.begin = begin

    def run_once(self, at: int) -> int:
        """Look at all needs that are due, within the current transaction. Returns how many jobs changed."""
        settled = 0
        due = self._due()
        while due:
            for number, need in due:
                with self._context.of(number):
                    settled += self._settle(number, need, at)
            if settled >= AT_ONCE:
                self._context.touch()  # the rest follows in the next commit
                break
            due = self._due()  # who ended by that may be needed by others
        return settled

    def _due(self) -> "list[tuple[int, Need]]":
        bad = self._context.bad
        return [(number, need) for number, need in self._context.store.needs_due(AT_ONCE + len(bad)) if number not in bad]

    def _settle(self, number: int, need: "Need", at: int) -> bool:
        store = self._context.store
        job = store.job(number)
        if job is None or job.status != j.PENDING:
            store.still_waits(number, need.name)  # an earlier need of this round ended it
            return False
        if need.name == CONDITIONS:
            self.begin(job)
            store.still_waits(number, need.name)
            return False
        failpoint("settle.before")
        if need.name.startswith(f"{TURN}:"):
            before = store.before_in_turn(job)
            told, text = (MET, "no earlier job like it is active") if before is None else (None, "")
        else:
            told, text = verdict(need, *store.state(need.other))
        if told is None:
            store.still_waits(number, need.name)
        elif told == NEVER:
            store.record(job, e.Ended(outcome=j.ABORTED, reason=text), at)
            store.forget_front(number)
        else:
            store.record_all(job, met(job, need.name, text, None, at), at)
        return told is not None

    def end_late(self, at: int) -> int:
        """Serve the deadlines that have passed, within the current transaction. Returns how many."""
        store = self._context.store
        served = 0
        for number in store.past_deadline(at):
            if number in self._context.bad:
                continue
            with self._context.of(number):
                served += self._end_late(number, at)
        return served

    def _end_late(self, number: int, at: int) -> int:
        """Serve the deadlines of one job. Returns how many."""
        store = self._context.store
        served = 0
        job = store.job(number)
        while job is not None and (event := at_deadline(job, at)) is not None:  # several may have passed while nobody looked
            failpoint("deadline.before")
            job = store.record(job, event, at)
            served += 1
            if isinstance(event, e.Ended):
                store.forget_front(number)
        return served
