"""The verbs of the store that write. `record` is the one writer of a job's state; everything else adds rows beside it.

`count(events of a job) == job.version` at every commit.
"""

from outlast.core import events as e
from outlast.core.errors import Bug, NotFound, Refused, Stale
from outlast.core.job import ENDED, RESERVED, RUNNING, Job
from outlast.core.jsontext import dumps
from outlast.core.lifecycle import TRANSITIONS, after, run_after
from outlast.core.value import Value
from outlast.home import Home
from outlast.seams import failpoint
from outlast.store.batch import Batch
from outlast.store.reading import Reading
from outlast.store.rows import (
    JOB_COLUMNS,
    JOB_FIELDS,
    RUN_COLUMNS,
    RUN_FIELDS,
    as_stored_text,
    column,
    job_values,
    row_of_job,
    row_of_run,
    stored,
)
from outlast.store.submission import Front

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from outlast.core.disabling import Rule
    from outlast.core.job import Run
    from outlast.core.needs import Need
    from outlast.store.reading import Outlook
    from outlast.store.submission import Submission

_INSERT_JOB = f"INSERT INTO jobs ({JOB_COLUMNS}) VALUES ({', '.join('?' * len(JOB_FIELDS))})"  # noqa: S608  # columns only
_PUT_RUN = f"INSERT OR REPLACE INTO runs ({RUN_COLUMNS}) VALUES ({', '.join('?' * len(RUN_FIELDS))})"  # noqa: S608


