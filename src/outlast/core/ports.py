"""What others may add, and what it has to keep to: the kinds of conditions that a pending job waits for."""

from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object  # typing costs 12 ms

CONDITIONS = "outlast.conditions"  # the entry point group of kinds that are not built in
LONGEST_TEXT = 200

NOTHING = ""  # nobody tells when it may have changed: it is looked at now and then
EXISTENCE = "existence"  # the word is a path: looked at when something came, went or was renamed there
USE = "use"  # likewise, and when the file is opened or closed


class Seen(Value):
    """What one look at a condition saw. `text`: a sentence part that `why` shows, one line of at most LONGEST_TEXT characters."""

    _fields = ("met", "text")
    met: bool
    text: str


class Condition(Protocol):
    """A kind of condition. Its subject is one word: a path, a command line, a URL.

    `fast`: a look never blocks, so that the supervisor looks itself; else a child of its does. `watch`: what tells it when to look.
    Of kinds that are not built in neither is asked: they are never fast, and nobody tells them.
    """

    name: str
    fast: bool
    watch: str

    def check(self, word: str, cwd: str) -> str:
        """Return the word as it is kept; `cwd`: the job's, absolute. Raises UsageError: the job is not submitted then."""

    def look(self, word: str) -> Seen:
        """Look at it once. It may block: the child that does it has a time limit, the job's cwd and the job's environment.

        What is raised counts as not met, and is shown.
        """


def one_line(text: str) -> str:
    """Return the last line of `text` that says something, without control characters, at most LONGEST_TEXT characters long."""
    for line in reversed(text.splitlines()):
        said = " ".join("".join(c if c.isprintable() else " " for c in line).split())
        if said:
            return said if len(said) <= LONGEST_TEXT else said[: LONGEST_TEXT - 1] + "…"
    return ""
