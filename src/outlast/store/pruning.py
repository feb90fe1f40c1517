"""One pass over what has ended, in slices of a few jobs: each is one transaction that decides and records, and then removes files.

What cannot be read or removed is told and passed by; the rest goes on, and the next pass tries again. A pass costs what it takes away,
and beside that only what groups keep longer than the home does.
"""

from outlast.core import retention as r
from outlast.core.job import ENDED
from outlast.seams import failpoint
from outlast.store import keeping as k
from outlast.store.forgetting import Forgetting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from outlast.store.keeping import Item
    from outlast.store.reading import Reading
    from outlast.store.store import Store

    Step = Callable[[int], bool]

AT_ONCE = 25  # jobs of one transaction
READ = 200  # items that are looked at together
SETTLED = 60_000_000_000  # in the background a record stays so long at least: whoever waits for the end of a job wants to read it


def doomed(reading: "Reading", policy: r.Policy, now: int, *, logs: bool = True, records: bool = True) -> "Iterator[Item]":
    """Yield what would go by the limits, records first (their output goes with them), each with its reason and its bytes of output."""
    going: set[int] = set()
    for group in policy.scopes(r.AGE, r.JOBS) if records else ():
        needed = k.references(reading)
        judge = r.Judge(policy, r.AGE, r.JOBS, k.ended(reading, policy.groups(r.JOBS)), now)
        for item, _ in _all(lambda place, g=group: k.oldest_records(reading, place, READ, g), judge, (group,)):  # type: ignore[misc]
            if item.job not in going and not _is_needed(reading, item.job, needed):
                reason = judge.reason(item.group, item.ended_at, 1)
                if reason is not None:
                    going.add(item.job)
                    yield item.replace(reason=reason, size=reading.database.one("kept-of", item.job)[0])
    if logs:
        totals, runs = k.kept(reading), set()
        for item in k.over_their_runs(reading, policy):
            if item.job not in going:
                runs.add((item.job, item.run))
                for pool in {None, item.group}:
                    totals[pool] = totals.get(pool, 0) - item.size
                yield item
        judge = r.Judge(policy, r.LOG_AGE, r.LOG_BYTES, totals, now)
        for item, status in _all(lambda place: k.oldest_logs(reading, place, READ), judge, None):
            if status == ENDED and item.job not in going and (item.job, item.run) not in runs:
                reason = judge.reason(item.group, item.ended_at, item.size)
                if reason is not None:
                    yield item.replace(reason=reason)


def _all(
    oldest: "Callable[[tuple[int, ...]], list[tuple[Item, str]]]", judge: r.Judge, groups: "tuple[str | None, ...] | None"
) -> "Iterator[tuple[Item, str]]":
    place: tuple[int, ...] = k.BEGIN
    while True:
        found = oldest(place)
        for item, status in found:
            if judge.is_through(item.ended_at, groups):
                return
            yield item, status
        if len(found) < READ:
            return
        place = k.place_of(found[-1][0])


def _is_needed(reading: "Reading", job: int, needed: "set[int]") -> bool:
    return job in needed or reading.database.one("referred", job) is not None


