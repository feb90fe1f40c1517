"""What a job and a run are: statuses, outcomes and the two values that the store keeps.

Times are integer nanoseconds since the epoch (UTC), sizes bytes, unknown is None. The order of the fields is the order
of the table's columns, of the JSON and of the manual.
"""

from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The texts below the constants are their documentation (PEP 257); `docs/lifecycle.md` is made of them.
RESERVED = "reserved"
"""Its id was given out; its command is still to come."""
PENDING = "pending"
"""It waits: for its time, for a condition, for its next run."""
QUEUED = "queued"
"""Everything it waited for is met; it starts when there is a slot."""
RUNNING = "running"
"""A run of it was given out to an executor: it is being started, or its command runs."""
ENDED = "ended"
"""It is over and has an outcome; nothing changes it any more."""
STATUSES = (RESERVED, PENDING, QUEUED, RUNNING, ENDED)

SUCCEEDED = "succeeded"
"""Its command ended with an exit code that means success."""
FAILED = "failed"
"""Its command ended with another exit code, or by a signal that outlast did not send."""
NEUTRAL = "neutral"
"""Codes for success and for failure are given, and the exit code is in neither list."""
STOPPED = "stopped"
"""Somebody asked for its end with `stop` or `kill`; this is not a failure. Of several wishes the first one that reached it decides."""
INTERRUPTED = "interrupted"
"""Somebody interrupted it, or the machine ended while it ran; a failure that is not charged to its retries."""
TIMED_OUT = "timed_out"
"""Its time limit was reached."""
ABORTED = "aborted"
"""A time limit passed before it could start, or before its retries were through."""
DISABLED = "disabled"
"""Jobs like it were disabled when its turn came."""
SKIPPED = "skipped"
"""Its rule for overlaps, or a result that is fresh enough, made it needless."""
NOT_STARTED = "not_started"
"""Its command could not be started: there is none of that name, or no permission."""
LOST = "lost"
"""How it ended cannot be known, and is not guessed."""
OUTCOMES = (SUCCEEDED, FAILED, NEUTRAL, STOPPED, INTERRUPTED, TIMED_OUT, ABORTED, DISABLED, SKIPPED, NOT_STARTED, LOST)

STOP = "stop"
INTERRUPT = "interrupt"
KILL = "kill"
STOP_VERBS = (STOP, INTERRUPT, KILL)
TIMEOUT = "timeout"  # no verb of a person's: a limit of its own was reached

FAILURES = (FAILED, INTERRUPTED, TIMED_OUT, ABORTED, NOT_STARTED, LOST)
"""Outcomes that count as a failure: of a job that others wait for, and of a run for its retries."""
UNCHARGED = (INTERRUPTED, LOST)
"""Outcomes of runs that are not charged to the retries."""


class Job(Value):
    """One requested execution of a command with its policies. `spec` holds the options that differ from their default."""

    _fields = (
        "id", "version", "name", "description", "group", "key", "command", "cwd", "user",
        "status", "outcome", "reason", "exit_code", "signal", "run", "pid",
        "created_at", "queued_at", "started_at", "ended_at", "next_run_at",
        "priority", "mutex", "waits", "deadline", "successes", "failures", "uncharged",
        "paused", "paused_at", "paused_for", "held", "stop_requested", "warnings",
        "info", "params", "rerun_of", "schedule", "trigger", "automatic",
        "environment", "spec", "feedback", "progress", "runs",
    )  # fmt: skip
    id: int
    version: int  # number of events so far; the guard of every write
    name: str
    description: str
    group: str | None
    key: str | None
    command: "list[str]"  # argv; bytes that are not UTF-8 as surrogate escapes (PEP 383)
    cwd: str
    user: str
    status: str
    outcome: str | None
    reason: str | None
    exit_code: int | None
    signal: int | None
    run: int  # number of the last run, 0 before the first
    pid: int | None  # of the command, while it runs
    created_at: int
    queued_at: int | None
    started_at: int | None  # of the first run
    ended_at: int | None
    next_run_at: int | None  # not before; of a pending job with nothing else to wait for: when it is queued
    priority: int  # the higher the earlier, within its group
    mutex: "list[str] | None"  # words of which no other running job may have any
    waits: int  # how many needs of it are not met yet (the store's table `needs` names them)
    deadline: int | None  # the wall clock's instant at which its record has to be looked at, whatever it waits for; see `policies.deadline`
    successes: int  # runs that succeeded
    failures: int  # runs that failed, in whatever way
    uncharged: int  # runs that are not charged to its retries: interrupted by somebody or by the machine's end, or lost
    paused: bool
    paused_at: int | None  # since when, while it is
    paused_for: int  # ns that it was paused before: its clocks stood still for so long
    held: bool
    # {"verb", "signal", "grace", "scope", "at"}: what was asked last, not what is; {"sent_at", "sent_verb"}: of the first that was served
    stop_requested: "dict[str, Any] | None"
    warnings: "list[dict[str, Any]]"  # {"warning", "text", "at", "run", "count", "over_at"}: what was warned of, each once
    info: "list[str]"
    params: "dict[str, str]"
    rerun_of: int | None
    schedule: str | None
    trigger: int | None
    automatic: bool
    environment: str | None  # content hash of the stored environment
    spec: "dict[str, Any]"
    feedback: "dict[str, str] | None"  # what its last run had reported when it was over; of a running one see `client.observed`
    progress: "dict[str, Any] | None"  # {"percent", "done", "total", "unit", "text", "from"}, likewise
    runs: "tuple[Run, ...]"  # no column: filled in by whoever asks for one job

    _defaults = {
        "version": 0, "description": "", "group": None, "key": None, "user": "",
        "status": PENDING, "outcome": None, "reason": None, "exit_code": None, "signal": None, "run": 0, "pid": None,
        "queued_at": None, "started_at": None, "ended_at": None, "next_run_at": None,
        "priority": 0, "mutex": None, "waits": 0, "deadline": None, "successes": 0, "failures": 0, "uncharged": 0,
        "paused": False, "paused_at": None, "paused_for": 0, "held": False, "stop_requested": None, "warnings": (),
        "info": ("", "", ""), "params": {}, "rerun_of": None,
        "schedule": None, "trigger": None, "automatic": False, "environment": None, "spec": {},
        "feedback": None, "progress": None, "runs": (),
    }  # fmt: skip

    @property
    def how(self) -> str:
        """Outcome (else status) and reason, without saying the same twice: `failed: exit code 3`; `stopped, ended by SIGTERM`."""
        return how(self.outcome or self.status, self.reason)

    @property
    def duration(self) -> float | None:
        """Seconds from the first run's start to the end; None while it is not known."""
        return _seconds_between(self.started_at, self.ended_at)


