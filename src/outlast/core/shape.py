"""The JSON of jobs and runs, one shape for command line, API and web: RFC 3339 in UTC, seconds, bytes, unknown is null."""

from outlast.core.job import RUNNING
from outlast.core.times import format_time_utc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from outlast.core.job import Job, Run
    from outlast.core.observed import Observed
    from outlast.core.stats import Statistics

SCHEMA = 1


def seconds(ns: int | None) -> float | None:
    """Return nanoseconds as seconds."""
    return None if ns is None else ns / 1_000_000_000


def lasted(item: "Job | Run", now: int | None = None) -> int | None:
    """Return how long a job or run took (ns): to its end, else to `now`; None if it has not begun or its end is unknown."""
    end = now if item.ended_at is None else item.ended_at
    return None if item.started_at is None or end is None else max(0, end - item.started_at)


def run_shape(run: "Run", now: int | None = None) -> "dict[str, Any]":
    """Return the JSON of a run."""
    return {
        "run": run.run, "status": run.status, "outcome": run.outcome, "reason": run.reason,
        "exit_code": run.exit_code, "signal": run.signal, "pid": run.pid, "host": run.host,
        "started_at": format_time_utc(run.started_at), "ended_at": format_time_utc(run.ended_at), "duration": seconds(lasted(run, now)),
        "cpu": seconds(run.cpu), "max_rss": run.max_rss, "stdout": run.stdout, "stderr": run.stderr,
        "missing": run.missing, "leftovers": run.leftovers, "limits": _limits(run.limits),
        "processes": run.processes, "memory": run.memory, "kept": run.kept, "fingerprint": run.fingerprint,
        "cpu_by": run.cpu_by or (None if run.cpu is None else "wait4"),
    }  # fmt: skip


def job_shape(
    job: "Job", runs: "Iterable[Run] | None" = None, now: int | None = None, *, waiting_for: "Iterable[str]" = (),
    observed: "Observed | None" = None,
) -> "dict[str, Any]":  # fmt: skip
    """Return the JSON of a job as `show --json` has it; without `runs` as in a listing, which has neither `spec` nor `runs`.

    `now` (ns) gives a running one its duration so far, `observed` what is seen of it beside the record.
    """
    shape: dict[str, Any] = {
        "schema": SCHEMA, "id": job.id, "name": job.name, "description": job.description, "key": job.key, "group": job.group,
        "command": list(job.command), "cwd": job.cwd, "user": job.user,
        "status": job.status, "outcome": job.outcome, "reason": job.reason, "exit_code": job.exit_code, "signal": job.signal,
        "run": job.run, "pid": job.pid, "duration": seconds(lasted(job, now)),
        "created_at": format_time_utc(job.created_at), "queued_at": format_time_utc(job.queued_at),
        "started_at": format_time_utc(job.started_at), "ended_at": format_time_utc(job.ended_at),
        "next_run_at": format_time_utc(job.next_run_at), "waiting_for": list(waiting_for),
        "priority": job.priority, "mutex": [*(job.mutex or ())],
        "paused": job.paused, "held": job.held, "stop_requested": _wish(job.stop_requested),
        "activity": observed.activity if observed else None,
        "heartbeat_at": format_time_utc(observed.heartbeat_at) if observed else None,
        "heartbeat_timeout": seconds(observed.heartbeat_timeout) if observed else None,
        "info": [*job.info], "params": dict(job.params),
        "feedback": dict(observed.feedback if observed else job.feedback or {}),
        "progress": _progress(observed.progress if observed else job.progress), "last_line": observed.last_line if observed else None,
        "usual_duration": seconds(observed.usual) if observed else None, "usual_p95": seconds(observed.usual_p95) if observed else None,
        "usage": _usage(observed) if observed and job.status == RUNNING else None,
        "warnings": [_warning(warning) for warning in job.warnings],
        "rerun_of": job.rerun_of, "schedule": job.schedule, "trigger": format_time_utc(job.trigger), "automatic": job.automatic,
    }  # fmt: skip
    if runs is not None:
        shape["spec"] = dict(job.spec)
        shape["runs"] = [run_shape(run, now) for run in runs]
    return shape


