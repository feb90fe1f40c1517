"""What running jobs report of themselves: their feedback, how lively they are, how far; and reading any feedback file."""

from outlast.core import feedback as f
from outlast.core.errors import SystemFault, UsageError
from outlast.core.job import ENDED, RUNNING, Job
from outlast.core.options import value
from outlast.logs.feedback import CACHE_SUFFIX, SUFFIX, look, reader_of
from outlast.seams import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from typing import Any

    from outlast.client.jobs import Jobs
    from outlast.core.job import Run
    from outlast.logs.feedback import Mark


FIELDS = frozenset({"feedback", "heartbeat_at", "heartbeat_timeout", "activity", "progress"})  # of what is observed
_TICK = 10_000_000  # ns; the time of a file is that of the kernel's last tick, of which there are a hundred a second or more
_CONTENT = frozenset({"feedback", "progress"})  # those for which the file has to be read
MOST = 4 << 30  # bytes of a file: of more, as of a sparse one, the end is enough, as it is for the record


class Reported(dict[str, str]):
    """Feedback as a mapping. `faults`: what is wrong with which keys, `skipped`: how many lines are neither feedback nor comments."""

    __slots__ = ("faults", "more_faults", "skipped")

    def __init__(self, facts: "dict[str, str]", parser: f.Parser | None = None) -> None:
        """`parser`: who read them."""
        super().__init__(facts)
        self.faults: dict[str, str] = {} if parser is None else parser.faults
        self.more_faults = parser is not None and parser.more_faults
        self.skipped = 0 if parser is None else parser.skipped


def feedback_of(jobs: "Jobs", which: "int | str | Job") -> Reported:
    """Return what a job reports: of its present run as its file has it now, else of the last one as it is recorded. Raises NotFound."""
    job = jobs.one(which)
    for _ in range(2):
        recorded = jobs.reading.job(job.id) if jobs.reading is not None else None
        if recorded is None or recorded.status != RUNNING:
            return Reported((recorded or job).feedback or {})
        parser = _parser(jobs, recorded, MOST, ended=job.status != RUNNING)
        if parser is not None:
            return Reported(parser.facts, parser)
        job = recorded  # there is no file; or its end was recorded meanwhile, and the file removed
    return Reported({})


def seen(jobs: "Jobs", job: Job, most: int, wanted: "AbstractSet[str] | None" = None) -> "dict[str, Any]":
    """Return what `Observed` has of the feedback of a job, at least the fields that are `wanted` (None: all).

    `most`: bytes of its file that may be read now; of more its end is read, too.
    """
    if job.status == ENDED and job.run and job.feedback is None and jobs.reading is not None:
        recorded = jobs.reading.job(job.id)
        if recorded is not None and recorded.status == RUNNING:  # it has ended, and nobody has recorded that
            parser = _parser(jobs, recorded, most, ended=True)
            return {} if parser is None else _told(parser.facts)
        return _told(recorded.feedback or {}) if recorded is not None else {}
    if job.status != RUNNING:
        return {}
    path = _path(jobs, job)
    timeout = value(job.spec, "timeout.heartbeat")
    told = look(path)
    if told is None and timeout is None:
        return {"feedback": {}}
    run = _run(jobs, job)
    began = job.started_at if run is None else run.started_at
    changed = None
    if told is not None and began is not None and told.st_mtime_ns >= began - _TICK:
        changed = max(told.st_mtime_ns, began)
    found: dict[str, Any] = {"feedback": {}, "heartbeat_at": changed, "heartbeat_timeout": timeout}
    if timeout is not None and began is not None:
        found["activity"] = f.activity(_silence(jobs, job, run, max(changed or 0, began)), timeout)
    if told is None or not told.st_size or (wanted is not None and _CONTENT.isdisjoint(wanted)):
        return found
    parser = _parser(jobs, job, most)
    return found if parser is None else {**found, **_told(parser.facts)}


def _told(facts: "dict[str, str]") -> "dict[str, Any]":
    told = f.progress(facts)
    return {"feedback": facts} if told is None else {"feedback": facts, "progress": told}


def _silence(jobs: "Jobs", job: Job, run: "Run | None", since: int) -> int:
    """Return for how long (ns) the run was silent since then; a pause does not count, and after one it is counted anew."""
    if job.paused_for != ((run.limits if run else None) or {}).get("paused_before", 0) and jobs.reading is not None:
        since = max([since, *(event["at"] for event in jobs.reading.events_of(job.id) if event["kind"] == "resumed")])
    end = job.paused_at if job.paused and job.paused_at is not None else now()
    return max(end - since, 0)


def _path(jobs: "Jobs", job: Job) -> str:
    return f.path_of(job.spec, job.cwd, job.id, jobs.home.run_path(job.id, job.run) + SUFFIX)


def _run(jobs: "Jobs", job: Job) -> "Run | None":
    if job.runs and job.runs[-1].run == job.run:
        return job.runs[-1]
    return jobs.reading.run(job.id, job.run) if jobs.reading is not None else None


def _parser(jobs: "Jobs", job: Job, most: int, *, ended: bool = False) -> f.Parser | None:
    """Return what the file of the job's present run says; None if there is none, or it cannot be read."""
    run = _run(jobs, job) if f.is_elsewhere(job.spec) else None
    since: Mark | None = (run.limits or {}).get("feedback") if run is not None else None
    cache = jobs.home.run_path(job.id, job.run) + CACHE_SUFFIX
    path = _path(jobs, job)
    reader = reader_of(path, cache, since)
    if reader is None:
        return None
    whole = reader.read(path, most)
    if reader.identity is None:
        return None
    if not ended:
        reader.save(cache)
    if not whole:
        return reader.latest(path)
    if ended:
        reader.parser.finish()
    return reader.parser


def parse_file(path: str) -> Reported:
    """Return what any feedback file says; `-`: standard input. Raises UsageError, SystemFault."""
    parser = f.Parser()
    try:
        with open(0 if path == "-" else path, "rb", buffering=0, closefd=path != "-") as file:
            while piece := file.read(1 << 18):
                parser.feed(piece)
    except FileNotFoundError:
        raise UsageError(f"--file: there is no file {path}", "`-` means stdin") from None
    except OSError as error:
        raise SystemFault(f"cannot read {path} ({error.strerror})", "check what it is, and its permissions") from error
    parser.finish()
    return Reported(parser.facts, parser)
