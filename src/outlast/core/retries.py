"""Does another run follow, and when? One function of the job, how its run ended, the time and a number drawn by chance.

The rules, the first that applies decides (docs/how-to/retry-and-limit.md has them as a table, a test goes through them):

1. somebody wanted the job, not only its run, to be ended: it is over;
2. the run was interrupted by the machine's end, or is lost: over, unless `retries.after-interrupt`; it is charged to nothing;
3. enough runs succeeded (`retries.num-successes`): over, succeeded;
4. enough runs failed (`retries.num-failures`): over, as the last run ended;
5. as many runs were charged as there may be (`retries.num-runs`): over, as the last run ended;
6. the next run would start after `retries.abort-datetime`: over, aborted;
7. the next run would start after the end of `timeout.job`: over, timed out;
8. another run follows after the delay.
"""

from outlast.core import job as j
from outlast.core.events import Ended, Retried
from outlast.core.options import value
from outlast.core.times import LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from outlast.core.job import Ending, Job

_SECOND = 1_000_000_000
USUAL_MOST = 600 * _SECOND  # of a delay that grows, unless the delay itself is longer
MIDDLE = 0.5  # of what chance may draw


def after_run(
    job: "Job", ending: "Ending", now: int, *, stopped: int | None = None, left: int | None = None, chance: float = MIDDLE
) -> Ended | Retried:
    """Return what follows a run: the end of the job, or another run. `stopped`, `left`: processes, if we ended some.

    `chance`: from 0 to 1, where in its jitter the delay lies.
    """
    over = Ended(outcome=ending.outcome, reason=ending.reason, run=job.run, ending=ending, stopped=stopped, left=left)
    wish, spec = job.stop_requested, job.spec
    limit = value(spec, "retries.num-runs")
    if (wish is not None and wish["scope"] != "run") or _stays_away(ending, wish, spec):
        return over
    uncharged = ending.outcome in j.UNCHARGED
    if limit == 1 and (not uncharged or wish is not None):
        return over
    successes = job.successes + (ending.outcome == j.SUCCEEDED)
    failures = job.failures + (ending.outcome in j.FAILURES and not uncharged)
    charged = job.run - job.uncharged - uncharged
    enough, too_many = value(spec, "retries.num-successes"), value(spec, "retries.num-failures")
    if enough is not None and successes >= enough:
        return over if enough == 1 else over.replace(reason=f"{ending.reason} ({successes} of {enough} successes)")
    if too_many is not None and failures >= too_many:
        return over.replace(reason=f"{ending.reason} ({failures} of {too_many} failures)")
    if limit is not None and charged >= limit:
        return over.replace(reason=ending.reason + _of(job.run, charged, limit, uncharged=uncharged))
    at = min(now + delay(spec, charged, chance, succeeded=ending.outcome == j.SUCCEEDED), LATEST)
    return _too_late(job, over, at, now) or Retried(run=job.run, ending=ending, next_run_at=at)


def _stays_away(ending: "Ending", wish: "dict[str, Any] | None", spec: "Mapping[str, Any]") -> bool:
    """Tell whether no run follows since what became of this one is not known, or the machine ended; somebody's wish is known."""
    by_itself = ending.outcome == j.LOST or (ending.outcome == j.INTERRUPTED and wish is None)
    return by_itself and not value(spec, "retries.after-interrupt")


def _of(run: int, charged: int, limit: int, *, uncharged: bool) -> str:
    if uncharged and limit == 1:
        return ""
    return f" (run {run} of {limit})" if charged == run else f" (run {run}, {charged} of {limit} charged)"


def _too_late(job: "Job", over: Ended, at: int, now: int) -> Ended | None:
    """Return the end of a job whose next run would start when its time is over."""
    abort, whole = value(job.spec, "retries.abort-datetime"), value(job.spec, "timeout.job")
    if abort is not None and at > abort:
        from outlast.core.times import format_time_full

        when = f"run {job.run + 1} would start after retries.abort-datetime, {format_time_full(abort)}"
        return over.replace(outcome=j.ABORTED, reason=f"{over.reason}; {when}")
    paused = job.paused_for + (max(now - job.paused_at, 0) if job.paused and job.paused_at is not None else 0)
    if whole is not None and at > job.created_at + paused + whole:
        from outlast.core.durations import format_duration

        when = f"run {job.run + 1} would start after timeout.job of {format_duration(whole)}"
        return over.replace(outcome=j.TIMED_OUT, reason=f"timed out: {over.reason}; {when}")
    return None


def delay(spec: "Mapping[str, Any]", charged: int, chance: float = MIDDLE, *, succeeded: bool = False) -> int:
    """Return the delay (ns) after the run that is the `charged`-th that counts, from 1.

    delay * base^(charged - 1), at most max-delay; then jitter, uniform over its range around that, and never less than 0.
    """
    first = value(spec, "retries.success-delay") if succeeded else None
    if first is None:
        first = value(spec, "retries.delay") or 0
    base, jitter = value(spec, "retries.exponential-backoff-base"), value(spec, "retries.jitter-range") or 0
    grown = _grown(first, base, max(charged - 1, 0))
    most = value(spec, "retries.max-delay")
    if most == 0:
        most = max(first, USUAL_MOST)
    if base > 1 and most is not None:
        grown = min(grown, most)
    return max(0, grown + round((chance - MIDDLE) * jitter))


def _grown(first: int, base: float, times: int) -> int:
    """Return first * base^times, no more than the store can hold: what overflows is for ever."""
    if base == 1 or not first:
        return first
    try:
        return min(round(first * base**times), LATEST)
    except OverflowError:
        return LATEST
