"""`outlast why`: one paragraph."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Say why."""
    job = jobs.one(parsed.operands[0])
    text = jobs.why(job)
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps

        print(dumps({"schema": 1, "id": job.id, "status": job.status, "outcome": job.outcome, "why": text}))
    else:
        from outlast.cli.terminal import visible

        print(visible(text))
    return 0
