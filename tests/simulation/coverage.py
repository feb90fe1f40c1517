"""Which cells of the lifecycle's table were visited: status x event, and status x event x what became of it."""

from collections import Counter

from outlast.core.lifecycle import TRANSITIONS

Cells = Counter[tuple[str, str, str]]
ALL = [(status, event.kind, new) for status, row in TRANSITIONS.items() for event, after in row.items() for new in sorted(after)]


def coverage(cells: Cells) -> tuple[float, list[str]]:
    """Return (the share of cells that were visited, those that were not)."""
    missing = [f"{status} x {event} -> {new}" for status, event, new in ALL if not cells[status, event, new]]
    return 1 - len(missing) / len(ALL), missing


def table(cells: Cells) -> str:
    """Return the table with counts: a line for each event, a column for each status; what became of it where that may differ."""
    statuses = list(TRANSITIONS)
    events = dict.fromkeys(event for _, event, _ in ALL)
    lines = [f"{'':16}" + "".join(f"{status:>26}" for status in statuses)]
    for event in events:
        line = f"{event:16}"
        for status in statuses:
            became = [new for old, kind, new in ALL if (old, kind) == (status, event)]
            told = " ".join(f"{cells[status, event, new]}" + (f">{new}" if len(became) > 1 else "") for new in became)
            line += f"{told:>26}"
        lines.append(line)
    return "\n".join(lines)
