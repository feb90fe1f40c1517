"""`outlast doctor`: whether everything is in order."""

import os

from outlast.cli.terminal import colours, paint
from outlast.client.health import BAD, NOTE, examine
from outlast.core.errors import EXIT_NOT_ALL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs

_COLOUR = {BAD: "red", NOTE: "yellow"}


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Examine. 0 if nothing is bad, else 1."""
    checks = examine(jobs)
    bad = any(check.verdict == BAD for check in checks)
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps

        print(dumps({"schema": 1, "healthy": not bad, "checks": [dict(check.items()) for check in checks]}))
    else:
        for check in checks:
            word = f"{check.verdict:<5}"
            print(f"{paint(word, _COLOUR.get(check.verdict, 'green')) if colours(os.environ) else word}{check.name:<12}{check.text}")
        if not parsed.options.get("quiet"):
            print("something is to be mended" if bad else "healthy")
    return EXIT_NOT_ALL if bad else 0
