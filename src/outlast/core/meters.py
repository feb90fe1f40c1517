"""What a line of output says of how far a program is: the formats that programs print, and the rules against mistaking a number for one.

Pure, for any text, in time linear in it; nothing is compiled. What is not certain is nothing: a date, a path, a rate is no progress.
"""

from outlast.core import figures as f
from outlast.core.printed import REPORT
from outlast.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from outlast.core.figures import Number

DONE, TOTAL, PERCENT, UNIT = ROLES = ("done", "total", "percent", "unit")
ALIASES: "dict[str, str]" = {
    **dict.fromkeys(("done", "completed", "complete", "current", "processed", "finished", "step", "iteration"), DONE),
    **dict.fromkeys(("total", "of", "max", "goal", "steps", "iterations"), TOTAL),
    **dict.fromkeys(("percent", "percentage", "pct", "progress", "fraction", "percent_done", "percentdone"), PERCENT),
    **dict.fromkeys(("unit", "units"), UNIT),
}
_FRACTIONS = frozenset({"fraction", "percent_done", "percentdone"})  # 1 is all of it
_QUOTES = ('"', "'")
_TEXTS = ("text", "message", "msg")

_LONGEST = 1000  # characters of a piece in which numbers are looked for
_MOST = 8  # places of one kind
_BEHIND_PERCENT = " )]}>|,:[."  # not: 100%; and "100%" (style sheets, HTML), %( and %s (formats)
_AGREE = 1.5  # percentage points between two figures of the same thing

# A percentage beside one of these is of something else.
_NOT_BEFORE = frozenset({
    "cpu", "mem", "memory", "ram", "swap", "disk", "usage", "use", "used", "load", "loss", "accuracy", "acc", "coverage", "cover", "rate",
    "ratio", "quality", "battery", "threshold", "limit", "over", "above", "below", "under", "by", "error", "index", "level", "volume",
    "confidence", "probability", "score", "within", "least", "than", "hit",
})  # fmt: skip
_NOT_AFTER = frozenset({
    "packet", "loss", "cpu", "idle", "mem", "memory", "ram", "used", "use", "usage", "free", "full", "off", "discount", "coverage",
    "covered", "similarity", "similar", "confidence", "accuracy", "acc", "hit", "hits", "faster", "slower", "larger", "smaller", "bigger",
    "less", "more", "higher", "lower", "improvement", "increase", "decrease", "reduction", "us", "sy", "ni", "wa", "id", "st", "user",
    "system", "battery", "percentile", "quantile", "chance", "probability", "better", "worse", "failed", "failure", "failures", "errors",
    "error",
})  # fmt: skip
# Two numbers beside one of these are no part and whole.
_NO_PAIR_BEFORE = frozenset({"http", "status", "code", "codes", "port", "ports", "error", "errno", "rc", "load", "scale", "ratio", "date",
                             "used", "memory", "mem", "ram", "swap", "usage"})  # fmt: skip
_NO_PAIR_AFTER = frozenset({"failed", "failures", "errors", "error", "skipped", "warnings", "inch", "stars"})
_NO_UNIT = frozenset({"is", "was", "has", "as", "this", "does", "its", "yes", "vs", "us"})


class Found(Value):
    """What one piece says. With nothing but `strong`: whatever was said before holds no more."""

    _fields = ("done", "total", "percent", "unit", "text", "eta", "strong", "part")
    done: "Number | None"
    total: "Number | None"
    percent: float | None
    unit: str | None
    text: str | None
    eta: int | None  # ns, if the program says it itself
    strong: bool  # it can hardly mean anything else
    part: bool  # perhaps it is of one file only
    _defaults = {
        "done": None, "total": None, "percent": None, "unit": None, "text": None, "eta": None, "strong": False, "part": False,
    }  # fmt: skip


OVER = Found(strong=True)


def meter(text: str, aliases: "Mapping[str, str]" = ALIASES) -> Found | None:
    """Return what a piece of output (see `core.printed`) says of the progress, or None. `aliases`: what words before numbers mean."""
    if text[:1] == "\x1b":
        return _report(text)
    if "{" in text and '"' in text:
        bare = text.strip()
        if bare[0] == "{" and bare[-1] == "}":
            return _json(bare, aliases)
    text = text[:_LONGEST]
    named = _named(text, aliases) if "=" in text or ":" in text else None
    if named is not None:
        return named
    if "%" in text:
        return _rsync(text) or _general(text)
    if "  " in text and text.count(":") > 5:
        return _curl(text)
    return _general(text) if "/" in text or " of " in text else None


