"""How far a job is and what it wrote last: by the end of its output, unless it reports it itself."""

from outlast.core import progress as p
from outlast.core.job import RUNNING
from outlast.logs.newest import newest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from outlast.client.jobs import Jobs
    from outlast.core.job import Job, Run

FIELDS = frozenset({"progress", "last_line"})  # of what is observed


def seen(jobs: "Jobs", job: "Job", told: "dict[str, Any] | None", told_at: int | None = None) -> "dict[str, Any]":
    """Return `progress` and `last_line` of a job. `told`: what it reports itself, or its record says; `told_at`: when (ns), None: now."""
    running = job.status == RUNNING
    run = job.runs[-1] if job.runs else None
    if not job.run or not (running or (run is not None and (run.stdout or run.stderr))):
        return {"progress": told, "last_line": None}
    end = newest(jobs.home.run_path(job.id, job.run), job.spec, over=not running)
    left: int | None = None
    if told is None and end.found is not None:
        told, told_at, left = p.as_progress(end.found), end.at, end.found.eta
    if told is not None and running:
        told = {**told, "eta": _eta(jobs, job, told, told_at, left)}
    return {"progress": told, "last_line": end.last_line}


def _eta(jobs: "Jobs", job: "Job", told: "dict[str, Any]", told_at: int | None, left: int | None) -> int | None:
    from outlast.seams import now

    if job.paused:
        return None
    run: Run | None = job.runs[-1] if job.runs else None
    began, paused = job.started_at, job.paused_for
    if job.run > 1:  # the job's own start is that of its first run
        run = run or (jobs.reading.run(job.id, job.run) if jobs.reading is not None else None)
        began = None if run is None else run.started_at
    if run is not None:
        paused -= (run.limits or {}).get("paused_before", 0)
    at = now()
    return p.eta(told, began=None if began is None else began + paused, at=told_at or at, now=at, told=left)
