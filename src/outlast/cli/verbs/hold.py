"""`outlast hold`, `release`, `approve`, `pause`, `resume`: what is wished of jobs beside their end."""

import sys

from outlast.core.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs
    from outlast.core.job import Job

_ALL = {"pause": "status:pending,queued,running", "resume": "status:pending,queued,running"}
_WAITING = "status:reserved,pending,queued"


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Wish."""
    every = bool(parsed.options.get("all"))
    pending = parsed.options.get("pending")
    selectors = parsed.operands or ([] if pending is not None else [_ALL.get(parsed.verb, _WAITING)])
    if parsed.verb == "release":
        done = jobs.release(selectors, pending=pending, every=every)
    elif parsed.verb == "approve":
        done = jobs.approve(_waiting(jobs, selectors) if every and not parsed.operands else selectors, note=parsed["note"], every=every)
    elif parsed.verb == "hold":
        done = jobs.hold(selectors, every=every)
    else:
        wish = jobs.pause if parsed.verb == "pause" else jobs.resume
        done = wish(selectors, every=every, wait=not parsed.options.get("no-wait"))
    if not done and not every:
        raise NotFound(f"no jobs match {' '.join(selectors)[:80]}", f"`outlast list` shows what there is in {jobs.home.path}")
    _tell(parsed, done)
    return 0


def _waiting(jobs: "Jobs", selectors: "list[str]") -> "list[Job]":
    """Return those of the selected jobs that wait for an approval."""
    return [job for job in jobs.find(selectors) if any(need.name == "approval" for need in jobs.store.needs_of(job.id))]


def _tell(parsed: "Parsed", done: "list[Job]") -> None:
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps
        from outlast.core.shape import jobs_shape

        print(dumps(jobs_shape(done)))
    elif parsed.options.get("ids"):
        sys.stdout.write("".join(f"{job.id}\n" for job in done))
    elif not parsed.options.get("quiet"):
        for job in done:
            print(f"job {job.id}: {_SAID[parsed.verb]}; it is {job.status}")


_SAID = {"pause": "paused", "resume": "goes on", "hold": "held", "release": "released", "approve": "approved"}
