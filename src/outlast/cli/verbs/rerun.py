"""`outlast rerun`: run a job once more, as a new job."""

import sys

from outlast.cli.verbs.run import in_front, told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Submit it again."""
    old = jobs.one(parsed.operands[0])
    if old.environment and jobs.store.environment(old.environment) is None and not parsed.options.get("quiet"):
        print(f"outlast: the environment of job {old.id} is gone, as its output is; it runs in yours", file=sys.stderr)
    if parsed.foreground:
        from outlast.client.again import resubmission
        from outlast.client.front import run_in_front

        return run_in_front(jobs, lambda front: resubmission(jobs.store, old, front=front), **in_front(parsed))
    told(jobs.rerun(old), parsed)
    return 0
