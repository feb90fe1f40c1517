"""`outlast report`: facts about the job that we run in."""

from outlast.core.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs


def main(parsed: "Parsed", jobs: "Jobs") -> int:
    """Report."""
    facts: dict[str, str | None] = {}
    for word in parsed.operands:
        name, equals, text = word.partition("=")
        if not equals:
            raise UsageError(f"`{word[:80]}` is no fact", "write `NAME=VALUE`, or `NAME=` to clear one")
        facts[name] = text
    jobs.report(facts, clear=bool(parsed["clear"]))
    if parsed["json"]:
        from outlast.core.jsontext import dumps

        print(dumps({"schema": 1, "reported": facts, "clear": bool(parsed["clear"])}))
    return 0
