"""Why a job is as it is, in a paragraph: what, since when, by which rule, what happens next and when. One function for all."""

from outlast.core import job as j
from outlast.core.durations import format_duration
from outlast.core.options import value
from outlast.core.signals import signal_name
from outlast.core.times import format_time_local
from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from outlast.core.job import Job


class Around(Value):
    """What the answer depends on beside the job.

    Its group's slots and use, how many stand before it, whether a supervisor lives; `waiting_for`: what it needs, as sentence parts;
    `mutex`: the running job that has a mutex of it, and the word; `limits`: of its present run; `usual`: (median, 95th percentile) in ns;
    `progress`: how far that run is; `activity`, `heartbeat_at`: its liveliness.
    """

    _fields = (
        "slots", "running", "before", "group_paused", "supervised", "waiting_for", "mutex", "limits", "usual", "progress", "activity",
        "heartbeat_at",
    )  # fmt: skip
    slots: int | None
    running: int
    before: int
    group_paused: bool
    supervised: bool
    waiting_for: "tuple[str, ...]"
    mutex: "tuple[int, str] | None"
    limits: "dict[str, object] | None"
    usual: "tuple[int, int] | None"
    progress: "dict[str, object] | None"
    activity: str | None
    heartbeat_at: int | None
    _defaults = {
        "slots": None, "running": 0, "before": 0, "group_paused": False, "supervised": True, "waiting_for": (), "mutex": None,
        "limits": None, "usual": None, "progress": None, "activity": None, "heartbeat_at": None,
    }  # fmt: skip


def why(job: "Job", around: Around, now: int) -> str:
    """Return the answer for `job` at `now` (ns)."""
    if job.status == j.ENDED:
        return _ended(job, now)
    parts = [_STATUS[job.status](job, around, now), *_ends(job, around, now)]
    if job.stop_requested is not None:
        parts.append(_wish(job, now))
    if job.held:
        parts.append(_held(job))
    if job.paused:
        since = "" if job.paused_at is None else f" since {_at(job.paused_at, now)}, and its clocks stand still"
        parts.append(f"It is paused{since}: `outlast resume {job.id}` lets it go on.")
    if not around.supervised:
        parts.append("No supervisor lives at the moment; the next command that needs one starts it.")
    return " ".join(parts)


def _at(when: int | None, now: int) -> str:
    return "an unknown time" if when is None else format_time_local(when, now)


def _held(job: "Job") -> str:
    pending = value(job.spec, "pending")
    if pending is None:
        return f"It is held: `outlast release {job.id}` lets it start."
    return f"It is held as pending with `{pending}`: `outlast release --pending {pending}` lets it and all like it start."


def _ended(job: "Job", now: int) -> str:
    took = "" if job.duration is None else f" after {format_duration(int(job.duration * 1_000_000_000))}"
    text = f"Job {job.id} ended at {_at(job.ended_at, now)}{took}: {job.how}."
    if job.warnings:
        texts = [*dict.fromkeys(warning["text"] for warning in job.warnings)]
        text += f" It was warned of: {'; '.join(texts[-_MOST_SHOWN:])}."
    return f"{text} {_meaning(job)}".rstrip() + f" `outlast rerun {job.id}` runs it again."


def _meaning(job: "Job") -> str:
    """Return by which rule a job is over, where its reason does not say it."""
    meaning = _MEANING.get(job.outcome or "", "")
    if job.outcome == j.INTERRUPTED and job.stop_requested is None and job.run:
        meaning += " It is run again only with `--retries.after-interrupt`."
    limit = value(job.spec, "retries.num-runs")
    if not job.run or job.outcome not in (j.FAILED, j.NOT_STARTED, j.NEUTRAL, j.TIMED_OUT):
        return meaning
    if limit == 1:
        return meaning if job.outcome == j.NEUTRAL else "It was to run once (retries.num-runs is 1), so it was not tried again."
    if limit is not None and job.run - job.uncharged >= limit:
        return f"{meaning} It had its {limit} runs (retries.num-runs).".lstrip()
    most = value(job.spec, "retries.num-failures")
    if most is not None and job.failures >= most:
        return f"{meaning} It failed {most} times, no more are allowed (retries.num-failures).".lstrip()
    return meaning


