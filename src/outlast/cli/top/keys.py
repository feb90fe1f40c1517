"""The keys and what they do: one table for bindings, hints and help."""

from typing import NamedTuple


class Key(NamedTuple):
    """A key: its name for textual, what is shown of it, the action, a word for the bar (none: only in the help), a sentence, where."""

    key: str
    shown: str
    action: str
    word: str
    help: str
    where: str = ""  # "jobs", "groups", or both


JOBS, GROUPS = "jobs", "groups"

KEYS = (
    Key("s", "s", "end('stop')", "stop", "end the job: ask its processes, then make sure", JOBS),
    Key("i", "i", "end('interrupt')", "", "end it like that, as a failure", JOBS),
    Key("K", "K", "end('kill')", "", "end it at once with SIGKILL", JOBS),
    Key("p", "p", "pause", "pause", "let the job, or the group, stand still; again: go on"),
    Key("h", "h", "hold", "hold", "keep a job that waits from starting; again: release it", JOBS),
    Key("a", "a", "approve", "", "let a job start that waits for approval", JOBS),
    Key("r", "r", "rerun", "rerun", "run it once more, as a new job", JOBS),
    Key("S", "S", "signal", "", "send a signal to its processes", JOBS),
    Key("d", "d", "drain", "drain", "let the group take no more jobs; `p` takes it back", GROUPS),
    Key("n", "n", "slots", "slots", "set how many of its jobs run at once", GROUPS),
    Key("slash", "/", "filter", "filter", "show only jobs with a text in name, command, ...", JOBS),
    Key("o", "o", "order(1)", "order", "sort by the next column; `O`: the other way round; a click on a heading does it too", JOBS),
    Key("O", "O", "order(-1)", "", "turn the order round", JOBS),
    Key("t", "t", "ended", "", "show jobs that have ended, or not", JOBS),
    Key("g", "g", "groups", "groups", "groups instead of jobs, and back; Enter shows the jobs of one"),
    Key("enter", "⏎", "", "", "the output over the whole screen; Escape: back"),
    Key("tab", "⇥", "", "", "between table and output; in there arrows and pages scroll, End follows"),
    Key("left", "←", "tab(-1)", "", "output, details, events, feedback", JOBS),
    Key("right", "→", "tab(1)", "", "likewise, or 1 to 4, or a click", JOBS),
    Key("escape", "esc", "go_back", "", "back; at last no filter"),
    Key("question_mark", "?", "help", "help", "these keys"),
    Key("q", "q", "leave", "quit", "leave; jobs go on"),
)


def hints(where: str) -> "list[tuple[str, str]]":
    """Return the keys that the bar shows, with a word for each."""
    return [(key.shown, key.word) for key in KEYS if key.word and key.where in {"", where}]


def lines() -> "list[str]":
    """Return the help, line by line."""
    found = []
    for where, heading in ((JOBS, "jobs"), (GROUPS, "groups"), ("", "everywhere")):
        found += [heading, *(f"  {key.shown:<5}{key.help}" for key in KEYS if key.where == where), ""]
    return found
