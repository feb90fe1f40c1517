"""What would become of a submission, without making it: the retries that would follow if every run failed at once."""

from outlast.core.events import Retried
from outlast.core.job import FAILED, RUNNING, Ending, Job
from outlast.core.options import value
from outlast.core.retries import after_run
from outlast.core.value import Value

FORESEEN = 5


class Retry(Value):
    """One run that would follow: its number, how long after the end of the run before (ns), when it would start if none took any time."""

    _fields = ("run", "delay", "at")
    run: int
    delay: int
    at: int


def retries_ahead(job: Job, start: int) -> "tuple[list[Retry], str]":
    """Return (the first retries if the job started at `start` and every run failed at once, what would end it after those or empty)."""
    found: list[Retry] = []
    at = start
    for run in range(1, FORESEEN + 2):
        tried = job.replace(status=RUNNING, run=run, failures=run - 1, successes=0, uncharged=0, stop_requested=None)
        ending = Ending(outcome=FAILED, reason=f"run {run} failed", exit_code=1, ended_at=at)
        event = after_run(tried, ending, at)
        if not isinstance(event, Retried):
            return found, event.reason if run > 1 else ""
        if len(found) == FORESEEN:
            break
        found.append(Retry(run=run + 1, delay=event.next_run_at - at, at=event.next_run_at))
        at = event.next_run_at
    return found, ""


def jitter(job: Job) -> int:
    """Return how far (ns) chance may shift each delay to both sides."""
    half: int = (value(job.spec, "retries.jitter-range") or 0) // 2
    return half
