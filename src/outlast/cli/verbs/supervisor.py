"""`outlast supervisor`: what it does, start it, ask it to leave, be one in front."""

from outlast.cli.terminal import visible
from outlast.client import supervising

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Do what the word after `supervisor` says; usually `status`."""
    if parsed.form == "run":
        supervising.be_one(jobs)
    if parsed.form == "stop":
        left = supervising.leave(jobs)
        if parsed.options.get("json"):
            from outlast.core.jsontext import dumps

            print(dumps({"schema": 1, "left": left, "home": jobs.home.path}))
        elif not parsed.options.get("quiet"):
            print("it left; running jobs go on, the next command that needs one starts another" if left else "none lives")
        return 0
    if parsed.form == "start":
        supervising.start(jobs)
        if parsed.options.get("quiet"):
            return 0
    told = supervising.status(jobs)
    if parsed.options.get("json"):
        from outlast.core.jsontext import dumps
        from outlast.core.times import format_time_utc

        print(dumps({"schema": 1, **told, "since": format_time_utc(told["since"]), "home": jobs.home.path}))
    elif told["pid"] is None:
        print(visible(f"no supervisor lives in {jobs.home.path}; it starts on demand. {_counts(told)}"))
    else:
        print(visible(f"pid {told['pid']}, version {told['version']}, home {jobs.home.path}. {_counts(told)}"))
    return 0


def _counts(told: "dict[str, object]") -> str:
    return f"{told['running']} running, {told['queued']} queued, {told['pending']} pending"
