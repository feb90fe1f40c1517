"""`outlast disable`, `enable`, `list-disabled`: which names of jobs do not start."""

import os
import sys

from outlast.cli.terminal import visible

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
    if parsed.options.get("follow"):
        from outlast.cli.following import Seen, follow

        def look() -> Seen:
            rules = jobs.list_disabled()
            return Seen(text=_text(rules, parsed), key=rules, note=_note(rules, jobs))

        return follow(jobs, look, parsed)
    if parsed.verb == "list-disabled" or parsed.options.get("json"):
        rules = jobs.list_disabled()
        sys.stdout.write(_text(rules, parsed))
        note = _note(rules, jobs)
        if note and not any(parsed.options.get(word) for word in ("quiet", "json", "ids")):
            sys.stdout.flush()
            print(visible(note), file=sys.stderr)
    return 0


def _note(rules: "Sequence[Rule]", jobs: "Jobs") -> str:
    return "" if rules else f"outlast: nothing is disabled in {jobs.home.path}"


def _shape(rule: "Rule") -> "dict[str, object]":
    from outlast.core.times import format_time_utc

    return {
        "name": rule.pattern, "regex": rule.regex, "note": rule.note, "until": format_time_utc(rule.until), "by": rule.by,
        "at": format_time_utc(rule.at),
    }  # fmt: skip


def _text(rules: "Sequence[Rule]", parsed: "Parsed") -> str:
    from outlast.cli.render import table
    from outlast.cli.terminal import colours, width
    from outlast.core.times import format_time_local
    from outlast.seams import now

    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps

        return dumps({"schema": 1, "disabled": [_shape(rule) for rule in rules]}) + "\n"
    if parsed.options.get("ids"):
        return "".join(f"{rule.pattern}\n" for rule in rules)
    if not rules:
        return ""
    at = now()
    rows = [
        [
            f"/{rule.pattern}/" if rule.regex else rule.pattern,
            rule.by,
            *(format_time_local(instant, at) for instant in (rule.at, rule.until)),
            rule.note,
        ]
        for rule in rules
    ]
    return table(("NAME", "BY", "SINCE", "UNTIL", "NOTE"), rows, width=width(os.environ), bold=colours(os.environ))
