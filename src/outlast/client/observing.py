"""Looks at running jobs, beside the record: their feedback file, their output's end, their processes. Nothing is written."""

from outlast.core.job import RUNNING, Job
from outlast.core.observed import Observed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from outlast.client.jobs import Jobs


def observe(jobs: "Jobs", job: Job) -> Observed:
    """Return what is seen of `job` now. A file that cannot be read tells nothing."""
    del jobs
    seen: dict[str, Any] = {"feedback": job.feedback or {}, "progress": job.progress}
    if job.status != RUNNING:
        return Observed(**seen)
    return Observed(**seen)
