"""Named facts and constants of this host: what the host tells, our versions, and what people wrote into `hostinfo` files."""

import sys

from outlast.core.hostinfo import FACTS, parse_constants
from outlast.processes.host import contents, probe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from outlast.home import Home

SYSTEM_WIDE = "/etc/outlast/hostinfo"
OF_HOME = "hostinfo"


def hostinfo(home: "Home") -> "dict[str, Any]":
    """Return every fact of `core.hostinfo.FACTS` by name (ns, bytes; None: not known), `constants`, and `complaints` about their files."""
    import outlast
    from outlast.store.driver import VERSION

    told = probe(home.path)
    told.update(home=home.path, outlast=outlast.__version__, python=sys.version.split()[0], sqlite=VERSION)
    constants: dict[str, str] = {}
    complaints: list[str] = []
    for path in (SYSTEM_WIDE, home.at(OF_HOME)):  # the second one wins
        found, wrong = parse_constants(contents(path) or "", path)
        constants.update(found)
        complaints += wrong
    return {**{name: told.get(name) for name in FACTS}, "constants": dict(sorted(constants.items())), "complaints": complaints}


def shape(told: "dict[str, Any]") -> "dict[str, Any]":
    """Return the JSON of it."""
    from outlast.core.shape import SCHEMA, seconds
    from outlast.core.times import format_time_utc

    facts = {**told, "booted_at": format_time_utc(told["booted_at"]), "uptime": seconds(told["uptime"])}
    facts.pop("complaints", None)
    return {"schema": SCHEMA, **facts}
