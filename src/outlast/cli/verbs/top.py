"""`outlast top`: the live screen. What it needs beside the standard library is an extra."""

import os

from outlast.core.errors import Refused, SystemFault, UsageError
from outlast.core.selectors import parse_selectors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs

_FILTERS = ("status", "outcome", "name", "group", "text", "since", "until", "during", "where", "sort")


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Show the screen until it is left."""
    wanted: dict[str, Any] = {name: parsed.options[name] for name in _FILTERS if parsed.options.get(name)}
    if parsed.options.get("json") or parsed.options.get("ids"):
        raise UsageError("`outlast top` is a screen and writes nothing", "`outlast list` has --json and --ids")
    if "during" in wanted or "where" in wanted:
        from outlast.client.listing import as_filter
        from outlast.seams import now

        as_filter({name: wanted[name] for name in ("during", "where") if name in wanted}, now())  # what is wrong is said before the screen
    if not all(os.isatty(fd) for fd in range(3)) or os.environ.get("TERM") in {None, "", "dumb"}:
        raise Refused("`outlast top` needs a terminal", "`outlast list --follow` goes on without one, `outlast ps` shows what is there now")
    try:
        from outlast.cli.top.app import Top
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] not in {"textual", "rich"}:
            raise
        raise SystemFault("`outlast top` needs textual, which is not installed", "`pip install 'outlast[top]'`") from None
    from outlast.cli.top.seen import Wanted

    if parsed.operands:
        wanted["among"] = tuple(parse_selectors(parsed.operands))
        jobs.find([selector.text for selector in wanted["among"] if selector.single])  # one that is not there is worth a sentence
    app = Top(jobs, Wanted(wanted, parsed["limit"]))
    app.run()
    if app.bug is not None:
        raise app.bug
    return 0
