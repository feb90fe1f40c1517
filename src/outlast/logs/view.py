"""A log as people see it: items to bytes for the terminal. Nothing is decoded; the command's bytes go through as they are.

With `safe` control characters, which could repaint the terminal or lie about earlier lines, are shown as `^[` instead.
"""

import time

from outlast.core.sizes import format_size
from outlast.logs.cri import Record, Torn
from outlast.logs.gaps import Gap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.logs.lines import Line

_CONTROLS = bytes([*range(9), *range(10, 32), 127])  # all but the tab
_C1 = range(0x80, 0xA0)  # as UTF-8: C2 80 to C2 9F; a terminal takes C2 9B for ESC [

_BIDI = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))


def make_safe(text: bytes) -> bytes:
    """Return `text` with control characters as `^X` (`^?` for 127), those of the second set in UTF-8 as `<9b>`; tabs stay.

    What lets the rest of a line run in the other direction (Unicode's embeddings, overrides, isolates) is shown as `<202e>`.
    """
    if b"\xc2" in text:
        for code in _C1:
            text = text.replace(b"\xc2%c" % code, b"<%02x>" % code)
    if b"\xe2\x80" in text or b"\xe2\x81" in text:
        for code in _BIDI:
            text = text.replace(chr(code).encode(), b"<%04x>" % code)
    if len(text.translate(None, _CONTROLS)) == len(text):
        return text
    return b"".join(b"^%c" % (byte ^ 64) if byte in _CONTROLS else b"%c" % byte for byte in text)


def notice(item: "Gap | Torn") -> bytes:
    """Return what is said in the place of output that is not there, without a newline."""
    if isinstance(item, Torn):
        return b"[outlast: %s of the log cannot be read]" % format_size(item.bytes).encode()
    size = format_size(item.bytes) if item.bytes is not None else f"up to {format_size(item.log)}" if item.log else "output"
    return make_safe(f"[outlast: {size} missing: {item.reason}]".encode("ascii", "backslashreplace"))


class View:
    """Renders the items of one log in their order; remembers whether the last line is still open."""

    __slots__ = ("prefix", "safe", "_open", "_second", "_clock")

    def __init__(self, *, prefix: bool = True, safe: bool = False) -> None:
        """`prefix`: local time and stream before each line; `safe`: no control characters but tabs."""
        self.prefix = prefix
        self.safe = safe
        self._open = ""  # stream of the line that has no end yet
        self._second, self._clock = -1, b""

    def render(self, item: "Line | Record | Gap | Torn") -> bytes:
        """Return what `item` looks like. What continues an open line of its stream comes without a prefix."""
        if isinstance(item, Gap | Torn):
            return self.finish() + notice(item) + b"\n"
        whole = item.final if isinstance(item, Record) else item.whole
        text = make_safe(item.text) if self.safe else item.text
        head = b"" if self._open == item.stream else self.finish() + self._prefix(item.at, item.stream)
        self._open = "" if whole else item.stream
        return head + text + b"\n" if whole else head + text

    def finish(self) -> bytes:
        """Return what ends an open line: a newline, or nothing."""
        ending = b"\n" if self._open else b""
        self._open = ""
        return ending

    def _prefix(self, at: int, stream: str) -> bytes:
        if not self.prefix:
            return b""
        second, fraction = divmod(at, 1_000_000_000)
        if second != self._second:
            t = time.localtime(second)
            self._second, self._clock = second, b"%04d-%02d-%02d %02d:%02d:%02d" % t[:6]
        return b"%s.%03d %s " % (self._clock, fraction // 1_000_000, stream.encode())
