"""Looks at running jobs, beside the record: their feedback file, their output's end, their processes. Nothing is written."""

from outlast.client.usage import Look
from outlast.core.job import RUNNING, Job
from outlast.core.observed import Observed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from outlast.client.jobs import Jobs


def observe_all(jobs: "Jobs", some: "Iterable[Job]") -> "dict[int, Observed]":
    """Return what is seen of each of the jobs now, by id; the machine's processes are looked at once for all of them."""
    found = list(some)
    look = Look(jobs, found)
    return {job.id: observe(jobs, job, look) for job in found}


def observe(jobs: "Jobs", job: Job, look: "Look | None" = None) -> Observed:
    """Return what is seen of `job` now. A file that cannot be read tells nothing. `look`: one that was made for it among others."""
    look = look or Look(jobs, [job])
    seen: dict[str, Any] = {"feedback": job.feedback or {}, "progress": job.progress, **look.usage(job)}
    if job.status != RUNNING:
        return Observed(**seen)
    return Observed(**seen)
