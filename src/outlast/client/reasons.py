"""Why a job stands as it does: gathers what `core.why` needs to know beside the job."""

from outlast.core.job import ENDED, PENDING, QUEUED, RUNNING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.client.jobs import Jobs
    from outlast.core.job import Job
    from outlast.core.needs import Need
    from outlast.core.why import Around
    from outlast.store.reading import Reading


def why(jobs: "Jobs", job: "Job") -> str:
    """Return the paragraph about `job`."""
    from outlast.core.why import Around
    from outlast.core.why import why as explain
    from outlast.seams import now

    around = Around(supervised=jobs.home.is_supervised())
    reading = jobs.reading
    if reading is not None and job.status == QUEUED:
        around = _in_queue(jobs, reading, job, around)
    elif reading is not None and job.status == PENDING:
        around = around.replace(waiting_for=tuple(waiting_for(reading, job)))
    elif job.status == RUNNING and job.runs:
        usual = reading.usual(job.name) if reading is not None else None
        seen = jobs.observe(job, {"progress", "activity"})
        around = around.replace(
            limits=job.runs[-1].limits, usual=usual, progress=seen.progress, activity=seen.activity, heartbeat_at=seen.heartbeat_at
        )
    return explain(job, around, now())


def _in_queue(jobs: "Jobs", reading: "Reading", job: "Job", around: "Around") -> "Around":
    mutex = _mutex(reading, job)
    if job.group is None:
        return around.replace(mutex=mutex)
    slots, paused, _ = reading.group(job.group) or (None, False, False)
    use = next((group for group in jobs.groups() if group["name"] == job.group), None)
    running = use["running"] if use else 0
    if running and slots is not None:
        running = sum(other.spec.get("slots", 1) for other in reading.running() if other.group == job.group)
    before = reading.queued_before(job)
    return around.replace(slots=slots, group_paused=paused, running=running, before=before, mutex=mutex)


def _mutex(reading: "Reading", job: "Job") -> "tuple[int, str] | None":
    """Return (job, word) of a running one that has a mutex of this one."""
    words = job.mutex or ()
    for other in reading.running() if words else ():
        for word in other.mutex or ():
            if word in words:
                return other.id, word
    return None


def waiting_for(reading: "Reading", job: "Job") -> "list[str]":
    """Return what a pending job needs and does not have yet, each as a part of a sentence that begins with `it waits`."""
    told = []
    for need in reading.needs_of(job.id):
        told += _told(reading, job, need)
    return told


def _told(reading: "Reading", job: "Job", need: "Need") -> "list[str]":
    from outlast.core.needs import APPROVAL, CONDITIONS, wanted
    from outlast.core.needs import RUNNING as BESIDE

    if need.name == APPROVAL:
        return [f"for somebody's approval: `outlast approve {job.id}`"]
    if need.name == CONDITIONS:
        return _conditions(reading, job)
    if need.other is None:
        before = reading.before_in_turn(job)
        return [f"for its turn: job {before} with the same {'name' if job.key is None else 'key'} is active (--overlap)"]
    other = reading.job(need.other)
    how = "gone" if other is None else other.outcome if other.status == ENDED else other.status
    name = f" (`{other.name[:40]}`)" if other is not None and other.name else ""
    what = "to run" if need.name.startswith(BESIDE) else wanted(need.outcomes)
    return [f"for job {need.other}{name} {what}: it is {how}"]


def _conditions(reading: "Reading", job: "Job") -> "list[str]":
    """Return what is known of the conditions that the job waits for."""
    from outlast.conditions.kinds import is_fast
    from outlast.core.conditions import key, times, wanted
    from outlast.core.times import format_time_full
    from outlast.seams import now

    told = []
    for condition in wanted(job.spec):
        seen = reading.seen(key(condition, job, alone=is_fast(condition.kind)))
        about = condition.word if seen is None or not seen[1] or condition.word not in seen[1] else ""
        what = f"for wait.{condition.kind}" + (f" `{about}`" if about else "")
        if seen is None or not seen[1]:
            told.append(f"{what}, which was not looked at yet")
        else:
            told.append(f"{what}: {seen[1]}{', so it is met' if seen[0] else ''}")
    told += [f"until {format_time_full(instant)}" for instant in times(job) if instant > now()]
    return told
