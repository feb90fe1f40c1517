"""Jobs and groups as rows of cells, and which columns of them fit. Nothing here knows of the screen."""

from typing import TYPE_CHECKING, NamedTuple

from outlast.cli import render
from outlast.cli.terminal import columns, visible
from outlast.cli.top.about import progress
from outlast.core.durations import format_duration
from outlast.core.job import ENDED, PENDING, RUNNING, SUCCEEDED
from outlast.core.observed import Observed
from outlast.core.times import format_time_local

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from outlast.cli.top.seen import Seen
    from outlast.core.job import Job

GAP = 2  # columns between two cells
WIDE = 1000  # of a column that takes what is left
_BAR = 8  # cells of a progress bar
_NOTHING = Observed()


class Column(NamedTuple):
    """A column: at `most` so wide; the higher its `rank`, the earlier it goes when there is no room; `least`: it may be cut to this."""

    name: str
    heading: str
    most: int
    rank: int
    least: int = 0
    right: bool = False


class Cell(NamedTuple):
    """A text without control characters, and the name of its style."""

    text: str
    style: str = ""


Row = tuple[Cell, ...]

OF_JOBS = (
    Column("id", "ID", 10, 0, right=True),
    Column("name", "NAME", 24, 1, least=6),
    Column("state", "STATE", 12, 0),
    Column("group", "GROUP", 14, 6, least=8),
    Column("run", "RUN", 7, 7, right=True),
    Column("progress", "PROGRESS", 20, 3),
    Column("started", "STARTED", 12, 5),
    Column("duration", "DURATION", 9, 0, right=True),
    Column("usual", "USUAL", 9, 8, right=True),
    Column("last", "LAST LINE OR REASON", WIDE, 2, least=14),
)
OF_GROUPS = (
    Column("name", "GROUP", 40, 0, least=6),
    Column("slots", "SLOTS", 9, 2, right=True),
    Column("running", "RUNNING", 9, 0, right=True),
    Column("queued", "QUEUED", 9, 1, right=True),
    Column("pending", "PENDING", 9, 3, right=True),
    Column("state", "STATE", 20, 1),
)


def job_row(job: "Job", seen: "Seen") -> Row:
    """Return the cells of a job, one for each of OF_JOBS."""
    observed = seen.observed.get(job.id, _NOTHING)
    word = render.state(job)
    if word == RUNNING and observed.activity in {"silent", "stalled"}:
        state = Cell(observed.activity, "yellow")
    else:
        state = Cell(word.replace("_", " "), render.colour(word))
    return (
        Cell(str(job.id), "dim" if job.status == ENDED else ""),
        Cell(visible(job.name)),
        state,
        Cell(visible(job.group or "")),
        Cell(render.cell(job, "run", seen.at) if job.run != 1 or "retries.num-runs" in job.spec else ""),
        Cell(_bar(observed.progress if job.status == RUNNING else job.progress if job.outcome != SUCCEEDED else None), "blue"),
        Cell(format_time_local(job.started_at, seen.at)),
        Cell(_duration(job, seen.at)),
        Cell("" if observed.usual is None else format_duration(observed.usual), "dim"),
        _last(job, observed, seen),
    )


def group_row(group: "Mapping[str, Any]") -> Row:
    """Return the cells of a group, one for each of OF_GROUPS."""
    running, slots = group["running"], group["slots"]
    return (
        Cell(visible(str(group["name"]))),
        Cell("none" if slots is None else str(slots)),
        Cell(str(running), "blue" if running else "dim"),
        Cell(str(group["queued"]), "yellow" if group["queued"] else "dim"),
        Cell(str(group["pending"]), "yellow" if group["pending"] else "dim"),
        Cell(", ".join(word for word in ("paused", "draining") if group.get(word)), "yellow"),
    )


def _duration(job: "Job", at: int) -> str:
    """Return a duration that changes once a second at most."""
    text = render.cell(job, "duration", at)
    return text if job.ended_at is not None or not text else format_duration(_whole_seconds(job, at))


def _whole_seconds(job: "Job", at: int) -> int:
    second = 1_000_000_000
    return max(0, at - (job.started_at or at)) // second * second


def _bar(told: "Mapping[str, Any] | None") -> str:
    """Return `████░░░░  45%`; without a percentage what else is told."""
    if not told:
        return ""
    percent = told.get("percent")
    if not isinstance(percent, int | float):
        return visible(progress({name: value for name, value in told.items() if name != "text"}) or str(told.get("text") or ""))
    share = min(max(percent, 0), 100) / 100
    full = int(share * _BAR)
    return f"{'█' * full}{'░' * (_BAR - full)} {share:4.0%}"


def _last(job: "Job", observed: Observed, seen: "Seen") -> Cell:
    """Return what is worth a look: a warning, the last line, what it waits for, why it ended so."""
    warning = next((told["text"] for told in reversed(job.warnings) if not told.get("over_at")), None)
    if warning and job.status != ENDED:
        return Cell(f"! {visible(warning)}", "yellow")
    if job.status == RUNNING:
        return Cell(visible(observed.last_line or ""))
    if job.status == ENDED:
        return Cell("" if job.outcome == SUCCEEDED else visible(job.reason or ""), "dim")
    if seen.waiting.get(job.id):
        return Cell(visible(f"waits {seen.waiting[job.id]}"), "dim")
    if job.status == PENDING and job.next_run_at is not None:
        return Cell(f"not before {format_time_local(job.next_run_at, seen.at)}", "dim")
    return Cell(visible(job.reason or ""), "dim")


def natural(wanted: "Sequence[Column]", rows: "Sequence[Row]", at_least: "Mapping[str, int] | None" = None) -> dict[str, int]:
    """Return how wide each column would like to be; 0: there is nothing in it."""
    sizes = {}
    for number, column in enumerate(wanted):
        held = max((columns(row[number].text) for row in rows), default=0)
        size = max(held, len(column.heading)) if held or not column.rank else 0
        sizes[column.name] = min(max(size, (at_least or {}).get(column.name, 0)), column.most)
    return sizes


def fit(wanted: "Sequence[Column]", sizes: "Mapping[str, int]", width: int) -> "dict[str, int]":
    """Return the columns that fit into `width`, with their sizes: what may be cut is, then columns go; what is left is the last one's."""
    kept = [column for column in wanted if sizes[column.name]]
    found = {column.name: min(sizes[column.name], column.least or column.most) for column in kept}

    def left() -> int:
        return width - sum(found.values()) - GAP * (len(found) - 1)

    while left() < 0 and any(column.rank for column in kept):
        gone = max(kept, key=lambda column: column.rank)
        kept.remove(gone)
        del found[gone.name]
    for most in (2, 1000):  # the double of its least for each before anybody gets all
        for column in kept:
            found[column.name] += max(0, min(left(), sizes[column.name] - found[column.name], most * column.least - found[column.name]))
    if kept and kept[-1].most == WIDE:
        found[kept[-1].name] += max(0, left())
    return found
