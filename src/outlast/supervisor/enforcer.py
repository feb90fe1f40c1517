"""Limits on what a run may use: a cgroup of its own where we have been given one to divide, else what its shim sets for it.

By what each limit is enforced is recorded with the run. A cgroup that could not be made is no reason not to start: the run then has
the resource limits of setrlimit(2), and a note says so.
"""

import os

from outlast.core.events import Noted
from outlast.core.job import FAILED, NOT_STARTED, Ending
from outlast.core.limits import CGROUP, plan
from outlast.processes import cgroups
from outlast.supervisor.context import Context, LiveRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from outlast.core.job import Job
    from outlast.core.limits import Plan
    from outlast.processes.cgroups import Delegation

SIGKILL = 9
OOM = "the kernel's OOM killer"


def is_limited(spec: "Mapping[str, Any]") -> bool:
    """Tell whether a job has any limit on what it may use."""
    return any(name.startswith("limit.") for name in spec)


class Enforcer:
    """Makes and removes the cgroups of runs, and knows what the kernel told in them."""

    __slots__ = ("_context", "_delegation", "_prefix")

    def __init__(self, context: Context, delegation: "Delegation | None") -> None:
        """`delegation`: the cgroup that we may divide."""
        self._context = context
        self._delegation = delegation
        self._prefix = cgroups.prefix(context.facts.home_id)

    def _plan(self, job: "Job", surroundings: "Mapping[str, Any]", *, with_cgroup: bool = True) -> "Plan":
        controllers = self._delegation.controllers if self._delegation is not None and with_cgroup else ()
        return plan(job.spec, controllers, surroundings, job.id)

    def used(self, job: "Job", surroundings: "Mapping[str, Any]") -> "dict[str, str]":
        """Return by what each limit of the job is going to be enforced."""
        return self._plan(job, surroundings).used

    def words(self, live: LiveRun, surroundings: "Mapping[str, Any]") -> "list[str]":
        """Return the shim's words that limit the run, whose cgroup is there by then."""
        planned = self._plan(live.job, surroundings)
        if not planned.settings or self._delegation is None:
            return planned.words
        name = f"{self._prefix}{live.id}.{live.run.run}"
        try:
            live.cgroup = self._delegation.make(name, planned.settings)
        except OSError as error:
            text = f"no cgroup could be made ({os.strerror(error.errno or 0)}): resource limits hold it instead"
            instead = self._plan(live.job, surroundings, with_cgroup=False)
            live.notes.append(Noted(text=text, data={"by": instead.used}))
            return instead.words
        return [*planned.words, f"cgroup={live.cgroup}"]

    def adopted(self, live: LiveRun) -> None:
        """Know the cgroup of a run that an earlier supervisor started."""
        by = (live.run.limits or {}).get("by", {})
        if self._delegation is not None and CGROUP in by.values():
            live.cgroup = f"{self._delegation.path}/{self._prefix}{live.id}.{live.run.run}"

    def told(self, live: LiveRun, ending: Ending) -> Ending:
        """Return how the run ended with what its cgroup tells: what all of it used, whether the kernel killed for want of memory."""
        if live.cgroup is None or ending.outcome == NOT_STARTED:
            return ending
        cpu = cgroups.cpu(live.cgroup)
        if cpu is not None:  # else the shim's word stays: of those that were waited for
            ending = ending.replace(cpu=cpu, cpu_by=CGROUP)
        ending = ending.replace(memory=cgroups.peak(live.cgroup, "memory"), processes=cgroups.peak(live.cgroup, "pids"))
        if ending.outcome != FAILED or not cgroups.oom_kills(live.cgroup):
            return ending
        if ending.signal == SIGKILL:
            return ending.replace(reason=f"ended by {OOM}")
        return ending.replace(reason=f"{ending.reason} ({OOM} ended processes of it)")

    def over(self, live: LiveRun) -> None:
        """Remove the cgroup of a run that is over. While something that it left behind lives there, it stays until we start again."""
        if live.cgroup is not None:
            cgroups.remove(live.cgroup)

    def sweep(self) -> None:
        """Remove the cgroups of this home's runs that are over and empty by now."""
        if self._delegation is None:
            return
        living = {f"{self._prefix}{live.id}.{live.run.run}" for live in self._context.runs.values()}
        for name in os.listdir(self._delegation.path):
            if name.startswith(self._prefix) and name not in living:
                cgroups.remove(f"{self._delegation.path}/{name}")
