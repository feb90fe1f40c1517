"""`outlast service`: what brings a supervisor up after a reboot; install it, remove it, say how it stands."""

import os
import sys

from outlast.cli import details
from outlast.cli.terminal import colours, visible, width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs

_MOMENTS = {"boot": "starts at boot", "login": "starts when you log in, not before", None: "does not start by itself after a reboot"}


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Do what the word after `service` says; usually `status`."""
    kind = parsed.options.get("kind")
    quiet = bool(parsed.options.get("quiet"))
    removed: list[str] = []
    if parsed.form == "install":
        told = jobs.service_install(kind)
    else:
        removed = jobs.service_remove(kind) if parsed.form == "remove" else []
        told = jobs.service_status()
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps

        more = {"removed": removed} if parsed.form == "remove" else {}
        print(dumps({"schema": 1, **told, **more}))
    elif parsed.form == "install":
        _say(quiet, f"{told['kind']} service installed ({told['kinds'][told['kind']]['where']}): {_moment(told)}")
    elif parsed.form == "remove":
        _say(quiet, f"{', '.join(removed)} service removed; supervisor and jobs go on" if removed else "none was installed")
    else:
        print(_moment(told))
        sys.stdout.write(details.services_table(told["kinds"], width=width(os.environ), colours=colours(os.environ)))
    if "systemd" in removed and told["kinds"]["systemd"]["linger"] and not quiet:
        sys.stdout.flush()
        print("outlast: lingering stays on, other units may need it: `loginctl disable-linger` ends it", file=sys.stderr)
    return 0


def _say(quiet: bool, line: str) -> None:
    if not quiet:
        print(visible(line))


def _moment(told: "dict[str, Any]") -> str:
    hint = "" if told["starts_at"] else "; `outlast service install` has it do so"
    return visible(f"what waits in {told['home']} {_MOMENTS[told['starts_at']]}{hint}")
