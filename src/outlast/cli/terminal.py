"""What the terminal can show: its width, colours, and how wide a text is on it."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_WIDTH = 80
_COLOURS = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "dim": "2", "bold": "1"}


def width(environ: "Mapping[str, str]", fd: int = 1) -> int | None:
    """Return the columns to fill: `$COLUMNS`, else the terminal's; None (no limit) if it goes to a file or a pipe."""
    given = environ.get("COLUMNS", "")
    if given.isascii() and given.isdigit() and 0 < len(given) < 6 and int(given) > 0:
        return int(given)
    try:
        return os.get_terminal_size(fd).columns or DEFAULT_WIDTH
    except OSError:
        return None


def colours(environ: "Mapping[str, str]", fd: int = 1) -> bool:
    """Tell whether to write colours: to a terminal that can, unless `$NO_COLOR` is set (no-color.org)."""
    if environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        return False
    return is_terminal(fd)


def is_terminal(fd: int = 1) -> bool:
    """Tell whether somebody looks at it."""
    try:
        return os.isatty(fd)
    except OSError:
        return False


def has_unicode(environ: "Mapping[str, str]") -> bool:
    """Tell whether the locale's characters are UTF-8 (setlocale(3): the first of these that is set decides)."""
    said = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    return "utf8" in said.lower().replace("-", "")


def paint(text: str, colour: str) -> str:
    """Return `text` in a colour; spaces at its end stay outside."""
    if not colour or not text.strip():
        return text
    bare = text.rstrip(" ")
    return f"\x1b[{_COLOURS[colour]}m{bare}\x1b[0m{text[len(bare) :]}"


def visible(text: str) -> str:
    """Return `text` with control characters, and bytes that are no text, written out: it can neither break a line nor steer a terminal."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _escape(letter) for letter in text)


def _escape(letter: str) -> str:
    code = ord(letter)
    if letter in "\n\t\r":
        return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}[letter]
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8 (PEP 383)
        return f"\\x{code - 0xDC00:02x}"
    if letter == "\u3000":  # a wide space is printable enough
        return letter
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def columns(text: str) -> int:
    """Return how many columns `text` takes: East Asian wide characters two, combining ones none (Unicode TR 11)."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(letter: str) -> int:
    if letter.isascii():
        return 1
    from unicodedata import category, east_asian_width

    if category(letter) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if east_asian_width(letter) in {"W", "F"} else 1


def cut(text: str, most: int) -> str:
    """Return `text` in at most `most` columns, with `…` where something is missing."""
    if columns(text) <= most:
        return text
    if most < 1:
        return ""
    kept: list[str] = []
    room = most - 1
    for letter in text:
        room -= _columns(letter)
        if room < 0:
            break
        kept.append(letter)
    return f"{''.join(kept)}…"


def pad(text: str, to: int, *, right: bool = False) -> str:
    """Return `text` filled up with spaces to `to` columns."""
    blank = " " * max(0, to - columns(text))
    return blank + text if right else text + blank
