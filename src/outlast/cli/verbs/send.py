"""`outlast send`: write to the live standard input of a running job."""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs

STDIN = 0


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Send the words, or what comes on our own standard input."""
    which, *words = parsed.operands
    end = bool(parsed["end"])
    quiet = bool(parsed["quiet"])
    if not words and not quiet and os.isatty(STDIN):
        print(f"outlast: what you type goes to job {which}; Ctrl-D ends", file=sys.stderr)
    data = os.fsencode(" ".join(words)) + b"\n" * bool(parsed["newline"]) if words else STDIN
    sent = jobs.send(which, data, end=end)
    if parsed["json"]:
        from outlast.core.jsontext import dumps

        print(dumps({"schema": 1, "sent": sent, "end": end}))
    elif not quiet:
        print(f"{sent} byte{'s' if sent != 1 else ''} sent{', then the end of file' if end else ''}")
    return 0
