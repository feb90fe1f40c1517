"""Makes `docs/lifecycle.md` of the table in `core/lifecycle.py` and the texts beside statuses, outcomes and events.

`.venv-test/bin/python tests/lifecycle_page.py` writes it; a test compares.
"""

import ast
import inspect
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from outlast.core import events as e
from outlast.core import job as j
from outlast.core.lifecycle import NEW, TRANSITIONS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "lifecycle.md"


def constant_texts() -> dict[str, str]:
    """Return the text under each constant of `core/job.py`, by the constant's value."""
    body = ast.parse(inspect.getsource(j)).body
    texts = {}
    for assignment, text in pairwise(body):
        if isinstance(assignment, ast.Assign) and isinstance(text, ast.Expr) and isinstance(assignment.value, ast.Constant):
            texts[ast.literal_eval(assignment.value)] = ast.literal_eval(text.value)
    return texts


def event_text(event: type[e.Event]) -> str:
    """Return what an event means, in one paragraph."""
    return " ".join((inspect.getdoc(event) or "").split())


def edges() -> dict[tuple[str, str], list[str]]:
    """Return the kinds of the events that lead from one status to another one, in the order of the table."""
    found: dict[tuple[str, str], list[str]] = {}
    for status, row in TRANSITIONS.items():
        for event in e.EVENTS:
            for to in (to for to in j.STATUSES if to in row.get(event, ()) and to != status):
                found.setdefault((status, to), []).append(event.kind)
    return found


def picture() -> Iterator[str]:
    """Yield the lines of a mermaid diagram of what changes the status."""
    yield "```mermaid"
    yield "stateDiagram-v2"
    for (status, to), kinds in edges().items():
        yield f"    {'[*]' if status == NEW else status} --> {to}: {', '.join(kinds)}"
    yield f"    {j.ENDED} --> [*]"
    yield "```"


def cell(status: str, event: type[e.Event]) -> str:
    """Return where `event` leads from `status`: `·` where it stays, nothing where it cannot happen."""
    allowed = TRANSITIONS[status].get(event, frozenset())
    return " or ".join("·" if to == status else to for to in j.STATUSES if to in allowed)


def table(header: list[str], rows: list[list[str]]) -> Iterator[str]:
    """Yield a Markdown table."""
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(row)} |".replace("|  |", "| |").replace("|  |", "| |")


def page() -> str:
    """Return the whole page."""
    texts = constant_texts()
    statuses = list(TRANSITIONS)
    told = [[f"`{event.kind}`", *(cell(status, event) for status in statuses)] for event in e.EVENTS]
    lines = [
        "# The life of a job",
        "",
        "Made from `core/lifecycle.py`, `core/job.py` and `core/events.py` by `tests/lifecycle_page.py`: change those, not this page.",
        "",
        "A job has one status at a time. Only an event changes it, and an event that the table below does not allow is refused. A job",
        "goes from `running` back to `pending` between its runs; each run is `running` or `ended`. Wishes (stop, pause, hold) are facts",
        "beside the status. Every event raises the job's version by one and is kept. Who tells one must know the version that it was",
        "decided on, so that of two who decide at the same time the second one has to look again.",
        "",
        *picture(),
        "",
        "## Statuses",
        "",
        *table(["status", "means"], [[f"`{status}`", texts[status]] for status in j.STATUSES]),
        "",
        "## Outcomes",
        "",
        "A job, and each of its runs, has one as soon as it is `ended`, together with a reason in words.",
        "",
        *table(["outcome", "means"], [[f"`{outcome}`", texts[outcome]] for outcome in j.OUTCOMES]),
        "",
        "## Events",
        "",
        *table(["event", "means"], [[f"`{event.kind}`", event_text(event)] for event in e.EVENTS]),
        "",
        "## What may happen when",
        "",
        "Where an event leads from a status. `·`: the status stays. An empty field: it cannot happen, and whoever tells it has a bug.",
        "",
        *table(["event", *("(not there yet)" if status == NEW else f"`{status}`" for status in statuses)], told),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page())
