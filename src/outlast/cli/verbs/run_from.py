"""`outlast run --from FILE`: one job per line, in one transaction per batch, with slots of their own."""

import os
import sys

from outlast.cli.verbs.run import told
from outlast.client.submitting import another, submission
from outlast.core.errors import SystemFault, UsageError
from outlast.seams import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from outlast.cli.parse import Parsed
    from outlast.client.jobs import Jobs
    from outlast.core.job import Job

BATCH = 250  # jobs of one transaction: the supervisor, which starts the first ones meanwhile, waits for it


def submit_lines(parsed: "Parsed", jobs: "Jobs") -> int:
    """Submit a job for every line that is neither empty nor a comment. A line is a command as typed at a shell."""
    options = dict(jobs.resolved(parsed.spec))
    shell = parsed["shell"]
    commands = [_words(line, shell) for line in _lines(parsed.options["from"])]  # all are read and understood before any is submitted
    if not commands:
        raise UsageError(f"--from {parsed.options['from']}: there is no command in it", "write one per line")
    own_group = "group" not in options
    if own_group:
        options["group"] = f"from-{os.getpid()}-{now() // 1_000_000_000}"
    jobs.rouse()  # it comes up while we submit
    model = submission(commands[0][0], options, shell=commands[0][1])
    named = bool(options.get("name"))
    for start in range(0, len(commands), BATCH):
        batch = [another(model, words, named=named, shell=is_shell) for words, is_shell in commands[start : start + BATCH]]
        if own_group and not start:
            with jobs.store.batch():  # what is refused leaves no group behind
                from outlast.store.grouping import set_group

                set_group(jobs.store, options["group"], _slots(parsed), now())
                made = jobs.submit(batch, wake=False)
            if not parsed.options.get("quiet"):
                _say_group(options["group"])
        else:
            made = jobs.submit(batch, wake=False)
        _tell(made, jobs, parsed)
    return 0


def _slots(parsed: "Parsed") -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    slots: int = parsed.options.get("jobs") or cores or 1
    return slots


def _say_group(group: str) -> None:
    from outlast.cli.terminal import visible

    print(visible(f"outlast: group {group}; `outlast wait group:{group}` waits for all of it"), file=sys.stderr)


def _tell(made: "list[Job]", jobs: "Jobs", parsed: "Parsed") -> None:
    if parsed.options.get("json"):
        for job in made:
            told(job, parsed)
    else:
        sys.stdout.write("".join(f"{job.id}\n" for job in made))
    sys.stdout.flush()
    jobs.wake()


_SHELL = frozenset("|&;<>()$`\\\"'*?[#~=%!{}")
_BUILTIN = frozenset(
    ". : alias bg break case cd command continue do done elif else esac eval exec exit export fc fg fi for getopts hash if jobs read"
    " readonly return set shift then times trap type ulimit umask unalias unset until wait while".split()
)  # of every shell: as a program there is none, or it would do something else


def _words(line: str, shell: bool | None) -> "tuple[list[str], bool | None]":
    """Return (words, shell): a line without any shell character is split here, which saves a shell per job."""
    if shell is None and _SHELL.isdisjoint(line):
        words = line.split()
        if words[0] not in _BUILTIN:
            return words, False
    if shell is False:
        import shlex

        try:
            return shlex.split(line), False
        except ValueError as error:
            raise UsageError(f"cannot split the line `{line[:60]}`: {error}", "close the quotes, or leave out `--no-shell`") from None
    return [line], True


def _lines(path: str) -> "Iterator[str]":
    try:
        with open(0 if path == "-" else path, encoding="utf-8", errors="surrogateescape", closefd=path != "-") as file:
            for line in file:
                text = line.strip()
                if "\0" in text:
                    raise UsageError(f"--from {path}: a line holds a NUL character", "no command can hold one")
                if text and not text.startswith("#"):
                    yield text
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise UsageError(f"--from: there is no file {path}", "`-` means stdin") from None
        raise SystemFault(f"cannot read {path} ({error.strerror})", "check its permissions") from error
