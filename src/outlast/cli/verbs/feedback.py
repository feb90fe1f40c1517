"""`outlast feedback`: what a job reports."""

import sys

from outlast.cli.terminal import visible
from outlast.core.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Show the feedback as JSON, with or without `--json`: it is a document of the job's own, and no more is in it."""
    path = parsed["file"]
    if (path is None) == (not parsed.operands):
        raise UsageError("`outlast feedback` is of a job or of a file", "write `outlast feedback JOB` or `outlast feedback --file PATH`")
    if path == "-" and sys.stdin.isatty() and not parsed["quiet"]:
        print("outlast: what you type is read as feedback; Ctrl-D ends", file=sys.stderr)
    told = jobs.feedback(file=path) if path is not None else jobs.feedback(parsed.operands[0])
    from outlast.core.feedback import sentence
    from outlast.core.jsontext import dumps

    print(dumps(dict(told)))
    if not parsed["quiet"]:
        sys.stdout.flush()
        if told.faults:
            print(visible(f"outlast: keys: {sentence(told.faults, more=told.more_faults)}"), file=sys.stderr)
        if told.skipped:
            lines = f"{told.skipped} lines are" if told.skipped > 1 else "1 line is"
            print(f"outlast: {lines} no feedback and skipped: write `[key]value`", file=sys.stderr)
    return 0
