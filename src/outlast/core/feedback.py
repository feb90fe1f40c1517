"""The feedback of a run: what a feedback file says, how its lines are written, and what follows from its silence.

A line is `[key]value`. The last value of a key counts, `[key]` alone clears the key, `[]` clears all. Empty lines and lines that begin
with `#` mean nothing, others are skipped. What is read is what taskwatcher defined; the limits below are ours.
"""

from outlast.core.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from re import Pattern
    from typing import Any

KEYS = 1000  # kept of one file
KEY = 200  # bytes of a key; a line with a longer one is no feedback
VALUE = 4096  # bytes of a value; a longer one is cut
FAULTS = 100  # that are named
_LINE = 8192  # bytes of an unfinished line that are kept: more than those above
_SLICE = 1 << 16  # bytes that are taken apart at once: their pairs need 40 times as much
ACTIVE, SILENT, STALLED = "active", "silent", "stalled"

_ways: "list[Pattern[bytes]]" = []  # made when a file is first read: `re` is no business of the command path


def _patterns() -> "list[Pattern[bytes]]":
    """Return the patterns of (a line of feedback, a line that says something). They never go back, so that no input is slow."""
    if not _ways:
        import re

        _ways.append(re.compile(rb"^\[([^\]\n]{0,%d}+)\]([^\n]{0,%d}+)" % (KEY, VALUE + 1), re.MULTILINE))
        _ways.append(re.compile(rb"^[ \t]{0,100}+[^\s#]", re.MULTILINE))
    return _ways


class Parser:
    """What was read of a feedback file so far. However its bytes are cut into pieces, the result is the same.

    `skipped`: how many lines are neither feedback nor comments. Memory is bounded by the limits of this module.
    """

    __slots__ = ("_faults", "_left_out", "_rest", "_values", "more_faults", "skipped")

    def __init__(self) -> None:
        """Nothing was read yet."""
        self._values: dict[bytes, bytes] = {}
        self._rest = b""  # of an unfinished line, its first _LINE bytes
        self._faults: dict[str, str] = {}
        self._left_out: dict[bytes, None] = {}  # keys for which there is no room since the last `[]`
        self.skipped = 0
        self.more_faults = False  # than are named

    def feed(self, data: bytes) -> None:
        """Read the next bytes. A line counts when its newline is there: before, it may be half written."""
        if self._rest:
            end = data.find(b"\n")
            self._keep(data if end < 0 else data[:end])
            if end < 0:
                return
            line, self._rest = self._rest, b""
            self._take(line + b"\n", 0, len(line) + 1)
            data = data[end + 1 :]
        start, whole = 0, data.rfind(b"\n") + 1
        while start < whole:
            end = data.rfind(b"\n", start, start + _SLICE) + 1 or data.find(b"\n", start) + 1
            self._take(data, start, end)
            start = end
        self._keep(data[whole:])

    def finish(self) -> None:
        """Count a last line without a newline, too."""
        if self._rest:
            self.feed(b"\n")

    def _keep(self, more: bytes) -> None:
        if more and len(self._rest) < _LINE:
            self._rest = (self._rest + more[: _LINE - len(self._rest)]) if self._rest else more[:_LINE]

    def _take(self, data: bytes, start: int, end: int) -> None:
        """Read whole lines."""
        feedback, telling = _patterns()
        pairs = feedback.findall(data, start, end)
        if len(pairs) != data.count(b"\n", start, end):
            self.skipped += len(telling.findall(data, start, end)) - len(pairs)
        found = dict(pairs)
        wrong = {key for key in found if key and self._is_wrong(key)}
        if b"" in found:
            pairs = pairs[self._last_clearing(pairs) + 1 :]
            found = dict(pairs)
        some: Iterable[tuple[bytes, bytes]] = found.items()
        if len(self._values) + len(found) > KEYS:
            some = pairs  # what is full now may have room later: one after the other
        for key, given in some:
            value = given.rstrip()
            if not key or key in wrong:
                continue
            if value and len(self._values) >= KEYS and key not in self._values:
                if len(self._left_out) <= FAULTS:
                    self._left_out[key] = None
                continue
            if self._left_out:
                self._left_out.pop(key, None)
            if value:
                self._values[key] = value
            else:
                self._values.pop(key, None)

    def _last_clearing(self, pairs: "list[tuple[bytes, bytes]]") -> int:
        """Do what the `[]` among the pairs say. Returns the place of the last one, -1 if there is none."""
        last = -1
        for place, (key, value) in enumerate(pairs):
            if key:
                continue
            if value.strip():
                self._fault(b"", "a value needs a key")
            else:
                last = place
        if last >= 0:
            self._values.clear()
            self._left_out.clear()
        return last

    def _is_wrong(self, key: bytes) -> bool:
        """Tell whether this can be no key; if so, that is noted."""
        if key.split() != [key]:
            self._fault(key, "a key has no spaces")
        elif key[:1].isdigit():
            self._fault(key, "a key begins with no digit")
        else:
            return False
        return True

    def _fault(self, key: bytes, what: str) -> None:
        name = _text(key)
        if name in self._faults:
            return
        if len(self._faults) < FAULTS:
            self._faults[name] = what
        else:
            self.more_faults = True

    @property
    def facts(self) -> "dict[str, str]":
        """What is reported now."""
        return {_text(key): _text(value[:VALUE]) for key, value in self._values.items()}

    @property
    def faults(self) -> "dict[str, str]":
        """The keys with which something is wrong, and what: each once."""
        cut = {_text(key): f"its value is longer than {VALUE:,} bytes and is cut" for key, v in self._values.items() if len(v) > VALUE}
        return {**cut, **self._faults, **dict.fromkeys(map(_text, self._left_out), f"there are more than {KEYS:,} keys")}

    def kept(self) -> "dict[str, Any]":
        """Return all of it as JSON can hold it: see `again`."""
        values = {key.decode("latin-1"): value.decode("latin-1") for key, value in self._values.items()}
        return {
            "values": values, "rest": self._rest.decode("latin-1"), "faults": self._faults, "skipped": self.skipped,
            "left_out": [key.decode("latin-1") for key in self._left_out], "more_faults": self.more_faults,
        }  # fmt: skip

    @classmethod
    def again(cls, kept: "Mapping[str, Any]") -> "Parser":
        """Return the parser that `kept` tells of. Raises KeyError, TypeError, ValueError, AttributeError if it tells of none."""
        made = cls()
        made._values = {key.encode("latin-1"): value.encode("latin-1") for key, value in kept["values"].items()}
        made._left_out = {key.encode("latin-1"): None for key in kept["left_out"]}
        made._rest = kept["rest"].encode("latin-1")
        made._faults = {str(key): str(what) for key, what in kept["faults"].items()}
        made.skipped, made.more_faults = int(kept["skipped"]), bool(kept["more_faults"])
        return made

    def over(self, tail: bytes) -> "Parser":
        """Return what is known if `tail` is the end of what is still unread: its values are true, others are as they were."""
        made = Parser()
        made._values = dict(self._values)
        made._faults, made._left_out = dict(self._faults), dict(self._left_out)
        made.more_faults, made.skipped = self.more_faults, self.skipped
        made.feed(tail.partition(b"\n")[2])  # it may begin in the middle of a line
        return made


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def sentence(faults: "Mapping[str, str]", *, more: bool = False) -> str:
    """Return what is wrong with keys in one line; empty if nothing is."""
    told = [f"`{key[:80]}` ({what})" for key, what in faults.items()]
    return ", ".join([*told[:10], *(["more"] if more or len(told) > 10 else [])])


