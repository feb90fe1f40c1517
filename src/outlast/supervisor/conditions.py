"""The conditions of pending jobs: each is looked at once for all jobs that wait for the same, when something tells or time has passed.

What was seen is held in memory only, but for its last word, which is kept for whoever asks why a job waits. The next supervisor looks
for itself.
"""

import os
from _functools import partial  # type: ignore[import-not-found]  # `functools` costs 2 ms

from outlast.conditions import kinds
from outlast.conditions.mounts import is_remote
from outlast.core.conditions import Wanted, are_met, key, next_instant, said, wanted
from outlast.core.errors import OutlastError, SystemFault
from outlast.core.job import PENDING
from outlast.core.needs import CONDITIONS, met
from outlast.core.options import value
from outlast.core.ports import NOTHING, USE, Seen
from outlast.core.times import LATEST
from outlast.executors.local import inherited
from outlast.seams import failpoint, monotonic, now
from outlast.supervisor.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from outlast.conditions.files import FileWatch
    from outlast.conditions.probes import Prober
    from outlast.core.job import Job

SOONEST = 1_000_000_000  # between two looks by a child, however often something changes
WALL = 30_000_000_000  # an instant on the wall clock is looked at again after this, should the clock have jumped
UNSEEN = Seen(met=False, text="")


class Shared:
    """One condition, and who waits for it."""

    __slots__ = ("asked_at", "asking", "changed", "heard", "hook", "interval", "jobs", "key", "probe", "seen", "wanted")

    def __init__(self, name: str, condition: Wanted) -> None:
        """Nothing was seen yet."""
        self.key = name
        self.wanted = condition
        self.jobs: set[int] = set()
        self.seen = UNSEEN
        self.probe: object = None  # what is asked of a child; None: the supervisor looks itself
        self.interval = 0  # ns between two looks
        self.hook: partial[None] | None = None  # by which its file's watch tells us; None: it is not watched
        self.heard: partial[None]  # by which a child's answer reaches us
        self.asking = False
        self.changed = False  # since it was asked last
        self.asked_at = 0


