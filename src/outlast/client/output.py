"""What a run has written, read from its log: raw by stream, or line by line."""

from outlast.core.errors import NotFound
from outlast.logs.reader import RunLog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from outlast.core.job import Job, Run
    from outlast.home import Home
    from outlast.logs.cri import Torn
    from outlast.logs.gaps import Gap
    from outlast.logs.lines import Line


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


def numbered(job: "Job", number: int) -> "Run":
    """Return a run by number, negative from the end. Raises NotFound."""
    if not job.runs:
        raise NotFound(f"job {job.id} has no run yet", f"`outlast why {job.id}` says why")
    position = number - 1 if number > 0 else len(job.runs) + number
    if number == 0 or not 0 <= position < len(job.runs):
        raise NotFound(f"job {job.id} has no run {number}", f"it has runs 1 to {len(job.runs)}")
    return job.runs[position]