_MEANING = {
    j.SUCCEEDED: "",
    j.TIMED_OUT: "Its time limit was reached, which is a failure.",
    j.ABORTED: "It could not start any more: a time passed, or what it waited for can never be. Nothing of it was left running.",
    j.DISABLED: "`outlast list-disabled` shows what is disabled, `outlast enable` takes it back.",
    j.SKIPPED: "Its own rule (`--overlap` or `--unless-fresh`) made it needless.",
    j.STOPPED: "Somebody asked for its end, which is not a failure.",
    j.INTERRUPTED: "An interruption is a failure, but it is not charged to the retries.",
    j.LOST: "What cannot be known is not guessed; it may have done its work. It is run again only with `--retries.after-interrupt`.",
    j.NEUTRAL: "Its exit code is in neither list (retries.success-codes, retries.failure-codes).",
}


def _running(job: "Job", around: Around, now: int) -> str:
    limit = value(job.spec, "retries.num-runs")
    charged = job.run - job.uncharged
    of = " of as many as it takes" if limit is None else f" of {limit}" if charged <= limit and not job.uncharged else ""
    tries = "" if limit == 1 else f" (run {job.run}{of})"
    if job.pid is None:
        return f"Job {job.id} is being started{tries}."
    took = format_duration(max(now - (job.started_at or now), 0))
    if around.usual is not None:
        took += f" (usual {format_duration(around.usual[0])}, 95 % within {format_duration(around.usual[1])})"
    return f"Job {job.id} has been running for {took}{tries}, pid {job.pid}, since {_at(job.started_at, now)}.{_so_far(around)}"


def _so_far(around: Around) -> str:
    if around.progress is None:
        return ""
    from outlast.core.progress import spelled

    left = around.progress.get("eta")
    rest = f", and may take about {format_duration(left)} more" if isinstance(left, int) else ""
    return f" It is at {spelled(around.progress)}{rest}."


def _queued(job: "Job", around: Around, now: int) -> str:
    text = f"Job {job.id} has been queued since {_at(job.queued_at, now)}"
    if job.held or job.paused:
        return f"{text}."
    if around.mutex is not None:
        return f"{text}: job {around.mutex[0]}, which runs, has the mutex `{around.mutex[1]}`. It starts when that has ended."
    if job.group is None:
        return f"{text} and starts as soon as the supervisor gets to it."
    if around.group_paused:
        return f"{text}: its group `{job.group}` is paused; `outlast group resume {job.group}` lets it go on."
    takes = value(job.spec, "slots")
    if around.slots is not None and takes > around.slots:
        more = f"`outlast group set {job.group} --slots N` gives it more"
        return f"{text}: it takes {takes} slots, and its group `{job.group}` has {around.slots}, so it cannot start; {more}."
    if around.slots is not None and around.running + takes > around.slots:
        slots = "the only slot" if around.slots == 1 else f"all {around.slots} slots"
        before = "1 job stands" if around.before == 1 else f"{around.before} jobs stand"
        if around.running < around.slots:
            slots = f"{around.running} of the {around.slots} slots"
        needs = "" if takes == 1 else f" It takes {takes} slots itself."
        are = "is" if around.slots == 1 else "are"
        return (
            f"{text}: {slots} of its group `{job.group}` {are} taken, and {before} before it.{needs} It starts"
            f" when its turn comes; `outlast group set {job.group} --slots N` gives the group more."
        )
    return f"{text}; its group `{job.group}` has a free slot, so it starts as soon as the supervisor gets to it."


