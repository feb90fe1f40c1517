"""The child that looks at a condition: told its kind and word, answers by exit status and one line."""

import os
import sys

from outlast.core.ports import Seen, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.core.ports import Condition

MET, NOT_MET, BROKEN = 0, 1, 2


def answer(kind: "Condition", word: str) -> int:
    """Look once, print the text, return MET, NOT_MET or BROKEN. What else was printed stands before it."""
    try:
        seen: object = kind.look(word)
        if isinstance(seen, Seen):
            status, text = (MET if seen.met else NOT_MET), seen.text
        else:
            status, text = BROKEN, f"the condition `{kind.name}` returned {type(seen).__name__}"
    except Exception as error:  # noqa: BLE001  # a kind may come from anybody
        status, text = BROKEN, " ".join(str(error).split()) or type(error).__name__
    os.write(1, b"\n" + one_line(text).encode("utf-8", "backslashreplace") + b"\n")
    return status


def main() -> None:
    """Look at the condition of kind argv[2] with the word argv[3]; does not return."""
    from outlast.conditions.kinds import find
    from outlast.core.errors import UsageError

    try:
        kind = find(sys.argv[2])
    except UsageError as error:
        os.write(1, one_line(str(error)).encode("utf-8", "backslashreplace"))
        os._exit(BROKEN)
    os._exit(answer(kind, sys.argv[3]))  # what a library left behind in threads and exit handlers is not waited for
