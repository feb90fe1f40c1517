"""Statistics of names for people: a table of several, all that is known of one, and how long the last ones took as a line of bars."""

from outlast.cli.details import fact_lines
from outlast.cli.render import GAP, colour, table
from outlast.cli.terminal import columns, visible
from outlast.core.durations import format_duration
from outlast.core.job import FAILURES, SUCCEEDED, how
from outlast.core.sizes import format_size
from outlast.core.stats import peak
from outlast.core.times import format_time_full, format_time_local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from outlast.core.stats import Stats, Took

_BARS, _PLAIN = "▁▂▃▄▅▆▇█", "12345678"  # of an eighth, to the whole, of the slowest one
_FAILED, _PLAIN_FAILED = "✗", "x"
_UNKNOWN, _PLAIN_UNKNOWN = "·", "."
_IN_TABLE = 15  # bars
# what goes first where there is no room; the name and how often stay
_EXPENDABLE = ("first", "cpu", "memory", "fastest", "how", "slowest", "trend", "p95", "warned", "last", "median", "failed")
_HEADINGS = {
    "name": "NAME", "count": "JOBS", "failed": "FAILED", "warned": "WARNED", "fastest": "FASTEST", "median": "MEDIAN", "p95": "95 %",
    "slowest": "SLOWEST", "trend": "LAST ONES", "cpu": "CPU", "memory": "MEMORY", "first": "FIRST", "last": "LAST", "how": "HOW",
}  # fmt: skip
_LEFT = frozenset({"name", "trend", "first", "last", "how"})


def sparkline(trend: "Sequence[Took]", *, bars: bool) -> str:
    """Return one sign for each: its share of the slowest that succeeded; `✗` (`x`) failed, `·` (`.`) neither or not known.

    `bars`: with block characters, else with digits, 8 for the whole.
    """
    signs, failed, unknown = (_BARS, _FAILED, _UNKNOWN) if bars else (_PLAIN, _PLAIN_FAILED, _PLAIN_UNKNOWN)
    most = max((took.duration or 0 for took in trend if took.outcome == SUCCEEDED), default=0)
    line = ""
    for took in trend:
        if took.outcome in FAILURES:
            line += failed
        elif took.outcome != SUCCEEDED or took.duration is None:
            line += unknown
        else:
            line += signs[max(-(-took.duration * len(signs) // max(most, 1)) - 1, 0)]
    return line


def stats_table(
    names: "Sequence[Stats]", now: int, *, width: int | None = None, colours: bool = False, trend: bool = False, bars: bool = False
) -> str:
    """Return statistics as a table, a name in each line; where there is no room columns are left out. `trend`: with the last durations."""
    if not names:
        return ""
    cells = [_cells(one, now, bars=bars) for one in names]
    shown = [name for name in _HEADINGS if {"trend": trend, "warned": any(one.warnings for one in names)}.get(name, True)]
    if width is not None:
        sizes = {name: max(columns(_HEADINGS[name]), *(columns(visible(row[name])) for row in cells)) for name in shown}
        for name in _EXPENDABLE:
            if sum(sizes[one] + len(GAP) for one in shown) - len(GAP) <= width:
                break
            shown = [one for one in shown if one != name]
    at = shown.index("how") if "how" in shown else -1
    return table(
        [_HEADINGS[name] for name in shown], [[row[name] for name in shown] for row in cells], width=width,
        right=[i for i, name in enumerate(shown) if name not in _LEFT],
        paints={at: lambda row: colour(names[row].last_outcome)} if colours and at >= 0 else None, bold=colours,
    )  # fmt: skip


def _cells(one: "Stats", now: int, *, bars: bool) -> "dict[str, str]":
    memory = peak(one)
    return {
        "name": one.name, "count": str(one.jobs), "failed": str(one.failures or ""), "warned": str(one.warnings or ""),
        "fastest": _duration(one.fastest), "median": _duration(one.median), "p95": _duration(one.p95), "slowest": _duration(one.slowest),
        "trend": sparkline(one.trend[-_IN_TABLE:], bars=bars), "cpu": _duration(one.cpu),
        "memory": "" if memory is None else format_size(memory),
        "first": format_time_local(one.first_at, now), "last": format_time_local(one.last_at, now), "how": one.last_outcome,
    }  # fmt: skip


def stats_detail(one: "Stats", *, width: int | None = None, trend: bool = False, bars: bool = False) -> str:
    """Return all that is known of one name, a fact in each line."""
    return fact_lines((
        ("name", one.name),
        ("jobs", str(one.jobs)),
        ("ended", ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in one.outcomes.items())),
        ("failures", str(one.failures)),
        ("warnings", str(one.warnings)),
        ("first", format_time_full(one.first_at)),
        ("last", f"{format_time_full(one.last_at)}, job {one.last}: {how(one.last_outcome, one.last_reason)}"),
        ("fastest", _duration(one.fastest)),
        ("median", _duration(one.median)),
        ("95 % within", _duration(one.p95)),
        ("slowest", _duration(one.slowest)),
        ("cpu time", "" if one.cpu is None else f"{format_duration(one.cpu)} in all"),
        ("peak memory", "" if one.max_rss is None else f"{format_size(one.max_rss)} (the largest process)"),
        ("of a run", "" if one.memory is None else f"{format_size(one.memory)} (all processes and cached files)"),
        ("last ones", sparkline(one.trend, bars=bars) if trend else ""),
    ), width)  # fmt: skip


def _duration(ns: int | None) -> str:
    return "" if ns is None else format_duration(ns)
