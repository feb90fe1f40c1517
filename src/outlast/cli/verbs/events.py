"""`outlast events`: what happened to a job, or to all."""

import os
import sys

from outlast.cli import details
from outlast.cli.terminal import colours, width
from outlast.seams import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Show events, the oldest first."""
    limit = parsed["limit"]
    since, until = parsed.options.get("since"), parsed.options.get("until")
    many = 1 << 40
    found = jobs.events(parsed.operands[0] if parsed.operands else None, many if limit is None or since or until else limit)
    found = [event for event in found if (since is None or event["at"] >= since) and (until is None or event["at"] < until)]
    if limit is not None and (not parsed.operands or "limit" in parsed.options):
        found = found[-limit:]
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps
        from outlast.core.shape import event_shape

        print(dumps({"schema": 1, "events": [event_shape(event) for event in found]}))
        return 0
    sys.stdout.write(details.events_table(found, now(), width=width(os.environ), colours=colours(os.environ)))
    return 0
