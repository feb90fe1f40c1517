"""Reporting from inside of a job: lines are added to its feedback file, each report by one write, without anybody else's help."""

import os
import stat

from outlast.core.errors import Refused, SystemFault
from outlast.core.feedback import lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

VARIABLE = "OUTLAST_FEEDBACK"


def report(facts: "Mapping[str, str | None]", *, clear: bool = False) -> None:
    """Add `facts` to the feedback of the job that we run in; without any, it is a heartbeat. Durable against our own death only.

    Raises Refused outside of a job, UsageError for what a line cannot hold, SystemFault if it cannot be written.
    """
    text = lines(facts, clear=clear)
    path = os.environ.get(VARIABLE)
    if not path:
        raise Refused("this is no job: $OUTLAST_FEEDBACK is not set", "have it run by `outlast run`, which sets it")
    try:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY, 0o600)
        try:
            _write(fd, path, text)
        finally:
            os.close(fd)
    except OSError as error:
        raise SystemFault(f"cannot report to {path} ({error.strerror})", "see to it that the job may write there") from error


def _write(fd: int, path: str, text: bytes) -> None:
    if not text:
        os.utime(fd)
        return
    told = os.fstat(fd)
    if stat.S_ISREG(told.st_mode) and told.st_size and _is_torn(path, told.st_size):
        text = b"\n" + text  # a disk that was full, or whoever else writes: our line is to be one
    if os.write(fd, text) != len(text):
        raise OSError(28, os.strerror(28))


def _is_torn(path: str, size: int) -> bool:
    """Tell whether the last line has no end."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return os.pread(fd, 1, size - 1) != b"\n"
    finally:
        os.close(fd)


class Current:
    """The job that this program runs in, as its environment tells."""

    __slots__ = ("automatic", "home", "id", "name", "run", "trigger")

    def __init__(self, environ: "Mapping[str, str]") -> None:
        """Read it from `environ`. Raises Refused if that is not the environment of a job."""
        try:
            self.id = int(environ["OUTLAST_JOB"])
            self.run = int(environ["OUTLAST_RUN"])
        except (KeyError, ValueError):
            raise Refused("this is no job: $OUTLAST_JOB is not set", "have it run by `outlast run`, which sets it") from None
        self.name = environ.get("OUTLAST_NAME", "")
        self.home = environ.get("OUTLAST_HOME", "")
        self.trigger: str | None = environ.get("OUTLAST_TRIGGER") or None  # of a schedule: for when it was due, RFC 3339
        self.automatic = environ.get("OUTLAST_AUTOMATIC", "") in {"1", "true"}

    def feedback(self, facts: "Mapping[str, Any] | None" = None, /, **more: "Any") -> None:
        """Report facts: `feedback(phase="copy", files=3)`, or a mapping. None or an empty text clears one; none at all: a heartbeat.

        Raises UsageError for keys and texts that a line cannot hold, SystemFault.
        """
        report({str(key): None if fact is None else _said(fact) for key, fact in {**(facts or {}), **more}.items()})

    def clear(self, facts: "Mapping[str, Any] | None" = None, /, **more: "Any") -> None:
        """Take back everything that was reported, and report these facts instead."""
        report({str(key): None if fact is None else _said(fact) for key, fact in {**(facts or {}), **more}.items()}, clear=True)

    def heartbeat(self) -> None:
        """Tell that the job is alive."""
        report({})

    def progress(self, percent: float | None = None, *, done: float | None = None, total: float | None = None, unit: str = "") -> None:
        """Report how far it is: a percentage, or `done` of `total`. Without anything it is not known any more."""
        if done is not None and total is not None:
            text: str | None = f"{_plain(done)}/{_plain(total)} {unit}".rstrip()
        else:
            text = None if percent is None else _plain(percent)
        report({"progress": text})


def _said(fact: "Any") -> str:
    return str(fact).lower() if isinstance(fact, bool) else str(fact)


def _plain(number: float) -> str:
    """Return a number without an exponent."""
    return str(number) if isinstance(number, int) else f"{number:.3f}".rstrip("0").rstrip(".")


def current() -> Current:
    """Return the job that this program runs in: `.id`, `.run`, `.name`, `.feedback(phase="copy")`, `.progress(12)`. Raises Refused."""
    return Current(os.environ)
