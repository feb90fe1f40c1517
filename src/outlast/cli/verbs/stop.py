"""`outlast stop`, `interrupt`, `kill`: end jobs, whole process trees, and say what was ended and what is left."""

import sys

from outlast.core.errors import EXIT_NOT_ALL, NotFound, Refused
from outlast.core.job import ENDED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs
    from outlast.core.job import Job


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """End. 0 if all that was meant is over (or, with --no-wait, asked to end), 1 if something is left."""
    every = bool(parsed.options.get("all"))
    selectors = parsed.operands or ["status:reserved,pending,queued,running"]
    before = jobs.find(selectors, to_end=True, every=every)
    if not before and not every:
        raise NotFound(f"no jobs match {' '.join(parsed.operands)[:80]}", f"`outlast list` shows what there is in {jobs.home.path}")
    if parsed.form == "run" and len(before) != 1:
        raise Refused(f"{len(before)} jobs are meant", "name one job whose run is to end")
    wait = not parsed.options.get("no-wait")
    grace = parsed.options.get("grace")
    after = jobs.end(
        parsed.verb, before, signal=parsed.options.get("signal"), grace=None if grace is None else grace / 1_000_000_000,
        every=True, scope=parsed.form or "job", wait=wait,
    )  # fmt: skip
    results = [_result(jobs, old, new) for old, new in zip(before, after, strict=True)]
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps

        print(dumps({"schema": 1, "jobs": results}))
    elif not parsed.options.get("quiet"):
        for result in results:
            print(f"job {result['id']}: {result['said']}")
    sys.stdout.flush()
    return EXIT_NOT_ALL if any(result["left"] for result in results) else 0


def _result(jobs: "Jobs", old: "Job", new: "Job") -> "dict[str, object]":
    stopped = left = None
    if old.status == ENDED:
        said = f"had ended already, {old.how}"
    elif new.status != ENDED:
        said = "asked to end" if new.stop_requested else f"its run was ended; it is {new.status}"
    else:
        event = next((event for event in reversed(jobs.events(new)) if event["kind"] == "ended"), None)
        data = event["data"] if event is not None else {}
        stopped, left = data.get("stopped"), data.get("left")
        said = new.how
        if stopped is not None:
            said += f"; {stopped} process{'es' if stopped != 1 else ''} ended"
        if left:
            said += f", {left} could not be ended"
    return {"id": new.id, "status": new.status, "outcome": new.outcome, "stopped": stopped, "left": left, "said": said}
