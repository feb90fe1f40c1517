"""`outlast listen`: events of all jobs as they happen, as lines for people or as JSON."""

import os
import sys
from itertools import islice

from outlast.cli import details
from outlast.cli.terminal import cut, width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs

OUT = 1


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Tell events, each as it happens."""
    options = parsed.options
    events = jobs.listen(
        options.get("after"), parsed.operands or None, options.get("kinds") or (), until_ended=bool(options.get("until-ended")), out=OUT
    )  # fmt: skip
    tell(islice(events, options.get("limit")), parsed)
    return 0


def tell(events: "Iterable[dict[str, Any]]", parsed: "Parsed") -> None:
    """Write one line for each event, at once."""
    for event in events:
        if parsed.options.get("json"):
            from outlast.core.jsontext import dumps
            from outlast.core.shape import event_shape

            line = dumps({"schema": 1, **event_shape(event)})
        elif parsed.options.get("ids"):
            line = str(event["id"])
        else:
            line = details.event_line(event)
            columns = width(os.environ)
            line = line if columns is None else cut(line, columns)
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
