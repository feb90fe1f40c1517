"""`outlast disable`, `enable`, `list-disabled`: which names of jobs do not start."""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs
    from outlast.core.disabling import Rule


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Disable, enable or list."""
    if parsed.verb == "disable":
        options = parsed.options
        jobs.disable(parsed.operands, regex=bool(options.get("regex")), note=parsed["note"], until=options.get("until"))
    elif parsed.verb == "enable":
        jobs.enable(parsed.operands)
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps

        print(dumps({"schema": 1, "disabled": [_shape(rule) for rule in jobs.list_disabled()]}))
    elif parsed.verb == "list-disabled":
        _show(jobs.list_disabled(), parsed, jobs)
    return 0


def _shape(rule: "Rule") -> "dict[str, object]":
    from outlast.core.times import format_time_utc

    return {
        "name": rule.pattern, "regex": rule.regex, "note": rule.note, "until": format_time_utc(rule.until), "by": rule.by,
        "at": format_time_utc(rule.at),
    }  # fmt: skip


def _show(rules: "Sequence[Rule]", parsed: "Parsed", jobs: "Jobs") -> None:
    from outlast.cli.render import table
    from outlast.cli.terminal import colours, width
    from outlast.core.times import format_time_local
    from outlast.seams import now

    at = now()
    if parsed.options.get("ids"):
        sys.stdout.write("".join(f"{rule.pattern}\n" for rule in rules))
        return
    if not rules:
        if not parsed.options.get("quiet"):
            print(f"outlast: nothing is disabled in {jobs.home.path}", file=sys.stderr)
        return
    rows = [
        [
            f"/{rule.pattern}/" if rule.regex else rule.pattern,
            rule.by,
            *(format_time_local(instant, at) for instant in (rule.at, rule.until)),
            rule.note,
        ]
        for rule in rules
    ]
    sys.stdout.write(table(("NAME", "BY", "SINCE", "UNTIL", "NOTE"), rows, width=width(os.environ), bold=colours(os.environ)))
