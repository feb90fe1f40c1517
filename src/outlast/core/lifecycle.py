"""The lifecycle of a job: one table, and the function that says what a job is after an event.

A key that is missing from the table *is* the illegal transition. `after` is pure; `Store.record` is its only writer.
"""

from outlast.core import events as e
from outlast.core.errors import Bug
from outlast.core.job import ENDED, FAILURES, PENDING, QUEUED, RESERVED, RUNNING, SUCCEEDED, UNCHARGED, Ending, Job, Run
from outlast.core.options import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Never

NEW = "new"  # of a job that no event has made yet
MOST_WARNINGS = 400  # that a record keeps, more than one run can have; the events tell of all
TIMED = frozenset({"wait.abort-datetime", "retries.abort-datetime", "timeout.job", "timeout.soft.job"})  # options that set a deadline

_STAY: "dict[str, frozenset[str]]" = {s: frozenset({s}) for s in (RESERVED, PENDING, QUEUED, RUNNING, ENDED)}


def _wishes(status: str) -> "dict[type[e.Event], frozenset[str]]":
    """Return what may be wished of every job that is not over, whatever its status: a wish never changes the status."""
    kinds = (e.StopRequested, e.Paused, e.Resumed, e.Held, e.Released, e.Warned, e.WarningOver, e.Noted)
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
        e.Met: _STAY[PENDING],
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
    new = job.replace(version=job.version + 1, **changes)
    if TIMED.isdisjoint(new.spec) or new.status == ENDED:
        return new
    from outlast.core.deadlines import deadline

    return new.replace(deadline=deadline(new))


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
            codes = {"exit_code": None, "signal": None} if ending is None else _of(job, ending)
            at = now if ending is None else ending.ended_at
            return {
                "status": ENDED, "outcome": event.outcome, "reason": event.reason, "ended_at": at, "pid": None, "next_run_at": None,
                "waits": 0, "deadline": None, "paused": False, "paused_at": None, "held": False, **codes,
            }  # fmt: skip
        case e.Reserved():
            return {"status": RESERVED, "created_at": now, "deadline": event.until}
        case e.Submitted():
            made = {"created_at": now, "waits": event.waits, "next_run_at": event.until, "deadline": None, "paused_for": 0}
            if job.paused:  # as a reservation: its clocks begin now, and stand still
                made["paused_at"] = now
            if event.waits or event.until is not None:
                return {**made, "status": PENDING}
            return {**made, "status": QUEUED, "queued_at": now}
        case e.Met():
            return {"waits": job.waits - 1, "next_run_at": _not_before(job, event, now)}
        case e.Queued():
            return {"status": QUEUED, "queued_at": now, "next_run_at": None}
        case e.Postponed():
            return {"status": PENDING, "next_run_at": event.until, "waits": len(event.needs)}
        case e.Retried():
            due = _as_paused(job, event.next_run_at, now)
            return {"status": PENDING, "pid": None, "next_run_at": due, "stop_requested": None, **_of(job, event.ending)}
        case e.StopRequested():
            return {"stop_requested": _wish(job.stop_requested, event, now)}
        case e.Paused():
            return {} if job.paused else {"paused": True, "paused_at": now}
        case e.Resumed():
            return _resumed(job, now) if job.paused else {}
        case e.Held():
            return {"held": True}
        case e.Released():
            return {"held": False}
        case e.Signalled():
            wish = job.stop_requested
            if wish is None or event.by in _OTHER_SIGNALS or "sent_at" in wish:
                return {}  # not at a stop's wish; or a later one only hurries what the first has begun
            return {"stop_requested": {**wish, "sent_at": now, "sent_verb": event.by}}
        case e.Warned():
            return {"warnings": _warned(job, event, now)}
        case e.WarningOver():
            return {"warnings": _warning_over(job, event, now)}
        case e.Noted():
            return {}
    raise _no_rule(event)


_OTHER_SIGNALS = frozenset({"signal", "pause", "resume", "warning"})


def _not_before(job: Job, event: e.Met, now: int) -> int | None:
    """Return when the job may be queued after `event`: now or later if that was the last thing it waited for, else as before."""
    until = None if event.until is None else _as_paused(job, event.until, now)
    known = [instant for instant in (job.next_run_at, until) if instant is not None]
    if job.waits == 1 and not known:
        return _as_paused(job, now, now)
    return max(known) if known else None


def _as_paused(job: Job, instant: int, now: int) -> int:
    """Return an instant that is counted from `now`; of a paused job from the pause's beginning, since its end adds all of it."""
    return instant - max(now - (job.paused_at or now), 0) if job.paused else instant


def _resumed(job: Job, now: int) -> "dict[str, Any]":
    """Return what changes when a paused job goes on: its clocks stood still meanwhile, so its waits end so much later."""
    paused = max(now - (job.paused_at or now), 0)
    changes: dict[str, Any] = {"paused": False, "paused_at": None, "paused_for": job.paused_for + paused}
    if job.status == PENDING and job.next_run_at is not None:
        from outlast.core.deadlines import resumed_start

        changes["next_run_at"] = resumed_start(job, paused)
    return changes


