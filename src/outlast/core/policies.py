"""How a run ended, as pure functions of what is told of it. What follows it is decided in `core.retries`."""

from outlast.core import job as j
from outlast.core.events import Ended
from outlast.core.job import Ending, Job
from outlast.core.options import value
from outlast.core.signals import signal_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NOT_FOUND = 127  # POSIX, Shell Command Language 2.8.2: no such command
CANNOT_START = 126  # likewise: found, and not to be executed


def judge(job: Job, result: "dict[str, Any]", *, stopped_by_us: bool) -> Ending:
    """Return how a run ended by the shim's `result` (docs/shim-protocol.md) and the job's spec.

    `stopped_by_us`: a signal of ours reached the command before it ended.
    """
    facts: dict[str, Any] = {
        "ended_at": result["at"], "cpu": (result["utime"] + result["stime"]) * 1000, "max_rss": result["max_rss"],
        "stdout": result["stdout"], "stderr": result["stderr"], "log": result["log"], "missing": result["missing"],
        "leftovers": result["leftovers"],
    }  # fmt: skip
    if result["status"] is None:
        stage, error = result["stage"], result["error"]
        code = NOT_FOUND if stage == "exec" and error == _ENOENT else CANNOT_START
        nothing = {**facts, "cpu": None, "max_rss": None}  # the command used nothing that could be told
        return Ending(outcome=j.NOT_STARTED, reason=_not_started(job, stage, error), exit_code=code, **nothing)
    return of_status(job, result["status"], stopped_by_us=stopped_by_us, **facts)


def was_stopped(job: Job, ended_at: int) -> bool:
    """Tell whether a signal at somebody's wish went to the present run before it ended at `ended_at` (ns)."""
    sent_at = (job.stop_requested or {}).get("sent_at")
    return sent_at is not None and ended_at >= sent_at


def of_status(job: Job, status: int, *, stopped_by_us: bool, **facts: "Any") -> Ending:
    """Return how a run ended by its raw wait status (wait(2)) and the job's spec."""
    signal = status & 0x7F
    code = None if signal else status >> 8
    told = f"ended by {signal_name(signal)}" if signal else f"exit code {code}"
    if stopped_by_us:
        wish = job.stop_requested or {}
        verb = wish.get("sent_verb") or wish.get("verb", j.STOP)
        outcome = _OUTCOME.get(verb, j.STOPPED)
        reason = f"{_limit_reached(wish) if verb == j.TIMEOUT else _DONE[verb]}, {told}"
    elif signal:
        outcome, reason = j.FAILED, told
    else:
        outcome, reason = _by_code(job, code or 0), told
    return Ending(outcome=outcome, reason=reason, exit_code=code, signal=signal or None, **facts)


_DONE = {j.STOP: "stopped", j.KILL: "killed", j.INTERRUPT: "interrupted"}
_OUTCOME = {j.INTERRUPT: j.INTERRUPTED, j.TIMEOUT: j.TIMED_OUT}


def _limit_reached(wish: "dict[str, Any]") -> str:
    """Return which limit was reached, as a sentence: the wish may be another one by now, which came later."""
    return f"timed out: {wish.get('why') or 'a limit of its time was reached'}"


_ENOENT = 2


def _by_code(job: Job, code: int) -> str:
    if code in value(job.spec, "retries.success-codes"):
        return j.SUCCEEDED
    failures = value(job.spec, "retries.failure-codes")
    return j.FAILED if not failures or code in failures else j.NEUTRAL


def _not_started(job: Job, stage: str, error: int) -> str:
    import os

    words = os.strerror(error)
    stdin = f"the standard input {value(job.spec, 'stdin') or ''}".rstrip()
    what = {"cwd": f"the directory {job.cwd}", "stdin": stdin, "fork": "a process for it"}.get(stage, job.command[0][:200])
    return f"not started: {what}: {words}"


def never_began(now: int, tries: int) -> Ending:
    """Return the ending of a run whose shims all ended before they could start the command: trying on would never end."""
    reason = f"not started: {tries} shims ended before the command could begin; `outlast doctor` and supervisor.log may say why"
    return Ending(outcome=j.NOT_STARTED, reason=reason, exit_code=CANNOT_START, ended_at=now)


def lost(now: int, reason: str) -> Ending:
    """Return the ending of a run of which nothing is known."""
    return Ending(outcome=j.LOST, reason=reason, ended_at=now)


def machine_ended(now: int, *, started: bool) -> Ending:
    """Return the ending of a run that was alive, or about to start, when the machine ended.

    `started` is told by the shim and not synced, so its absence after a reboot proves nothing: the run is not started again.
    """
    reason = "the machine ended while it ran" if started else "the machine ended while it was being started"
    return Ending(outcome=j.INTERRUPTED, reason=reason, ended_at=now)


_BEFORE = {j.PENDING: "while it waited", j.RESERVED: "while it was reserved"}


def without_run(job: Job) -> Ended:
    """Return the end of a job that was to be ended before it had a run to end."""
    wish = job.stop_requested or {}
    verb = wish.get("verb", j.STOP)
    waited = _BEFORE.get(job.status, "before it started")
    done = _limit_reached(wish) if verb == j.TIMEOUT else _DONE[verb]
    return Ended(outcome=_OUTCOME.get(verb, j.STOPPED), reason=f"{done} {waited}")
