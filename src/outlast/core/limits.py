"""The limits of a job and what holds it to them: a cgroup (version 2) where there is one to give, else resource limits (setrlimit(2)).

A limit never gives more than the submitter had: its hard limits stay, and lower soft ones hold.
"""

import resource

from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

CGROUP = "cgroup"  # of all processes of the run together
RLIMIT = "rlimit"  # of each process on its own; `processes`: of all processes of the user
PRIORITY = "priority"
AFFINITY = "affinity"
NOTHING = "nothing"  # it cannot be limited here
_SECOND = 1_000_000_000
_TO_KILL = 5  # seconds of CPU time from SIGXCPU to SIGKILL
_PERIOD = 100_000  # microseconds over which the kernel shares out CPU time
_INFINITE = -1


class Plan(Value):
    """How the limits of a job are kept: `words` for its shim (after those of its surroundings), files to write in the cgroup of its run
    (none: it needs no cgroup), and what is `used` for each limit.
    """  # noqa: D205  # one thought

    _fields = ("words", "settings", "used")
    words: "list[str]"
    settings: "dict[str, str]"
    used: "dict[str, str]"


def plan(spec: "Mapping[str, Any]", delegated: "Collection[str]", surroundings: "Mapping[str, Any]", turn: int = 0) -> Plan:
    """Return how the limits in `spec` are kept.

    `delegated`: the controllers that a cgroup of the run would have (`Delegation.controllers`; none: there is no delegation).
    `surroundings`: the submitter's. `turn`: any number; jobs with different ones are put on different CPUs where affinity is all we have.
    """
    made = Plan(words=[], settings={}, used={})
    of = {name.removeprefix("limit."): held for name, held in spec.items() if name.startswith("limit.") and held is not None}
    own = surroundings.get("rlimits") or {}
    if "memory" in of and "memory" in delegated:
        made.settings.update({"memory.max": str(of["memory"]), "memory.swap.max": "0", "memory.oom.group": "1"})
        made.used["memory"] = CGROUP
    elif "memory" in of:
        _bound(made, "memory", own, resource.RLIMIT_AS, of["memory"])
    if "processes" in of and "pids" in delegated:
        made.settings["pids.max"] = str(of["processes"])
        made.used["processes"] = CGROUP
    elif "processes" in of:
        _bound(made, "processes", own, resource.RLIMIT_NPROC, of["processes"])
    if "cpus" in of and "cpu" in delegated:
        made.settings["cpu.max"] = f"{of['cpus'] * _PERIOD // 1000} {_PERIOD}"
        made.used["cpus"] = CGROUP
    elif "cpus" in of:
        _place(made, of["cpus"], surroundings.get("affinity") or [], turn)
    if "cpu-time" in of:
        seconds = max(-(-of["cpu-time"] // _SECOND), 1)
        _bound(made, "cpu-time", own, resource.RLIMIT_CPU, seconds, seconds + _TO_KILL)
    if "file-size" in of:
        _bound(made, "file-size", own, resource.RLIMIT_FSIZE, of["file-size"])
    if "nice" in of:
        made.words.append(f"nice={of['nice']}")
        made.used["nice"] = PRIORITY
    return made


def _bound(made: Plan, name: str, own: "Mapping[str, Any]", number: int, soft: int, hard: int | None = None) -> None:
    """Set a resource limit, no higher than the own one."""
    own_soft, own_hard = own.get(str(number), (_INFINITE, _INFINITE))
    hard = _lower(soft if hard is None else hard, own_hard)
    made.words.append(f"rlimit={number}:{_lower(_lower(soft, own_soft), hard)}:{hard}")
    made.used[name] = RLIMIT


def _lower(wanted: int, own: int) -> int:
    return wanted if own == _INFINITE else min(wanted, own)


def _place(made: Plan, thousandths: int, cpus: "list[int]", turn: int) -> None:
    """Let it have as many whole CPUs of the submitter's as it takes."""
    count = min(-(-thousandths // 1000), len(cpus))
    chosen = sorted(cpus[(turn * count + place) % len(cpus)] for place in range(count))
    if chosen:
        made.words.append(f"affinity={','.join(map(str, chosen))}")
    made.used["cpus"] = AFFINITY if chosen else NOTHING
