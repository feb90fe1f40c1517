"""`outlast run --dry-run`: say what would happen, and leave nothing behind."""

import sys

from outlast.client.rehearsing import rehearse
from outlast.client.submitting import submission
from outlast.core.job import ENDED, PENDING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs
    from outlast.client.rehearsing import Rehearsed


def say(parsed: "Parsed", jobs: "Jobs") -> int:
    """Say it."""
    told = rehearse(jobs, submission(parsed.command, jobs.resolved(parsed.spec), shell=parsed["shell"]))
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps

        print(dumps(_shape(told)))
    else:
        sys.stdout.write(_text(told))
    return 0


def _text(told: "Rehearsed") -> str:
    from outlast.core.command import command_line
    from outlast.core.durations import format_duration
    from outlast.core.options import spelled
    from outlast.core.rehearsal import jitter, retries_ahead
    from outlast.core.times import format_time_full

    job = told.job
    lines = [f"would run   {command_line(job.command)}", f"in          {job.cwd}", f"it would    {_verdict(told)}"]
    lines += [f"{name:<11} {text}" for name, text in spelled(job.spec).items()]
    if job.status != ENDED and not told.joined:
        start = job.next_run_at or job.created_at
        retries, over = retries_ahead(job, start)
        either = f", give or take {format_duration(jitter(job))}" if jitter(job) else ""
        for retry in retries:
            after = f"{format_duration(retry.delay)} after run {retry.run - 1} ended{either}"
            lines.append(f"run {retry.run:<7} {after}: not before {format_time_full(retry.at)}")
        if over and retries:
            lines.append(f"then        {over}")
    return "".join(f"{line}\n" for line in lines)


def _verdict(told: "Rehearsed") -> str:
    from outlast.core.times import format_time_full

    job = told.job
    if told.joined:
        return f"be job {job.id}, which is {job.status}"
    if job.status == ENDED:
        return f"be {(job.outcome or '').replace('_', ' ')}: {job.reason}"
    if job.held:
        return "be held until it is released"
    waits = list(told.waits)
    if job.status == PENDING and job.next_run_at is not None:
        waits.append(f"until {format_time_full(job.next_run_at)}")
    return f"wait {'; and '.join(waits)}" if waits else f"be {job.status}, and start as soon as there is room"


def _shape(told: "Rehearsed") -> "dict[str, Any]":
    from outlast.core.rehearsal import jitter, retries_ahead
    from outlast.core.shape import job_shape, seconds
    from outlast.core.times import format_time_utc

    job = told.job
    retries, over = retries_ahead(job, job.next_run_at or job.created_at) if job.status != ENDED else ([], "")
    shape = job_shape(job, (), waiting_for=told.waits)
    shape["id"] = job.id if told.joined else None
    ahead = [{"run": r.run, "delay": seconds(r.delay), "jitter": seconds(jitter(job)), "at": format_time_utc(r.at)} for r in retries]
    return {**shape, "dry_run": True, "joins": told.joined, "retries": ahead, "then": over or None}
