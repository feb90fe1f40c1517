"""`outlast hostinfo`: facts and constants of this host."""

import os
import sys

from outlast.cli.details import host_detail
from outlast.cli.terminal import visible, width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Show them."""
    told = jobs.hostinfo()
    if not parsed.options.get("quiet"):
        for complaint in told["complaints"]:
            print(visible(f"outlast: {complaint}"), file=sys.stderr)
    if parsed.options.get("json"):
        from outlast.client.hostinfo import shape
        from outlast.core.jsontext import dumps

        print(dumps(shape(told)))
    else:
        sys.stdout.write(host_detail(told, width=width(os.environ)))
    return 0
