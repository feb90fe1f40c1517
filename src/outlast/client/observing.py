"""Looks at running jobs, beside the record: their feedback file, their output's end, their processes. Nothing is written."""

from outlast.client import progress
from outlast.core.job import RUNNING, Job
from outlast.core.observed import Observed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from typing import Any

    from outlast.client.jobs import Jobs


def observe(jobs: "Jobs", job: Job, wanted: "AbstractSet[str] | None" = None) -> Observed:
    """Return what is seen of `job` now. A file that cannot be read tells nothing. `wanted`: the fields that are needed, None: all."""
    seen: dict[str, Any] = {"feedback": job.feedback or {}, "progress": job.progress if job.status != RUNNING else None}
    if wanted is None or not progress.FIELDS.isdisjoint(wanted):
        seen |= progress.seen(jobs, job, seen["progress"], seen.get("heartbeat_at"))  # after all that a job reports itself
    return Observed(**seen)
