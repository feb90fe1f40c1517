"""What a running job is looked at for, so that somebody is warned: what was asked, when it is told, and in which words.

A warning is counted, not repeated: its first match is an event, and then each time that the count has doubled, and the end of its run.
"""

from outlast.core.errors import UsageError
from outlast.core.events import Warned, WarningOver
from outlast.core.options import value
from outlast.core.ports import one_line
from outlast.core.sizes import format_size, parse_size
from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from outlast.core.job import Job

OUTPUT, FILE, SPACE = "warn.output", "warn.file", "warn.free-space"
WATCHED = frozenset({OUTPUT, FILE, SPACE})
SECOND = 1_000_000_000
OF_LINES, OF_SPACE = SECOND, 10 * SECOND  # how often is looked unless `warn.interval` says it
_LONGEST = 4096  # letters of an expression


class Wanted(Value):
    """One thing to be warned of. `word`: as it was given; `path`: empty for output, and for the directory that the job runs in."""

    _fields = ("option", "word", "path", "expression", "size")
    option: str
    word: str
    path: str
    expression: bytes
    size: int
    _defaults = {"path": "", "expression": b"", "size": 0}

    @property
    def name(self) -> str:
        """Return what the warning is called in the job's record."""
        return f"{self.option}: {self.word}"


def is_watched(spec: "Mapping[str, Any]") -> bool:
    """Tell whether a job is looked at while it runs."""
    return not WATCHED.isdisjoint(spec)


def wanted_of(spec: "Mapping[str, Any]") -> "list[Wanted]":
    """Return what a job is looked at for, the same thing once. Raises UsageError for a word that means nothing."""
    wanted = [Wanted(option=OUTPUT, word=word, expression=_bytes(word)) for word in spec.get(OUTPUT, ())]
    for word in spec.get(FILE, ()):
        path, expression = _of_file(word)
        wanted.append(Wanted(option=FILE, word=word, path=path, expression=_bytes(expression)))
    for word in spec.get(SPACE, ()):
        path, _, size = word.rpartition("=")
        wanted.append(Wanted(option=SPACE, word=word, path=path, size=_size(size)))
    return list({one.name: one for one in wanted}.values())


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _of_file(word: str) -> "tuple[str, str]":
    r"""Split `PATH=RE` at the first `=`; one that belongs to the path is written `\=`."""
    at = word.find("=")
    while at > 0 and word[at - 1] == "\\":
        at = word.find("=", at + 1)
    if at < 1 or at == len(word) - 1:
        raise UsageError(f"--{FILE}: `{word[:80]}` lacks its {'path' if not at else 'regular expression'}", "write `app.log=ERROR`")
    return word[:at].replace("\\=", "="), word[at + 1 :]


def _size(text: str) -> int:
    try:
        size = parse_size(text)
    except UsageError as error:
        raise UsageError(f"--{SPACE}: {error.what}", "write `10GiB`, or with a path `/srv=10GiB`") from None
    if not size:
        raise UsageError(f"--{SPACE}: nothing is never less than `{text}`", "write a size like `10GiB`")
    return size


def check(spec: "Mapping[str, Any]") -> None:
    """Raise UsageError if what a job is to be looked at for makes no sense."""
    if not is_watched(spec):
        raise UsageError(
            "--warn.interval says how often to look, and there is nothing to look at", f"give --{OUTPUT}, --{FILE} or --{SPACE}"
        )
    if spec.get(OUTPUT) and not value(spec, "log.stdout") and not value(spec, "log.stderr"):
        raise UsageError(f"--{OUTPUT} looks at the log, and nothing of the output is kept", "keep stdout or stderr")
    for one in wanted_of(spec):
        if one.option != SPACE:
            _check_expression(one)


def _check_expression(one: Wanted) -> None:
    import re

    from outlast.core.disabling import may_take_for_ever

    text = one.expression.decode("utf-8", "surrogateescape")
    if not text:
        raise UsageError(f"--{one.option}: the regular expression is empty", "leave the option out")
    if len(text) > _LONGEST:
        raise UsageError(f"--{one.option}: the regular expression is too long", f"it has at most {_LONGEST} letters")
    try:
        re.compile(one.expression)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(f"--{one.option}: `{text[:80]}` is no regular expression: {error}", "see `pydoc re`") from None
    if may_take_for_ever(text):
        what = f"--{one.option}: `{text[:80]}` repeats what is repeated, or a choice: to match a line could take for ever"
        raise UsageError(what, "write it without, or give the option several times")


def interval(spec: "Mapping[str, Any]", usual: int) -> int:
    """Return how often (ns) to look."""
    given: int | None = spec.get("warn.interval")
    return usual if given is None else given


def told_of(job: "Job", name: str) -> "Mapping[str, Any] | None":
    """Return what the record says of a warning of the job's present run."""
    for warning in job.warnings:
        if (warning["warning"], warning["run"]) == (name, job.run):
            found: Mapping[str, Any] = warning
            return found
    return None


def is_due(count: int, told: int, *, last: bool) -> bool:
    """Tell whether a count is worth an event, `told` being the last one that was."""
    return count > told and (last or count >= 2 * told)


def of_match(one: Wanted, run: int, count: int, line: bytes, unseen: int) -> Warned:
    """Return the event of matches. `line`: the last one; `unseen`: bytes that were gone before they could be looked at."""
    where = "the output" if one.option == OUTPUT else one.path
    said = one_line(line.decode("utf-8", "replace")) or "an empty one"
    less = f"; about {format_size(unseen)} were gone before they could be looked at" if unseen else ""
    return Warned(warning=one.name, text=f"a line of {where} matches: {said}{less}", run=run, times=count)


def of_space(one: Wanted, run: int, where: str, free: int, *, warned: bool) -> "Warned | WarningOver | None":
    """Return what changes as `free` bytes are free. It is over only when 5 % more than asked for are free, lest it flaps."""
    if not warned and free < one.size:
        return Warned(warning=one.name, text=f"{format_size(free)} are free for {where}, less than {format_size(one.size)}", run=run)
    if warned and free >= one.size + one.size // 20:
        return WarningOver(warning=one.name, text=f"{format_size(free)} are free for {where} again", run=run)
    return None
