"""`outlast doctor`: whether everything is in order."""

import os

from outlast.cli.terminal import colours, paint, visible
from outlast.client.health import BAD, NOTE, OK, Check, examine
from outlast.core.errors import EXIT_NOT_ALL, OutlastError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs

_COLOUR = {BAD: "red", NOTE: "yellow"}


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Examine, back up, or repair. 0 if nothing is bad (afterwards), else 1."""
    options = parsed.options
    wanted = [name for name in ("backup", "check", "repair") if options.get(name)]
    if len(wanted) > 1:
        raise UsageError(f"--{wanted[0]} and --{wanted[1]} exclude each other", "call them one after the other")
    if options.get("backup"):
        return _back_up(parsed, jobs)
    if options.get("repair"):
        return _repair(parsed, jobs)
    checks = examine(jobs)
    if options.get("check"):
        checks += _thorough(jobs)
    bad = any(check.verdict == BAD for check in checks)
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps

        print(dumps({"schema": 1, "healthy": not bad, "checks": [dict(check.items()) for check in checks]}))
    else:
        for check in checks:
            word = f"{check.verdict:<5}"
            print(
                f"{paint(word, _COLOUR.get(check.verdict, 'green')) if colours(os.environ) else word}{check.name:<12}{visible(check.text)}"
            )
        if not parsed.options.get("quiet"):
            print("something is to be mended" if bad else "healthy")
    return EXIT_NOT_ALL if bad else 0


def _thorough(jobs: "Jobs") -> "list[Check]":
    try:
        found = jobs.check()
    except (OutlastError, OSError) as error:
        found = [str(error)]
    if not found:
        return [Check(name="records", verdict=OK, text="every row and every file is as it should be")]
    return [*(Check(name="records", verdict=BAD, text=text) for text in found),
            Check(name="repair", verdict=NOTE, text="`outlast doctor --repair` sees to it, after it has made a copy")]  # fmt: skip


def _back_up(parsed: "Parsed", jobs: "Jobs") -> int:
    path = os.path.abspath(parsed.options["backup"])
    size = jobs.backup(path)
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps

        print(dumps({"schema": 1, "backup": path, "bytes": size}))
    elif not parsed.options.get("quiet"):
        from outlast.core.sizes import format_size

        print(visible(f"{path}: {format_size(size)}, all records; output is not in it, it lies in {jobs.home.at('runs')}"))
    return 0


def _repair(parsed: "Parsed", jobs: "Jobs") -> int:
    told = jobs.repair()
    left = [check.text for check in _thorough(jobs) if check.verdict == BAD]
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps

        print(dumps({"schema": 1, "healthy": not left, "done": told.done, "left": left, "before": told.folder or None}))
    else:
        for sentence in told.done or ["nothing was to be done"]:
            print(visible(sentence))
        for sentence in left:
            print(visible(f"still so: {sentence}"))
        if told.folder and not parsed.options.get("quiet"):
            print(visible(f"what was there before is in {told.folder}: remove it when you are sure that you miss nothing"))
    return EXIT_NOT_ALL if left else 0
