"""For those who add a kind of condition: what it has to keep to. Imported by tests only."""

import os
import select

from outlast.conditions.answering import MET, NOT_MET, answer
from outlast.core.errors import UsageError
from outlast.core.ports import EXISTENCE, LONGEST_TEXT, NOTHING, USE, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.core.ports import Condition


def check_condition(kind: "Condition", met_word: str, unmet_word: str, *, cwd: str = "/", within: float = 60.0) -> None:
    """Check that `kind` keeps to the port: `met_word` names something that is so now and `unmet_word` something that is not.

    Each look is done in a child, as a supervisor does it, and must answer within so many seconds. Raises AssertionError.
    """
    _require(isinstance(kind.name, str) and kind.name.isprintable() and not any(c in kind.name for c in " :=,"), "its name is no word")
    _require(isinstance(kind.fast, bool), "`fast` is not a bool")
    _require(kind.watch in {NOTHING, EXISTENCE, USE}, "`watch` is none of core.ports")
    for bad in ("", "\0"):
        try:
            kept = kind.check(bad, cwd)
        except UsageError as error:
            _require(bool(error.what), "a UsageError says nothing")
        else:
            raise AssertionError(f"{kind.name}: takes {bad!r} as {kept!r}; a UsageError is expected")
    for word, status in ((met_word, MET), (unmet_word, NOT_MET)):
        kept = kind.check(word, cwd)
        _require(kind.check(kept, "/") == kept, f"what it keeps of {word!r} is {kept!r}, and of that something else")
        for _ in range(2):
            told, text = _look(kind, kept, cwd, within)
            _require(told == status, f"{word!r}: exit status {told} instead of {status} ({text})")
            _require(text == one_line(text), f"its text is not one line of at most {LONGEST_TEXT} characters: {text!r}")


def _require(so: bool, otherwise: str) -> None:
    if not so:
        raise AssertionError(otherwise)


def _look(kind: "Condition", word: str, cwd: str, within: float) -> tuple[int, str]:
    """Look in a child; returns its exit status, as `answer` gives it, and the last line."""
    readable, writable = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.dup2(writable, 1)
            os.chdir(cwd)
            os._exit(answer(kind, word))
        finally:
            os._exit(-1)
    os.close(writable)
    pidfd = os.pidfd_open(pid)
    ended = bool(select.select([pidfd], [], [], within)[0])
    if not ended:
        os.kill(pid, 9)
    _, status = os.waitpid(pid, 0)
    os.close(pidfd)
    with open(readable, "rb") as file:
        said = file.read().decode("utf-8", "replace").rstrip("\n").rpartition("\n")[2]
    _require(ended, f"{kind.name}: no answer within {within} s")
    return os.waitstatus_to_exitcode(status), said
