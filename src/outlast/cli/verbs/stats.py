"""`outlast stats`: what the jobs of each name tell that have ended."""

import os
import sys

from outlast.cli.render import ids
from outlast.cli.statistics import stats_detail, stats_table
from outlast.cli.terminal import colours, has_unicode, is_terminal, width
from outlast.client.statistics import MOST
from outlast.core.times import format_time_full
from outlast.seams import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs

_FILTERS = ("since", "until", "group", "name")


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Show statistics: of one name all of them, of several a table."""
    wanted = {name: parsed.options[name] for name in _FILTERS if parsed.options.get(name) is not None}
    found = jobs.stats(parsed.operands, sort=parsed["sort"], limit=parsed["limit"], **wanted)
    if parsed.options.get("ids"):
        sys.stdout.write(ids(one.last for one in found.names))
    elif parsed.options.get("json"):
        from outlast.core.jsontext import dumps
        from outlast.core.shape import stats_shape

        print(dumps(stats_shape(found)))
    else:
        room, trend, bars = width(os.environ), is_terminal(), has_unicode(os.environ)
        if len(found.names) == 1:
            told = stats_detail(found.names[0], width=room, trend=trend, bars=bars)
        else:
            told = stats_table(found.names, now(), width=room, colours=colours(os.environ), trend=trend, bars=bars)
        sys.stdout.write(told)
    if not parsed.options.get("quiet"):
        sys.stdout.flush()
        if not found.names:
            such = "such " if wanted or parsed.operands else ""
            print(f"outlast: no {such}jobs have ended in {jobs.home.path}", file=sys.stderr)
        if found.more:
            print(f"outlast: {found.more} more; `-n all` shows them", file=sys.stderr)
        if found.since is not None:
            reach = f"of the last {MOST:,} jobs, which ended since {format_time_full(found.since)}"
            print(f"outlast: {reach}; `--since` reaches further back", file=sys.stderr)
    return 0
