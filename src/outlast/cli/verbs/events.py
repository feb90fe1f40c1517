"""`outlast events`: what happened to a job, or to all."""

import os
import sys

from outlast.cli import details
from outlast.cli.terminal import colours, width
from outlast.seams import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Show events, the oldest first."""
    last = jobs.store.last_event() if parsed.options.get("follow") else 0  # what comes later is told later
    found = _found(parsed, jobs)
    if parsed.options.get("follow"):
        from outlast.cli.verbs.listen import OUT, tell

        tell((event for event in found if event["id"] <= last), parsed)
        tell(jobs.listen(last, parsed.operands or None, out=OUT), parsed)
    elif parsed.options.get("json"):
        from outlast.core.jsontext import dumps
        from outlast.core.shape import event_shape

        print(dumps({"schema": 1, "events": [event_shape(event) for event in found]}))
    else:
        sys.stdout.write(details.events_table(found, now(), width=width(os.environ), colours=colours(os.environ)))
    return 0


def _found(parsed: "Parsed", jobs: "Jobs") -> "list[dict[str, Any]]":
    limit = parsed["limit"]
    since, until = parsed.options.get("since"), parsed.options.get("until")
    many = 1 << 40
    found = jobs.events(parsed.operands[0] if parsed.operands else None, many if limit is None or since or until else limit)
    found = [event for event in found if (since is None or event["at"] >= since) and (until is None or event["at"] < until)]
    if limit is not None and (not parsed.operands or "limit" in parsed.options):
        found = found[-limit:]
    return found
