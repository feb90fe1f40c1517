"""The command: understand the words, do the verb, report. The only place that prints an error or chooses an exit status.

Imports are few and late: a shell loop pays for every one of them.
"""

import _io
import gc
import os
import sys

from outlast.core.errors import EXIT_WRAPPER, OutlastError, Refused, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from outlast.cli.parse import Parsed
    from outlast.core.job import Job

# verb -> module, where it is not the verb's own
MODULES = {
    "ps": "list", "history": "list", "interrupt": "stop", "kill": "stop", "help": "info", "version": "info", "completion": "info",
    "__complete": "complete", "release": "hold", "approve": "hold", "pause": "hold", "resume": "hold", "enable": "disable",
    "list-disabled": "disable",
}  # fmt: skip
CLOSED_PIPE = 141  # 128 + SIGPIPE, what a filter that lost its reader ends with
INTERRUPTED = 130
BUG = 70


def main(argv: "list[str] | None" = None) -> int:
    """Do what the words after the program's name say. Returns the exit status; never raises, never shows a traceback."""
    words = sys.argv[1:] if argv is None else argv
    front = False
    _complete_descriptors()
    try:
        from outlast.cli.parse import is_foreground, parse

        try:
            parsed = parse(words, os.environ)
        except UsageError:
            front = is_foreground(words)
            raise
        front = parsed.foreground
        status = _do(parsed)
        sys.stdout.flush()
    except OutlastError as error:
        below = ""
        if isinstance(error, Refused) and error.jobs and not parsed.options.get("json"):
            below = _table(error.jobs)
        status = _report(str(error), EXIT_WRAPPER if front else error.exit_status, below)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a closed pipe is no error, and Python shall not flush into it
        status = CLOSED_PIPE if not front else EXIT_WRAPPER
    except KeyboardInterrupt:
        status = INTERRUPTED
    except OSError as error:
        what = f"{error.strerror or error}{f' ({error.filename})' if error.filename else ''}"
        status = _report(f"{what}: try again; if it stays so, `outlast doctor` says more", EXIT_WRAPPER if front else 5)
    except Exception as error:  # noqa: BLE001  # a bug of ours is told in one line as well
        status = _report(_bug(error), EXIT_WRAPPER if front else BUG)
    return status


def _complete_descriptors() -> None:
    """Open `/dev/null` in place of closed standard descriptors: else the database would get their numbers, and the job's output.

    What is written is UTF-8, and bytes that are none come out as they went in, whatever the locale.
    """
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number: this one
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # for as long as we live
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if isinstance(sys.stdout, _io.TextIOWrapper) and (sys.stdout.encoding, sys.stdout.errors) != ("utf-8", "surrogateescape"):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")


def _do(parsed: "Parsed") -> int:
    if parsed.warnings and not parsed.options.get("quiet"):
        from outlast.cli.terminal import visible

        for warning in parsed.warnings:
            print(visible(f"outlast: {warning}"), file=sys.stderr)
    home = parsed.options.get("home")
    if home == "":
        raise UsageError("--home is empty", "name a directory, or leave the option out")
    name = MODULES.get(parsed.verb, parsed.verb)
    module = __import__(f"outlast.cli.verbs.{name}", fromlist=["main"])
    if name == "run":
        from outlast.client.opened import Opened as Jobs  # a plain submission needs no more
    else:
        from outlast.client.jobs import Jobs

    status: int = module.main(parsed, Jobs(home))
    return status


def _table(meant: "Sequence[Job]") -> str:
    """Return the jobs that an error is about, as `list` shows them."""
    from outlast.cli.render import jobs_table
    from outlast.cli.terminal import colours, width
    from outlast.seams import now

    return jobs_table(meant, now(), width=width(os.environ, 2), colours=colours(os.environ, 2))


def _report(text: str, status: int, below: str = "") -> int:
    from outlast.cli.terminal import visible

    line = visible(f"outlast: {text}".replace("\n", " "))
    try:
        os.write(2, f"{line}\n{below}".encode("utf-8", "surrogateescape"))
    except OSError:
        pass
    return status


def _bug(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace is not None else "?"
    return f"a bug of ours: {type(error).__name__}: {error} at {place}: please report this line and what you did"


def run() -> None:
    """Be the command: `main`, then leave without the interpreter's tidying up, which would close and so checkpoint the database."""
    gc.set_threshold(100_000)  # a command makes few objects and ends: looking for cycles costs it a tenth
    status = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        pass
    os._exit(status)