def _pending(job: "Job", around: Around, now: int) -> str:
    if job.run and job.next_run_at is not None:
        return _between_runs(job, now)
    waits = list(around.waiting_for)
    if job.next_run_at is not None:
        waits.append(f"until {_at(job.next_run_at, now)}")
    if not waits:
        return f"Job {job.id} waits."
    one_is_enough = " One of its conditions is enough (wait.any)." if value(job.spec, "wait.any") else ""
    shown = waits if len(waits) <= _MOST_SHOWN else [*waits[:_MOST_SHOWN], f"{len(waits) - _MOST_SHOWN} more"]
    return f"Job {job.id} waits {'; and '.join(shown)}.{one_is_enough}"


_MOST_SHOWN = 10


def _between_runs(job: "Job", now: int) -> str:
    limit = value(job.spec, "retries.num-runs")
    of = "" if limit is None or job.run >= limit else f" of {limit}"
    delay = f"retries.delay is {format_duration(value(job.spec, 'retries.delay') or 0)}"
    base = value(job.spec, "retries.exponential-backoff-base")
    if base != 1:
        delay += f", times {base:g} after each run"
    last = "without an exit code" if job.exit_code is None else f"with exit code {job.exit_code}"
    if job.signal is not None:
        last = f"by {signal_name(job.signal)}"
    return f"Job {job.id} waits for its run {job.run + 1}{of} at {_at(job.next_run_at, now)}: run {job.run} ended {last}, and {delay}."


def _ends(job: "Job", around: Around, now: int) -> "list[str]":
    """Return what will end the job if nothing else does, and what was warned of."""
    told = []
    limit = (around.limits or {}).get("run")
    if job.status == j.RUNNING and isinstance(limit, int):
        told.append(f"A run of it may take {format_duration(limit)} (timeout.run).")
    elif job.status == j.RUNNING and isinstance(value(job.spec, "timeout.run"), str):
        told.append(f"No run of this name has succeeded yet, so its limit of {value(job.spec, 'timeout.run')} of the usual is none.")
    if job.status == j.RUNNING and around.activity is not None:
        told.append(_activity(job, around, now))
    abort = "retries.abort-datetime" if job.run else "wait.abort-datetime"
    if job.status != j.RUNNING and value(job.spec, abort) is not None:
        told.append(f"If it cannot start before {_at(value(job.spec, abort), now)} it is aborted ({abort}).")
    whole = value(job.spec, "timeout.job")
    if whole is not None and not job.paused:
        told.append(f"All of it may take until {_at(job.created_at + job.paused_for + whole, now)} (timeout.job).")
    told += (f"Warned at {_at(warning['at'], now)}: {warning['text']}." for warning in job.warnings if _is_active(job, warning))
    return told


def _activity(job: "Job", around: Around, now: int) -> str:
    """Return how lively the run is, and what follows from it."""
    limit = f"without one for {format_duration(value(job.spec, 'timeout.heartbeat'))} it is ended (timeout.heartbeat)"
    last = "it has given no heartbeat yet"
    if around.heartbeat_at is not None:
        last = f"its last heartbeat was {format_duration(max(now - around.heartbeat_at, 0))} ago"
    return f"It is {around.activity}: {last}; {limit}."


def _is_active(job: "Job", warning: "Mapping[str, Any]") -> bool:
    """Tell whether a warning is of now: not over, and of the job or its last run."""
    return warning.get("over_at") is None and warning.get("run") in (None, job.run)


def _reserved(job: "Job", _: Around, now: int) -> str:
    lapses = "" if job.deadline is None else f" The reservation lapses at {_at(job.deadline, now)}."
    return f"Job {job.id} is a reserved id; its command is still to come.{lapses}"


_STATUS = {j.RUNNING: _running, j.QUEUED: _queued, j.PENDING: _pending, j.RESERVED: _reserved}


def _wish(job: "Job", now: int) -> str:
    wish = job.stop_requested or {}
    done = "The stop signal was sent; SIGKILL follows after its grace." if wish.get("sent_at") else "The supervisor is to see to it."
    if wish.get("verb") == j.TIMEOUT:
        return f"It is being ended since {_at(wish.get('at'), now)}: {wish.get('why')}. {done}"
    return f"Its end was asked for (`{wish.get('verb')}`) at {_at(wish.get('at'), now)}. {done}"
