"""`run --dry-run`: the very decision of a submission, made in a transaction that is never committed."""

import os
import shutil
import tempfile

from outlast.core.job import PENDING
from outlast.seams import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.client.jobs import Jobs
    from outlast.core.job import Job
    from outlast.store.store import Submission


class Rehearsed(Exception):  # it is no error: it takes everything back
    """What was decided, thrown out of its transaction."""

    def __init__(self, job: "Job", waits: "list[str]", *, joined: bool) -> None:
        super().__init__()
        self.job = job
        self.waits = waits
        self.joined = joined


def rehearse(jobs: "Jobs", submission: "Submission") -> "Rehearsed":
    """Return what would become of the submission. Nothing of it is left, not even a home that was not there. Raises as `submit` does."""
    if jobs.reading is None:
        return _elsewhere(submission)
    return _rehearse(jobs, submission)


def _rehearse(jobs: "Jobs", submission: "Submission") -> "Rehearsed":
    from outlast.client.reasons import waiting_for

    store = jobs.store
    try:
        with store.batch():
            job = store.submit([submission], now())[0]
            waits = waiting_for(store, job) if job.status == PENDING and job.waits else []
            raise Rehearsed(job, waits, joined=bool(store.joined))
    except Rehearsed as told:
        return told


def _elsewhere(submission: "Submission") -> "Rehearsed":
    """Return likewise where there is no home yet: nothing can be in the way."""
    from outlast.client.jobs import Jobs

    folder = tempfile.mkdtemp(prefix="outlast-dry-run-")
    try:
        with Jobs(os.path.join(folder, "home")) as jobs:
            return _rehearse(jobs, submission)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
