"""A listing that follows: shown anew whenever it changes. On a terminal in its place, and every second while jobs run; else below."""

import os
import select
import sys

from outlast.cli.terminal import cut, visible
from outlast.client.waiting import SAFETY, Watch
from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs

OUT = 1
TICK = 1.0  # of durations, on a terminal
CROWDED = 0.1  # after a change: look once for all that changes together


class Seen(Value):
    """A listing at one moment. `text`: as it is printed; `key`: it has changed when this has; `lively`: its durations grow."""

    _fields = ("text", "key", "note", "lively", "newest_last")
    text: str
    key: "Any"
    note: str  # a line about it, for people
    lively: bool
    newest_last: bool  # its last lines are those to show where there is no room for all
    _defaults = {"note": "", "lively": False, "newest_last": False}


def follow(jobs: "Jobs", look: "Callable[[], Seen]", parsed: "Parsed") -> int:
    """Show what `look` returns for as long as somebody reads it; ended by a signal. Raises BrokenPipeError when nobody does."""
    in_place = _in_place(parsed)
    watch = Watch(jobs.home, None)
    before: Seen | None = None
    drawn: list[str] = []
    try:
        while True:
            seen = look()
            if in_place:
                drawn = _redraw(_fitting(seen), drawn)
            elif before is None or seen.key != before.key:
                sys.stdout.write(seen.text)
                sys.stdout.flush()
                if not seen.text and not parsed.options.get("quiet"):
                    print(visible(seen.note), file=sys.stderr)
            before = seen
            watch.pause(TICK if seen.lively and in_place else SAFETY, out=OUT)
            select.select([], [], [], CROWDED)
    finally:
        watch.close()


def _in_place(parsed: "Parsed") -> bool:
    """Tell whether lines that were written can be written over."""
    if parsed.options.get("json") or parsed.options.get("ids") or os.environ.get("TERM", "dumb") == "dumb":
        return False
    return os.isatty(OUT)


def _redraw(lines: "list[str]", drawn: "list[str]") -> "list[str]":
    """Write `lines` over those that were `drawn` last, unless they are the same. Returns them."""
    if lines != drawn:
        back = f"\x1b[{len(drawn)}F\x1b[J" if drawn else ""
        sys.stdout.write(back + "".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
    return lines


def _fitting(seen: Seen) -> "list[str]":
    """Return the lines of a listing that fit the terminal, with a word about the others."""
    columns, rows = os.get_terminal_size(OUT)
    lines = seen.text.splitlines()
    note = [cut(visible(seen.note), columns)] if seen.note else []
    room = (rows or 25) - 1 - len(note)
    if len(lines) > room > 2:
        hidden = f"… {len(lines) - room + 1} more lines"
        lines = [lines[0], hidden, *lines[len(lines) - room + 2 :]] if seen.newest_last else [*lines[: room - 1], hidden]
    return lines + note
