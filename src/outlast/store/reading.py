"""The verbs of the store that read. A reader opens the database read-only and never waits for a writer (WAL)."""

from outlast.core.errors import Damaged, SystemFault
from outlast.core.jsontext import dumps
from outlast.core.value import Value
from outlast.home import Home
from outlast.store.driver import Database
from outlast.store.rows import JOB_COLUMNS, RUN_COLUMNS, as_json, as_stored_text, as_text, job_of, run_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from typing import Any

    from outlast.core.disabling import Rule
    from outlast.core.job import Job, Run
    from outlast.core.needs import Need

_SELECT = f"SELECT {JOB_COLUMNS} FROM jobs"  # noqa: S608  # columns only
_AT_ONCE = 500  # ids of one query
_READY = "status = 'queued' AND status <> 'ended' AND paused = 0 AND held = 0"
_SELECT_RUNS = f"SELECT {RUN_COLUMNS} FROM runs"  # noqa: S608


class Outlook(Value):
    """What there may be to do in a cycle of the supervisor."""

    _fields = ("stops", "next_due", "ungrouped", "fronts", "needed", "due", "rules", "next_deadline", "paused")
    stops: bool  # somebody wants a job to be ended
    next_due: int | None  # when the next pending job is due (ns)
    ungrouped: bool  # a job without a group may start
    fronts: bool  # a client in front is not served yet
    needed: bool  # a job needs something
    due: bool  # what a job needs has to be looked at
    rules: bool  # there are rules that disable jobs
    next_deadline: int | None  # when the next deadline of a job passes (ns)
    paused: bool  # a running job is to stand still


