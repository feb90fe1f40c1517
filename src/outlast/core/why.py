"""Why a job is as it is, in a paragraph: what, since when, by which rule, what happens next and when. One function for all."""

from outlast.core import job as j
from outlast.core.durations import format_duration
from outlast.core.options import value
from outlast.core.signals import signal_name
from outlast.core.times import format_time_local
from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.core.job import Job


class Around(Value):
    """What the answer depends on beside the job: its group's slots and use, how many stand before it, whether a supervisor lives."""

    _fields = ("slots", "running", "before", "group_paused", "supervised")
    slots: int | None
    running: int
    before: int
    group_paused: bool
    supervised: bool
    _defaults = {"slots": None, "running": 0, "before": 0, "group_paused": False, "supervised": True}


def why(job: "Job", around: Around, now: int) -> str:
    """Return the answer for `job` at `now` (ns)."""
    if job.status == j.ENDED:
        return _ended(job, now)
    parts = [_STATUS[job.status](job, around, now)]
    if job.stop_requested is not None:
        parts.append(_wish(job, now))
    if job.held:
        parts.append(f"It is held: `outlast release {job.id}` lets it start.")
    if job.paused:
        parts.append(f"It is paused: `outlast resume {job.id}` lets it go on.")
    if not around.supervised:
        parts.append("No supervisor lives at the moment; the next command that needs one starts it.")
    return " ".join(parts)


def _at(when: int | None, now: int) -> str:
    return "an unknown time" if when is None else format_time_local(when, now)


def _ended(job: "Job", now: int) -> str:
    took = "" if job.duration is None else f" after {format_duration(int(job.duration * 1_000_000_000))}"
    text = f"Job {job.id} ended at {_at(job.ended_at, now)}{took}: {job.how}."
    meaning = _MEANING.get(job.outcome or "", "")
    limit = value(job.spec, "retries.num-runs")
    if job.outcome in (j.FAILED, j.NOT_STARTED) and limit == 1:
        meaning = "It was to run once (retries.num-runs is 1), so it was not tried again."
    elif job.outcome in (j.FAILED, j.NOT_STARTED, j.NEUTRAL) and limit is not None and job.run >= limit > 1:
        meaning = f"{meaning} It had its {limit} runs (retries.num-runs).".lstrip()
    return f"{text} {meaning}".rstrip() + f" `outlast rerun {job.id}` runs it again."


_MEANING = {
    j.SUCCEEDED: "",
    j.TIMED_OUT: "Its time limit was reached, which is a failure.",
    j.ABORTED: "A time limit passed before it could start, or before its retries were through.",
    j.DISABLED: "Somebody had disabled it, so it did not start.",
    j.SKIPPED: "Its rule for overlaps (`--overlap skip`) keeps a second one from running.",
    j.STOPPED: "Somebody asked for its end, which is not a failure.",
    j.INTERRUPTED: "An interruption is a failure, but it is not charged to the retries, and it is not run again by itself.",
    j.LOST: "What cannot be known is not guessed; it may have done its work. It is not run again by itself.",
    j.NEUTRAL: "Its exit code is in neither list (retries.success-codes, retries.failure-codes).",
}


def _running(job: "Job", _: Around, now: int) -> str:
    limit = value(job.spec, "retries.num-runs")
    of = " of as many as it takes" if limit is None else f" of {limit}" if job.run <= limit else ""  # beyond: some were interrupted
    tries = "" if limit == 1 else f" (run {job.run}{of})"
    if job.pid is None:
        return f"Job {job.id} is being started{tries}."
    took = format_duration(max(now - (job.started_at or now), 0))
    return f"Job {job.id} has been running for {took}{tries}, pid {job.pid}, since {_at(job.started_at, now)}."


def _queued(job: "Job", around: Around, now: int) -> str:
    text = f"Job {job.id} has been queued since {_at(job.queued_at, now)}"
    if job.held or job.paused:
        return f"{text}."
    if job.group is None:
        return f"{text} and starts as soon as the supervisor gets to it."
    if around.group_paused:
        return f"{text}: its group `{job.group}` is paused."
    if around.slots is not None and around.running >= around.slots:
        slots = "the only slot" if around.slots == 1 else f"all {around.slots} slots"
        before = "1 job stands" if around.before == 1 else f"{around.before} jobs stand"
        return (
            f"{text}: {slots} of its group `{job.group}` {'is' if around.slots == 1 else 'are'} taken, and {before} before it. It starts"
            f" when its turn comes; `outlast group set {job.group} --slots N` gives the group more."
        )
    return f"{text}; its group `{job.group}` has a free slot, so it starts as soon as the supervisor gets to it."


def _pending(job: "Job", _: Around, now: int) -> str:
    if job.run and job.next_run_at is not None:
        limit = value(job.spec, "retries.num-runs")
        of = "" if limit is None or job.run >= limit else f" of {limit}"
        delay = format_duration(value(job.spec, "retries.delay") or 0)
        last = "without an exit code" if job.exit_code is None else f"with exit code {job.exit_code}"
        if job.signal is not None:
            last = f"by {signal_name(job.signal)}"
        return (
            f"Job {job.id} waits for its run {job.run + 1}{of} at {_at(job.next_run_at, now)}: run {job.run} ended {last},"
            f" and retries.delay is {delay}."
        )
    if job.next_run_at is not None:
        return f"Job {job.id} waits until {_at(job.next_run_at, now)}."
    return f"Job {job.id} waits."


def _reserved(job: "Job", _: Around, now: int) -> str:
    lapses = "" if job.next_run_at is None else f" The reservation lapses at {_at(job.next_run_at, now)}."
    return f"Job {job.id} is a reserved id; its command is still to come.{lapses}"


_STATUS = {j.RUNNING: _running, j.QUEUED: _queued, j.PENDING: _pending, j.RESERVED: _reserved}


def _wish(job: "Job", now: int) -> str:
    wish = job.stop_requested or {}
    done = "The stop signal was sent; SIGKILL follows after its grace." if wish.get("sent_at") else "The supervisor is to see to it."
    return f"Its end was asked for (`{wish.get('verb')}`) at {_at(wish.get('at'), now)}. {done}"
