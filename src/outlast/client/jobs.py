"""`Jobs`: everything a command does is one method of the same name. Synchronous and typed.

A failure of the command is data; only our failures are exceptions (`outlast.OutlastError` and its kinds).
"""

from outlast.client.looking import Looking
from outlast.client.opened import Opened
from outlast.client.wishes import Wishes
from outlast.core.errors import NotFound, Refused
from outlast.core.job import ENDED, RUNNING, Job, Run
from outlast.seams import monotonic, now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from builtins import list as List  # noqa: N812  # the class has a method of that name
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from outlast.client.rehearsing import Rehearsed
    from outlast.core.selectors import Selector

    Selected = int | str | Job | Iterable[int | str | Job]

_PROVE = 250_000_000  # ns between two looks at locks and results
_AT_ONCE = 50  # of many jobs that are waited for, so many are looked at together


class Jobs(Opened, Wishes, Looking):
    """The jobs of one home. Opening costs nothing until something is asked for. Threads may share it; close it when all are through."""

    # Submitting

    def run(self, command: "str | Sequence[str]", *, shell: bool | None = None, **options: "Any") -> Job:
        """Submit `command` and return its job, durable and (unless it has to wait) about to start.

        A string is a line for `/bin/sh -c`, a sequence an argv. Options are those of `outlast run`, hyphens as underscores,
        tables as dictionaries: `name="backup"`, `retries={"num_runs": 3, "delay": "5s"}`, `stop={"grace": 30}`.
        Raises UsageError, Refused (the key is in use), SystemFault.
        """
        from outlast.client.submitting import submission
        from outlast.core.options import flatten

        words, shell = _words(command, shell)
        return self.submit([submission(words, self.resolved(flatten(options, now())), shell=shell)])[0]

    def resolved(self, options: "dict[str, Any]") -> "dict[str, Any]":
        """Return options, as `core.options.flatten` returns them, with what they say of other jobs and of files made definite.

        Raises NotFound, Refused, UsageError.
        """
        from outlast.client.submitting import TO_RESOLVE

        if TO_RESOLVE.isdisjoint(options):
            return options
        from outlast.client.resolving import resolved

        return resolved(self, options)

    def dry_run(self, command: "str | Sequence[str]", *, shell: bool | None = None, **options: "Any") -> "Rehearsed":
        """Return what `run` would do with the same arguments: `.job` as it would be (its id means nothing), `.waits`, `.joined`.

        Nothing is submitted. Raises as `run` does.
        """
        from outlast.client.rehearsing import rehearse
        from outlast.client.submitting import submission
        from outlast.core.options import flatten

        words, shell = _words(command, shell)
        return rehearse(self, submission(words, self.resolved(flatten(options, now())), shell=shell))

    def reserve(self, *, expires: "float | str | None" = 86_400, **options: "Any") -> Job:
        """Give an id out for a command that is still to come: `run(..., id=job.id)`. Its key, or with `unique` its name, is taken by then.

        It lapses after `expires` (seconds, or a duration), and is `aborted` then. Raises UsageError, Refused (the key is in use).
        """
        from outlast.client.submitting import reservation
        from outlast.core.durations import parse_duration
        from outlast.core.options import flatten
        from outlast.core.times import LATEST

        at = now()
        lasts = parse_duration(expires)
        job = self.store.reserve(reservation(flatten(options, at)), None if lasts is None else min(at + lasts, LATEST), at)
        if lasts is not None:
            self.wake()
        return job

    def rerun(self, which: "int | str | Job") -> Job:
        """Submit a job's command again as a new job with `rerun_of`, in the same surroundings. Raises NotFound, Refused."""
        from outlast.client.again import resubmission

        job = self.one(which)
        return self.submit([resubmission(self.store, job)])[0]

    # Reading

    def get(self, which: "int | str | Job") -> Job | None:
        """Return one job with its runs, as it is now, or None if there is no such job."""
        try:
            return self.one(which)
        except NotFound:
            return None

    def one(self, which: "int | str | Job") -> Job:
        """Return one job with its runs, as it is now. Raises NotFound, UsageError if a set is meant."""
        found = self.find([which])
        if not found:
            raise NotFound(f"no job `{which}`", f"`outlast list` shows what there is in {self.home.path}")
        if len(found) > 1:
            raise Refused(f"`{which}` means {len(found)} jobs", "name one by its id")
        return self._with_runs(found[0])

    def find(self, selected: "Selected", *, to_end: bool = False, every: bool = False) -> "List[Job]":
        """Return the jobs that are meant, as they are now, without their runs. See `store.finding.find`."""
        from outlast.store.finding import find

        selectors = self._selectors(selected)
        if self.reading is None:
            return []
        try:
            return self.as_they_are(find(self.reading, selectors, to_end=to_end, every=every))
        except Refused as error:
            error.jobs = self.as_they_are([*error.jobs])
            raise

    def find_ids(self, selected: "Selected") -> "List[int]":
        """Return the ids of the jobs that are meant, several by one word too; costs next to nothing for each."""
        from outlast.store.finding import find_ids

        selectors = self._selectors(selected)
        return find_ids(self.reading, selectors) if self.reading is not None else []

    def _selectors(self, selected: "Selected") -> "List[Selector]":
        """Return what the words mean. Raises UsageError, and NotFound for a job while there is nothing at all."""
        from outlast.core.selectors import IDS, Selector, parse_selector

        words = [selected] if isinstance(selected, int | str | Job) else list(selected)
        selectors = []
        for word in words:
            number = word.id if isinstance(word, Job) else word
            if isinstance(number, int):
                selectors.append(Selector(kind=IDS, text=str(number), value=((number, number),)))
            else:
                selectors.append(parse_selector(number))
        single = next((selector for selector in selectors if selector.single), None)
        if single is not None and self.reading is None:
            raise NotFound(f"no job `{single.text[:80]}`", f"nothing was submitted to {self.home.path} yet")
        return selectors

    def as_they_are(self, jobs: "List[Job]") -> "List[Job]":
        """Return jobs of the record as they are now, by their locks and results."""
        return [self._as_it_is(job)[0] if job.status == RUNNING else job for job in jobs]

    def _as_it_is(self, job: Job) -> "tuple[Job, Run | None]":
        from outlast.client.truth import current

        return current(self.home, self.reading, job) if self.reading is not None else (job, None)

    def _with_runs(self, job: Job) -> Job:
        runs = self.reading.runs(job.id) if self.reading else []
        if runs and runs[-1].status == "running" and self.reading:
            recorded = self.reading.job(job.id)
            if recorded is not None:
                job, last = self._as_it_is(recorded)
                if last is not None and last.run != runs[-1].run:
                    return self._with_runs(job)  # the next one has begun meanwhile
                runs = [*runs[:-1], last or runs[-1]]
        return job.replace(runs=tuple(runs))

    def list(self, **wanted: "Any") -> "List[Job]":
        """Return jobs, by default all, oldest first. Filters: status, outcome, name (a glob), group, text, since, until, during, where,
        warned, warning, last, per, slowest, sort, limit; see `store.finding.Filter`. Times are ns, or texts as `outlast list` takes them.
        """  # noqa: D205  # one thought
        return self.listing(**wanted)[0]

    def listing(self, **wanted: "Any") -> "tuple[List[Job], int]":
        """Return (jobs, how many more the limit left out)."""
        from outlast.client.listing import as_filter, true_listing

        at = now()
        filter_ = as_filter(wanted, at)
        return ([], 0) if self.reading is None else true_listing(self, self.reading, filter_, at)

    def runs(self, which: "int | str | Job") -> "List[Run]":
        """Return the runs of a job, the first one first."""
        return [*self.one(which).runs]

    # Waiting and ending

    def wait(
        self, selected: "Selected", *, timeout: "float | str | None" = None, status: "Sequence[str]" = (), any: bool = False,
        runs: bool = True,
    ) -> "List[Job]":  # fmt: skip
        """Wait until the jobs have ended (or reached one of `status`), or until `any` has; return them all as they are then.

        `runs`: with their runs, which costs a little for each. Raises TimeoutError after `timeout` (seconds, or a duration like
        "10m"); NotFound.
        """
        ids = self.find_ids(selected)
        self.wait_ids(ids, timeout=timeout, status=status, any=any)
        found = self.as_they_are(self.reading.jobs(ids)) if self.reading is not None else []
        return [self._with_runs(job) for job in found] if runs else found

    def wait_ids(
        self, ids: "Sequence[int]", *, timeout: "float | str | None" = None, status: "Sequence[str]" = (), any: bool = False
    ) -> None:
        """Wait as `wait` does, for jobs by their ids; nothing of them is read but how far they are."""
        from outlast.client.waiting import until
        from outlast.core.durations import parse_duration

        goals = (*status, ENDED) if status else (ENDED,)
        left = [*ids]
        proved_at = monotonic() if self.home.is_supervised() else 0  # whoever waits sees the record, if there is somebody to write it

        def reached() -> bool:
            nonlocal proved_at
            at = monotonic()
            proved = at - proved_at >= _PROVE  # in between a living supervisor's record is enough
            if proved:
                proved_at = at
            if any:
                return True in self._are_at(ids, goals, proved=proved)
            there = 0
            for is_there in self._are_at(left, goals, proved=proved):
                if not is_there:
                    break  # the first that is not there yet decides
                there += 1
            del left[:there]
            return not left

        limit = None if timeout is None else parse_duration(timeout)
        if ids and not until(self.home, ids, reached, limit):
            late = sum(not there for there in self._are_at(ids, goals, proved=True))
            raise TimeoutError(f"{late} of {len(ids)} jobs have not ended")

    def states(self, ids: "Sequence[int]", *, proved: bool = True) -> "dict[int, tuple[str, str | None]]":
        """Return (status, outcome) of jobs by id: by the record, and (`proved`) of those that run by it by lock and result."""
        found = {number: (status, outcome) for number, status, outcome in self.reading.states(ids)} if self.reading is not None else {}
        running = [number for number, (status, _) in found.items() if status == RUNNING and proved]
        found.update((job.id, (job.status, job.outcome)) for job in (self.find(running) if running else ()))
        return found

    def _are_at(self, ids: "Sequence[int]", goals: "tuple[str, ...]", *, proved: bool) -> "Iterator[bool]":
        """Tell for each of `ids` whether it is at one of `goals`."""
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            states = self.states(some, proved=proved)
            for number in some:
                yield number not in states or states[number][0] in goals  # a job that is there no more had ended

    # After a reboot

    def service_install(self, kind: str | None = None) -> "dict[str, Any]":
        """Have what waits start after a reboot; `kind`: systemd, crontab, launchd. See `client.service.install`."""
        from outlast.client.service import install

        return install(self, kind)

    def service_remove(self, kind: str | None = None) -> "List[str]":
        """Undo `service_install`, of one kind or all. Returns the kinds that were there."""
        from outlast.client.service import remove

        return remove(self, kind)

    def service_status(self) -> "dict[str, Any]":
        """Return when what waits starts after a reboot (`starts_at`: boot, login, None), and how each kind stands."""
        from outlast.client.service import status

        return status(self)


def _words(command: "str | Sequence[str]", shell: bool | None) -> "tuple[Sequence[str], bool]":
    """Return (words, shell): a string is a line for the shell unless it is said otherwise."""
    if isinstance(command, str):
        return [command], True if shell is None else shell
    return command, bool(shell)
