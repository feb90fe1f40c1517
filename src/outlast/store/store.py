"""The verbs of the store that write. `record` is the one writer of a job's state; everything else adds rows beside it.

`count(events of a job) == job.version` at every commit.
"""

from outlast.core import events as e
from outlast.core.errors import Bug, NotFound, Refused, Stale
from outlast.core.job import ENDED, RUNNING, SKIPPED, Job
from outlast.core.jsontext import dumps
from outlast.core.lifecycle import TRANSITIONS, after, run_after
from outlast.core.value import Value
from outlast.home import Home
from outlast.seams import failpoint
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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from outlast.core.job import Run
    from outlast.store.reading import Outlook

_INSERT_JOB = f"INSERT INTO jobs ({JOB_COLUMNS}) VALUES ({', '.join('?' * len(JOB_FIELDS))})"  # noqa: S608  # columns only
_PUT_RUN = f"INSERT OR REPLACE INTO runs ({RUN_COLUMNS}) VALUES ({', '.join('?' * len(RUN_FIELDS))})"  # noqa: S608


class Environment(Value):
    """What a command inherits of its submitter: `variables` (NAME=VALUE, each ended by NUL) and `surroundings`, by content `hash`."""

    _fields = ("hash", "variables", "surroundings")
    hash: str
    variables: bytes
    surroundings: str


class Front(Value):
    """The client in front of a job: it hands its descriptors over under `token`, and lives as (pid, pid_start).

    `parent`: the job that the client itself runs in, if it does.
    """

    _fields = ("token", "pid", "pid_start", "parent")
    token: str
    pid: int
    pid_start: int
    parent: int | None
    _defaults = {"parent": None}


class Submission(Value):
    """A job to be made: `job` as it shall be (id 0, version 0), with what only the store can decide."""

    _fields = ("job", "environment", "overlap", "waits", "front", "model")
    job: Job
    environment: Environment
    overlap: str | None
    waits: bool
    front: Front | None
    model: Job | None  # whose lists and dictionaries it has where they are the same objects: they are put into words once
    _defaults = {"overlap": None, "waits": False, "front": None, "model": None}


class Store(Reading):
    """The database of a home, to read and to write."""

    __slots__ = ("_ended", "_environment", "_events", "_fronted", "_in_batch", "_model", "_runs", "changed")

    def __init__(self, home: Home) -> None:
        """Open the database, making home and schema if need be. Raises SystemFault."""
        super().__init__(home, readonly=False)
        self._in_batch = False
        self._ended = 0
        self._environment = ""  # the last one that the present batch has put in
        self._model: tuple[Job, list[object]] | None = None  # of the jobs that the present batch has put in, and its row
        self._events: list[tuple[object, ...]] = []  # rows of the present batch
        self._fronted: bool | None = None  # is there a client in front? None: not asked in this batch
        self._runs: dict[int, tuple[int, Run]] = {}  # running job -> (version, run) as this store wrote them
        self.changed: list[int] = []  # ids of jobs that the last batch wrote

    def batch(self) -> "Batch":
        """Return a transaction that groups several verbs into one durable commit."""
        return Batch(self)

    def submit(self, submissions: "Iterable[Submission]", now: int) -> "list[Job]":
        """Make the jobs durable, all or none; a job that its overlap rule skips is made and ended. Returns them with their ids.

        Raises Refused if a key is in use and no rule says what to do.
        """
        failpoint("submit.before")
        with self.batch():
            jobs = [self._submit_one(submission, now) for submission in submissions]
            failpoint("submit.after-insert")
        failpoint("submit.after-commit")
        return jobs

    def _submit_one(self, submission: Submission, now: int) -> Job:
        job, environment = submission.job, submission.environment
        skipped = self._why_skipped(job, submission.overlap)
        database = self.database
        if environment.hash != self._environment:  # many jobs of one batch share one
            database.execute(
                database.queries["insert-environment"], (environment.hash, environment.variables, environment.surroundings, now)
            )
            self._environment = environment.hash
        event = e.Submitted(waits=submission.waits)
        job = after(job if job.environment == environment.hash else job.replace(environment=environment.hash), event, now)
        row = row_of_job(job) if submission.model is None else row_of_job(job, submission.model, self._row_of(submission.model))
        row[0] = None
        job = job.replace(id=database.execute(_INSERT_JOB, row).lastrowid)
        self._add_event(job, event, now)
        if skipped is not None:
            return self.record(job, e.Ended(outcome=SKIPPED, reason=skipped), now)
        if submission.front is not None:
            front = submission.front
            database.execute(database.queries["insert-front"], (job.id, *(v for _, v in front.items())))
            self._fronted = True
        return job

    def _row_of(self, model: Job) -> "list[object]":
        """Return the row of the model of many jobs, which is made once in a batch."""
        if self._model is None or self._model[0] is not model:
            self._model = model, row_of_job(model)
        return self._model[1]

    def _why_skipped(self, job: Job, rule: str | None) -> str | None:
        """Return why the job is not to run, None if it is. Raises Refused if it may not even be made."""
        if job.key is None and rule != "skip":
            return None  # nothing to decide, and nothing to load for it
        from outlast.core.overlap import SKIP, overlap

        which, word = ("active-name", job.name) if job.key is None else ("active-key", job.key)
        row = self.database.one(which, as_stored_text(word))
        verdict, reason = overlap(row and row[0], key=job.key, rule=rule, name=job.name)
        return reason if verdict == SKIP else None

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

    def _record_all(self, job: Job, events: "Sequence[e.AnyEvent]", now: int) -> Job:
        if not events:
            return job
        new, run = job, self.current_run(job)
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
        return new

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

    def front(self, job: int) -> Front | None:
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


