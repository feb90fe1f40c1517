"""Looks at running jobs, beside the record: their feedback file, their output's end, their processes. Nothing is written."""

from outlast.client import reported
from outlast.core.job import RUNNING, Job
from outlast.core.observed import Observed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from typing import Any

    from outlast.client.jobs import Jobs


BUDGET = 1 << 20  # bytes that are read of one file in a listing
WHOLE = 1 << 30  # likewise, of one job that is looked at by itself


def observe(jobs: "Jobs", job: Job, wanted: "AbstractSet[str] | None" = None, most: int = BUDGET) -> Observed:
    """Return what is seen of `job` now. A file that cannot be read tells nothing.

    `wanted`: the fields that are needed, None: all; `most`: bytes to read of a file.
    """
    seen: dict[str, Any] = {"feedback": job.feedback or {}, "progress": job.progress if job.status != RUNNING else None}
    if wanted is None or not reported.FIELDS.isdisjoint(wanted):
        seen |= reported.seen(jobs, job, most, wanted)  # what it says itself counts more than what its output looks like
    return Observed(**seen)
