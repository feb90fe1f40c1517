"""`outlast __complete`: words for the shell's completion, one per line; never an error."""

import sys

from outlast.cli.completion import job_words
from outlast.cli.terminal import visible
from outlast.core.errors import OutlastError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Print ids with names, or groups."""
    kind = parsed.operands[0]
    try:
        if kind == "groups":
            sys.stdout.write("".join(f"{visible(str(group['name']))}\n" for group in jobs.groups()))
            return 0
        active, _ = jobs.listing(ended=False, limit=200, sort=("-id",))
        ended = jobs.listing(active=False, limit=50)[0] if kind == "jobs" else []
    except OutlastError:
        return 0
    sys.stdout.write(job_words(active + ended))
    return 0
