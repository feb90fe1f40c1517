"""`outlast wait`: until jobs have ended."""

import sys

from outlast.core.durations import format_duration
from outlast.core.errors import EXIT_NOT_ALL, EXIT_TIMED_OUT, NotFound
from outlast.core.job import ENDED, SUCCEEDED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs
    from outlast.core.job import Job


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Wait. 0 if all (with --any: one) ended as wanted, 1 if not, 124 when the time is up."""
    found = jobs.find(parsed.operands, every=True)
    if not found:
        raise NotFound(f"no jobs match {' '.join(parsed.operands)[:80]}", f"`outlast list` shows what there is in {jobs.home.path}")
    status = tuple(parsed.options.get("status") or ())
    timeout = parsed.options.get("timeout")
    if sys.stderr.isatty() and not parsed.options.get("quiet") and any(job.status != ENDED for job in found):
        print(f"outlast: waiting for {len(found)} job{'s' if len(found) > 1 else ''}", file=sys.stderr)
    try:
        ended = jobs.wait(
            found,
            timeout=None if timeout is None else timeout / 1_000_000_000,
            status=status,
            any=bool(parsed.options.get("any")),
            runs=False,
        )
    except TimeoutError as error:
        if not parsed.options.get("quiet"):
            print(f"outlast: {error} after {format_duration(timeout or 0)}", file=sys.stderr)
        return EXIT_TIMED_OUT
    wanted = tuple(parsed.options.get("outcome") or (SUCCEEDED,))
    good = [job.id for job in ended if _is_good(job, status, wanted)]
    _tell(ended, good, parsed)
    return 0 if len(good) == len(ended) or (good and parsed.options.get("any")) else EXIT_NOT_ALL


def _is_good(job: "Job", status: "tuple[str, ...]", outcomes: "tuple[str, ...]") -> bool:
    if status and job.status in status:
        return job.status != ENDED or job.outcome in outcomes
    return job.status == ENDED and job.outcome in outcomes


def _tell(ended: "list[Job]", good: "list[int]", parsed: "Parsed") -> None:
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps
        from outlast.core.shape import jobs_shape

        print(dumps(jobs_shape(ended)))
    elif parsed.options.get("ids"):
        sys.stdout.write("".join(f"{job.id}\n" for job in ended))
    elif not parsed.options.get("quiet"):
        for job in ended:
            if job.id not in good:
                print(f"outlast: job {job.id} {job.how}", file=sys.stderr)
