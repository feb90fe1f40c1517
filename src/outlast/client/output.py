"""What a run has written, read from its log: raw by stream, or line by line."""

from outlast.core.errors import NotFound
from outlast.core.job import RUNNING
from outlast.logs.gaps import Gap
from outlast.logs.reader import RunLog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from outlast.client.jobs import Jobs
    from outlast.core.job import Job, Run
    from outlast.home import Home
    from outlast.logs.cri import Torn
    from outlast.logs.lines import Line

AFTER_SHIM = "whatever it wrote after its shim was killed"


class Output:
    """The output of one run so far."""

    def __init__(self, home: "Home", job: "Job", run: "Run") -> None:
        """Of `run` of `job`."""
        self.log = RunLog(home.run_path(job.id, run.run))
        self.job = job
        self.run = run

    def raw(self, stream: str) -> bytes:
        """Return the command's own bytes on `stream` ("stdout" or "stderr"), unchanged; gaps are left out."""
        return b"".join(part for part in self.log.raw((stream,)) if isinstance(part, bytes))

    @property
    def stdout(self) -> str:
        """The standard output as text; bytes that are no UTF-8 become U+FFFD."""
        return self.raw("stdout").decode("utf-8", "replace")

    @property
    def stderr(self) -> str:
        """The standard error as text; bytes that are no UTF-8 become U+FFFD."""
        return self.raw("stderr").decode("utf-8", "replace")

    def lines(self) -> "Iterator[Line | Gap | Torn]":
        """Yield the lines of both streams in the order written, and what is missing where it is missing."""
        return self.log.lines()

    def lives(self, jobs: "Jobs") -> bool:
        """Tell whether the run may still write: its lock and its result say so, whatever the record does."""
        from outlast.executors import state

        told = state.of(jobs.home, self.run)
        if told.result is not None or (told.locked and told.started):
            return told.result is None
        return jobs.one(self.job.id).runs[self.run.run - 1].status == RUNNING  # it is about to be started; or its shim was killed

    def missing_end(self) -> "Gap | None":
        """Return what is missing behind the log: the machine went down before that reached the disk, or the shim before the command."""
        if self.run.log is None and "its shim was killed" in (self.run.reason or ""):
            return Gap(offset=0, bytes=None, log=0, since=0, until=0, reason=AFTER_SHIM)
        return self.log.missing_tail(self.run.log) if self.run.log else None


def numbered(job: "Job", number: int) -> "Run":
    """Return a run by number, negative from the end. Raises NotFound."""
    if not job.runs:
        raise NotFound(f"job {job.id} has no run yet", f"`outlast why {job.id}` says why")
    position = number - 1 if number > 0 else len(job.runs) + number
    if number == 0 or not 0 <= position < len(job.runs):
        raise NotFound(f"job {job.id} has no run {number}", f"it has runs 1 to {len(job.runs)}")
    return job.runs[position]
