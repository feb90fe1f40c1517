"""`outlast help`, `version`, `completion`: what needs no home."""

import sys

import outlast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs


def main(parsed: "Parsed", jobs: "Jobs") -> int:  # noqa: ARG001  # every verb is called so
    """Print it."""
    if parsed.verb == "version":
        from outlast.store.driver import VERSION as SQLITE_VERSION

        python = sys.version.split()[0]
        if parsed.options.get("json"):
            from outlast.core.jsontext import dumps

            print(dumps({"schema": 1, "version": outlast.__version__, "python": python, "sqlite": SQLITE_VERSION}))
        else:
            print(f"outlast {outlast.__version__} (Python {python}, SQLite {SQLITE_VERSION})")
    elif parsed.verb == "completion":
        from outlast.cli.completion import script

        sys.stdout.write(script(parsed.operands[0]))
    else:
        from outlast.cli.help import help_text

        sys.stdout.write(help_text(parsed.operands[0] if parsed.operands else ""))
    return 0