def jobs_shape(
    jobs: "Iterable[Job]", more: int = 0, now: int | None = None, runs: "Mapping[int, Iterable[Run]] | None" = None,
    waiting_for: "Mapping[int, Iterable[str]] | None" = None, observed: "Mapping[int, Observed] | None" = None,
) -> "dict[str, Any]":  # fmt: skip
    """Return the JSON of a listing. `more`: how many were left out; `runs`, `waiting_for` and `observed` by job id."""
    shapes = []
    for job in jobs:
        shape = job_shape(job, None, now, waiting_for=(waiting_for or {}).get(job.id, ()), observed=(observed or {}).get(job.id))
        if runs is not None:
            shape["runs"] = [run_shape(run, now) for run in runs.get(job.id, ())]
        shapes.append(shape)
    return {"schema": SCHEMA, "jobs": shapes, "more": more}


def stats_shape(found: "Statistics") -> "dict[str, Any]":
    """Return the JSON of statistics."""
    names = [
        {
            "name": one.name, "count": one.jobs, "outcomes": one.outcomes, "failures": one.failures, "warnings": one.warnings,
            "first_at": format_time_utc(one.first_at), "last_at": format_time_utc(one.last_at),
            "last": {"id": one.last, "outcome": one.last_outcome, "reason": one.last_reason},
            **{name: seconds(getattr(one, name)) for name in ("fastest", "median", "p95", "slowest", "cpu")},
            "max_rss": one.max_rss, "memory": one.memory,
            "trend": [{"id": took.job, "duration": seconds(took.duration), "outcome": took.outcome} for took in one.trend],
        }
        for one in found.names
    ]  # fmt: skip
    return {"schema": SCHEMA, "names": names, "more": found.more, "since": format_time_utc(found.since)}


def event_shape(event: "Mapping[str, Any]") -> "dict[str, Any]":
    """Return the JSON of an event as the store tells it: `id`, `job`, `kind`, `at` in ns, `data`."""
    at = format_time_utc(event["at"])
    return {"id": event["id"], "job": event["job"], "event": event["kind"], "at": at, "data": _told(event["data"])}


def _told(data: "Mapping[str, Any]") -> "dict[str, Any]":
    shape = dict(data)
    for name, held in data.items():
        if isinstance(held, dict) and name == "ending":
            shape[name] = _told(held)
        elif isinstance(held, int) and (name in {"at", "until"} or name.endswith("_at")):
            shape[name] = format_time_utc(held)
        elif isinstance(held, int) and name in {"grace", "cpu"}:
            shape[name] = seconds(held)
        elif name == "limits":
            shape[name] = _limits(held)
    return shape


def _limits(limits: "Mapping[str, Any] | None") -> "dict[str, Any] | None":
    """Return what limited a run: durations in seconds, and by what the others are enforced."""
    if limits is None:
        return None
    told: dict[str, Any] = {name: seconds(limits[name]) for name in ("run", "soft_run", "usual") if name in limits}
    return {**told, "by": limits["by"]} if "by" in limits else told


def _warning(warning: "Mapping[str, Any]") -> "dict[str, Any]":
    return {**warning, "at": format_time_utc(warning["at"]), "over_at": format_time_utc(warning.get("over_at"))}


def _progress(progress: "Mapping[str, Any] | None") -> "dict[str, Any] | None":
    return None if progress is None else {**progress, "eta": seconds(progress.get("eta"))}


def _usage(observed: "Observed") -> "dict[str, Any] | None":
    """Return what a running job uses now; of one that has ended see its runs."""
    if observed.processes is None and observed.output is None:
        return None
    return {"cpu": seconds(observed.cpu), "rss": observed.rss, "processes": observed.processes, "log": observed.output}


def _wish(wish: "dict[str, Any] | None") -> "dict[str, Any] | None":
    if wish is None:
        return None
    shape = {name: held for name, held in wish.items() if name not in {"sent_at", "sent_verb"}}
    if "at" in shape:
        shape["at"] = format_time_utc(shape["at"])
    if shape.get("grace") is not None:
        shape["grace"] = seconds(shape["grace"])
    return shape