def how(word: str, reason: str | None) -> str:
    """Tell an outcome (or a status) and its reason, without saying the same twice."""
    if not reason or (word == SUCCEEDED and reason == "exit code 0"):
        return word
    return reason if reason.startswith((word.replace("_", " "), "killed")) else f"{word}: {reason}"


class Run(Value):
    """One try of a job. Its status is `running` or `ended`."""

    _fields = (
        "job", "run", "status", "outcome", "reason", "exit_code", "signal", "pid", "pid_start", "host", "boot", "pidns", "state_file",
        "claimed_at", "started_at", "ended_at", "cpu", "max_rss", "stdout", "stderr", "log", "missing", "leftovers", "limits",
        "processes", "fingerprint", "kept", "memory", "cpu_by",
    )  # fmt: skip
    job: int
    run: int
    status: str
    outcome: str | None
    reason: str | None
    exit_code: int | None
    signal: int | None
    pid: int | None
    pid_start: int | None  # field 22 of /proc/PID/stat: with pid and boot the identity of the process
    host: str
    boot: str
    pidns: int | None
    state_file: int  # number of the one that was lent to it, until its end is recorded
    claimed_at: int
    started_at: int | None
    ended_at: int | None
    cpu: int | None  # user and system time, nanoseconds, see `cpu_by`
    max_rss: int | None  # of the largest of its processes that were waited for
    stdout: int | None  # bytes that the command wrote
    stderr: int | None
    log: int | None  # length of the log stream
    missing: int | None  # bytes that the log lacks
    leftovers: int | None  # processes that were left when the run was over
    limits: "dict[str, Any] | None"  # what holds for it: its time limit (ns), and by what its other limits are enforced
    processes: int | None  # the most that it had at once, threads too, where the kernel counts them: in a cgroup of its own
    fingerprint: str | None  # hash of what it ran with
    kept: int | None  # bytes of its output on the disk, about; 0 once they are pruned; None before its end
    memory: int | None  # the most that all its processes had at once, cached files too, where the kernel counts that: in such a cgroup
    cpu_by: str | None  # `cgroup`: the CPU time of all its processes; None: of its command, and of the children that were waited for

    _defaults = {
        "status": RUNNING, "outcome": None, "reason": None, "exit_code": None, "signal": None, "pid": None, "pid_start": None,
        "host": "", "boot": "", "pidns": None, "state_file": 0, "started_at": None, "ended_at": None, "cpu": None, "max_rss": None,
        "stdout": None, "stderr": None, "log": None, "missing": None, "leftovers": None, "limits": None,
        "processes": None, "fingerprint": None, "kept": None, "memory": None, "cpu_by": None,
    }  # fmt: skip

    @property
    def duration(self) -> float | None:
        """Seconds that the run took; None while it is not known."""
        return _seconds_between(self.started_at, self.ended_at)


class Ending(Value):
    """How one run ended, as a value: what the shim, a witness or a reboot told, judged by the spec."""

    _fields = (
        "outcome", "reason", "exit_code", "signal", "ended_at",
        "cpu", "max_rss", "stdout", "stderr", "log", "missing", "leftovers", "processes", "memory", "cpu_by", "feedback", "progress",
    )  # fmt: skip
    outcome: str
    reason: str
    exit_code: int | None
    signal: int | None
    ended_at: int
    cpu: int | None
    max_rss: int | None
    stdout: int | None
    stderr: int | None
    log: int | None
    missing: int | None
    leftovers: int | None
    processes: int | None
    memory: int | None
    cpu_by: str | None
    feedback: "dict[str, str] | None"
    progress: "dict[str, Any] | None"

    _defaults = {
        "exit_code": None, "signal": None, "cpu": None, "max_rss": None,
        "stdout": None, "stderr": None, "log": None, "missing": None, "leftovers": None,
        "processes": None, "memory": None, "cpu_by": None, "feedback": None, "progress": None,
    }  # fmt: skip


def _seconds_between(start: int | None, end: int | None) -> float | None:
    return None if start is None or end is None else max(0, end - start) / 1_000_000_000
