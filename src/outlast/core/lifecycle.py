"""The lifecycle of a job: one table, and the function that says what a job is after an event.

A key that is missing from the table *is* the illegal transition. `after` is pure; `Store.record` is its only writer.
"""

from outlast.core import events as e
from outlast.core.errors import Bug
from outlast.core.job import ENDED, PENDING, QUEUED, RESERVED, RUNNING, Ending, Job, Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Never

NEW = "new"  # of a job that no event has made yet

_STAY: "dict[str, frozenset[str]]" = {s: frozenset({s}) for s in (RESERVED, PENDING, QUEUED, RUNNING, ENDED)}


def _wishes(status: str) -> "dict[type[e.Event], frozenset[str]]":
    """Return what may be wished of every job that is not over, whatever its status: a wish never changes the status."""
    kinds = (e.StopRequested, e.Paused, e.Resumed, e.Held, e.Released, e.Warned, e.Noted)
    return dict.fromkeys(kinds, _STAY[status])


TRANSITIONS: "Mapping[str, Mapping[type[e.Event], frozenset[str]]]" = {
    NEW: {
        e.Reserved: frozenset({RESERVED}),
        e.Submitted: frozenset({PENDING, QUEUED}),
    },
    RESERVED: {
        **_wishes(RESERVED),
        e.Submitted: frozenset({PENDING, QUEUED}),
        e.Ended: frozenset({ENDED}),
    },
    PENDING: {
        **_wishes(PENDING),
        e.Queued: frozenset({QUEUED}),
        e.Ended: frozenset({ENDED}),
    },
    QUEUED: {
        **_wishes(QUEUED),
        e.Postponed: frozenset({PENDING}),
        e.Claimed: frozenset({RUNNING}),
        e.Ended: frozenset({ENDED}),
    },
    RUNNING: {
        **_wishes(RUNNING),
        e.Started: _STAY[RUNNING],
        e.Signalled: _STAY[RUNNING],
        e.Retried: frozenset({PENDING}),
        e.Ended: frozenset({ENDED}),
    },
    ENDED: {
        e.Noted: _STAY[ENDED],
    },
}


def after(job: Job, event: "e.AnyEvent", now: int) -> Job:
    """Return `job` as it is after `event` at `now` (ns): the next version of it.

    Raises Bug if the table has no such transition, or if the event tells of another run than the job's current one.
    """
    status = job.status if job.version else NEW
    allowed = TRANSITIONS[status].get(type(event))
    if allowed is None:
        raise Bug(f"job {job.id} is {status}: `{event.kind}` cannot happen to it")
    _check_run(job, event)
    changes = _changes(job, event, now)
    new_status = changes.get("status", job.status)
    if new_status not in allowed:
        raise Bug(f"job {job.id} is {status}: `{event.kind}` cannot make it {new_status}")
    return job.replace(version=job.version + 1, **changes)


def _check_run(job: Job, event: "e.AnyEvent") -> None:
    """Raise Bug unless `event` is about the run that it must be about: a running job and its run begin and end together."""
    told: int | None
    match event:
        case e.Claimed():
            told, right = event.run, job.run + 1
        case e.Started() | e.Retried():
            told, right = event.run, job.run
        case e.Ended() if job.status == RUNNING:
            told, right = None if event.ending is None else event.run, job.run
        case e.Ended() if event.ending is not None:
            raise Bug(f"job {job.id} is {job.status}: it has no run that could end")
        case _:
            return
    if told != right:
        raise Bug(f"job {job.id}: `{event.kind}` tells of run {told}, not of run {right}")


