"""`outlast signal`: send a signal to the processes of running jobs."""

from outlast.core.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Signal."""
    signal, *selectors = parsed.operands
    counts = jobs.signal(signal, selectors or ["status:running"], every=bool(parsed.options.get("all")))
    if not counts and not parsed.options.get("all"):
        raise NotFound(f"no jobs match {' '.join(selectors)[:80]}", f"`outlast list` shows what there is in {jobs.home.path}")
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps

        print(dumps({"schema": 1, "jobs": [{"id": job, "processes": count} for job, count in counts.items()]}))
    elif not parsed.options.get("quiet"):
        for job, count in counts.items():
            print(f"job {job}: sent to {count} process{'es' if count != 1 else ''}")
    return 0