class Conditions:
    """Looks at conditions and lets jobs go on that have what they wait for."""

    __slots__ = ("_context", "_files", "_generation", "_gone", "_jobs", "_prober", "_shared", "_told", "_to_decide")

    def __init__(self, context: Context) -> None:
        """Nobody waits yet."""
        self._context = context
        self._generation = 0  # of timers: those of before a failed commit are void
        self._jobs: dict[int, tuple[Job, list[Shared]]] = {}
        self._shared: dict[str, Shared] = {}
        self._to_decide: set[int] = set()
        self._told: set[Shared] = set()  # of which something new is to be kept
        self._gone: list[str] = []  # for which nobody waits any more
        self._files: FileWatch | None = None
        self._prober: Prober | None = None

    def start(self) -> None:
        """Take over all who wait, and end the looks of an earlier supervisor."""
        store = self._context.store
        waiting = store.waiting_for(CONDITIONS)
        if waiting and self._prober is None:
            from outlast.conditions.probes import sweep

            try:
                sweep(self._context.facts.home_id)
            except OutlastError as error:
                self._context.log(f"looks of an earlier supervisor: {error}")
        store.forget_seen(None)
        for number in waiting:
            try:
                job = store.job(number)
                if job is not None:
                    self.begin(job)
            except SystemFault as error:
                if not self._context.blame(error):
                    raise

    def begin(self, job: "Job") -> None:
        """Look for what the job waits for from now on."""
        if job.id in self._jobs:
            return
        shared = [self._share(job, condition) for condition in wanted(job.spec)]
        self._jobs[job.id] = job, shared
        self._decide((job.id,))
        self._wait_for_time(job.id)

    def _share(self, job: "Job", condition: Wanted) -> Shared:
        alone = kinds.is_fast(condition.kind)
        name = key(condition, job, alone=alone)
        shared = self._shared.get(name)
        interval = value(job.spec, "wait.poll-interval")
        if shared is None:
            shared = self._shared[name] = self._new(job, condition, name)
        shared.interval = min(shared.interval, interval)
        shared.jobs.add(job.id)
        return shared

    def _new(self, job: "Job", condition: Wanted, name: str) -> Shared:
        """Return a condition that nobody waited for yet, watched and looked at.

        Where a file system may keep us waiting for an answer, a child looks, now and then.
        """
        shared = Shared(name, condition)
        shared.heard = partial(self._heard, name)
        shared.interval = value(job.spec, "wait.poll-interval")
        watched = kinds.watch_of(condition.kind) != NOTHING
        remote = watched and is_remote(condition.word)
        if remote and kinds.is_fast(condition.kind):
            shared.interval = min(shared.interval, SOONEST)
        if remote or not kinds.is_fast(condition.kind):
            shared.probe = self._probe(job, condition)
        if watched and not remote:
            shared.hook = partial(self._changed, name)
            self._watch(shared, shared.hook)
        self._look(shared)
        return shared

    def _probe(self, job: "Job", condition: Wanted) -> object:
        from outlast.conditions.probes import Probe

        found = self._context.store.environment(job.environment or "")
        environment = inherited(found[0] if found is not None else b"") + os.fsencode(f"OUTLAST_HOME={self._context.home.path}\0")
        limit = value(job.spec, "wait.probe-timeout")
        return Probe(kind=condition.kind, word=condition.word, cwd=job.cwd, environment=environment, limit=limit)

    def _watch(self, shared: Shared, hook: "partial[None]") -> None:
        if self._files is None:
            from outlast.conditions.files import FileWatch

            self._files = FileWatch(self._context.loop)
        self._files.watch(shared.wanted.word, hook, opens=kinds.watch_of(shared.wanted.kind) == USE)

    def _changed(self, name: str) -> None:
        """Look again: something happened to what a condition is about."""
        shared = self._shared.get(name)
        if shared is None:
            return
        shared.changed = True
        if shared.asking:
            return  # it is asked again when it has answered
        since = monotonic() - shared.asked_at
        if shared.probe is None or since >= SOONEST:
            self._look(shared)
        else:
            self._context.loop.call_after(SOONEST - since, partial(self._look_if_changed, name))

    def _look_if_changed(self, name: str) -> None:
        shared = self._shared.get(name)
        if shared is not None and shared.changed and not shared.asking:
            self._look(shared)

    def _look(self, shared: Shared) -> None:
        shared.changed = False
        if shared.probe is None:
            self._take(shared, kinds.find(shared.wanted.kind).look(shared.wanted.word))
            return
        if self._prober is None:
            from outlast.conditions.probes import Prober

            self._prober = Prober(self._context.loop, self._context.facts.home_id)
        shared.asking = True
        shared.asked_at = monotonic()
        self._prober.ask(shared.probe, shared.heard)  # type: ignore[arg-type]

    def _heard(self, name: str, seen: Seen) -> None:
        """Take what a child has seen, and ask again later."""
        shared = self._shared.get(name)
        if shared is None or not shared.asking:
            return
        shared.asking = False
        self._take(shared, seen)
        if shared.changed:
            self._changed(name)
        self._context.loop.call_after(shared.interval, partial(self._look_after, name, shared.asked_at))

    def _look_after(self, name: str, asked_at: int) -> None:
        """Look again after the interval, unless something else made us look meanwhile."""
        shared = self._shared.get(name)
        if shared is not None and not shared.asking and shared.asked_at == asked_at:
            self._look(shared)

    def _take(self, shared: Shared, seen: Seen) -> None:
        if seen == shared.seen:
            return
        shared.seen = seen
        self._told.add(shared)
        self._decide(shared.jobs)

    def _decide(self, jobs: "Iterable[int]") -> None:
        self._to_decide.update(jobs)
        self._context.touch()

    def _wait_for_time(self, number: int) -> None:
        """See to it that the job is decided upon when one of its times has come."""
        if number not in self._jobs:
            return
        at = now()
        instant = next_instant(self._jobs[number][0], at)
        if instant is not None:
            self._context.loop.call_after(min(instant - at, WALL), partial(self._time_passed, number, self._generation))

    def _time_passed(self, number: int, generation: int) -> None:
        if number in self._jobs and generation == self._generation:
            self._decide((number,))
            self._wait_for_time(number)

    def run_once(self, at: int) -> int:
        """Keep what is new, and let the jobs go on that have what they wait for, within the current transaction. Returns how many."""
        store = self._context.store
        told, self._told = self._told, set()
        for shared in told:
            store.put_seen(shared.key, shared.seen.text, at, met=shared.seen.met)
        gone, self._gone = self._gone, []
        for name in gone:
            if name not in self._shared:
                store.forget_seen(name)
        decided, self._to_decide = self._to_decide, set()
        gone_on = 0
        for number in sorted(decided - self._context.bad):
            with self._context.of(number):
                gone_on += self._go_on(number, at)
        return gone_on

    @property
    def has_news(self) -> bool:
        """Whether something is to be written, even if no job waits any more."""
        return bool(self._told or self._gone)

    def _go_on(self, number: int, at: int) -> bool:
        if number not in self._jobs:
            return False
        job = self._context.store.job(number)
        if job is None or job.status != PENDING:
            self.forget(number)
            return False
        shared = self._jobs[number][1]
        if not are_met(job, (one.seen.met for one in shared), at):
            return False
        failpoint("conditions.before")
        extra = value(job.spec, "wait.extra-delay")
        text = said([one.seen.text for one in shared if one.seen.met])
        self._context.store.record_all(job, met(job, CONDITIONS, text, min(at + extra, LATEST) if extra else None, at), at)
        self.forget(number)
        return True

    def forget(self, number: int) -> None:
        """Look no longer for a job; what only it waited for is let go."""
        _, waited = self._jobs.pop(number, (None, ()))
        for shared in waited:
            shared.jobs.discard(number)
            if not shared.jobs and self._shared.pop(shared.key, None) is not None:
                self._let_go(shared)

    def _let_go(self, shared: Shared) -> None:
        if self._files is not None and shared.hook is not None:
            self._files.forget(shared.wanted.word, shared.hook)
        if self._prober is not None and shared.asking:
            self._prober.forget(shared.probe, shared.heard)  # type: ignore[arg-type]
        shared.asking = False
        self._gone.append(shared.key)

    def committed(self, changed: "Iterable[int]") -> None:
        """Forget the jobs among `changed` that wait no longer."""
        if not self._jobs:
            return
        for number in {number for number in changed if number in self._jobs}:
            job = self._context.store.job(number)
            if job is None or job.status != PENDING:
                self.forget(number)

    def reaped(self, pid: int, status: int) -> None:
        """Take the wait status of a child of ours."""
        if self._prober is not None:
            self._prober.reaped(pid, status)

    def close(self) -> None:
        """End all looks and forget everything."""
        self._generation += 1
        if self._prober is not None:
            self._prober.close()
        if self._files is not None:
            self._files.close()
        self._prober = self._files = None
        for kept in (self._jobs, self._shared, self._to_decide, self._told, self._gone):
            kept.clear()
