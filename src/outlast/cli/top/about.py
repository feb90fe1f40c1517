"""The tabs below the table that are text: everything known about the chosen job, its events, what it reports."""

from textwrap import fill
from typing import TYPE_CHECKING

from outlast.cli import details, render
from outlast.cli.terminal import visible
from outlast.core.durations import format_duration
from outlast.core.sizes import format_size
from outlast.core.times import format_time_full

if TYPE_CHECKING:
    from outlast.client.jobs import Jobs
    from outlast.core.job import Job
    from outlast.core.observed import Observed

OUTPUT, DETAILS, EVENTS, FEEDBACK = TABS = ("output", "details", "events", "feedback")
MOST_EVENTS = 500
_MARGIN = 14  # of the texts behind the labels


def about(jobs: "Jobs", chosen: int | None, tab: str, width: int, at: int) -> "tuple[int | None, str, list[str]]":
    """Return (job, tab, its lines). The output has its own reader; a job that is gone has no lines."""
    job = None if chosen is None or tab == OUTPUT else jobs.get(chosen)
    if job is None:
        return chosen, tab, []
    if tab == DETAILS:
        notes = [event["data"]["text"] for event in jobs.events(job) if event["kind"] == "noted"]
        facts = details.job_detail(job, job.runs, at, why=jobs.why(job), notes=notes).partition("\n\n")[0]
        text = "\n".join(fill(line, width, subsequent_indent=" " * _MARGIN) for line in facts.splitlines())
        text += f"\n\n{render.runs_table(job.runs, at, width=width)}" if job.runs else ""
    elif tab == EVENTS:
        text = details.events_table(jobs.events(job)[-MOST_EVENTS:], at, width=width)
    else:
        text = _reported(job, jobs.observe(job), at)
    return chosen, tab, text.splitlines()


def _reported(job: "Job", seen: "Observed", at: int) -> str:
    silent = None if seen.heartbeat_at is None else at - seen.heartbeat_at
    facts = [
        ("progress", progress(seen.progress)),
        ("left", format_duration(seen.progress["eta"]) if seen.progress and seen.progress.get("eta") is not None else ""),
        ("activity", seen.activity or ""),
        ("heartbeat", "" if silent is None else f"{format_time_full(seen.heartbeat_at)}, {format_duration(silent)} ago"),
        ("limit", "" if seen.heartbeat_timeout is None else format_duration(seen.heartbeat_timeout)),
        ("last line", seen.last_line or ""),
        ("usual", "" if seen.usual is None else format_duration(seen.usual)),
        ("cpu time", "" if seen.cpu is None else format_duration(seen.cpu)),
        ("memory", "" if seen.rss is None else format_size(seen.rss)),
        ("processes", "" if seen.processes is None else str(seen.processes)),
        ("output", "" if seen.output is None else format_size(seen.output)),
    ]
    lines = [f"{label:<12}{visible(text)}" for label, text in facts if text]
    if seen.feedback:
        lines += ["", *(f"{visible(key)} = {visible(text)}" for key, text in seen.feedback.items())]
    return "\n".join(lines) or f"job {job.id} reports nothing"


def progress(told: "dict[str, object] | None") -> str:
    """Return a progress as text: `45% 9/20 files copying`."""
    if not told:
        return ""
    percent, done, total = told.get("percent"), told.get("done"), told.get("total")
    parts = [f"{percent:.0f}%" if isinstance(percent, int | float) else ""]
    parts.append(f"{done:g}/{total:g}" if isinstance(done, int | float) and isinstance(total, int | float) else "")
    return " ".join(filter(None, (*parts, str(told.get("unit") or ""), str(told.get("text") or ""))))
