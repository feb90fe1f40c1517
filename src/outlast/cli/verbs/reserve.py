"""`outlast reserve`: give out an id."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Reserve."""
    options = {name: given for name, given in parsed.options.items() if name in _GIVEN}
    lasts = parsed["expires"]
    job = jobs.reserve(expires=None if lasts is None else lasts / 1_000_000_000, **options)
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps
        from outlast.core.shape import job_shape

        print(dumps(job_shape(job, ())))
    else:
        sys.stdout.write(f"{job.id}\n")
    return 0


_GIVEN = {"name", "description", "group", "key", "unique", "info", "param"}
