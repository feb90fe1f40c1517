"""`outlast show`: everything known about a job or a run."""

import os
import sys

from outlast.cli import details
from outlast.cli.terminal import colours, width
from outlast.core.errors import NotFound, UsageError
from outlast.seams import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs
    from outlast.core.job import Job, Run


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Show."""
    job = jobs.one(parsed.operands[0])
    if parsed.form == "run":
        return _show_run(jobs, job, _wanted(job, parsed.operands[1:]), parsed)
    if parsed.options.get("ids"):
        print(job.id)
    elif parsed.options.get("json"):
        from outlast.core.jsontext import dumps
        from outlast.core.shape import job_shape

        print(dumps(job_shape(job, job.runs, now(), waiting_for=jobs.waiting_for(job), observed=jobs.observe(job, whole=True))))
    else:
        notes = [event["data"]["text"] for event in jobs.events(job) if event["kind"] == "noted"]
        told = details.job_detail(
            job, job.runs, now(), width=width(os.environ), colours=colours(os.environ), why=jobs.why(job), notes=notes,
            observed=jobs.observe(job, whole=True),
        )  # fmt: skip
        sys.stdout.write(told)
    return 0


def _show_run(jobs: "Jobs", job: "Job", run: "Run", parsed: "Parsed") -> int:
    from outlast.client.changes import ran_with

    facts = ran_with(jobs, run)
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps
        from outlast.core.shape import SCHEMA, run_shape

        print(dumps({"schema": SCHEMA, "id": job.id, **run_shape(run, now()), "ran_with": facts}))
    else:
        sys.stdout.write(details.run_detail(job, run, now(), width=width(os.environ), colours=colours(os.environ)))
        sys.stdout.write(details.facts_detail(facts or {}, width=width(os.environ)))
    return 0


def _wanted(job: "Job", words: "list[str]") -> "Run":
    if not job.runs:
        raise NotFound(f"job {job.id} has no run yet", f"`outlast why {job.id}` says why")
    try:
        number = int(words[0]) if words else -1
    except ValueError:
        raise UsageError(f"`{words[0][:40]}` is no number of a run", f"job {job.id} has runs 1 to {len(job.runs)}") from None
    if number < 0:
        number += len(job.runs) + 1
    if not 1 <= number <= len(job.runs):
        raise NotFound(f"job {job.id} has no run {words[0]}", f"it has runs 1 to {len(job.runs)}")
    return job.runs[number - 1]
