"""Deadlines on the wall clock of a job that waits or runs: which one comes next, and what happens when it has come.

A paused job has none: its clocks stand still. What limits one run is measured by the supervisor; see `core.limits`.
"""

from outlast.core import job as j
from outlast.core.events import Ended, StopRequested, Warned
from outlast.core.options import value
from outlast.core.times import LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from outlast.core.job import Job

LAPSE, ABORT, HARD, SOFT = "lapse", "abort", "hard", "soft"
PROBED = ("wait.file", "wait.nonopen-file", "wait.script", "wait.http", "wait.s3", "wait.condition")


def deadline(job: "Job") -> int | None:
    """Return the instant (ns) at which something happens to the job even if nothing else does; None if there is none."""
    at = min((at for at, _, _ in _deadlines(job)), default=None)
    return None if at is None else min(at, LATEST)


def _deadlines(job: "Job") -> "Iterator[tuple[int, str, str]]":
    """Yield (instant, what, by which option) of all deadlines that hold for the job as it is."""
    if job.status == j.RESERVED and job.deadline is not None:
        yield job.deadline, LAPSE, ""
    if job.status in (j.RESERVED, j.ENDED) or job.paused:
        return
    if job.status != j.RUNNING:
        abort = "retries.abort-datetime" if job.run else "wait.abort-datetime"
        if value(job.spec, abort) is not None:
            yield value(job.spec, abort), ABORT, abort
    if job.stop_requested is not None and job.stop_requested["scope"] != "run":
        return  # it is being ended anyway
    began = job.created_at + job.paused_for
    if value(job.spec, "timeout.job") is not None:
        yield began + value(job.spec, "timeout.job"), HARD, "timeout.job"
    soft = value(job.spec, "timeout.soft.job")
    if soft is not None and not any(warning["warning"] == "timeout.soft.job" for warning in job.warnings):
        yield began + soft, SOFT, "timeout.soft.job"


def at_deadline(job: "Job", now: int) -> "Ended | StopRequested | Warned | None":
    """Return what happens to the job because a deadline of its has passed at `now`; None if none has."""
    due = sorted(known for known in _deadlines(job) if known[0] <= now)
    if not due:
        return None
    at, what, option = due[0]
    if what == LAPSE:
        return Ended(outcome=j.ABORTED, reason="the reservation lapsed before a command came")
    if what == ABORT:
        from outlast.core.times import format_time_full

        begun = f"run {job.run + 1} could not start" if job.run else "it could not start"
        return Ended(outcome=j.ABORTED, reason=f"{begun} before {option}, {format_time_full(at)}")
    from outlast.core.durations import format_duration

    limit = format_duration(value(job.spec, option))
    if what == SOFT:
        return Warned(warning=option, text=f"{option} of {limit} was reached")
    if job.status == j.RUNNING:
        return StopRequested(verb=j.TIMEOUT, by=option, why=f"{option} of {limit} was reached")
    return Ended(outcome=j.TIMED_OUT, reason=f"timed out: {option} of {limit} was reached while it waited")


def starts_at(spec: "Mapping[str, Any]", created_at: int, paused_for: int = 0) -> int | None:
    """Return when a job may start as far as its times go (wait.datetime, wait.timedelta), the extra delay included; None: at once."""
    given = [spec.get("wait.datetime")]
    if spec.get("wait.timedelta") is not None:
        given.append(created_at + spec["wait.timedelta"] + paused_for)
    instants = [instant for instant in given if instant is not None]
    if not instants:
        return None
    chosen: int = min(instants) if spec.get("wait.any") else max(instants)
    extra: int = value(spec, "wait.extra-delay") or 0
    return min(chosen + extra, LATEST)


def is_probed(spec: "Mapping[str, Any]") -> bool:
    """Tell whether the job waits for something that has to be looked at."""
    return not spec.keys().isdisjoint(PROBED)


def resumed_start(job: "Job", paused: int) -> int | None:
    """Return when a pending job that was paused for `paused` ns may be queued: a delay grows by that, a datetime stays."""
    if job.run or is_probed(job.spec) or not job.spec.keys() & {"wait.datetime", "wait.timedelta"}:
        return None if job.next_run_at is None else min(job.next_run_at + paused, LATEST)
    return starts_at(job.spec, job.created_at, job.paused_for + paused)
