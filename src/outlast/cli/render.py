"""Results as text for people: tables that fit the terminal. Values come from the core; JSON has its shape in `core.shape`.

Every function returns the lines as one text that ends with a newline, or is empty.
"""

from outlast.cli.terminal import columns, cut, pad, paint, visible
from outlast.core.columns import COLUMNS, OBSERVED
from outlast.core.durations import format_duration
from outlast.core.feedback import SILENT, STALLED
from outlast.core.job import ENDED, FAILED, INTERRUPTED, LOST, NOT_STARTED, PENDING, QUEUED, RUNNING, SUCCEEDED, TIMED_OUT
from outlast.core.options import value
from outlast.core.shape import lasted
from outlast.core.times import format_time_local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from outlast.core.job import Job, Run
    from outlast.core.observed import Observed

GAP = "  "
LEAST = 8  # a column that is cut keeps so many
_RIGHT = frozenset({"id", "warnings", "run", "priority", "exit_code", "signal", "pid", "duration", "rerun_of", *OBSERVED}) - {
    "progress",
    "last_line",
    "activity",
    "feedback",
}
_WHOLE = frozenset({"id", "run", "state", "status", "outcome", "started", "duration", "pid", "exit_code", "rerun_of"})  # cut last
WARNED = "warned"  # for the colour
USUAL = ("id", "name", "state", "started", "duration")


def table(headings: "Sequence[str]", rows: "Sequence[Sequence[str]]", *, width: int | None = None, right: "Iterable[int]" = (),
          whole: "Iterable[int]" = (), paints: "Mapping[int, Callable[[int], str]] | None" = None, bold: bool = False,
          no_room: "list[int] | None" = None) -> str:  # fmt: skip
    """Return `rows` under `headings` in at most `width` columns (None: as wide as it gets).

    `right`: columns that stand on the right; `whole`: columns that are cut only when nothing else is left to cut; `paints`: by column, the
    colour of a row's cell. The first column is never cut. `no_room` gets the columns that had to go.
    """
    cells = [[visible(cell) for cell in row] for row in rows]
    sizes = [max((columns(row[i]) for row in cells), default=0) for i in range(len(headings))]
    sizes = [max(size, len(heading)) for size, heading in zip(sizes, headings, strict=True)]
    if width is not None:
        _fit(sizes, width, frozenset(whole), headings)
    if no_room is not None:
        no_room += [i for i, size in enumerate(sizes) if not size]
    on_right = frozenset(right)
    lines = []
    for number, row in enumerate([list(headings), *cells]):
        parts = []
        for i, cell in enumerate(row):
            if not sizes[i]:
                continue
            text = pad(cut(cell, sizes[i]) if i else cell, sizes[i], right=i in on_right)
            if number and paints and i in paints:
                text = paint(text, paints[i](number - 1))
            elif not number and bold:
                text = paint(text, "bold")
            parts.append(text)
        lines.append(GAP.join(parts).rstrip(" "))
    return "\n".join(lines) + "\n"


def _fit(sizes: list[int], width: int, whole: frozenset[int], headings: "Sequence[str]") -> None:
    """Narrow the widest columns until all fit: first those that may be cut, then the whole ones; at last columns go, from the right."""

    def over() -> int:
        shown = [size for size in sizes if size]
        return sum(shown) + len(GAP) * (len(shown) - 1) - width

    for group in ([i for i in range(1, len(sizes)) if i not in whole], [i for i in range(1, len(sizes)) if i in whole]):
        while over() > 0:
            widest = max(group, key=lambda i: sizes[i], default=0)
            if not widest or sizes[widest] <= max(LEAST, len(headings[widest]) if group and widest in whole else LEAST):
                break
            others = sorted((sizes[i] for i in group if i != widest), reverse=True)
            step = sizes[widest] - max(LEAST, others[0] - 1 if others and others[0] < sizes[widest] else LEAST)
            sizes[widest] -= max(1, min(over(), step))
    for i in range(len(sizes) - 1, 0, -1):
        if over() <= 0:
            return
        sizes[i] = 0


