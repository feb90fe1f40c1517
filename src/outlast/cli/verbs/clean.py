"""`outlast clean`: what is kept how long, what goes by that, and taking it away."""

import os
import sys

from outlast.cli.render import table
from outlast.cli.terminal import colours, visible, width
from outlast.client.keeping import Cleaned
from outlast.core.errors import EXIT_NOT_ALL, UsageError
from outlast.core.retention import NAMES, spelled
from outlast.core.retention import told as as_json
from outlast.core.sizes import format_size
from outlast.core.times import format_time_local, format_time_utc
from outlast.seams import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs

SHOWN = 50


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Tell or do. 0, or 1 if something could not be taken away."""
    options = parsed.options
    limits = {name: spelled(name, options[name]) for name in NAMES if name in options}
    _check(parsed, limits)
    if options.get("everything"):
        return _everything(parsed, jobs)
    if options.get("set") or options.get("unset"):
        jobs.set_limits(None, limits, unset=options.get("unset") or ())
        return 0
    told = jobs.clean(
        parsed.operands, force=bool(options.get("force")), logs=not options.get("records"), records=not options.get("logs"), limits=limits
    )
    if options.get("json"):
        from outlast.core.jsontext import dumps

        print(dumps(_shape(told, jobs)))
    elif options.get("ids"):
        sys.stdout.write("".join(f"{job}\n" for job in dict.fromkeys(item.job for item in told.going)))
    else:
        if not parsed.operands and not limits and not told.done:
            sys.stdout.write(_limits(jobs) + ("\n" if told.going else ""))
        if not told.done:
            sys.stdout.write(_items(told))
    sys.stdout.flush()
    for problem in told.problems:
        print(visible(f"outlast: {problem}"), file=sys.stderr)
    if not options.get("quiet"):
        if not told.done and len(told.going) > SHOWN and not options.get("json") and not options.get("ids"):
            print(f"outlast: {len(told.going) - SHOWN} more; `--json` shows them", file=sys.stderr)
        print(f"outlast: {_summary(told)}", file=sys.stderr)
    return EXIT_NOT_ALL if told.problems else 0


def _check(parsed: "Parsed", limits: "dict[str, Any]") -> None:
    options = parsed.options
    if options.get("set") and not limits:
        raise UsageError("nothing is to be set", f"name a limit: --{', --'.join(NAMES)}")
    if (options.get("set") or options.get("unset")) and (parsed.operands or options.get("force")):
        raise UsageError("--set and --unset change limits and take nothing away", "call `outlast clean --force` afterwards")
    if options.get("unset") and limits and not options.get("set"):
        raise UsageError("--unset changes limits, and limits without --set are for this time only", "add --set, or leave one of them out")
    if options.get("logs") and options.get("records"):
        raise UsageError("--logs and --records exclude each other", "without both of them both are meant")
    if options.get("everything") and (parsed.operands or limits or options.get("logs") or options.get("records")):
        raise UsageError("--everything leaves nothing to choose", "write `outlast clean --everything` alone")
    if options.get("force") and options.get("dry-run"):
        raise UsageError("--dry-run and --force exclude each other", "without --force nothing is taken away")


def _everything(parsed: "Parsed", jobs: "Jobs") -> int:
    force = bool(parsed.options.get("force"))
    size, foreign = jobs.clean_everything(force=force)
    where = jobs.home.path
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps

        print(dumps({"schema": 1, "done": force, "home": where, "bytes": size, "foreign": foreign}))
    for name in foreign:
        print(visible(f"outlast: {where}/{name} is not of outlast and stays"), file=sys.stderr)
    if not parsed.options.get("quiet"):
        active = 0 if force else len(jobs.list(ended=False))
        if active:
            print(
                f"outlast: {active} job{'s have' if active > 1 else ' has'} not ended: as long as that is so it is refused", file=sys.stderr
            )
        done = f"{where} is removed" if force else f"all of {where} would go: --force removes it"
        print(visible(f"outlast: {done}, {format_size(size)}"), file=sys.stderr)
    return 0


def _limits(jobs: "Jobs") -> str:
    rows = []
    for limit in jobs.limits():
        origin = f"group {limit['group']}" if limit["group"] is not None else limit["origin"]
        rows.append([limit["name"], limit["text"], origin])
    return table(("LIMIT", "VALUE", "FROM"), rows, width=width(os.environ), bold=colours(os.environ))


def _items(told: Cleaned) -> str:
    if not told.going:
        return ""
    at = now()
    rows = [
        [str(item.job), "record" if not item.run else f"output of run {item.run}", format_size(item.size),
         format_time_local(item.ended_at, at), item.reason, item.name]
        for item in told.going[:SHOWN]
    ]  # fmt: skip
    headings = ("JOB", "WHAT", "OUTPUT", "ENDED", "BY", "NAME")
    return table(headings, rows, width=width(os.environ), right=(0, 2), whole=(1, 2, 3, 4), bold=colours(os.environ))


def _summary(told: Cleaned) -> str:
    if not told.going:
        return "nothing was taken away" if told.done else "nothing is over its limit"
    records = f"{told.records} record{'s' * (told.records != 1)}"
    outputs = f"the output of {told.outputs} run{'s' * (told.outputs != 1)}"
    parts = [text for text, there in ((records, told.records), (outputs, told.outputs)) if there]
    what = " and ".join(parts)
    size = format_size(told.bytes)
    return f"{what} removed, {size} of output" if told.done else f"{what} would go, {size} of output: --force removes them"


def _shape(told: Cleaned, jobs: "Jobs") -> "dict[str, Any]":
    items = [
        {"job": item.job, "run": item.run or None, "name": item.name, "group": item.group, "bytes": item.size, "reason": item.reason,
         "ended_at": format_time_utc(item.ended_at)}
        for item in told.going
    ]  # fmt: skip
    limits = [{**limit, "value": as_json(limit["name"], limit["value"])} for limit in jobs.limits()]
    return {
        "schema": 1, "done": told.done, "records": told.records, "outputs": told.outputs, "bytes": told.bytes, "items": items,
        "problems": told.problems, "limits": limits,
    }  # fmt: skip