class Pass:
    """A pass over all that there is. `remove(path)` removes a run's files and says what it could not, `measure(path)` tells their size."""

    __slots__ = (
        "_left_at",
        "_measure",
        "_needed",
        "_over",
        "_place",
        "_policy",
        "_remove",
        "_settled",
        "_steps",
        "_store",
        "_tell",
        "_told",
        "removed",
        "through",
    )

    def __init__(
        self, store: "Store", remove: "Callable[[str], str | None]", measure: "Callable[[str], int]", tell: "Callable[[str], None]",
        policy: "r.Policy | None" = None, *, logs: bool = True, records: bool = True, settled: int = SETTLED, runs: bool = False,
    ) -> None:  # fmt: skip
        """`tell` is called with each sentence about what was passed by; `policy` None: what is set; `settled`: see SETTLED.

        `runs`: look through all jobs with several runs, too, for what a limit that was set since their ends lets go.
        """
        self._store, self._remove, self._measure, self._tell, self._settled = store, remove, measure, tell, settled
        self._policy = policy or k.policy(store)
        self._place: tuple[int, ...] = k.BEGIN
        self._left_at = (-1, -1)
        self._told: set[str] = set()
        self._needed: set[int] | None = None
        self.removed: list[Item] = []  # by the last slice
        self.through = logs and records  # it is about all limits
        self._steps: list[Step] = [self._count, self._leave]
        for group in self._policy.scopes(r.AGE, r.JOBS) if records else ():
            self._steps.append(lambda now, g=group: self._records(now, g))  # type: ignore[misc]
        self._over: list[Item] | None = None
        if logs and runs:
            self._steps.append(self._runs)
        if logs:
            self._steps.append(self._logs)
            self._steps += [self._leave, Forgetting(store, self._policy).step]

    def step(self, now: int) -> bool:
        """Do one slice. False: the pass is over. Raises SystemFault if the database cannot be written; nothing is lost by that."""
        self.removed = []
        if not self._steps[0](now):
            del self._steps[0]
            self._place, self._left_at = k.BEGIN, (-1, -1)
        return bool(self._steps)

    def _count(self, _: int) -> bool:
        """Measure the output of runs of which nobody has told how much it is."""
        found = k.uncounted(self._store, AT_ONCE)
        path = self._store.database.home.run_path
        if found:
            k.count(self._store, [(job, run, group, self._measure(path(job, run))) for job, run, group in found])
        return len(found) == AT_ONCE

    def _records(self, now: int, group: str | None) -> bool:
        if self._needed is None:
            self._needed = k.references(self._store)
        needed = self._needed

        def going() -> "tuple[list[Item], bool]":
            judge = r.Judge(self._policy, r.AGE, r.JOBS, k.ended(self._store, self._policy.groups(r.JOBS)), now)
            found = k.oldest_records(self._store, self._place, READ, group)
            return self._judged(found, judge, (group,), lambda item: item.ended_at <= now - self._settled
                                and not _is_needed(self._store, item.job, needed), lambda _: 1)  # fmt: skip

        return self._apply(going, lambda items: self._remove_records(items, now), now)

    def _remove_records(self, items: "list[Item]", now: int) -> "list[str]":
        self.removed = k.remove_records(self._store, items, now)
        return []

    def _runs(self, now: int) -> bool:
        if self._over is None:
            self._over = k.over_their_runs(self._store, self._policy)
        some, self._over = self._over[:AT_ONCE], self._over[AT_ONCE:]
        self._apply(lambda: (some, False), lambda items: self._prune_logs(items, now), now)
        return bool(self._over)

    def _logs(self, now: int) -> bool:
        def going() -> "tuple[list[Item], bool]":
            judge = r.Judge(self._policy, r.LOG_AGE, r.LOG_BYTES, k.kept(self._store), now)
            return self._judged(k.oldest_logs(self._store, self._place, READ), judge, None, lambda _: True, lambda item: item.size)

        return self._apply(going, lambda items: self._prune_logs(items, now), now)

    def _prune_logs(self, items: "list[Item]", now: int) -> "list[str]":
        self.removed, told = k.prune_logs(self._store, items, now)
        return told

    def _judged(
        self, found: "list[tuple[Item, str]]", judge: r.Judge, groups: "tuple[str | None, ...] | None",
        may_go: "Callable[[Item], bool]", weight: "Callable[[Item], int]",
    ) -> "tuple[list[Item], bool]":  # fmt: skip
        """Return (what goes of the next ones, at most AT_ONCE; whether there may be more), and note the place behind them."""
        going: list[Item] = []
        for item, status in found:
            if judge.is_through(item.ended_at, groups):
                return going, False
            if len(going) == AT_ONCE:
                return going, True
            self._place = k.place_of(item)
            reason = judge.reason(item.group, item.ended_at, weight(item)) if status == ENDED and may_go(item) else None
            if reason is not None:
                going.append(item.replace(reason=reason))
        return going, len(found) == READ

    def _apply(self, going: "Callable[[], tuple[list[Item], bool]]", write: "Callable[[list[Item]], list[str]]", now: int) -> bool:
        """Look what goes, and if there is something look again in the transaction that records it: another pass may be under way."""
        place = self._place
        items, more = going()
        if not items:
            return more
        self._place = place
        failpoint("prune.before")
        with self._store.batch():
            items, more = going()
            told = write(items)
        failpoint("prune.after-commit")
        for sentence in told:
            self._tell(sentence)
        self._leave(now)  # the most of it at once; what lies before its place in the list comes at the end of the pass
        return more

    def _leave(self, _: int) -> bool:
        """Remove the files of what is leaving, and strike off what is gone."""
        found = k.leaving(self._store, self._left_at, AT_ONCE)
        self._left_at = found[-1] if found else self._left_at
        gone = []
        for job, run in found:
            failed = self._remove(self._store.database.home.run_path(job, run))
            if failed is None:
                gone.append((job, run))
            elif failed not in self._told:
                self._told.add(failed)
                self._tell(f"output of job {job}: {failed}")
        failpoint("prune.after-files")
        k.strike_off(self._store, gone)
        failpoint("prune.after-strike")
        return len(found) == AT_ONCE


def remove_now(store: "Store", items: "list[Item]", now: int, *, records: bool) -> "tuple[list[Item], list[str]]":
    """Record that these go, which somebody has asked for by name; `records`: altogether, else their output. Returns (gone, sentences)."""
    gone: list[Item] = []
    told: list[str] = []
    for start in range(0, len(items), AT_ONCE):
        some = items[start : start + AT_ONCE]
        failpoint("prune.before")
        with store.batch():
            if records:
                needed = k.references(store)
                went = k.remove_records(store, [item for item in some if item.job not in needed], now)
                left = [item.job for item in some if store.database.one("state", item.job) is not None]
                told += [f"job {job} is needed by a job that has not ended" for job in left]
            else:
                went, said = k.prune_logs(store, some, now)
                told += said
        failpoint("prune.after-commit")
        gone += went
    return gone, told
