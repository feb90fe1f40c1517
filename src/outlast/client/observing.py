"""Looks at running jobs, beside the record: their feedback file, their output's end, their processes. Nothing is written."""

from outlast.core.job import RUNNING, Job
from outlast.core.observed import Observed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from outlast.client.jobs import Jobs


BUDGET = 1 << 20  # bytes that are read of one file, unless all of it is wanted


def observe(jobs: "Jobs", job: Job, most: int | None = BUDGET) -> Observed:
    """Return what is seen of `job` now. A file that cannot be read tells nothing. `most`: bytes to read of a file, None: all."""
    from outlast.client import reported

    seen: dict[str, Any] = {"feedback": job.feedback or {}, "progress": job.progress if job.status != RUNNING else None}
    seen |= reported.seen(jobs, job, most)  # what it says itself counts more than what its output looks like
    return Observed(**seen)