def lines(facts: "Mapping[str, str | None]", *, clear: bool = False) -> bytes:
    """Return the lines that report `facts`; None or an empty text clears a key, `clear` everything that was reported before.

    Raises UsageError for what a line cannot hold.
    """
    made = [b"[]\n"] if clear else []
    for key, text in facts.items():
        name, value = _bytes(key), _bytes(text or "")
        if not name or name.split() != [name] or name[:1].isdigit() or b"]" in name or len(name) > KEY:
            hint = f"it has 1 to {KEY} bytes, no space and no `]`, and begins with no digit"
            raise UsageError(f"`{key[:80]}` cannot be a key of feedback", hint)
        if b"\n" in value or b"\r" in value:
            raise UsageError(f"the value of `{key[:80]}` holds a line break", "feedback is one line for each value")
        if len(value) > VALUE:
            raise UsageError(f"the value of `{key[:80]}` has {len(value)} bytes", f"{VALUE} is the most")
        made.append(b"[%s]%s\n" % (name, value))
    return b"".join(made)


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise UsageError("a text cannot be written as bytes", "it holds half a character") from None


def path_of(spec: "Mapping[str, Any]", cwd: str, job: int, otherwise: str) -> str:
    """Return the path of a job's feedback file: what its options say, else `otherwise`."""
    given: str | None = spec.get("feedback")
    if given is None:
        folder = spec.get("feedpath")
        if folder is None:
            return otherwise
        given = f"{folder.rstrip('/') if folder.strip('/') else ''}/feedback_{job}.log"
    return given if given.startswith("/") else f"{cwd.rstrip('/')}/{given.removeprefix('./')}"


def is_elsewhere(spec: "Mapping[str, Any]") -> bool:
    """Tell whether a job names its feedback file itself."""
    return "feedback" in spec or "feedpath" in spec


def activity(silence: int, timeout: int) -> str:
    """Return how lively a run is whose last heartbeat was `silence` ns ago, and may be `timeout` ns ago."""
    if silence * 4 < timeout:
        return ACTIVE
    return SILENT if silence * 2 < timeout else STALLED


def progress(facts: "Mapping[str, str]") -> "dict[str, Any] | None":
    """Return how far a run is by its feedback: `[progress]` with a percentage (`12`, `12.5%`) or `3/10 files`; None if it says neither."""
    text = facts.get("progress", "").strip()
    if not text or len(text) > _PROGRESS:
        return None
    first, slash, rest = text.partition("/")
    if not slash:
        percent = _number(text.removesuffix("%"))
        return None if percent is None or percent > 100 else _progress(percent, None, None, "", text)
    number, _, unit = rest.strip().partition(" ")
    done, total = _number(first), _number(number)
    if done is None or total is None:
        return None
    return _progress(min(done / total * 100, 100.0) if total else None, done, total, unit.strip(), text)


_PROGRESS = 200


def _progress(percent: float | None, done: float | None, total: float | None, unit: str, text: str) -> "dict[str, Any]":
    rounded = None if percent is None else round(percent, 2)
    return {"percent": rounded, "done": done, "total": total, "unit": unit or None, "text": text, "from": "feedback"}


def _number(text: str) -> float | None:
    """Return a number of 0 or more, a whole one as int."""
    digits = text.strip()
    whole, _, part = digits.partition(".")
    if not digits.isascii() or not (whole + part).isdigit() or len(digits) > _DIGITS:
        return None
    return float(digits) if "." in digits else int(digits)


_DIGITS = 15
