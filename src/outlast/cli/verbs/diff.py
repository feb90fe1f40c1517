"""`outlast diff`: what changed since it last worked."""

import sys

from outlast.core.errors import EXIT_NOT_ALL
from outlast.seams import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Say it. 0 if nothing differs, 1 if something does, as diff(1)."""
    changes = jobs.diff(*parsed.operands)
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps

        print(dumps(changes.shape(now())))
    else:
        from outlast.cli.terminal import visible

        sys.stdout.write("".join(f"{visible(line)}\n" for line in changes.lines(now())))
    return 0 if changes.same else EXIT_NOT_ALL
