"""Numbers within a text: durations, sizes, what stands before and behind a mark, and whether a number may begin or end there."""

from outlast.core.durations import DAY, HOUR, MINUTE, SECOND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Number = int | float

DIGITS = 15
OPENING = " ([{<|='\"#>~,;"  # what may stand before a number
CLOSING = " )]}>|,;:('\""  # and behind it


def clock(word: str) -> int | None:
    """Return `0:00:12`, `1+02:03:04`, `00:12`, `10s`, `4m51s` in ns; None if it is no duration."""
    days, plus, rest = word.partition("+")
    if plus:
        found = clock(rest)
        return None if found is None or not _are_digits(days) else int(days) * DAY + found
    parts = word.split(":")
    if len(parts) in {2, 3} and all(map(_are_digits, parts)):
        seconds = 0
        for part in parts:
            seconds = seconds * 60 + int(part)
        return seconds * SECOND
    total = start = 0
    for place, letter in enumerate(word):
        if letter in _UNITS and place > start:
            value = number(word[start:place])
            if value is None:
                return None
            total += round(value * _UNITS[letter])
            start = place + 1
        elif not letter.isdigit() and letter != ".":
            return None
    return total if start and start == len(word) else None


_UNITS = {"d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND}


def places(text: str, mark: str, most: int) -> "Iterator[int]":
    """Yield the first `most` places of `mark`."""
    at = -1
    for _ in range(most):
        at = text.find(mark, at + 1)
        if at < 0:
            return
        yield at


def digits_before(text: str, stop: int) -> int:
    """Return where the run of digits, points and commas before `stop` begins."""
    start = stop
    while start > 0 and stop - start < 2 * DIGITS and text[start - 1] in "0123456789.,":
        start -= 1
    return start


def number_before(text: str, stop: int) -> "tuple[int, Number, str] | None":
    """Return (start, number, suffix of a size) of the number that ends at `stop`."""
    end = stop
    while end > 0 and stop - end < 3 and text[end - 1] in _LETTERS:
        end -= 1
    suffix = text[end:stop]
    if suffix and text[end - 1 : end] == " ":
        end -= 1
    start = digits_before(text, end)
    value = number(text[start:end])
    return None if value is None or _scale(suffix) is None else (start, value, suffix)


def number_behind(text: str, start: int) -> "tuple[int, Number, str] | None":
    """Return (where it ends, number, suffix of a size) of the number that begins at `start`."""
    stop = start
    while stop < len(text) and stop - start < 2 * DIGITS and text[stop] in "0123456789.,":
        stop += 1
    bare = text[start:stop].rstrip(".,")
    value = number(bare)
    if value is None:
        return None
    stop = start + len(bare)
    for begin in (stop, stop + 1 if text[stop : stop + 1] == " " else stop):
        end = begin
        while end < len(text) and end - begin < 4 and text[end].isalpha():
            end += 1
        suffix = text[begin:end]
        if suffix and _scale(suffix) is not None and (begin == stop or suffix[-1] in "Bb"):
            return end, value, suffix
    return stop, value, ""


_LETTERS = "kKMGTPiBb"
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def _scale(suffix: str) -> int | None:
    """Return how many a suffix of sizes means, None if it is none: `MiB` and a bare `M` of bytes are binary only where an `i` says so."""
    low = suffix.lower()
    letter = low.removesuffix("b").removesuffix("i") if suffix else ""
    if letter not in _POWERS or (letter == "" and "i" in low):
        return None
    return int((1024 if "i" in low else 1000) ** _POWERS[letter])


def scaled(value: "Number", suffix: str) -> "Number":
    """Return how many a number with the suffix of a size is."""
    return round(value * (_scale(suffix) or 1)) if suffix else value


def size_of(word: str) -> int | None:
    """Return a size as curl writes it, `5859k` or `45.0M`, in bytes."""
    suffix = word[-1:].lower() if word[-1:].isalpha() else ""
    value = number(word[: len(word) - len(suffix)])
    return None if value is None or suffix not in _POWERS else round(value * 1024 ** _POWERS[suffix])


def number(word: str, *, comma: bool = False) -> "Number | None":
    """Return the number that `word` is, None if it is none: `25`, `25.5`, `1,234,567`, with `comma` also `25,5`."""
    whole, point, rest = word.partition(".")
    if "," in whole:
        groups = whole.split(",")
        if comma and len(groups) == 2 and not point and len(groups[1]) < 3:
            whole, point, rest = groups[0], ".", groups[1]
        elif all(len(group) == 3 for group in groups[1:]) and 0 < len(groups[0]) < 4:
            whole = "".join(groups)
        else:
            return None
    if not _are_digits(whole) or len(whole) > DIGITS or (point and (not _are_digits(rest) or len(rest) > DIGITS)):
        return None
    return float(f"{whole}.{rest}") if point else int(whole)


def _are_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def opens(text: str, start: int) -> bool:
    """Tell whether a number may begin at `start`: not within a word, a path, a date, a time, a negative number."""
    before = text[start - 1] if start else " "
    return before in OPENING or (before == ":" and text[start - 2 : start - 1].isalpha())


def closes(text: str, stop: int) -> bool:
    """Tell whether a number may end at `stop`."""
    after = text[stop : stop + 1] or " "
    then = text[stop + 1 : stop + 2] or " "
    return then in " ." if after in ".:" else after in CLOSING


def word_before(text: str, start: int) -> str:
    """Return the word before `start`, whatever opens or joins stands between, in small letters."""
    stop = len(text[max(0, start - 30) : start].rstrip(" ([{<:=#'\"|")) + max(0, start - 30)
    begin = stop
    while begin > 0 and stop - begin < 20 and text[begin - 1].isalpha():
        begin -= 1
    return text[begin:stop].lower()


def word_behind(text: str, stop: int) -> str:
    """Return the word that follows `stop` with nothing but spaces between, in small letters."""
    begin = stop
    while text[begin : begin + 1] == " " and begin - stop < 3:
        begin += 1
    end = begin
    while end < len(text) and end - begin < 20 and text[end].isalpha():
        end += 1
    return text[begin:end].lower()