def _warned(job: Job, event: e.Warned, now: int) -> "list[dict[str, Any]]":
    """Return the warnings after one more: the same one of the same run is counted, not repeated; the oldest of very many go."""
    warnings = [dict(warning) for warning in job.warnings]
    for warning in warnings:
        if (warning["warning"], warning["run"]) == (event.warning, event.run):
            count = warning["count"] + 1 if event.times is None else event.times
            warning |= {"text": event.text, "at": now, "count": count, "over_at": None}
            return warnings
    made = {"warning": event.warning, "text": event.text, "at": now, "run": event.run, "count": event.times or 1, "over_at": None}
    return [*warnings, made][-MOST_WARNINGS:]


def _warning_over(job: Job, event: e.WarningOver, now: int) -> "list[dict[str, Any]]":
    """Return the warnings when what one of them warned of is over."""
    warnings = [dict(warning) for warning in job.warnings]
    for warning in warnings:
        if (warning["warning"], warning["run"]) == (event.warning, event.run) and warning.get("over_at") is None:
            warning |= {"text": event.text, "over_at": now}
    return warnings


def _no_rule(event: "Never") -> Bug:
    """Return the refusal of an event that has no rule. Types refuse it first: whoever adds an event adds its rule."""
    return Bug(f"no rule for the event `{type(event).__name__}`")


def _wish(before: "dict[str, Any] | None", event: e.StopRequested, now: int) -> "dict[str, Any]":
    """Return what is wished after `event`. It takes nothing back: neither a signal that was sent, nor the end of the whole job."""
    wish: dict[str, Any] = {"verb": event.verb, "signal": event.signal, "grace": event.grace, "scope": event.scope, "at": now}
    if event.why:
        wish["why"] = event.why
    if before is not None:
        wish |= {name: before[name] for name in ("sent_at", "sent_verb", "why") if name in before and name not in wish}
        if before["scope"] != "run":
            wish["scope"] = before["scope"]
    return wish


def _of(job: Job, ending: Ending) -> "dict[str, Any]":
    """Return what a run that is over leaves on its job: how it ended, and one more of its kind."""
    told: dict[str, Any] = {"exit_code": ending.exit_code, "signal": ending.signal}
    if ending.feedback is not None or job.feedback is not None:
        told["feedback"] = ending.feedback
    if ending.progress is not None or job.progress is not None:
        told["progress"] = ending.progress
    if ending.outcome == SUCCEEDED:
        return {**told, "successes": job.successes + 1}
    if ending.outcome in UNCHARGED:
        return {**told, "uncharged": job.uncharged + 1}
    return {**told, "failures": job.failures + 1} if ending.outcome in FAILURES else told


def run_after(job: Job, run: Run | None, event: "e.AnyEvent", now: int) -> Run | None:
    """Return the run that `event` makes or changes, or None if it touches no run.

    Raises Bug if the event means a run that is not the job's current one.
    """
    match event:
        case e.Claimed():
            return Run(
                job=job.id, run=event.run, host=event.host, boot=event.boot, state_file=event.state_file, claimed_at=now,
                limits=event.limits, fingerprint=event.fingerprint,
            )  # fmt: skip
        case e.Started():
            run = _current(job, run, event.run)
            return run.replace(pid=event.pid, pid_start=event.pid_start, pidns=event.pidns, started_at=event.started_at)
        case e.Retried():
            return _over(job, _current(job, run, event.run), event.ending)
        case e.Ended():
            return None if event.ending is None else _over(job, _current(job, run, event.run), event.ending)
        case (
            e.Reserved() | e.Submitted() | e.Met() | e.Queued() | e.Postponed() | e.StopRequested() | e.Paused() | e.Resumed()
            | e.Held() | e.Released() | e.Signalled() | e.Warned() | e.WarningOver() | e.Noted()
        ):  # fmt: skip
            return None
    raise _no_rule(event)


def _current(job: Job, run: Run | None, number: int | None) -> Run:
    if run is None or run.run != number or run.status != RUNNING:
        raise Bug(f"job {job.id}: run {number} is not its running one")
    return run


def _over(job: Job, run: Run, ending: Ending) -> Run:
    told = {name: content for name, content in ending.items() if name not in _OF_THE_JOB}
    most = None if not ending.log else _most_kept(job)  # no length is told: whoever prunes measures the files
    return run.replace(status=ENDED, kept=ending.log if most is None or ending.log is None else min(ending.log, most), **told)


_OF_THE_JOB = frozenset({"feedback", "progress"})  # of an ending: what the job keeps, not the run


def _most_kept(job: Job) -> int | None:
    """Return how many bytes of a run's output stay on the disk; None for no limit."""
    size, files = value(job.spec, "log.file.max-bytes"), value(job.spec, "log.run.max-files")
    return None if size is None or files is None else size * files
