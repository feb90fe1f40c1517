"""Running a job again: the same command, options and, while it is stored, the same environment."""

from outlast.client.submitting import environment, stored_environment
from outlast.core.job import Job
from outlast.store.store import Submission

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.store.reading import Reading
    from outlast.store.store import Front


# What a job once waited for is past: it was wanted then, and is wanted now.
_FOR_ONCE = ("wait.", "after.", "while-running", "pending", "approval", "unless-fresh", "retries.abort-datetime")


def resubmission(reading: "Reading", job: Job, *, front: "Front | None" = None) -> Submission:
    """Return the submission of `job` as a new one with `rerun_of`. Without its stored environment it takes ours."""
    spec = {name: given for name, given in job.spec.items() if not name.startswith(_FOR_ONCE)}
    found = reading.environment(job.environment) if job.environment else None
    around = stored_environment(*found) if found is not None else environment({}, ())
    fresh = Job(
        id=0, name=job.name, description=job.description, group=job.group, key=job.key, command=job.command, cwd=job.cwd,
        user=job.user, created_at=0, info=job.info, params=job.params, rerun_of=job.id, spec=spec,
        priority=job.priority, mutex=job.mutex,
    )  # fmt: skip
    return Submission(job=fresh, environment=around, front=front)