def state(job: "Job", seen: "Observed | None" = None) -> str:
    """Return the one word that says how a job stands: its outcome when it has ended, `paused`, `held`, `stopping`, else its status.

    With what is `seen` of it, one that runs and gives no heartbeat is `silent` or `stalled`.
    """
    if job.status == ENDED:
        return job.outcome or ENDED
    if job.stop_requested and job.status == RUNNING:
        return "stopping"
    if job.paused:
        return "paused"
    if job.held:
        return "held"
    if job.status == PENDING and job.run:
        return "retrying"
    if seen is not None and seen.activity in {SILENT, STALLED} and job.status == RUNNING:
        return seen.activity or ""
    return job.status


def is_warned(job: "Job") -> bool:
    """Tell whether there is something to warn of a job that runs, or was of the run with which it succeeded."""
    if job.status not in {RUNNING, ENDED} or job.outcome not in {None, SUCCEEDED}:
        return False
    return any(told.get("over_at") is None and told.get("run") in {None, job.run} for told in job.warnings)


def colour(word: str) -> str:
    """Return the colour of a state."""
    if word in {FAILED, TIMED_OUT, LOST, NOT_STARTED, INTERRUPTED}:
        return "red"
    if word == SUCCEEDED:
        return "green"
    if word in {RUNNING, "stopping"}:
        return "blue"
    return "yellow" if word in {PENDING, QUEUED, "paused", "held", "retrying", SILENT, STALLED, WARNED} else "dim"


def run_count(job: "Job") -> str:
    """Return `2/5`: the run, and how many there may be; the run alone beyond that, as interrupted ones are not charged."""
    most = value(job.spec, "retries.num-runs")
    return f"{job.run}/∞" if most is None else f"{job.run}/{most}" if job.run <= most else str(job.run)


def usual_columns(jobs: "Sequence[Job]", observed: "Mapping[int, Observed] | None" = None) -> list[str]:
    """Return the columns that say something about `jobs`: group, progress of running ones, run and reason only where there is any."""
    shown = list(USUAL)
    if any(job.group for job in jobs):
        shown.insert(2, "group")
    if any(value(job.spec, "retries.num-runs") != 1 for job in jobs):
        shown.append("run")
    if any(job.status == RUNNING and job.id in (observed or {}) and (observed or {})[job.id].progress for job in jobs):
        shown.append("progress")
    if any(job.warnings for job in jobs):
        shown.append("warnings")
    if any(job.reason and job.outcome != SUCCEEDED for job in jobs):
        shown.append("reason")
    return shown


def cell(job: "Job", column: str, now: int, seen: "Observed | None" = None) -> str:  # noqa: PLR0911  # one line per kind of column
    """Return the text of a job's cell; `seen`: what was observed of it, for the columns that tell of that."""
    if column in OBSERVED:
        return _seen_text(job, column, seen)
    if column == "state":
        return state(job, seen)
    if column == "duration":
        ns = lasted(job, now)
        return "" if ns is None else format_duration(ns)
    if column in {"created", "queued", "started", "ended", "next_run"}:
        return format_time_local(getattr(job, f"{column}_at"), now)
    if column == "run":
        return run_count(job) if value(job.spec, "retries.num-runs") != 1 else str(job.run or "")
    if column == "command":
        from outlast.core.command import command_line

        return command_line(job.command)
    if column == "warnings":
        return str(len(job.warnings) or "")
    if column == "info":
        return ", ".join(filter(None, job.info))
    if column == "params":
        return " ".join(f"{name}={text}" for name, text in job.params.items())
    if column == "signal" and job.signal is not None:
        from outlast.core.signals import signal_name

        return signal_name(job.signal)
    held = getattr(job, column)
    return "" if held is None else str(held)


def _seen_text(job: "Job", column: str, seen: "Observed | None") -> str:
    if column in {"progress", "eta"}:
        return _progress_text(seen.progress if seen else job.progress, column)
    if column == "feedback":
        facts = seen.feedback if seen else job.feedback or {}
        return " ".join(f"{key}={text}" for key, text in facts.items())
    held: Any = None if seen is None else seen.rss if column == "memory" else getattr(seen, column)
    if held is None:
        return ""
    if column in {"processes", "last_line", "activity"}:
        return str(held)
    if column in {"cpu", "usual"}:
        return format_duration(held)
    from outlast.core.sizes import format_size

    return f"{'~' if column == 'output' and job.status == RUNNING else ''}{format_size(held)}"


