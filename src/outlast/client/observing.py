"""Looks at running jobs, beside the record: their feedback file, their output's end, their processes. Nothing is written."""

from outlast.core.job import RUNNING, Job
from outlast.core.observed import Observed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet
    from typing import Any

    from outlast.client.jobs import Jobs
    from outlast.client.usage import Look

BUDGET = 1 << 20  # bytes that are read of one file in a listing
WHOLE = 1 << 30  # likewise, of one job that is looked at by itself
_PROGRESS = frozenset({"progress", "last_line"})
_REPORTED = frozenset({"feedback", "heartbeat_at", "heartbeat_timeout", "activity", "progress"})
_USAGE = frozenset({"usual", "usual_p95", "cpu", "rss", "processes", "output"})


def observe_all(jobs: "Jobs", some: "Iterable[Job]", wanted: "AbstractSet[str] | None" = None, most: int = BUDGET) -> "dict[int, Observed]":
    """Return what is seen of each of the jobs now, by id; the machine's processes are looked at once for all of them.

    `wanted`: the fields that are needed, None: all; what only others need is not looked at. `most`: bytes to read of a file.
    """
    found = list(some)
    look: Look | None = None
    if found and _is_wanted(_USAGE, wanted):
        from outlast.client import usage

        look = usage.Look(jobs, found)
    return {job.id: _observe(jobs, job, wanted, look, most) for job in found}


def observe(jobs: "Jobs", job: Job, wanted: "AbstractSet[str] | None" = None, most: int = BUDGET) -> Observed:
    """Return what is seen of `job` now. A file that cannot be read tells nothing."""
    return observe_all(jobs, [job], wanted, most)[job.id]


def _is_wanted(fields: "AbstractSet[str]", wanted: "AbstractSet[str] | None") -> bool:
    return wanted is None or not fields.isdisjoint(wanted)


def _observe(jobs: "Jobs", job: Job, wanted: "AbstractSet[str] | None", look: "Look | None", most: int) -> Observed:
    running = job.status == RUNNING
    seen: dict[str, Any] = {"feedback": job.feedback or {}, "progress": None if running else job.progress}
    if look is not None:
        seen |= look.usage(job)
    if _is_wanted(_REPORTED, wanted):
        from outlast.client import reported

        seen |= reported.seen(jobs, job, most, wanted)  # what it says itself counts more than what its output looks like
    if _is_wanted(_PROGRESS, wanted):
        from outlast.client import progress

        seen |= progress.seen(jobs, job, seen["progress"], seen.get("heartbeat_at"))  # after all that a job reports itself
    return Observed(**seen)
