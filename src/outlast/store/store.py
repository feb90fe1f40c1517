"""The verbs of the store that write. `record` is the one writer of a job's state; everything else adds rows beside it.

`count(events of a job) == job.version` at every commit.
"""

from outlast.core import events as e
from outlast.core.errors import Bug, NotFound, Refused, Stale
from outlast.core.job import ENDED, RUNNING, Job
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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from outlast.core.disabling import Rule
    from outlast.core.job import Run
    from outlast.core.needs import Need
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
    """A job to be made: `job` as it shall be (version 0; id 0, or the reserved one that it becomes)."""

    _fields = ("job", "environment", "needs", "front", "model", "held")
    job: "Job"
    environment: Environment
    needs: "tuple[Need, ...]"  # what it waits for, beside its turn, which the store knows
    front: Front | None
    model: "Job | None"  # whose lists and dictionaries it has where they are the same objects: they are put into words once
    held: bool  # it waits until somebody releases it
    _defaults = {"needs": (), "front": None, "model": None, "held": False}


class Store(Reading):
    """The database of a home, to read and to write."""

    __slots__ = (
        "_ended",
        "_environment",
        "_events",
        "_fronted",
        "_in_batch",
        "_model",
        "_needed",
        "_ruled",
        "_runs",
        "changed",
        "joined",
        "kept_by",
        "leaving",
        "open_group",
    )

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
        self._ruled: bool | None = None  # does any rule disable jobs? likewise
        self._runs: dict[int, tuple[int, Run]] = {}  # running job -> (version, run) as this store wrote them
        self.open_group: str | None = None  # that the present batch was found to take jobs
        self.joined: set[int] = set()  # ids of jobs that a submission of the last batch joined
        self.changed: list[int] = []  # ids of jobs that the last batch wrote
        self.kept_by: dict[str | None, int] = {}  # group (None: all) -> bytes of output that the present batch adds to what is kept
        self.leaving = False  # files are to be removed, since somebody last looked

    def batch(self) -> "Batch":
        """Return a transaction that groups several verbs into one durable commit."""
        return Batch(self)

    def submit(self, submissions: "Iterable[Submission]", now: int) -> "list[Job]":
        """Make the jobs durable, all or none, as `store.admission` decides. Returns them with their ids, or those that they join.

        Raises Refused (a key is in use and no rule says what to do; the group takes none), NotFound and UsageError for jobs that it is
        to wait for.
        """
        failpoint("submit.before")
        with self.batch():
            jobs = [self._submit(submission, now) for submission in submissions]
            failpoint("submit.after-insert")
        failpoint("submit.after-commit")
        return jobs

    def _submit(self, submission: Submission, now: int) -> Job:
        job = submission.job
        if (
            job.group is None
            and job.key is None
            and not job.id
            and not job.spec
            and not submission.needs
            and not submission.held
            and not self.any_rules()
        ):
            return self.insert(submission, now, e.Submitted())  # nothing to decide, and nothing to load for it
        from outlast.store.admission import admit

        return admit(self, submission, now)

    def insert(self, submission: Submission, now: int, event: "e.Submitted") -> Job:
        """Add a row for a job that is submitted, within the present transaction. Returns it with its id."""
        job = after(submission.job.replace(environment=self.put_environment(submission, now)), event, now)
        like = submission.model
        made = self.put(job, event, now, row_of_job(job) if like is None else row_of_job(job, like, self._row_of(like)))
        self.put_front(made, submission)
        return made

    def put_front(self, job: Job, submission: Submission) -> None:
        """Note the client in front of a job, if there is one."""
        if submission.front is not None:
            self.database.execute(self.database.queries["insert-front"], (job.id, *submission.front))
            self._fronted = True

    def put_environment(self, submission: Submission, now: int) -> str:
        """Keep what the command inherits; returns its hash."""
        environment = submission.environment
        if environment.hash != self._environment:  # many jobs of one batch share one
            self.database.execute(self.database.queries["insert-environment"], (*environment, now))
            self._environment = environment.hash
        return environment.hash

    def reserve(self, job: Job, until: int | None, now: int) -> Job:
        """Give an id out, durably, for a command that is still to come, not after `until` (ns). Raises Refused if its key is in use."""
        from outlast.store.admission import reserve

        failpoint("reserve.before")
        with self.batch():
            made = reserve(self, job, until, now)
        failpoint("reserve.after-commit")
        return made

    def put(self, job: Job, event: "e.AnyEvent", now: int, row: "list[object] | None" = None) -> Job:
        """Add a row for `job`, as it is after `event`. Returns it with its id."""
        row = row_of_job(job) if row is None else row
        row[0] = None
        job = job.replace(id=self.database.execute(_INSERT_JOB, row).lastrowid)
        self._add_event(job, event, now)
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
                    return self.write(job, events, now)
            return self.write(job, events, now)

    def write(self, job: Job, events: "Sequence[e.AnyEvent]", now: int, start: Job | None = None) -> Job:
        """Write as `record_all` says, within the present transaction. `start`: the job as the caller has filled it in, of that version."""
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
            raise Stale(f"job {job.id} has changed since version {job.version}")
        for told in runs.values():
            self.database.execute(_PUT_RUN, row_of_run(told))
            if told.kept:
                self.note_kept(new.group, told.kept)
        for made, event in steps:
            self._add_event(made, event, now)
        self._runs.pop(job.id, None)
        if new.status == RUNNING and run is not None:
            self._runs[job.id] = (new.version, run)
        if new.status == ENDED and job.status != ENDED:
            self._ended += 1
        if new.status != job.status or new.waits != job.waits:
            self._note_needs(job, new, events)
        if new.run > 1 and new.status != RUNNING and runs:
            from outlast.store.keeping import hold_to_runs

            return hold_to_runs(self, new, now)
        return new

    def note_kept(self, group: str | None, size: int) -> None:
        """Note that so many bytes of output more (or fewer) are kept, in all and in a group; written at the end of the batch."""
        self.kept_by[None] = self.kept_by.get(None, 0) + size
        if group is not None:
            self.kept_by[group] = self.kept_by.get(group, 0) + size

    def count_out(self) -> None:
        """Note that one job fewer has ended: its record is removed."""
        self._ended -= 1

    def _note_needs(self, job: Job, new: Job, events: "Sequence[e.AnyEvent]") -> None:
        """Keep the table of needs as the events say: what is met or over goes, and what is about this job has to be looked at."""
        execute, queries = self.database.execute, self.database.queries
        for event in events:
            if isinstance(event, e.Postponed) and event.needs:
                from outlast.core.needs import named

                self.add_needs(job.id, [named(word) for word in event.needs])
            if isinstance(event, e.Met) and execute(queries["delete-need"], (job.id, as_stored_text(event.need))).rowcount != 1:
                raise Bug(f"job {job.id} does not need `{event.need}`")
        if not self.any_needs():
            return
        if new.status == ENDED:
            execute(queries["delete-needs"], (job.id,))
            self.look_at_turns(new)
        if new.status in (RUNNING, ENDED) and new.status != job.status:
            execute(queries["due-by-other"], (job.id,))

    def look_at_turns(self, job: Job) -> None:
        """Have the next one looked at that waits for its turn behind `job`."""
        for turn in (f"turn:n:{job.name}", f"turn:k:{job.key}"):
            self.database.execute(self.database.queries["due-by-turn"], (as_stored_text(turn),))

    def any_rules(self) -> bool:
        """Tell whether any rule disables jobs; asked once in a batch."""
        if self._ruled is None or not self._in_batch:
            self._ruled = self.any_disabled()
        return self._ruled

    def add_needs(self, job: int, needs: "Iterable[Need]") -> None:
        """Add what a job needs, one row each, within the present transaction."""
        from outlast.core.needs import CONDITIONS

        insert = self.database.queries["insert-need"]
        for need in needs:
            outcomes = dumps(list(need.outcomes)) if need.outcomes else None
            due = need.name == CONDITIONS  # somebody has to begin to look at them
            self.database.execute(insert, (job, as_stored_text(need.name), need.other, outcomes, due))
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
            self.database.execute(self.database.queries["put-seen"], (as_stored_text(condition), met, as_stored_text(text), at))

    def forget_seen(self, condition: str | None) -> None:
        """Forget what was seen of a condition that nobody waits for any more; None: of all, since whoever looks begins anew."""
        if self.database.one("any-seen") is not None:
            with self.batch():
                self.database.execute(self.database.queries["forget-seen"], (condition and as_stored_text(condition),))

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
                raise Stale(f"job {job.id} has changed since version {job.version}") from None
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
        self._fronted, self._needed, self._ruled = told.fronts, told.needed, told.rules
        return told