class Batch:
    """`with store.batch():` groups verbs into one transaction; nests by joining the outer one, which is our own thread's."""

    __slots__ = ("_changes", "_outer", "_store", "_transaction")

    def __init__(self, store: Store) -> None:
        """See `Store.batch`."""
        self._store = store
        self._outer = False

    def __enter__(self) -> Store:
        """Begin, unless one is under way."""
        self._store.database.lock.acquire()
        try:
            return self._begin()
        except BaseException:
            self._store.database.lock.release()
            raise

    def _begin(self) -> Store:
        self._outer = self._store._in_batch  # noqa: SLF001  # its other half
        if self._outer:
            self._changes = self._store.database.connection.total_changes
        else:
            self._transaction = self._store.database.write()
            self._transaction.__enter__()
            self._store._in_batch = True  # noqa: SLF001
            self._store._ended = 0  # noqa: SLF001
            self._store._environment = ""  # noqa: SLF001
            self._store._model = None  # noqa: SLF001
            self._store._events = []  # noqa: SLF001
            self._store._fronted = None  # noqa: SLF001
            self._store.changed = []
        return self._store

    def __exit__(self, kind: "type[BaseException] | None", error: BaseException | None, trace: "TracebackType | None") -> None:
        """Commit, durably, or change nothing."""
        try:
            self._finish(kind, error, trace)
        finally:
            self._store.database.lock.release()

    def _finish(self, kind: "type[BaseException] | None", error: BaseException | None, trace: "TracebackType | None") -> None:
        if self._outer:
            if error is not None and self._store.database.connection.total_changes != self._changes:
                self._store.database.spoil(error)  # half of it must not be committed by whoever catches this
            return
        store = self._store
        store._in_batch = False  # noqa: SLF001
        written, store._runs = store._runs, {}  # noqa: SLF001  # what is not committed was never so
        try:
            if kind is None and store._events:  # noqa: SLF001
                store.database.execute_many(store.database.queries["insert-event"], store._events)  # noqa: SLF001
            if kind is None and store._ended:  # noqa: SLF001
                store.database.execute(store.database.queries["count-ended"], (store._ended,))  # noqa: SLF001
        finally:
            self._transaction.__exit__(kind, error, trace)  # it knows of what failed
        if kind is None:
            store._runs = written  # noqa: SLF001
