"""A pane of lines: wrapped, bounded, at its end until somebody scrolls up. Nothing in them steers the terminal or is taken for markup."""

import re
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.cells import chop_cells
from rich.segment import Segment
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from outlast.cli.terminal import visible
from outlast.cli.top.following import LAST, Piece
from outlast.cli.top.look import STYLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.binding import BindingType

LONGEST = 4000  # characters of a line that are shown
_MARKS = {"stderr": ("▌", "red"), "": ("·", "yellow")}  # before lines of stderr, and before what we say ourselves
# What a terminal would obey: control sequences (ECMA-48: CSI, OSC and the like up to their end, others), as far as they are whole.
_CONTROLS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])|\x9b[0-?]*[ -/]*[@-~]")


def plain(text: bytes) -> str:
    """Return what a person would read of a line on a terminal: no control sequences, what stands after the last carriage return."""
    text = text.rstrip(b"\r")
    told = text[text.rfind(b"\r") + 1 :][: 4 * LONGEST].decode("utf-8", "replace")  # a character has four bytes at most
    if not told.isprintable():
        told = visible(_CONTROLS.sub("", told).expandtabs())
    return told if len(told) <= LONGEST else f"{told[:LONGEST]}…"


class _Shown(NamedTuple):
    """A row of the pane: a mark and a text, each with its style."""

    mark: str
    style: str
    text: str


class Lines(ScrollView, can_focus=True):
    """Lines, the last LAST of them."""

    BINDINGS: ClassVar[list["BindingType"]] = [
        ("up,k", "scroll(-1)", "up"), ("down,j", "scroll(1)", "down"),
        ("pageup", "page(-1)", "page up"), ("pagedown", "page(1)", "page down"),
        ("home", "far(-1)", "beginning"), ("end", "far(1)", "end, and follow"),
    ]  # fmt: skip

    class Scrolled(Message):
        """Other rows are on the screen now."""

    def __init__(self, id: str, *, follows: bool = False) -> None:
        """`follows`: it stays at its end when lines come."""
        super().__init__(id=id)
        self.follows = follows
        self.pieces: list[Piece] = []
        self._rows: list[_Shown] = []
        self._sizes: list[int] = []  # rows of each piece
        self._laid_out = 0  # for this width
        self._stays = True  # at its end: known before the terminal becomes smaller, not to be asked afterwards

    @property
    def room(self) -> int:
        """How many columns there are beside the scroll bar."""
        return self.scrollable_content_region.width

    @property
    def is_at_end(self) -> bool:
        """Whether its last row is on the screen, or will be as soon as it is laid out."""
        return self._stays

    def set(self, pieces: "Iterable[Piece]") -> None:
        """Show these lines instead; only rows that changed are drawn anew."""
        old, count = self._rows, len(self._rows)
        self.pieces, self._rows, self._sizes = [], [], []
        self._add(pieces)
        if len(self._rows) != count:
            self.virtual_size = Size(self.room, len(self._rows))
            self.refresh()
        for y, (before, after) in enumerate(zip(old, self._rows, strict=False)):
            if before != after:
                self.refresh_line(y)

    def begin(self, pieces: "Iterable[Piece]") -> None:
        """Show other lines, from their end if it follows, else from their beginning."""
        self.set(pieces)
        self._go(self.max_scroll_y if self.follows else 0)

    def append(self, pieces: "Iterable[Piece]") -> None:
        """Show more lines at the end, and stay there, or stay with what is being read."""
        at_end, count = self.is_at_end, len(self._rows)
        gone = self._add(pieces)
        self.virtual_size = Size(self.room, len(self._rows))
        if at_end:
            self._go(self.max_scroll_y)
        elif gone:
            self._go(self.scroll_offset.y - gone)
        if gone:
            self.refresh()
        else:
            self.refresh_lines(count - 1 if count else 0, len(self._rows) - count + 1)

    def render_line(self, y: int) -> Strip:
        """Return a line of the pane."""
        place = y + self.scroll_offset.y
        if place >= len(self._rows):
            return Strip.blank(self.room, self.rich_style)
        row = self._rows[place]
        parts = [Segment(row.mark, STYLES[row.style]), Segment(row.text, STYLES["yellow" if row.mark == "·" else ""])]
        return Strip(parts).adjust_cell_length(self.room).apply_style(self.rich_style)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell of it."""
        self._stays = new_value >= self.max_scroll_y
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.Scrolled())

    def on_resize(self) -> None:
        """Wrap anew, and stay at the end, or where it is."""
        at_end = self.is_at_end
        if self._laid_out != self.room:
            self.set(self.pieces)
        self._go(self.max_scroll_y if at_end and self.follows else min(self.scroll_offset.y, self.max_scroll_y))

    def action_scroll(self, by: int) -> None:
        """Scroll by lines."""
        self._go(self.scroll_offset.y + by)

    def action_page(self, by: int) -> None:
        """Scroll by pages."""
        self._go(self.scroll_offset.y + by * max(1, self.size.height - 1))

    def action_far(self, way: int) -> None:
        """Scroll to an end."""
        self._go(self.max_scroll_y if way > 0 else 0)

    def _go(self, y: float) -> None:
        self.scroll_to(y=max(0, y), animate=False, immediate=True, force=True)
        self._stays = y >= self.max_scroll_y

    def _add(self, pieces: "Iterable[Piece]") -> int:
        """Take lines in; an unfinished one goes on. Returns how many rows went at the beginning."""
        self._laid_out = self.room
        for piece in pieces:
            last = self.pieces[-1] if self.pieces else None
            if last is not None and not last.whole and last.stream == piece.stream:
                self.pieces.pop()
                size = self._sizes.pop()
                del self._rows[len(self._rows) - size :]
                piece = Piece(piece.stream, (last.text + piece.text)[-LONGEST * 32 :], piece.whole)  # noqa: PLW2901  # it is one line
            rows = self._wrapped(piece)
            self.pieces.append(piece)
            self._rows += rows
            self._sizes.append(len(rows))
        over = max(0, len(self.pieces) - LAST)
        gone = sum(self._sizes[:over])
        del self.pieces[:over], self._sizes[:over], self._rows[:gone]
        return gone

    def _wrapped(self, piece: Piece) -> list[_Shown]:
        mark, style = _MARKS.get(piece.stream, (" ", ""))
        width = max(1, self.room - 1)
        text = plain(piece.text)
        parts = [text] if text.isascii() and len(text) <= width else chop_cells(text, width) or [""]
        return [_Shown(mark, style, part) for part in parts]


def ours(lines: "Iterable[str]") -> "list[Piece]":
    """Return lines that are not output as the pane takes them."""
    return [Piece("stdout", line.encode("utf-8", "surrogateescape"), whole=True) for line in lines]
