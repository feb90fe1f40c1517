"""Patterns with `*`, `?` and `[a-z]`, with the meaning that GLOB has in SQLite: the same pattern finds the same in Python and in SQL."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    Step = tuple[str, str]  # (kind, what)

_ANY, _ONE, _SET, _LETTER = "*", "?", "[", ""


def matches(pattern: str, text: str) -> bool:
    """Tell whether the whole `text` fits `pattern`. Takes at most the product of their lengths, never more."""
    steps = _steps(pattern)
    if steps is None:
        return False
    place = at = 0
    star = after_star = -1
    while at < len(text):
        if place < len(steps) and steps[place][0] == _ANY:
            star, after_star = place, at
            place += 1
        elif place < len(steps) and _fits(steps[place], text[at]):
            place += 1
            at += 1
        elif star >= 0:  # let the last `*` stand for one letter more
            after_star += 1
            place, at = star + 1, after_star
        else:
            return False
    return all(kind == _ANY for kind, _ in steps[place:])


def _steps(pattern: str) -> "list[Step] | None":
    """Return what has to follow one another; None for a set without an end, which nothing fits."""
    steps: list[Step] = []
    at = 0
    while at < len(pattern):
        letter = pattern[at]
        at += 1
        if letter == "[":
            end = pattern.find("]", at + (2 if pattern.startswith("^]", at) else pattern.startswith("]", at)))
            if end < 0:
                return None
            steps.append((_SET, pattern[at:end]))
            at = end + 1
        elif letter == "*":
            if not steps or steps[-1][0] != _ANY:
                steps.append((_ANY, ""))
        else:
            steps.append((_ONE, "") if letter == "?" else (_LETTER, letter))
    return steps


def _fits(step: "Step", letter: str) -> bool:
    kind, what = step
    if kind != _SET:
        return kind == _ONE or what == letter
    inverted = what.startswith("^")
    return _is_in(what[inverted:], letter) != inverted


def _is_in(letters: str, letter: str) -> bool:
    """Tell whether `letter` is one of a set like `a-z_`; `]` stands first, a `-` at an end stands for itself."""
    seen = False
    before = ""
    at = 0
    if letters.startswith("]"):
        seen, at = letter == "]", 1
    while at < len(letters):
        now = letters[at]
        if now == "-" and before and at + 1 < len(letters):
            at += 1
            seen = seen or before <= letter <= letters[at]
            before = ""
        else:
            seen = seen or now == letter
            before = now
        at += 1
    return seen
