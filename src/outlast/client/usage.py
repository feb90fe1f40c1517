"""What jobs use: while they run by their processes and their log, afterwards by the record of their last run; and what is usual."""

from outlast.core.errors import SystemFault
from outlast.core.job import RUNNING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from outlast.client.jobs import Jobs
    from outlast.core.job import Job, Run
    from outlast.processes.tree import Target
    from outlast.processes.usage import Census


class Look:
    """One look at jobs: the processes of the machine are read once for all of them, and only if one of them runs."""

    __slots__ = ("_census", "_jobs", "_some", "_targets", "_usual")

    def __init__(self, jobs: "Jobs", some: "Iterable[Job]") -> None:
        """Nothing is looked at before it is asked for. `some`: the jobs that will be."""
        self._jobs = jobs
        self._some = list(some)
        self._usual: dict[int, tuple[int, int]] | None = None
        self._targets: dict[int, Target] | None = None
        self._census: Census | None = None

    def usage(self, job: "Job") -> "dict[str, Any]":
        """Return `usual`, `usual_p95`, `cpu`, `rss`, `processes`, `output` of what is observed of it; what is not known is left out."""
        if job.status != RUNNING:
            return _recorded(self._run(job))
        if self._usual is None:
            self._usual = usual_durations(self._jobs, self._some)
        seen: dict[str, Any] = dict(zip(("usual", "usual_p95"), self._usual.get(job.id, ()), strict=False))
        try:
            return {**seen, "output": _log_length(self._jobs, job), **self._live(job)}
        except SystemFault:
            return seen

    def _live(self, job: "Job") -> "dict[str, int]":
        from outlast.executors.state import name
        from outlast.processes import cgroups
        from outlast.processes.usage import cpu_of_cgroup, of_run

        if self._targets is None:
            self._find()
        target = (self._targets or {}).get(job.id)
        used = of_run(self._census, target) if self._census is not None and target is not None else None
        if used is None or target is None or target.command is None:
            return {}
        told = {"cpu": used.cpu, "rss": used.rss, "processes": used.processes}
        run = self._run(job)
        if run is not None and "cgroup" in (run.limits or {}).get("by", {}).values():
            own = cgroups.prefix(self._home_id()) + name(job.id, job.run)
            told["cpu"] = max(cpu_of_cgroup(target.command.pid, own) or 0, told["cpu"])
        return told

    def _find(self) -> None:
        """Find out which processes the runs have begun with, and look at all that are there."""
        from outlast.executors import state
        from outlast.executors.local import mark
        from outlast.processes.identity import Identity, pid_namespace
        from outlast.processes.tree import Target
        from outlast.processes.usage import Census

        self._targets = {}
        for job in self._some:
            run = self._run(job) if job.status == RUNNING else None
            told = state.of(self._jobs.home, run).started if run is not None else None
            if told is None or told["pidns"] != pid_namespace():
                continue
            command = Identity(pid=told["pid"], start=told["start"])
            self._targets[job.id] = Target(
                mark=mark(self._home_id(), job.id, job.run).encode(), session=command.pid, session_start=command.start, command=command,
                shim=Identity(pid=told["shim"], start=told["shim_start"]),
            )  # fmt: skip
        if self._targets:
            self._census = Census(min(target.shim.start for target in self._targets.values() if target.shim is not None))

    def _home_id(self) -> str:
        return self._jobs.reading.home_id() if self._jobs.reading is not None else ""

    def _run(self, job: "Job") -> "Run | None":
        """Return the job's last run."""
        if job.runs:
            return job.runs[-1]
        return self._jobs.reading.run(job.id, job.run) if self._jobs.reading is not None and job.run else None


def usual_durations(jobs: "Jobs", some: "Iterable[Job]") -> "dict[int, tuple[int, int]]":
    """Return (median, 95th percentile) by id of those of the jobs that run; one question for each name."""
    by_name: dict[str, tuple[int, int] | None] = {}
    found = {}
    for job in some:
        if job.status != RUNNING or jobs.reading is None:
            continue
        if job.name not in by_name:
            by_name[job.name] = jobs.reading.usual(job.name)
        known = by_name[job.name]
        if known is not None:
            found[job.id] = known
    return found


def _recorded(run: "Run | None") -> "dict[str, Any]":
    if run is None:
        return {}
    output = None if run.stdout is None or run.stderr is None else run.stdout + run.stderr
    return {"cpu": run.cpu, "rss": run.max_rss, "processes": run.processes, "output": output}


def _log_length(jobs: "Jobs", job: "Job") -> int:
    """Return how long the log of the job's run is by now, what was rotated away included."""
    from outlast.logs.files import Snapshot

    snapshot = Snapshot(jobs.home.run_path(job.id, job.run))
    try:
        return snapshot.end
    finally:
        snapshot.close()
