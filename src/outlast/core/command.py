"""What the words of a command mean: an argv, or a line for the shell; and what a job is called without a name."""

from outlast.core.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

SHELL = "/bin/sh"
LONGEST_NAME = 1000
_SHELL_CHARACTERS = frozenset(" \t\n\r\v\f|&;<>()$`\\\"'*?[~")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_")


def as_argv(words: "Sequence[str]", shell: bool | None, exists: "Callable[[str], bool]") -> list[str]:
    """Return the argv to execute for the `words` of a command.

    `shell` True: the words joined by spaces are a line for `/bin/sh -c`; False: the words as they are; None: one word with
    white space or shell characters is a line, unless `exists` says that there is a file of exactly that name.
    Raises UsageError for an empty command and for NUL, which no argument of a process can hold.
    """
    for word in words:
        if not isinstance(word, str):
            raise UsageError(f"an argument of the command is of type {type(word).__name__}", "make it a str; bytes: `os.fsdecode`")
    if not words or not "".join(words).strip() or (not words[0] and not shell):
        raise UsageError("the command is empty", "write it after the options, as in `outlast run -- echo hello`")
    for word in words:
        if "\0" in word:
            raise UsageError("an argument of the command holds a NUL character", "pass it in a file or on stdin")
    if shell is None:
        shell = len(words) == 1 and not _SHELL_CHARACTERS.isdisjoint(words[0]) and not exists(words[0])
    return [SHELL, "-c", " ".join(words)] if shell else list(words)


def quote(word: str) -> str:
    """Return `word` as a POSIX shell reads it back, as `shlex.quote` does."""
    if word and _PLAIN.issuperset(word):
        return word
    return "'" + word.replace("'", "'\"'\"'") + "'"


def command_line(argv: "Iterable[str]") -> str:
    """Return `argv` as a person would type it; the line itself if it is one for the shell."""
    words = list(argv)
    if len(words) == 3 and words[:2] == [SHELL, "-c"]:
        return words[2]
    return " ".join(map(quote, words))


def default_name(argv: "Iterable[str]") -> str:
    """Return the name of a job that was given none: its command line, cut after LONGEST_NAME characters."""
    name = command_line(argv)
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
