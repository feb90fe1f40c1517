"""Why a job stands as it does: gathers what `core.why` needs to know beside the job."""

from outlast.core.job import QUEUED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.client.jobs import Jobs
    from outlast.core.job import Job


def why(jobs: "Jobs", job: "Job") -> str:
    """Return the paragraph about `job`."""
    from outlast.core.why import Around
    from outlast.core.why import why as explain
    from outlast.seams import now

    around = Around(supervised=jobs.home.is_supervised())
    reading = jobs.reading
    if job.status == QUEUED and job.group is not None and reading is not None:
        slots, paused, _ = reading.group(job.group) or (None, False, False)
        use = next((group for group in jobs.groups() if group["name"] == job.group), None)
        around = around.replace(
            slots=slots, group_paused=paused, running=use["running"] if use else 0, before=reading.queued_before(job)
        )
    return explain(job, around, now())
