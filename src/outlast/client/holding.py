"""Holding, releasing, approving, pausing, resuming: wishes that change no status, in one commit for all jobs that are meant."""

from outlast.client.ending import by
from outlast.core.errors import NotFound, Refused
from outlast.core.events import Held, Paused, Released, Resumed
from outlast.core.job import ENDED, PENDING, QUEUED, RESERVED, RUNNING, Job
from outlast.core.needs import APPROVAL, met
from outlast.seams import failpoint, now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from outlast.client.jobs import Jobs
    from outlast.core.events import AnyEvent
    from outlast.store.store import Store

    Decide = Callable[[Store, Job], Sequence[AnyEvent]]


def pause(jobs: "Jobs", wanted: "Sequence[Job]", *, wait: bool) -> "list[Job]":
    """Pause jobs; what is paused already stays so."""
    asked = _wish(jobs, wanted, lambda _, job: () if job.paused else (Paused(by=by()),))
    if wait:
        _wait_for_signal(jobs, asked, "pause")
    return asked


def resume(jobs: "Jobs", wanted: "Sequence[Job]", *, wait: bool) -> "list[Job]":
    """Let jobs go on; what is not paused is left alone."""
    before = [job.id for job in wanted if job.paused]
    asked = _wish(jobs, wanted, lambda _, job: (Resumed(by=by()),) if job.paused else ())
    if wait:
        _wait_for_signal(jobs, [job for job in asked if job.id in before], "resume")
    return asked


def hold(jobs: "Jobs", wanted: "Sequence[Job]") -> "list[Job]":
    """Hold jobs that wait. Raises Refused for one that runs: it has started."""

    def decide(_: "Store", job: Job) -> "Sequence[AnyEvent]":
        if job.status == RUNNING:
            raise Refused(f"job {job.id} runs already", f"`outlast pause {job.id}` lets it stand still")
        return () if job.held else (Held(by=by()),)

    return _wish(jobs, wanted, decide)


def release(jobs: "Jobs", wanted: "Sequence[Job]") -> "list[Job]":
    """Release jobs; what is not held is left alone."""

    def decide(_: "Store", job: Job) -> "Sequence[AnyEvent]":
        return (Released(by=by(), value=job.spec.get("pending", "")),) if job.held else ()

    return _wish(jobs, wanted, decide)


def pending_with(jobs: "Jobs", pending: str | None) -> "list[Job]":
    """Return the held jobs that were submitted with that `pending` value. Raises NotFound if there is none."""
    if pending is None:
        return []
    found = [job for job in jobs.list(status=(RESERVED, PENDING, QUEUED)) if job.held and job.spec.get("pending") == pending]
    if not found:
        raise NotFound(f"no job is pending with `{pending[:80]}`", "`outlast ps` shows what waits")
    return found


def approve(jobs: "Jobs", wanted: "Sequence[Job]", note: str) -> "list[Job]":
    """Approve jobs. Raises Refused for one that waits for no approval."""
    who = by()
    text = f"approved by {who}" + (f": {note}" if note else "")

    def decide(store: "Store", job: Job) -> "Sequence[AnyEvent]":
        if not any(need.name == APPROVAL for need in store.needs_of(job.id)):
            raise Refused(f"job {job.id} waits for no approval", f"`outlast why {job.id}` says what it waits for")
        return met(job, APPROVAL, text, None, now())

    return _wish(jobs, wanted, decide)


def _wish(jobs: "Jobs", wanted: "Sequence[Job]", decide: "Decide") -> "list[Job]":
    """Record what `decide` says of every job as it is in the record, all or none. Returns them as they are then."""
    failpoint("request.before")
    done = []
    changed = False
    with jobs.store.batch() as store:
        for job in wanted:
            found = store.job(job.id)
            if found is None or found.status == ENDED:
                raise Refused(f"job {job.id} has ended", f"`outlast show {job.id}` says how")
            events = decide(store, found)
            changed = changed or bool(events)
            done.append(store.record_all(found, events, now()))
    failpoint("request.after-commit")
    if changed:
        jobs.wake()
    return done


def _wait_for_signal(jobs: "Jobs", asked: "Sequence[Job]", verb: str) -> None:
    """Wait until the processes of those that run were told, or are over."""
    from outlast.client.waiting import until

    left = {job.id for job in asked if job.status == RUNNING}

    def reached() -> bool:
        for number in list(left):
            job = jobs.store.job(number)
            if job is None or job.status != RUNNING or _was_told(jobs, job, verb):
                left.remove(number)
        return not left

    if left:
        until(jobs.home, [*left], reached, None)


def _was_told(jobs: "Jobs", job: Job, verb: str) -> bool:
    """Tell whether a signal for `verb` went out since that was wished last, or none will: it is being ended, or was wished otherwise."""
    if job.stop_requested is not None or job.paused != (verb == "pause"):
        return True
    for event in reversed(jobs.store.events_of(job.id)):
        if event["kind"] == "signalled" and event["data"]["by"] == verb:
            return True
        if event["kind"] == f"{verb}d":
            return False
    return True
