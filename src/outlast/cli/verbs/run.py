"""`outlast run`: submit a command; with `--wait` stay in front of it, with `--from` submit a file of them."""

import os
import sys

from outlast.client.submitting import TO_RESOLVE, submission
from outlast.core.job import ENDED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs
    from outlast.client.opened import Opened
    from outlast.core.job import Job


def main(parsed: "Parsed", opened: "Opened") -> int:
    """Submit."""
    if "from" in parsed.options or parsed.foreground or parsed.options.get("dry-run"):
        return _otherwise(parsed, opened)
    options = parsed.spec if TO_RESOLVE.isdisjoint(parsed.spec) else _jobs(opened).resolved(parsed.spec)
    job = opened.submit([submission(parsed.command, options, shell=parsed["shell"])], wake=False)[0]
    told(job, parsed)  # it is durable; a supervisor that cannot be started is told after that
    if job.status != ENDED or "id" in parsed.options:  # others may wait for the end of what was reserved
        opened.wake()
    return 0


def _otherwise(parsed: "Parsed", opened: "Opened") -> int:
    """Submit in front, or many, or not at all."""
    jobs = _jobs(opened)
    if parsed.options.get("dry-run"):
        from outlast.cli.verbs.run_dry import say

        return say(parsed, jobs)
    if parsed.foreground:
        from outlast.client.front import run_in_front

        options = jobs.resolved(parsed.spec)
        return run_in_front(jobs, lambda front: submission(parsed.command, options, shell=parsed["shell"], front=front), **in_front(parsed))
    from outlast.cli.verbs.run_from import submit_lines

    return submit_lines(parsed, jobs)


def _jobs(opened: "Opened") -> "Jobs":
    from outlast.client.jobs import Jobs

    return Jobs(opened.home.path)


def in_front(parsed: "Parsed") -> "dict[str, bool]":
    """Return what a client in front is to know of the command line."""
    return {name.replace("-", "_"): bool(parsed.options.get(name)) for name in ("quiet", "verbose", "fail-if-not-run")}


def told(job: "Job", parsed: "Parsed") -> None:
    """Print the id, durable by now, and to a person what to do with it."""
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps
        from outlast.core.shape import job_shape

        print(dumps(job_shape(job, ())))
    else:
        sys.stdout.write(f"{job.id}\n")
    sys.stdout.flush()
    if parsed.options.get("quiet"):
        return
    if job.status == ENDED:
        from outlast.cli.terminal import visible

        print(visible(f"outlast: job {job.id} was {job.outcome}: {job.reason}"), file=sys.stderr)
    elif os.isatty(2) and os.isatty(1):
        sys.stderr.write(
            f"outlast: `outlast logs -f {job.id}` follows it, `outlast show {job.id}` tells all, `outlast stop {job.id}` ends it\n"
        )