class Reading:
    """The database of a home, to read."""

    __slots__ = ("database", "passed_by", "tests")

    def __init__(self, home: Home, *, readonly: bool = True) -> None:
        """Open the database. Raises SystemFault: not there, newer, damaged, no permission."""
        self.database = Database(home, readonly=readonly)
        self.passed_by: dict[int, Damaged] | None = (
            None  # jobs that are left out of lists as they cannot be read; None: who meets one fails
        )
        self.tests: dict[str, Callable[[Any], bool]] = {}  # that the connection was taught to ask, see `filtering`

    def close(self) -> None:
        """Close the connection."""
        self.database.close()

    def is_empty(self) -> bool:
        """Tell whether the database has no schema yet: its maker is just at it, or died."""
        return self.database.row("SELECT 1 FROM sqlite_master WHERE name = 'jobs'") is None

    def problems(self) -> "list[str]":
        """Return what is wrong with the database, by SQLite's own check and by our invariants; empty if nothing is."""
        found = [row[0] for row in self.database.all("integrity") if row[0] != "ok"]
        found += [f"job {job} is at version {version} but has {events} events" for job, version, events in self.database.all("miscounted")]
        for (number,) in self.database.all("active-ids"):
            try:
                self.job(number)
            except SystemFault as error:
                found.append(f"job {number}: {error.what}")
        return found

    def last_event(self) -> int:
        """Return the id of the last event of all, 0 if there is none."""
        return self.database.one("last-event")[0] or 0

    def home_id(self) -> str:
        """Return the id that marks the home's processes."""
        value: str = self.database.one("meta", "home_id")[0]
        return value

    def count_ended(self) -> int:
        """Return how many jobs have ended."""
        value: int = self.database.one("meta", "ended")[0]
        return value

    def job(self, number: int) -> "Job | None":
        """Return the job, or None."""
        row = self.database.row(f"{_SELECT} WHERE id = ?", (number,))
        return job_of(row) if row else None

    def jobs(self, numbers: "Iterable[int]") -> "list[Job]":
        """Return the jobs that exist of `numbers`, in that order."""
        found = (self.database.row(f"{_SELECT} WHERE id = ?", (number,)) for number in numbers)
        return self._jobs_of(row for row in found if row is not None)

    def select(self, where: str, values: "Sequence[object]" = (), tail: str = "ORDER BY id") -> "list[Job]":
        """Return the jobs that an SQL condition put together in `store` means."""
        return self._jobs_of(self.database.rows(f"{_SELECT} WHERE {where} {tail}", values))

    def _jobs_of(self, rows: "Iterable[Sequence[Any]]") -> "list[Job]":
        if self.passed_by is None:
            return [job_of(row) for row in rows]
        found = []
        for row in rows:
            try:
                found.append(job_of(row))
            except Damaged as error:
                self.passed_by[row[0]] = error
        return found

    def ids(self, where: str, values: "Sequence[object]" = ()) -> "list[int]":
        """Return the ids of the jobs that the condition means, the lowest first."""
        return [number for (number,) in self.database.rows(f"SELECT id FROM jobs WHERE {where} ORDER BY id", values)]  # noqa: S608

    def count(self, where: str, values: "Sequence[object]" = (), at_most: int = -1) -> int:
        """Return how many jobs the condition means, counting no further than `at_most` (-1: all)."""
        sql = f"SELECT count(*) FROM (SELECT 1 FROM jobs WHERE {where} LIMIT ?)"  # noqa: S608
        value: int = self.database.row(sql, [*values, at_most])[0]
        return value

    def run(self, job: int, number: int) -> "Run | None":
        """Return one run of a job, or None."""
        row = self.database.row(f"{_SELECT_RUNS} WHERE job = ? AND run = ?", (job, number))
        return run_of(row) if row else None

    def runs(self, job: int) -> "list[Run]":
        """Return the runs of a job, the first one first."""
        return [run_of(row) for row in self.database.rows(f"{_SELECT_RUNS} WHERE job = ? ORDER BY run", (job,))]

    def running(self) -> "list[Job]":
        """Return the jobs that are running by the record."""
        return self.jobs(self.running_ids())

    def running_ids(self) -> "list[int]":
        """Return the ids of the jobs that are running by the record."""
        return [number for (number,) in self.database.all("running")]

    def to_stop(self) -> "list[int]":
        """Return the ids of jobs that somebody wants to be ended."""
        return [number for (number,) in self.database.all("to-stop")]

    def due(self, now: int) -> "list[int]":
        """Return the ids of pending jobs whose time has come."""
        return [number for (number,) in self.database.all("due", now)]

    def next_due(self) -> int | None:
        """Return when the next pending job is due (ns), or None."""
        value: int | None = self.database.one("next-due")[0]
        return value

    def paused(self) -> "list[int]":
        """Return the ids of running jobs that are to stand still."""
        return [number for (number,) in self.database.all("paused")]

    def any_active(self) -> bool:
        """Tell whether a job waits or runs."""
        return self.database.one("any-active") is not None

    def state(self, number: int | None) -> "tuple[str | None, str | None]":
        """Return (status, outcome) of a job by the record; two times None if there is no such job."""
        row: tuple[str, str | None] | None = self.database.one("state", number)
        return row or (None, None)

    def states(self, numbers: "Sequence[int]") -> "list[tuple[int, str, str | None]]":
        """Return (id, status, outcome) by the record of those of `numbers` that exist, the lowest id first."""
        found: list[tuple[int, str, str | None]] = []
        for start in range(0, len(numbers), _AT_ONCE):
            ids = ", ".join([f"{number:d}" for number in numbers[start : start + _AT_ONCE]])
            found += self.database.rows(f"SELECT id, status, outcome FROM jobs WHERE id IN ({ids})")  # noqa: S608  # numbers only
        return sorted(found)

    def count_active(self) -> "dict[str, int]":
        """Return the number of jobs by status, ended ones left out."""
        return dict(self.database.all("count-active"))

    def queued_groups(self) -> "list[tuple[str, int | None, bool]]":
        """Return (name, slots, paused) of the groups that have queued jobs; costs the number of groups, not of jobs."""
        return [(as_text(name), slots, bool(paused)) for name, slots, paused in self.database.all("queued-groups")]

    def outlook(self) -> Outlook:
        """Return what there may be to do: one question instead of four that are mostly answered by nothing."""
        stops, next_due, ungrouped, fronts, needed, due, rules, deadline, paused = self.database.one("outlook")
        return Outlook(
            stops=bool(stops), next_due=next_due, ungrouped=bool(ungrouped), fronts=bool(fronts), needed=bool(needed), due=bool(due),
            rules=bool(rules), next_deadline=deadline, paused=bool(paused),
        )  # fmt: skip

    def ready(
        self, group: str | None, at_most: int, after: "Job | None" = None, barred: "Collection[str]" = (), without: "Collection[int]" = ()
    ) -> "list[Job]":
        """Return the queued jobs of a group (None: without group) that may start, in their order; only those behind `after`.

        `barred`: mutexes that running jobs have. Whoever wants one of them is not even looked at: thousands may. `without`: nor these.
        """
        tail = "ORDER BY priority DESC, id LIMIT ?"
        free = f" AND (mutex IS NULL OR NOT ({' OR '.join(['instr(mutex, ?)'] * len(barred))}))" if barred else ""
        if without:
            free += f" AND id NOT IN ({', '.join([f'{number:d}' for number in without])})"
        values: list[Any] = [dumps(word) for word in barred]
        if after is not None:
            free += " AND priority <= ? AND (priority < ? OR id > ?)"
            values += [after.priority, after.priority, after.id]
        if group is None:
            return self.select(f'{_READY} AND "group" IS NULL{free}', (*values, at_most), tail)
        return self.select(f'{_READY} AND "group" = ?{free}', (as_stored_text(group), *values, at_most), tail)

    def usual_duration(self, name: str) -> int | None:
        """Return the median (ns) of the last runs of jobs called `name` that succeeded; None if there are none."""
        known = self.usual(name)
        return None if known is None else known[0]

    def usual(self, name: str) -> "tuple[int, int] | None":
        """Return (median, 95th percentile) in ns of the last 21 runs of jobs called `name` that succeeded, among its last 500 jobs."""
        from outlast.core.stats import usual

        return usual(ns for (ns,) in self.database.all("durations", as_stored_text(name)))

    def queued_before(self, job: "Job") -> int:
        """Return how many queued jobs of its group stand before `job`."""
        value: int = self.database.one("queued-before", as_stored_text(job.group or ""), job.id, job.priority)[0]
        return value

    def group(self, name: str) -> "tuple[int | None, bool, bool] | None":
        """Return (slots, paused, draining) of a group that was set, or None."""
        row = self.database.one("group", as_stored_text(name))
        return (row[1], bool(row[2]), bool(row[3])) if row else None

    def groups(self) -> "list[dict[str, Any]]":
        """Return all groups: name, slots, paused, draining, and how many of its jobs run, are queued, are pending."""
        names = ("name", "slots", "paused", "draining", "running", "queued", "pending")
        found = [dict(zip(names, row, strict=True)) for row in self.database.all("groups")]
        for group in found:
            group |= {"name": as_text(group["name"]), "paused": bool(group["paused"]), "draining": bool(group["draining"])}
        return found

    def is_front(self, token: str) -> bool:
        """Tell whether the client with this token stands in front of a job that may still want its descriptors."""
        return self.database.one("front-token", token) is not None

    def borrowers(self, group: str) -> "list[int]":
        """Return queued jobs in front that were submitted from inside a running job of the same group."""
        return [number for (number,) in self.database.all("borrowers", as_stored_text(group))]

    def needs_of(self, job: int) -> "list[Need]":
        """Return what a job needs that is not met yet."""
        return [_need(*row) for row in self.database.all("needs-of", job)]

    def needs_due(self, at_most: int) -> "list[tuple[int, Need]]":
        """Return (job, need) of what has to be looked at."""
        return [(row[0], _need(*row[1:])) for row in self.database.all("needs-due", at_most)]

    def waiting_for(self, need: str) -> "list[int]":
        """Return the ids of the jobs that have a need that is about no other job."""
        return [number for (number,) in self.database.all("waiting-for", as_stored_text(need))]

    def before_in_turn(self, job: "Job") -> int | None:
        """Return the newest of the active jobs with the same key, else name, that came before `job`; None: its turn has come."""
        which, word = ("name", job.name) if job.key is None else ("key", job.key)
        value: int | None = self.database.one(f"before-{which}", as_stored_text(word), job.id)[0]
        return value

    def past_deadline(self, now: int) -> "list[int]":
        """Return the ids of the jobs of which a deadline has passed."""
        return [number for (number,) in self.database.all("past-deadline", now)]

    def next_deadline(self) -> int | None:
        """Return when the next deadline of a job passes (ns), or None."""
        value: int | None = self.database.one("next-deadline")[0]
        return value

    def any_disabled(self) -> bool:
        """Tell whether any rule disables jobs."""
        return self.database.one("any-disabled") is not None

    def disabled(self) -> "list[Rule]":
        """Return the rules that disable jobs, also those that hold no more."""
        from outlast.core.disabling import Rule

        rows = self.database.all("disabled")
        return [
            Rule(pattern=as_text(pattern), regex=bool(regex), note=note, until=until, by=by, at=at)
            for pattern, regex, note, until, by, at in rows
        ]

    def why_disabled(self, name: str, now: int) -> str | None:
        """Return why jobs called `name` shall not start at `now`, or None."""
        from outlast.core.disabling import reason, rule_for

        rule = rule_for(self.disabled(), name, now)
        return None if rule is None else reason(rule)

    def seen(self, condition: str) -> "tuple[bool, str, int] | None":
        """Return (met, text, at) of what was last seen of a condition, or None."""
        row = self.database.one("seen", as_stored_text(condition))
        return (bool(row[0]), as_text(row[1]), row[2]) if row else None

    def environment(self, digest: str) -> "tuple[bytes, dict[str, Any]] | None":
        """Return (variables, surroundings) of a stored environment, or None if it is gone."""
        row = self.database.one("environment", digest)
        return (row[0], as_json(row[1], "surroundings")) if row else None

    def events_of(self, job: int) -> "list[dict[str, Any]]":
        """Return the events of a job, the first one first."""
        return [_event(row) for row in self.database.all("events-of", job)]

    def events_after(self, event: int, at_most: int) -> "list[dict[str, Any]]":
        """Return up to `at_most` events after the event with that id, of all jobs."""
        return [_event(row) for row in self.database.all("events-after", event, at_most)]

    def last_events(self, at_most: int) -> "list[dict[str, Any]]":
        """Return the last events of all jobs, the oldest first."""
        return [_event(row) for row in reversed(self.database.all("events-last", at_most))]


def _need(name: "str | bytes", other: int | None, outcomes: str | None) -> "Need":
    from outlast.core.needs import Need

    listed = tuple(as_json(outcomes, "outcomes")) if outcomes else ()
    return Need(name=as_text(name), other=other, outcomes=listed)


def _event(row: "Sequence[Any]") -> "dict[str, Any]":
    number, job, version, kind, at, data = row
    return {"id": number, "job": job, "version": version, "kind": kind, "at": at, "data": as_json(data, "data")}
