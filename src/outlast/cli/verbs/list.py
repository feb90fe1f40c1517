"""`outlast list`, `ps`, `history`: which jobs there are."""

import os
import sys

from outlast.cli import render
from outlast.cli.terminal import colours, visible, width
from outlast.core.columns import OBSERVED
from outlast.core.job import RUNNING
from outlast.core.selectors import parse_selectors
from outlast.seams import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs
    from outlast.core.job import Job
    from outlast.core.observed import Observed

_FILTERS = (
    "status", "outcome", "name", "group", "text", "since", "until", "during", "where", "warned", "warning", "last", "per", "slowest",
    "sort",
)  # fmt: skip
_OF_ALL = ("last", "slowest", "sort", "among")  # with these active and ended jobs are one listing, not two


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """List. Jobs whose record is damaged are left out; the first of them is told when all others are."""
    reading = jobs.reading
    if reading is not None:
        reading.passed_by = {}
    if parsed.options.get("follow"):
        return _follow(parsed, jobs)
    found, more = _found(parsed, jobs)
    no_room: list[int] = []
    sys.stdout.write(_text(found, more, parsed, jobs, no_room))
    if not any(parsed.options.get(word) for word in ("quiet", "json", "ids")):
        note = _note(len(found), more, parsed, jobs)
        if no_room and parsed.options.get("columns"):
            them = ", ".join(parsed["columns"][i] for i in no_room)
            note = f"outlast: no room for {them}: ask for fewer columns, or for --json" + (f"\n{note}" if note else "")
        if note:
            sys.stdout.flush()
            print(visible(note), file=sys.stderr)
    for error in (reading.passed_by or {}).values() if reading is not None else ():
        sys.stdout.flush()
        raise error
    return 0


def _found(parsed: "Parsed", jobs: "Jobs") -> "tuple[list[Job], int]":
    """Return the jobs that are meant, and how many more there are."""
    wanted: dict[str, Any] = {name: parsed.options[name] for name in _FILTERS if parsed.options.get(name) not in (None, False)}
    if "per" in wanted:
        wanted["last"] = True
    if parsed.operands:
        wanted["among"] = tuple(parse_selectors(parsed.operands))
        jobs.find([selector.text for selector in wanted["among"] if selector.single])  # one that is not there is worth a sentence
    return _listed(parsed, jobs, wanted)


def _text(found: "list[Job]", more: int, parsed: "Parsed", jobs: "Jobs", no_room: "list[int] | None" = None) -> str:
    if parsed.options.get("ids"):
        return render.ids(job.id for job in found)
    runs = {job.id: jobs.runs(job) for job in found} if parsed.options.get("runs") else None
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps
        from outlast.core.shape import jobs_shape

        waits = {job.id: jobs.waiting_for(job.id) for job in found if job.waits}
        observed = jobs.observe_all(job for job in found if job.status == RUNNING)
        return dumps(jobs_shape(found, more, now(), runs, waits, observed)) + "\n"
    shown = parsed.options.get("columns")
    running = [job for job in found if job.status == RUNNING] if shown is None or "duration" in shown else []
    return render.jobs_table(
        found, now(), shown=shown, width=width(os.environ), colours=colours(os.environ), runs=runs,
        observed=_observed(jobs, found, shown),
        usual={number: took for number, (took, _) in jobs.usual_durations(running).items()} if running else None,
        no_room=no_room,
    )  # fmt: skip


def _follow(parsed: "Parsed", jobs: "Jobs") -> int:
    from outlast.cli.following import Seen, follow

    def look() -> Seen:
        found, more = _found(parsed, jobs)
        return Seen(
            text=_text(found, more, parsed, jobs), key=[(job.id, job.version, job.status, job.outcome) for job in found],
            note=_note(len(found), more, parsed, jobs), lively=any(job.status == RUNNING for job in found),
            newest_last=parsed.verb != "history",
        )  # fmt: skip

    return follow(jobs, look, parsed)


def _observed(jobs: "Jobs", found: "list[Job]", shown: "list[str] | None") -> "dict[int, Observed]":
    """Return what the columns need to know beside the records: unless columns were chosen the progress and the activity of running jobs."""
    running = [job for job in found if job.status == RUNNING]
    if shown is None:
        return jobs.observe_all(running, {"progress", "activity"})
    wanted = {OBSERVED[name] for name in shown if name in OBSERVED}
    if wanted:
        return jobs.observe_all(found, wanted | {"activity"})
    return jobs.observe_all(running, {"activity"}) if "state" in shown else {}


def _listed(parsed: "Parsed", jobs: "Jobs", wanted: "dict[str, Any]") -> "tuple[list[Job], int]":
    limit = parsed["limit"]
    if parsed.verb == "ps":
        return jobs.listing(ended=False, limit=limit, **wanted)
    if parsed.verb == "history":
        return jobs.listing(active=False, limit=limit, **wanted)
    if not wanted.keys().isdisjoint(_OF_ALL):
        found, more = jobs.listing(limit=limit, **{"sort": ("-id",), **wanted})
        return (found if "sort" in wanted or "slowest" in wanted else found[::-1]), more
    active, _ = jobs.listing(ended=False, **wanted)
    ended, more = jobs.listing(active=False, limit=limit, **wanted)
    both = {job.id: job for job in active + ended}  # who ended between the two looks is in both; the later one is true
    return [both[number] for number in sorted(both)], more


def _note(count: int, more: int, parsed: "Parsed", jobs: "Jobs") -> str:
    """Return what is to be said about what is not shown."""
    if more:
        from outlast.store.finding import COUNTED

        filtered = parsed.operands or any(parsed.options.get(name) for name in _FILTERS)
        many = f"{COUNTED} or more" if filtered and more >= COUNTED else f"{more} more"  # what a filter leaves out is counted no further
        return f"outlast: {many}; `-n all` shows them"
    return "" if count else f"outlast: no {'such ' if len(parsed.options) or parsed.operands else ''}jobs in {jobs.home.path}"
