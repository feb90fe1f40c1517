"""`outlast group`: list, change and remove groups."""

import os
import sys

from outlast.cli import details
from outlast.cli.terminal import colours, visible, width
from outlast.core.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Do what the word after `group` says."""
    name = parsed.operands[0] if parsed.operands else ""
    if parsed.form == "set":
        _set(name, parsed, jobs)
    elif parsed.form == "remove":
        jobs.remove_group(name)
        return 0
    elif parsed.form in {"pause", "resume", "drain"}:
        {"pause": jobs.pause_group, "resume": jobs.resume_group, "drain": jobs.drain_group}[parsed.form](name)
    if parsed.options.get("follow"):
        from outlast.cli.following import Seen, follow

        def look() -> Seen:
            groups = _groups(jobs, name)
            return Seen(
                text=_text(groups, name, parsed, jobs), key=groups, note="" if groups else f"outlast: no groups in {jobs.home.path}"
            )

        return follow(jobs, look, parsed)
    groups = _groups(jobs, name)
    listed = parsed.form not in {"set", "pause", "resume", "drain"}
    if listed or parsed.options.get("json") or parsed.options.get("ids"):
        sys.stdout.write(_text(groups, name, parsed, jobs))
    if listed and not groups and not any(parsed.options.get(word) for word in ("quiet", "json", "ids")):
        sys.stdout.flush()
        print(visible(f"outlast: no groups in {jobs.home.path}"), file=sys.stderr)
    return 0


def _groups(jobs: "Jobs", name: str) -> "list[dict[str, Any]]":
    """Return all groups, or the one with that name. Raises NotFound."""
    groups = jobs.groups()
    limits = jobs.limits()
    for group in groups:
        group["limits"] = {limit["name"]: limit["text"] for limit in limits if limit["group"] == group["name"]}
    if name:
        groups = [group for group in groups if group["name"] == name]
        if not groups:
            raise NotFound(f"no group `{name[:80]}`", "`outlast group list` shows what there is")
    return groups


def _text(groups: "list[dict[str, Any]]", name: str, parsed: "Parsed", jobs: "Jobs") -> str:
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps
        from outlast.core.retention import told

        limits = jobs.limits()
        for group in groups:
            group["limits"] = {limit["name"]: told(limit["name"], limit["value"]) for limit in limits if limit["group"] == group["name"]}
        return dumps({"schema": 1, "groups": groups} if not name else {"schema": 1, **groups[0]}) + "\n"
    if parsed.options.get("ids"):
        return "".join(f"{group['name']}\n" for group in groups)
    return details.groups_table(groups, width=width(os.environ), colours=colours(os.environ))


def _set(name: str, parsed: "Parsed", jobs: "Jobs") -> None:
    """Set slots, limits of what is kept, or both."""
    if "slots" in parsed.options:
        jobs.set_group(name, parsed.options["slots"])
    if parsed.options.keys() - {"slots"}:
        from outlast.core.retention import NAMES, spelled

        limits = {limit: spelled(limit, parsed.options[limit]) for limit in NAMES if limit in parsed.options}
        unset = parsed.options.get("unset") or ()
        if limits or unset:
            jobs.set_limits(name, limits, unset=unset)
