"""`outlast stats`: what the jobs of each name tell that have ended."""

import os
import sys

from outlast.cli.render import ids
from outlast.cli.statistics import stats_detail, stats_table
from outlast.cli.terminal import colours, has_unicode, is_terminal, visible, width
from outlast.client.statistics import MOST
from outlast.core.times import format_time_full
from outlast.seams import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs
    from outlast.core.stats import Statistics

_FILTERS = ("since", "until", "during", "where", "group", "name")


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Show statistics: of one name all of them, of several a table."""
    if parsed.options.get("follow"):
        from outlast.cli.following import Seen, follow

        def look() -> Seen:
            found = _found(parsed, jobs)
            text = _text(found, parsed)
            return Seen(text=text, key=text, note=" ".join(_notes(found, parsed, jobs)))

        return follow(jobs, look, parsed)
    found = _found(parsed, jobs)
    sys.stdout.write(_text(found, parsed))
    if not parsed.options.get("quiet"):
        sys.stdout.flush()
        for note in _notes(found, parsed, jobs):
            print(visible(note), file=sys.stderr)
    return 0


def _wanted(parsed: "Parsed") -> "dict[str, Any]":
    return {name: parsed.options[name] for name in _FILTERS if parsed.options.get(name) is not None}


def _found(parsed: "Parsed", jobs: "Jobs") -> "Statistics":
    return jobs.stats(parsed.operands, sort=parsed["sort"], limit=parsed["limit"], **_wanted(parsed))


def _text(found: "Statistics", parsed: "Parsed") -> str:
    if parsed.options.get("ids"):
        return ids(one.last for one in found.names)
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps
        from outlast.core.shape import stats_shape

        return dumps(stats_shape(found)) + "\n"
    room, trend, bars = width(os.environ), is_terminal(), has_unicode(os.environ)
    if len(found.names) == 1:
        return stats_detail(found.names[0], width=room, trend=trend, bars=bars)
    return stats_table(found.names, now(), width=room, colours=colours(os.environ), trend=trend, bars=bars)


def _notes(found: "Statistics", parsed: "Parsed", jobs: "Jobs") -> "Iterator[str]":
    """Yield what is to be said about what is not shown."""
    if not found.names:
        such = "such " if _wanted(parsed) or parsed.operands else ""
        yield f"outlast: no {such}jobs have ended in {jobs.home.path}"
    if found.more:
        yield f"outlast: {found.more} more; `-n all` shows them"
    if found.since is not None:
        reach = f"of the last {MOST:,} jobs, which ended since {format_time_full(found.since)}"
        yield f"outlast: {reach}; `--since` reaches further back"
