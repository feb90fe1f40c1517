"""`outlast bundle`: all about a job in one archive."""

import os
import sys

from outlast.cli.terminal import visible
from outlast.core.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Write it, print its path and say on stderr what is not in it."""
    path = parsed.options.get("output")
    if path == "-" and os.isatty(1):
        raise UsageError("an archive is nothing for a terminal", "name a file, or let it go into a pipe")
    if path == "":
        raise UsageError("--output is empty", "name a file, or leave the option out")
    force, full = bool(parsed.options.get("force")), bool(parsed.options.get("full-logs"))
    sys.stdout.flush()
    made = jobs.bundle(parsed.operands[0], path, full_logs=full, force=force)
    if not parsed.options.get("quiet"):
        for text in made.missing:
            print(visible(f"outlast: not in it: {text}"), file=sys.stderr)
        print("outlast: secrets that outlast knows of are masked; look before you send it", file=sys.stderr)
    if path == "-":
        return 0
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps

        print(dumps({"schema": 1, "id": made.job, "path": made.path, "bytes": made.bytes, "parts": made.parts, "missing": made.missing}))
    else:
        print(visible(made.path))
    return 0
