"""`outlast wait`: until jobs have ended."""

import sys

from outlast.core.durations import format_duration
from outlast.core.errors import EXIT_NOT_ALL, EXIT_TIMED_OUT, NotFound
from outlast.core.job import ENDED, SUCCEEDED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Wait. 0 if all (with --any: one) ended as wanted, 1 if not, 124 when the time is up."""
    ids = jobs.find_ids(parsed.operands)
    if not ids:
        raise NotFound(f"no jobs match {' '.join(parsed.operands)[:80]}", f"`outlast list` shows what there is in {jobs.home.path}")
    status = tuple(parsed.options.get("status") or ())
    timeout = parsed.options.get("timeout")
    if sys.stderr.isatty() and not parsed.options.get("quiet") and any(how[0] != ENDED for how in jobs.states(ids).values()):
        print(f"outlast: waiting for {len(ids)} job{'s' if len(ids) > 1 else ''}", file=sys.stderr)
    try:
        jobs.wait_ids(ids, timeout=None if timeout is None else timeout / 1_000_000_000, status=status, any=bool(parsed.options.get("any")))
    except TimeoutError as error:
        if not parsed.options.get("quiet"):
            print(f"outlast: {error} after {format_duration(timeout or 0)}", file=sys.stderr)
        return EXIT_TIMED_OUT
    wanted = tuple(parsed.options.get("outcome") or (SUCCEEDED,))
    states = jobs.states(ids)
    bad = [number for number, how in states.items() if not _is_good(*how, status, wanted)]
    gone = [number for number in ids if number not in states]
    if gone:
        print(f"outlast: removed while it was waited for, with its outcome: job {', '.join(map(str, gone[:10]))}", file=sys.stderr)
        bad, ids = [*gone, *bad], [*states]
    _tell(ids, bad, parsed, jobs)
    return 0 if not bad or (len(bad) < len(ids) + len(gone) and parsed.options.get("any")) else EXIT_NOT_ALL


def _is_good(at: str, outcome: str | None, status: "tuple[str, ...]", outcomes: "tuple[str, ...]") -> bool:
    if status and at in status:
        return at != ENDED or outcome in outcomes
    return at == ENDED and outcome in outcomes


def _tell(ids: "list[int]", bad: "list[int]", parsed: "Parsed", jobs: "Jobs") -> None:
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps
        from outlast.core.shape import jobs_shape

        print(dumps(jobs_shape(jobs.find(ids))))
    elif parsed.options.get("ids"):
        sys.stdout.write("".join(f"{number}\n" for number in ids))
    elif bad and not parsed.options.get("quiet"):
        for job in jobs.find([number for number in bad if number in ids]):
            from outlast.cli.terminal import visible

            print(visible(f"outlast: job {job.id} {job.how}"), file=sys.stderr)
