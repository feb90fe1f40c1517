"""The keys and what they do: one table for bindings, hints and help."""

from typing import NamedTuple

JOBS, GROUPS, HELP = "jobs", "groups", "help"


class Key(NamedTuple):
    """A key: its name for textual, what is shown of it, the action, a word for the bar (none: only in the help), a sentence, where."""

    key: str
    shown: str
    action: str
    word: str
    help: str
    where: str = ""  # the view; none: all


KEYS = (
    Key("s", "s", "end('stop')", "stop", "end the job: ask its processes, then make sure", JOBS),
    Key("i", "i", "end('interrupt')", "", "end it like that, as a failure", JOBS),
    Key("K", "K", "end('kill')", "", "end it at once with SIGKILL", JOBS),
    Key("p", "p", "pause", "pause", "let it stand still, or go on", JOBS),
    Key("h", "h", "hold", "hold", "keep it from starting, or release it", JOBS),
    Key("a", "a", "approve", "", "let a job start that waits for approval", JOBS),
    Key("r", "r", "rerun", "rerun", "run it once more, as a new job", JOBS),
    Key("S", "S", "signal", "", "send a signal to its processes", JOBS),
    Key("p", "p", "pause_group", "pause", "let no job of the group start, or let them again", GROUPS),
    Key("d", "d", "drain", "drain", "let the group take no more jobs; p: let it again", GROUPS),
    Key("n", "n", "slots", "slots", "set how many of its jobs run at once", GROUPS),
    Key("slash", "/", "filter", "filter", "show only jobs with a text in name, command, ...", JOBS),
    Key("o", "o", "order(1)", "order", "sort by the next column; a click on a heading sorts by that", JOBS),
    Key("O", "O", "order(-1)", "", "sort the other way round", JOBS),
    Key("t", "t", "ended", "", "hide those that have ended, or show them", JOBS),
    Key("right", "→", "tab(1)", "", "details, events, feedback; or 2 to 4", JOBS),
    Key("left", "←", "tab(-1)", "", "the other way; 1 is the output", JOBS),
    Key("left_square_bracket", "[", "run(-1)", "", "the output of the run before this one", JOBS),
    Key("right_square_bracket", "]", "run(1)", "", "of the run after it; the last one is followed", JOBS),
    Key("tab", "⇥", "", "", "to the output, to scroll in it: End follows it again", JOBS),
    Key("enter", "⏎", "", "", "the output alone", JOBS),
    Key("g", "g", "groups", "groups", "groups instead of jobs", JOBS),
    Key("enter", "⏎", "", "", "its jobs alone", GROUPS),
    Key("g", "g", "groups", "jobs", "jobs instead of groups", GROUPS),
    Key("escape", "esc", "go_back", "", "back; at last without a filter"),
    Key("question_mark", "?", "help", "help", "these keys, or back"),
    Key("q", "q", "leave", "quit", "leave; jobs go on"),
)


def hints(where: str) -> "list[tuple[str, str]]":
    """Return the keys that the bar of a view shows, with a word for each."""
    if where == HELP:
        return [("?", "back"), ("q", "quit")]
    return [(key.shown, key.word) for key in KEYS if key.word and key.where in {"", where}]


def lines() -> "list[str]":
    """Return the help, line by line."""
    found = []
    for where, heading in ((JOBS, "jobs"), (GROUPS, "groups"), ("", "everywhere")):
        found += [heading, *(f"  {key.shown:<5}{key.help}" for key in KEYS if key.where == where), ""]
    return found