class Store(Reading):
    """The database of a home, to read and to write."""

    __slots__ = ("_ended", "_environment", "_events", "_fronted", "_in_batch", "_model", "_needed", "_runs", "changed", "joined")

    def __init__(self, home: Home) -> None:
        """Open the database, making home and schema if need be. Raises SystemFault."""
        super().__init__(home, readonly=False)
        self._in_batch = False
        self._ended = 0
        self._environment = ""  # the last one that the present batch has put in
        self._model: tuple[Job, list[object]] | None = None  # of the jobs that the present batch has put in, and its row
        self._events: list[tuple[object, ...]] = []  # rows of the present batch
        self._fronted: bool | None = None  # is there a client in front? None: not asked in this batch
        self._needed: bool | None = None  # does any job need something? None: not asked in this batch
        self._runs: dict[int, tuple[int, Run]] = {}  # running job -> (version, run) as this store wrote them
        self.joined: set[int] = set()  # ids of jobs that a submission of the last batch joined
        self.changed: list[int] = []  # ids of jobs that the last batch wrote

    def batch(self) -> "Batch":
        """Return a transaction that groups several verbs into one durable commit."""
        return Batch(self)

    def submit(self, submissions: "Iterable[Submission]", now: int) -> "list[Job]":
        """Make the jobs durable, all or none, as `store.admission` decides. Returns them with their ids, or those that they join.

        Raises Refused (a key is in use and no rule says what to do; the group takes none), NotFound and UsageError for jobs that it is
        to wait for.
        """
        from outlast.store.admission import admit

        failpoint("submit.before")
        with self.batch():
            jobs = [admit(self, submission, now) for submission in submissions]
            failpoint("submit.after-insert")
        failpoint("submit.after-commit")
        return jobs

    def insert(self, submission: "Submission", job: Job, event: "e.Submitted", now: int) -> Job:
        """Add a row for `job`, as it is after `event`. Returns it with its id."""
        job = job.replace(environment=self._put_environment(submission, now))
        row = row_of_job(job) if submission.model is None else row_of_job(job, submission.model, self._row_of(submission.model))
        row[0] = None
        job = job.replace(id=self.database.execute(_INSERT_JOB, row).lastrowid)
        self._add_event(job, event, now)
        if submission.front is not None:
            self.database.execute(self.database.queries["insert-front"], (job.id, *submission.front))
            self._fronted = True
        return job

    def _put_environment(self, submission: "Submission", now: int) -> str:
        environment = submission.environment
        if environment.hash != self._environment:  # many jobs of one batch share one
            self.database.execute(self.database.queries["insert-environment"], (*environment, now))
            self._environment = environment.hash
        return environment.hash

    def reserve(self, job: Job, until: int | None, now: int) -> Job:
        """Give an id out, durably, for a command that is still to come, not after `until` (ns). Raises Refused if its key is in use."""
        with self.batch():
            if job.key is not None:
                from outlast.core.overlap import Others, overlap

                count, newest = self.database.one("active-key", as_stored_text(job.key), 0)
                overlap(Others(active=count, newest=newest), key=job.key, rule=None, name=job.name)
            event = e.Reserved(until=until)
            made = after(job, event, now)
            row = row_of_job(made)
            row[0] = None
            made = made.replace(id=self.database.execute(_INSERT_JOB, row).lastrowid)
            self._add_event(made, event, now)
        return made

    def fill(self, submission: "Submission", event: "e.Submitted", now: int) -> Job:
        """Let a submission become the job whose id was reserved. Raises NotFound, Refused if it is not reserved (any more)."""
        wanted = submission.job
        found = self.job(wanted.id)
        if found is None:
            raise NotFound(f"no job {wanted.id}", "`outlast reserve` gives an id out")
        if found.status != RESERVED:
            raise Refused(f"job {wanted.id} is not reserved: it is {found.outcome or found.status}", "`outlast reserve` gives an id out")
        start = wanted.replace(
            version=found.version, status=found.status, deadline=found.deadline, created_at=found.created_at,
            paused=found.paused, paused_at=found.paused_at, held=found.held, stop_requested=found.stop_requested, warnings=found.warnings,
            environment=self._put_environment(submission, now),
        )  # fmt: skip  # what was wished of the reservation is wished of the job
        job = self._record_all(found, (event,), now, start)
        if (job.name, job.key) != (found.name, found.key):
            self._look_at_turns(found)
        if submission.front is not None:
            self.database.execute(self.database.queries["insert-front"], (job.id, *submission.front))
            self._fronted = True
        return job

    def _row_of(self, model: Job) -> "list[object]":
        """Return the row of the model of many jobs, which is made once in a batch."""
        if self._model is None or self._model[0] is not model:
            self._model = model, row_of_job(model)
        return self._model[1]

    def record(self, job: Job, event: "e.AnyEvent", now: int) -> Job:
        """Write what `event` makes of `job`, and the event, in one transaction. Returns the job as it is then.

        Raises Stale if the row is no longer at `job.version`: somebody was faster; read again and decide again. Raises Bug if
        the event cannot happen to the job. Neither changes anything.
        """
        return self.record_all(job, (event,), now)

    def record_all(self, job: Job, events: "Sequence[e.AnyEvent]", now: int) -> Job:
        """Write what `events`, one after the other, make of `job`: as `record` does, but its row and its run's only once."""
        with self.database.lock:  # else another thread would join our batch
            if not self._in_batch:
                with self.batch():
                    return self._record_all(job, events, now)
            return self._record_all(job, events, now)

    def _record_all(self, job: Job, events: "Sequence[e.AnyEvent]", now: int, start: Job | None = None) -> Job:
        """Write as `record_all` says. `start`: the job as the caller has filled it in, at the same version."""
        if not events:
            return job
        new, run = start or job, self.current_run(job)
        steps, runs = [], {}
        for event in events:
            made = after(new, event, now)
            told = self._run_after(job, new, run, event, now)
            if told is not None:
                run = runs[told.run] = told
            steps.append((made, event))
            new = made
        changes = [
            (field, content)
            for field, content, before in zip(JOB_FIELDS, job_values(new), job_values(job), strict=True)
            if content is not before and content != before
        ]
        assignments = ", ".join([f"{column(field)} = ?" for field, _ in changes])
        cursor = self.database.execute(
            f"UPDATE jobs SET {assignments} WHERE id = ? AND version = ?",  # noqa: S608  # columns only
            [*(stored(field, content) for field, content in changes), job.id, job.version],
        )
        if cursor.rowcount != 1:
            raise _stale(job)
        for told in runs.values():
            self.database.execute(_PUT_RUN, row_of_run(told))
        for made, event in steps:
            self._add_event(made, event, now)
        self._runs.pop(job.id, None)
        if new.status == RUNNING and run is not None:
            self._runs[job.id] = (new.version, run)
        if new.status == ENDED and job.status != ENDED:
            self._ended += 1
        if new.status != job.status or new.waits != job.waits:
            self._note_needs(job, new, events)
        return new

    def _note_needs(self, job: Job, new: Job, events: "Sequence[e.AnyEvent]") -> None:
        """Keep the table of needs as the events say: what is met or over goes, and what is about this job has to be looked at."""
        execute, queries = self.database.execute, self.database.queries
        for event in events:
            if isinstance(event, e.Postponed) and event.needs:
                from outlast.core.needs import named

                self.add_needs(job.id, [named(word) for word in event.needs])
        if not self.any_needs():
            return
        if new.status == ENDED:
            execute(queries["delete-needs"], (job.id,))
            self._look_at_turns(new)
        elif new.waits != job.waits:
            for event in events:
                if isinstance(event, e.Met) and execute(queries["delete-need"], (job.id, as_stored_text(event.need))).rowcount != 1:
                    raise Bug(f"job {job.id} does not need `{event.need}`")
        if new.status in (RUNNING, ENDED) and new.status != job.status:
            execute(queries["due-by-other"], (job.id,))

    def _look_at_turns(self, job: Job) -> None:
        """Have the next one looked at that waits for its turn behind `job`."""
        for turn in (f"turn:n:{job.name}", f"turn:k:{job.key}"):
            self.database.execute(self.database.queries["due-by-turn"], (as_stored_text(turn),))

    def add_needs(self, job: int, needs: "Iterable[Need]") -> None:
        """Add what a job needs, one row each, within the present transaction."""
        insert = self.database.queries["insert-need"]
        for need in needs:
            outcomes = dumps(list(need.outcomes)) if need.outcomes else None
            self.database.execute(insert, (job, as_stored_text(need.name), need.other, outcomes, 0))
            self._needed = True

    def any_needs(self) -> bool:
        """Tell whether any job needs anything; asked once in a batch."""
        if self._needed is None or not self._in_batch:
            self._needed = self.database.one("any-need") is not None
        return self._needed

    def still_waits(self, job: int, need: str) -> None:
        """Note that a need was looked at and is not met yet."""
        self.database.execute(self.database.queries["not-due"], (job, as_stored_text(need)))

    def put_seen(self, condition: str, text: str, at: int, *, met: bool) -> None:
        """Keep what was seen of a condition."""
        with self.batch():
            self.database.execute(self.database.queries["put-seen"], (condition, met, text, at))

    def disable(self, rule: "Rule") -> None:
        """Disable jobs by name; a rule with the same pattern takes the place of the earlier one."""
        with self.batch():
            values = (as_stored_text(rule.pattern), rule.regex, rule.note, rule.until, rule.by, rule.at)
            self.database.execute(self.database.queries["disable"], values)

    def enable(self, pattern: str) -> bool:
        """Take back what disables by this pattern. False: nothing does."""
        with self.batch():
            return self.database.execute(self.database.queries["enable"], (as_stored_text(pattern),)).rowcount > 0

    def current_run(self, job: Job) -> "Run | None":
        """Return the run that a running job is at, else None. What this store wrote at that very version is not read again."""
        version, run = self._runs.get(job.id, (0, None))
        if version == job.version:
            return run
        return self.run(job.id, job.run) if job.status == RUNNING else None

    def _run_after(self, job: Job, now_at: Job, run: "Run | None", event: "e.AnyEvent", now: int) -> "Run | None":
        try:
            return run_after(now_at, run if now_at.status == RUNNING else None, event, now)
        except Bug:
            found = self.job(job.id)
            if found is None or found.version != job.version:
                raise _stale(job) from None
            raise

    def _add_event(self, job: Job, event: "e.AnyEvent", now: int) -> None:
        """Note the event; it is written with all others at the end of the batch."""
        data = {name: dict(v.items()) if isinstance(v, Value) else v for name, v in event.items()}
        self.changed.append(job.id)
        self._events.append((job.id, job.version, event.kind, now, dumps(data)))

    def request(self, job: int, event: "e.AnyEvent", now: int) -> Job:
        """Record a wish (stop, pause...) on the job as it is now. Returns it. Raises NotFound, Refused if it cannot be now."""
        failpoint("request.before")
        with self.batch():
            found = self.job(job)
            if found is None:
                raise NotFound(f"no job {job}", "`outlast list` shows what there is")
            if found.status == ENDED:
                raise Refused(f"job {job} has ended", f"`outlast show {job}` says how")
            if type(event) not in TRANSITIONS[found.status]:
                raise Refused(f"job {job} is {found.status}", f"`outlast why {job}` says what it waits for")
            found = self.record(found, event, now)
        failpoint("request.after-commit")
        return found

    def front(self, job: int) -> "Front | None":
        """Return the client in front of a job whose command has not started yet, or None."""
        row = self.database.one("front", job)
        return Front(token=row[0], pid=row[1], pid_start=row[2], parent=row[3]) if row else None

    def forget_front(self, job: int) -> None:
        """Forget the client in front of a job: its descriptors are with the shim, or no longer wanted."""
        with self.batch():
            if self.any_front():
                self.database.execute(self.database.queries["delete-front"], (job,))

    def is_front(self, token: str) -> bool:
        """Tell whether the client with this token stands in front of a job that may still want its descriptors."""
        return self.database.one("front-token", token) is not None

    def any_front(self) -> bool:
        """Tell whether any job has a client in front that is not served yet."""
        if not self._in_batch:
            return self.database.one("any-front") is not None
        if self._fronted is None:
            self._fronted = self.database.one("any-front") is not None
        return self._fronted

    def outlook(self) -> "Outlook":
        """Return what there may be to do, see `Reading.outlook`."""
        told = super().outlook()
        self._fronted = told.fronts
        return told

    def borrowers(self, group: str) -> "list[int]":
        """Return queued jobs in front that were submitted from inside a running job of the same group."""
        return [number for (number,) in self.database.all("borrowers", as_stored_text(group))]

    def set_group(self, name: str, slots: int | None, now: int) -> None:
        """Make the group or change its slots (None = no limit)."""
        with self.batch():
            self.database.execute(self.database.queries["set-group"], (as_stored_text(name), slots, now))

    def pause_group(self, name: str, now: int, *, paused: bool, draining: bool) -> None:
        """Let no job of the group start (`paused`), or take no new ones (`draining`)."""
        with self.batch():
            self.database.execute(self.database.queries["pause-group"], (as_stored_text(name), paused, draining, now))

    def remove_group(self, name: str) -> None:
        """Forget the group's settings. Raises NotFound, or Refused while jobs of it are active."""
        stored_name = as_stored_text(name)
        with self.batch():
            (active,) = self.database.one("group-active", stored_name)
            if active:
                raise Refused(f"group `{name}` has {active} active jobs", f"end them first: `outlast stop group:{name}`")
            if self.database.one("group", stored_name) is None:
                raise NotFound(f"no group `{name}`", "`outlast group list` shows what there is")
            self.database.execute(self.database.queries["remove-group"], (stored_name,))


def _stale(job: Job) -> Stale:
    return Stale(f"job {job.id} has changed since version {job.version}")