def _changes(job: Job, event: "e.AnyEvent", now: int) -> "dict[str, Any]":  # noqa: C901, PLR0911, PLR0912  # one case per event
    match event:  # what happens to every job stands first
        case e.Claimed():
            return {"status": RUNNING, "run": event.run, "pid": None, "next_run_at": None, "exit_code": None, "signal": None}
        case e.Started():
            return {"pid": event.pid, "started_at": job.started_at or event.started_at}
        case e.Ended():
            ending = event.ending
            codes = {"exit_code": None, "signal": None} if ending is None else _of(ending)
            at = now if ending is None else ending.ended_at
            return {
                "status": ENDED, "outcome": event.outcome, "reason": event.reason, "ended_at": at,
                "pid": None, "next_run_at": None, "paused": False, "held": False, **codes,
            }  # fmt: skip
        case e.Reserved():
            return {"status": RESERVED, "created_at": now, "next_run_at": event.until}
        case e.Submitted():
            made = {} if job.version else {"created_at": now}
            if event.waits:
                return {**made, "status": PENDING, "next_run_at": None}
            return {**made, "status": QUEUED, "queued_at": now, "next_run_at": None}
        case e.Queued():
            return {"status": QUEUED, "queued_at": now, "next_run_at": None}
        case e.Postponed():
            return {"status": PENDING, "next_run_at": event.until}
        case e.Retried():
            return {"status": PENDING, "pid": None, "next_run_at": event.next_run_at, "stop_requested": None, **_of(event.ending)}
        case e.StopRequested():
            return {"stop_requested": _wish(job.stop_requested, event, now)}
        case e.Paused():
            return {"paused": True}
        case e.Resumed():
            return {"paused": False}
        case e.Held():
            return {"held": True}
        case e.Released():
            return {"held": False}
        case e.Signalled():
            wish = job.stop_requested
            if wish is None or event.by == "signal" or "sent_at" in wish:
                return {}  # not at a stop's wish; or a later one only hurries what the first has begun
            return {"stop_requested": {**wish, "sent_at": now, "sent_verb": event.by}}
        case e.Warned() | e.Noted():
            return {}
    raise _no_rule(event)


def _no_rule(event: "Never") -> Bug:
    """Return the refusal of an event that has no rule. Types refuse it first: whoever adds an event adds its rule."""
    return Bug(f"no rule for the event `{type(event).__name__}`")


def _wish(before: "dict[str, Any] | None", event: e.StopRequested, now: int) -> "dict[str, Any]":
    """Return what is wished after `event`. It takes nothing back: neither a signal that was sent, nor the end of the whole job."""
    wish = {"verb": event.verb, "signal": event.signal, "grace": event.grace, "scope": event.scope, "at": now}
    if before is not None:
        wish |= {name: before[name] for name in ("sent_at", "sent_verb") if name in before}
        if before["scope"] != "run":
            wish["scope"] = before["scope"]
    return wish


def _of(ending: Ending) -> "dict[str, Any]":
    return {"exit_code": ending.exit_code, "signal": ending.signal}


def run_after(job: Job, run: Run | None, event: "e.AnyEvent", now: int) -> Run | None:
    """Return the run that `event` makes or changes, or None if it touches no run.

    Raises Bug if the event means a run that is not the job's current one.
    """
    match event:
        case e.Claimed():
            return Run(job=job.id, run=event.run, host=event.host, boot=event.boot, state_file=event.state_file, claimed_at=now)
        case e.Started():
            run = _current(job, run, event.run)
            return run.replace(pid=event.pid, pid_start=event.pid_start, pidns=event.pidns, started_at=event.started_at)
        case e.Retried():
            return _over(_current(job, run, event.run), event.ending)
        case e.Ended():
            return None if event.ending is None else _over(_current(job, run, event.run), event.ending)
        case (
            e.Reserved() | e.Submitted() | e.Queued() | e.Postponed() | e.StopRequested() | e.Paused() | e.Resumed()
            | e.Held() | e.Released() | e.Signalled() | e.Warned() | e.Noted()
        ):  # fmt: skip
            return None
    raise _no_rule(event)


def _current(job: Job, run: Run | None, number: int | None) -> Run:
    if run is None or run.run != number or run.status != RUNNING:
        raise Bug(f"job {job.id}: run {number} is not its running one")
    return run


def _over(run: Run, ending: Ending) -> Run:
    return run.replace(status=ENDED, **dict(ending.items()))
