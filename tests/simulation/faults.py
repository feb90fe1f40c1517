"""Faults that are put into the real code on purpose: each is one that somebody could make, and the simulation must find it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from outlast.core import lifecycle, policies, retries
from outlast.core.job import ENDED, PENDING, UNCHARGED
from outlast.executors.lender import Lender
from outlast.store import admission, reading
from outlast.store.driver import Transaction
from outlast.store.reading import Reading
from outlast.store.store import Store
from outlast.supervisor import collector, dispatcher, settler
from outlast.supervisor.dispatcher import CLAIMED, Dispatcher
from outlast.supervisor.limiter import Limiter
from outlast.supervisor.settler import Settler
from outlast.supervisor.stopper import Stopper
from outlast.supervisor.watcher import Watcher

Original = Callable[..., Any]


class Fault(NamedTuple):
    """`name`: what is wrong then; `where`, `attribute`: of what; `broken`: what makes the faulty one of the original."""

    name: str
    where: Any
    attribute: str
    broken: Callable[[Any], Any]


def _one_slot(original: Original) -> Original:
    return lambda job: 1


def _never_barred(original: Original) -> Original:
    return lambda self, job: False


def _none_disabled(original: Original) -> Original:
    return lambda self, job, at: None


def _started_before_the_commit(original: Original) -> Original:
    def claim(self: Dispatcher, job: Any, at: int, *, borrowed: bool = False) -> str:
        became: str = original(self, job, at, borrowed=borrowed)
        if became == CLAIMED:
            self.start(self._context.claimed.pop())
        return became

    return claim


def _no_one_waits(original: Original) -> Original:
    return lambda self, job: None


def _only_running_wakes(original: Original) -> Original:
    def note_needs(self: Store, job: Any, new: Any, events: Any) -> None:
        original(self, job, new, events)
        if new.status == ENDED:
            self.database.execute("UPDATE needs SET due = 0 WHERE other = ?", (job.id,))

    return note_needs


def _interruptions_are_charged(original: Original) -> Original:
    def of(job: Any, ending: Any) -> "dict[str, Any]":
        told: dict[str, Any] = original(job, ending)
        return told | {"uncharged": job.uncharged, "failures": job.failures + 1} if ending.outcome in UNCHARGED else told

    return of


def _one_run_more(original: Original) -> Original:
    return lambda job, *given, **named: original(job.replace(uncharged=job.uncharged + 1), *given, **named)


def _adopted_is_started_again(original: Original) -> Original:
    def adopt(self: Watcher, live: Any) -> None:
        told = self._context.runs.get(live.id) is live and live.lock < 0 and live.shim_fd < 0 and live.command_pid is None
        if told and live.shim_pid is None and not live.vain:
            self._never_began(live)
        else:
            original(self, live)

    return adopt


def _half_is_committed(original: Original) -> Original:
    def leave(self: Transaction, kind: Any, error: Any, trace: Any) -> None:
        if kind is not None and self._database.connection.in_transaction:
            self._database.connection.execute("COMMIT")
        original(self, kind, error, trace)

    return leave


def _waiting_is_not_stopped(original: Original) -> Original:
    def run_once(self: Stopper, at: int, *, wished: bool = True) -> int:
        store = self._context.store
        number = next((number for number in (store.to_stop() if wished else ()) if number % 7 == 0), None)
        job = store.job(number) if number is not None else None
        if job is not None and job.status == PENDING:
            return 0
        count: int = original(self, at, wished=wished)
        return count

    return run_once


def _oldest_first(original: Original) -> Original:
    def ready(self: Reading, group: Any, at_most: int, after: Any = None, *rest: Any) -> list[Any]:
        found = sorted(original(self, group, 10_000, None, *rest), key=lambda job: job.id)
        return [job for job in found if after is None or job.id > after.id][:at_most]

    return ready


def _exit_code_in_seven_bits(original: Original) -> Original:
    return lambda job, status, **facts: original(job, status & 0x7FFF & ~0x200, **facts)


def _lent_twice(original: Original) -> Original:
    def give_back(self: Lender, number: int) -> None:
        original(self, number)
        if not number % 3:
            original(self, number)

    return give_back


def _limits_are_not_looked_at(original: Original) -> Original:
    return lambda self, live: None


def _met_is_queued_though_held(original: Original) -> Original:
    return lambda job, need, text, until, at: original(job.replace(held=False, paused=False), need, text, until, at)


def _wishes_are_lost(original: Original) -> Original:
    def write(self: Store, job: Any, events: Any, now: int, start: Any = None) -> Any:
        return original(self, job, events, now, None if start is None else start.replace(held=False, paused=False))

    return write


def _deadlines_slip(original: Original) -> Original:
    return lambda self, at: original(self, at - 40_000_000_000)


FAULTS: tuple[Fault, ...] = (
    Fault("every job takes one slot", dispatcher, "_slots", _one_slot),
    Fault("mutexes are not asked for", Dispatcher, "_is_barred", _never_barred),
    Fault("disabled jobs start, and those to run beside others alone", Dispatcher, "_ends_first", _none_disabled),
    Fault("a run is started before its claim is durable", Dispatcher, "_claim", _started_before_the_commit),
    Fault("paused jobs are ready", reading, "_READY", lambda ready: ready.replace("AND paused = 0 ", "")),
    Fault("held jobs are ready", reading, "_READY", lambda ready: ready.replace(" AND held = 0", "")),
    Fault("nobody is before anybody in turn", Reading, "before_in_turn", _no_one_waits),
    Fault("who waits for an end is not woken by it", Store, "_note_needs", _only_running_wakes),
    Fault("interruptions are charged", lifecycle, "_of", _interruptions_are_charged),
    Fault("one run more than retries.num-runs", collector, "after_run", _one_run_more),
    Fault("delays grow without bound", retries, "USUAL_MOST", lambda most: most * 1000),
    Fault("jitter is not halved", retries, "MIDDLE", lambda middle: 0.0),
    Fault("a run that is taken over is started again", Watcher, "adopt", _adopted_is_started_again),
    Fault("a transaction that failed is committed", Transaction, "__exit__", _half_is_committed),
    Fault("some that wait are not stopped", Stopper, "run_once", _waiting_is_not_stopped),
    Fault("priorities are ignored", Reading, "ready", _oldest_first),
    Fault("a bit of the exit code is lost", policies, "of_status", _exit_code_in_seven_bits),
    Fault("a state file is lent to two runs", Lender, "give_back", _lent_twice),
    Fault("time limits of runs are not looked at", Limiter, "began", _limits_are_not_looked_at),
    Fault("deadlines are not kept", lifecycle, "TIMED", lambda timed: frozenset()),
    Fault("what is met is queued though it is held", settler, "met", _met_is_queued_though_held),
    Fault("what was wished of a reservation is forgotten", Store, "write", _wishes_are_lost),
    Fault("deadlines are served late", Settler, "end_late", _deadlines_slip),
    Fault("reserved ids wait for their number's turn", admission, "_behind", lambda original: lambda *given: [*given[2]]),
)  # fmt: skip


@contextmanager
def broken(fault: Fault) -> Iterator[None]:
    """Have the fault in the code for as long as the block lasts."""
    original = getattr(fault.where, fault.attribute)
    setattr(fault.where, fault.attribute, fault.broken(original))
    try:
        yield
    finally:
        setattr(fault.where, fault.attribute, original)