def _progress_text(progress: "Mapping[str, Any] | None", column: str) -> str:
    if progress is None:
        return ""
    if column == "eta":
        left = progress.get("eta")
        return "" if left is None else format_duration(left)
    from outlast.core.progress import spelled

    return spelled(progress)


def against(duration: str, usual: int | None) -> str:
    """Return a duration beside the usual one: `11m 00s (usual 4m 00s)`."""
    return duration if usual is None or not duration else f"{duration} (usual {format_duration(usual)})"


def jobs_table(jobs: "Sequence[Job]", now: int, *, shown: "Sequence[str] | None" = None, width: int | None = None, colours: bool = False,
               runs: "Mapping[int, Sequence[Run]] | None" = None, observed: "Mapping[int, Observed] | None" = None,
               usual: "Mapping[int, int] | None" = None, no_room: "list[int] | None" = None) -> str:  # fmt: skip
    """Return jobs as a table; `shown`: its columns; `runs` by job id stand under their job. Empty if there are no jobs.

    `observed` by job id is for what needs it; `usual` (ns) likewise stands beside the duration, if there is room. `no_room`: see `table`.
    """
    if not jobs:
        return ""
    if usual and width is not None:
        whole = jobs_table(jobs, now, shown=shown, runs=runs, observed=observed, usual=usual)
        if max(map(columns, whole.splitlines())) > width:
            usual = None
    names = list(shown or usual_columns(jobs, observed))
    rows: list[list[str]] = []
    words: list[str] = []
    for job in jobs:
        seen = (observed or {}).get(job.id)
        cells = [cell(job, name, now, seen) for name in names]
        if usual and "duration" in names:
            at = names.index("duration")
            cells[at] = against(cells[at], usual.get(job.id))
        rows.append(cells)
        words.append(WARNED if is_warned(job) else state(job, seen))
        for run in (runs or {}).get(job.id, ()):
            rows.append([_run_cell(run, name, now) for name in names])
            words.append(run.outcome or run.status)
    return table(
        [COLUMNS[name] for name in names], rows, width=width,
        right=[i for i, name in enumerate(names) if name in _RIGHT], whole=[i for i, name in enumerate(names) if name in _WHOLE],
        paints={i: lambda row: colour(words[row]) for i, name in enumerate(names) if name == "state"} if colours else None, bold=colours,
        no_room=no_room,
    )  # fmt: skip


def _run_cell(run: "Run", column: str, now: int) -> str:
    if column == "id":
        return f".{run.run}"
    if column == "name":
        return f"  run {run.run}"
    if column == "state":
        return run.outcome or run.status
    return _run_text(run, {"memory": "max_rss"}.get(column, column), now)


_RUN_COLUMNS = ("run", "state", "started", "ended", "duration", "exit_code", "pid", "cpu", "max_rss", "reason")
_RUN_HEADINGS = {**COLUMNS, "cpu": "CPU", "max_rss": "MEMORY"}


def runs_table(runs: "Sequence[Run]", now: int, *, width: int | None = None, colours: bool = False) -> str:
    """Return the runs of a job as a table. Empty if there are none."""
    if not runs:
        return ""
    rows = [[run.outcome or run.status if name == "state" else _run_text(run, name, now) for name in _RUN_COLUMNS] for run in runs]
    return table(
        [_RUN_HEADINGS[name] for name in _RUN_COLUMNS], rows, width=width, right=(0, 4, 5, 6, 7, 8), whole=(0, 1, 2, 4, 5),
        paints={1: lambda row: colour(rows[row][1])} if colours else None, bold=colours,
    )  # fmt: skip


def _run_text(run: "Run", column: str, now: int) -> str:
    if column == "duration":
        ns = lasted(run, now)
        return "" if ns is None else format_duration(ns)
    if column in {"started", "ended"}:
        return format_time_local(getattr(run, f"{column}_at"), now)
    if column == "cpu":
        return "" if run.cpu is None else format_duration(run.cpu)
    if column in {"max_rss", "output"}:
        from outlast.core.sizes import format_size

        written = None if run.stdout is None or run.stderr is None else run.stdout + run.stderr
        size = run.max_rss if column == "max_rss" else written
        return "" if size is None else format_size(size)
    held: Any = getattr(run, column, None)
    return "" if held is None else str(held)


def ids(numbers: "Iterable[int]") -> str:
    """Return ids, one per line."""
    return "".join(f"{number}\n" for number in numbers)