def part_of(done: "Number", total: "Number | None") -> float | None:
    """Return how many percent of `total` are done, rounded down: 100 is all of it; None if that makes no sense."""
    return None if not total or not 0 <= done <= total else float(done * 10_000 // total / 100)


def _report(text: str) -> Found | None:
    """Read a report for the terminal: `ESC ] 9 ; 4 ; state ; percent`. State 0 takes it away, 3 knows no percentage."""
    state, _, percent = text.removeprefix(REPORT).partition(";")
    if state in {"0", "3"}:
        return OVER
    value = f.number(percent)
    return None if value is None or value > 100 or state not in {"1", "2", "4"} else Found(percent=float(value), strong=True)


def _general(text: str) -> Found | None:
    """Return what percentages and pairs of numbers say: first if both say the same, else the first that is certain, else the first."""
    percents: list[tuple[int, Found]] = [*_percents(text)] if "%" in text else []
    pairs: list[tuple[int, Found]] = [*_pairs(text, "/"), *(_pairs(text, " of ") if " of " in text else ())]
    told = [*percents, *pairs]
    if not told:
        return None
    eta = _eta(text)
    for pair in pairs:
        for percent in percents:
            if abs((pair[1].percent or 0) - (percent[1].percent or 0)) <= _AGREE:
                return pair[1].replace(eta=eta, strong=True, text=percent[1].text)
    told.sort(key=lambda one: (not one[1].strong, one[0]))
    return told[0][1].replace(eta=eta, strong=told[0][1].strong or eta is not None)


def _percents(text: str) -> "Iterator[tuple[int, Found]]":
    """Yield (where it begins, what it says) of the percentages in `text`."""
    for at in f.places(text, "%", _MOST):
        stop = at - 1 if at and text[at - 1] == " " else at
        start = f.digits_before(text, stop)
        value = f.number(text[start:stop], comma=True)
        if value is None or value > 100 or not f.opens(text, start) or (text[at + 1 : at + 2] or " ") not in _BEHIND_PERCENT:
            continue
        strong = _is_barred(text, start, at + 1)
        if stop < at and text[at + 1 : at + 3].strip().isdigit():
            continue  # `7 % 3`
        if not strong and (f.word_before(text, start) in _NOT_BEFORE or _is_of_else(text, at + 1) or _is_row(text, start, at)):
            continue
        before = text[:start].strip(" :|") if text[at + 1 : at + 2] == "|" else ""
        yield start, Found(percent=float(value), strong=strong, text=before[:100] or None)


def _is_barred(text: str, start: int, stop: int) -> bool:
    """Tell whether a percentage stands in brackets, or at a bar."""
    before, after = text[:start].rstrip(" "), text[stop : stop + 1]
    if before[-1:] == "[" and after == "]":
        return True
    if after in {"|", "["} or before.endswith((".......", "▏", "█", "━", "▇")):
        return True
    if before[-1:] in {"]", "|"} and len(before) > 2 and before[-2] in " =>#.-<█":
        return True
    return bool(before) and not before.strip("#=O- ")


def _is_of_else(text: str, stop: int) -> bool:
    """Tell whether what follows a percentage says that it is of something else: `45% used`, `45% of users`, not `45% of 10.00MiB`."""
    word = f.word_behind(text, stop)
    if word == "of":
        return not text[text.index("of", stop) + 2 :][:10].lstrip(" ~")[:1].isdigit()
    return word in _NOT_AFTER


def _is_row(text: str, start: int, at: int) -> bool:
    """Tell whether a percentage is a cell of a table: after two numbers, or before a path (df, coverage, git diff)."""
    words = text[max(0, start - 60) : start].split()
    if len(words) > 1 and all(f.number(word.rstrip("KMGTPiB")) is not None for word in words[-2:]):
        return True
    return text[at + 1 : at + 3] == " /" or text.startswith(("rename ", "copy ", " rename ", " copy "))


def _pairs(text: str, mark: str) -> "Iterator[tuple[int, Found]]":
    """Yield (where it begins, what it says) of `25/100`, `25 of 100`, `12.3/45.6 MB` in `text`."""
    for at in f.places(text, mark, 4 * _MOST):
        stop, begin = at, at + len(mark)
        behind = text[begin : begin + 1]
        if not behind.isdigit() and not (behind == " " and mark == "/"):
            continue  # most slashes stand in paths
        if mark == "/" and text[at - 1 : at] == " " and text[begin : begin + 1] == " ":
            stop, begin = at - 1, begin + 1
            if "/" in text[max(0, stop - 10) : stop] or "/" in text[begin + 1 : begin + 10]:
                continue  # one of several: a table, a list
        elif mark != "/" and text[max(0, at - 4) : at] == " out":
            stop = at - 4
        left, right = f.number_before(text, stop), f.number_behind(text, begin)
        if left is None or right is None or not f.opens(text, left[0]) or not f.closes(text, right[0]):
            continue
        suffix = left[2] or (right[2] if right[2][-1:] in {"B", "b"} else "")  # `12.3/45.6 MB`; but tqdm's `175/1.95k` are two scales
        done, total = f.scaled(left[1], suffix), f.scaled(right[1], right[2])
        bracketed = text[left[0] - 1 : left[0]] in {"(", "["} and text[right[0] : right[0] + 1] in {")", "]"}
        fractions = isinstance(left[1], float) or isinstance(right[1], float)
        if (fractions and not (suffix or right[2])) or (left[2] and not right[2]) or part_of(done, total) is None:
            continue
        if f.word_before(text, left[0]) in _NO_PAIR_BEFORE or f.word_behind(text, right[0]) in _NO_PAIR_AFTER:
            continue
        if not bracketed and not right[2] and total <= 31 and _is_dated(text, left[0], right[0]):
            continue
        unit = "B" if suffix[-1:] in {"B", "b"} else None if bracketed else _unit(text, right[0])
        yield left[0], Found(done=done, total=total, percent=part_of(done, total), unit=unit, strong=bracketed)


def _is_dated(text: str, start: int, stop: int) -> bool:
    """Tell whether a time of day stands beside what could be a month and a day."""
    return any(
        ":" in word and word.replace(":", "").rstrip("]),").isascii() and word[:1].isdigit()
        for word in (*text[max(0, start - 20) : start].split()[-1:], *text[stop : stop + 20].split()[:1])
    )


def _unit(text: str, stop: int) -> str | None:
    word = text[stop : stop + 30].lstrip(" ")
    end = 0
    while end < len(word) and word[end].isalpha():
        end += 1
    word = word[:end]
    return word if text[stop : stop + 1] == " " and word.islower() and word[-1:] == "s" and word not in _NO_UNIT else None


def _named(text: str, aliases: "Mapping[str, str]") -> Found | None:
    """Read `done=25 total=100`, `percent: 25`, `progress=0.25`."""
    told: dict[str, object] = {}
    for mark in "=:":
        for at in f.places(text, mark, 4 * _MOST) if mark in text else ():
            behind = text[at + 1 : at + 2]
            if behind == " " or behind in _QUOTES:
                behind = text[at + 2 : at + 3]
            if not behind.isdigit() and not (told and behind.isalpha()):  # a unit counts only behind a number
                continue
            start = stop = at - 1 if text[at - 1 : at] == " " else at
            while start > 0 and stop - start < 40 and (text[start - 1].isalnum() or text[start - 1] in "_-."):
                start -= 1
            key = text[start:stop].lower().replace("-", "_")
            role = aliases.get(key)
            if role is None:
                continue
            begin = at + 2 if text[at + 1 : at + 2] in {" ", '"', "'"} else at + 1
            end = begin
            while end < len(text) and end - begin < 20 and (text[end].isalnum() or text[end] in ".,"):
                end += 1
            if text[end : end + 1] not in {"/", ":"}:
                _take(told, key, role, text[begin:end].rstrip(".,"), percent=text[end : end + 1] == "%")
    return _of_roles(told, set(aliases) - set(ALIASES) if aliases is not ALIASES else ())


def _json(text: str, aliases: "Mapping[str, str]") -> Found | None:
    """Read a JSON object; what is one level deeper counts too."""
    from outlast.core.jsontext import loads

    try:
        held = loads(text)
    except (ValueError, RecursionError):
        return None
    told: dict[str, object] = {}
    words: dict[str, str] = {}
    for name, item in [*held.items()][:64]:
        for key, value in [*item.items()][:64] if isinstance(item, dict) else ((name, item),):
            plain = key.lower().replace("-", "_")
            if plain in aliases and not isinstance(value, bool):
                percent = isinstance(value, str) and value.endswith("%")
                _take(told, plain, aliases[plain], value.rstrip("%") if isinstance(value, str) else value, percent=percent)
            elif plain in _TEXTS and isinstance(value, str):
                words.setdefault("text", value[:200])
    found = _of_roles(told, set(aliases) - set(ALIASES) if aliases is not ALIASES else ())
    return None if found is None else found.replace(text=words.get("text"))


def _take(told: "dict[str, object]", key: str, role: str, given: object, *, percent: bool) -> None:
    """Put what stands beside `key` into `told`, if it is what its role asks for; the first of a role counts."""
    if role == UNIT:
        if isinstance(given, str) and given.isalpha():
            told.setdefault(UNIT, given)
        return
    value = f.number(given) if isinstance(given, str) else given
    if not isinstance(value, int | float) or not 0 <= value < 10**f.DIGITS:
        return
    if percent:
        role = PERCENT
    elif role == PERCENT and value <= 1 and (key in _FRACTIONS or (key == "progress" and isinstance(value, float))):
        value *= 100
    if role != PERCENT or value <= 100:
        told.setdefault(role, value)
        told.setdefault(f"{role} by", key)


def _of_roles(told: "dict[str, object]", own: "set[str] | tuple[()]") -> Found | None:
    """Return what the named numbers say together. `own`: names that somebody gave; `done` alone counts only by such a one."""
    done, total, percent, unit = (told.get(role) for role in ROLES)
    part = part_of(done, total) if isinstance(done, int | float) and isinstance(total, int | float) else None
    if part is not None:
        return Found(done=done, total=total, percent=part, unit=unit, strong=True)
    if isinstance(percent, int | float):
        return Found(percent=round(float(percent), 2), unit=unit, strong=True)
    if done is not None and told["done by"] in own and total is None:
        return Found(done=done, unit=unit, strong=True)
    return None


def _rsync(text: str) -> Found | None:
    """Read a line of `rsync --info=progress2` or `--progress`: `1,234,567  45%  1.20MB/s  0:00:10 (xfr#5, to-chk=10/100)`.

    With (xfr#...) the time is what it took. A line that says 100% while files are left is of one file: the files count then.
    """
    words = text.split(None, 6)
    if len(words) < 4 or words[1][-1:] != "%" or words[2][-3:] != "B/s" or f.clock(words[3]) is None or f.number(words[0]) is None:
        return None
    percent = f.number(words[1][:-1])
    if percent is None or percent > 100:
        return None
    at = text.find("to-chk=")
    if "xfr#" not in text:
        return Found(percent=float(percent), eta=f.clock(words[3]), part=True)
    if percent == 100 and "ir-chk=" in text:
        return None  # of one file, and how many there are is not known yet
    left = f.number_before(text, text.find("/", at)) if at >= 0 and "/" in text[at:] else None
    right = None if left is None else f.number_behind(text, text.find("/", at) + 1)
    if percent == 100 and left is not None and right is not None and 0 < left[1] <= right[1]:
        done = right[1] - left[1]
        return Found(done=done, total=right[1], percent=part_of(done, right[1]), unit="files", strong=True)
    return Found(percent=float(percent), strong=True)


def _curl(text: str) -> Found | None:
    """Read a row of curl's table: `65 5859k  65 3840k  0  0  3194k  0  0:00:01  0:00:01 --:--:-- 3194k`."""
    words = text.split(None, 12)
    if len(words) != 12 or ":" not in words[8] or ":" not in words[9] or ":" not in words[10]:
        return None
    sizes = [f.size_of(words[i]) for i in (1, 3, 5)]
    percent = f.number(words[0])
    if percent is None or percent > 100 or None in sizes:
        return None
    total, received, sent = (size or 0 for size in sizes)
    done = received + sent
    if not total:
        return Found(done=done, unit="B", strong=True) if done else None
    whole = {"done": done, "total": total, "unit": "B"} if done <= total else {}
    return Found(percent=float(percent), eta=f.clock(words[10]) if percent < 100 else None, strong=True, **whole)


def _eta(text: str) -> int | None:
    """Return the time left that a line tells: `ETA 0:00:12`, `eta: 4m51s`, `[00:10<00:12, 4.4it/s]`, or wget's last word after its dots."""
    at = text.lower().find("eta")
    if at >= 0 and not text[at - 1 : at].isalpha() and not text[at + 3 : at + 4].isalpha():
        words = text[at + 3 : at + 40].lstrip(" :=").split()
        both = f.clock("".join(words[:2]).rstrip("]),"))
        return both if both is not None else f.clock(words[0].rstrip("]),;")) if words else None
    at = text.find("<")
    if at > 0 and "[" in text[:at] and text[at + 1 : at + 2].isdigit():
        return f.clock(text[at + 1 : at + 20].partition(",")[0].partition("]")[0])
    if ".......... " in text:
        return f.clock(text.rsplit(None, 1)[-1])
    return None
