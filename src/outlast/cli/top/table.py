"""The table: rows of cells with one that is chosen. Only cells that changed are drawn anew: a quiet screen costs a slow line little."""

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from outlast.cli.terminal import cut, pad
from outlast.cli.top.look import STYLES
from outlast.cli.top.rows import GAP, fit, natural

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from textual import events
    from textual.binding import BindingType

    from outlast.cli.top.rows import Column, Row

_MARK = 2  # columns before the first cell: a mark on the chosen row, a blank
_BEGINNING, _END = -(10**9), 10**9


class Table(ScrollView, can_focus=True):
    """Rows by their keys. The chosen one stays chosen wherever it moves; if it goes, its place stays chosen."""

    BINDINGS: ClassVar[list["BindingType"]] = [
        ("up,k", "move(-1)", "up"), ("down,j", "move(1)", "down"), ("pageup", "page(-1)", "page up"), ("pagedown", "page(1)", "page down"),
        ("home", f"move({_BEGINNING})", "first"), ("end", f"move({_END})", "last"), ("enter", "enter", "open"),
    ]  # fmt: skip

    class Chosen(Message):
        """Another row is chosen now."""

    class Opened(Message):
        """Enter on a row, or a second click."""

    class Ordered(Message):
        """A click on the heading of a column."""

        def __init__(self, column: str) -> None:
            super().__init__()
            self.column = column

    def __init__(self, wanted: "Sequence[Column]", id: str) -> None:
        """`wanted`: its columns, as far as there is room."""
        super().__init__(id=id)
        self.wanted = wanted
        self.keys: list[Hashable] = []
        self.rows: list[Row] = []
        self.chosen: Hashable | None = None
        self.widths: dict[str, int] = {}  # of the columns that are shown
        self.order = ""  # the column by which it is sorted, `-` in front: the other way round
        self._naturals: dict[str, int] = {}
        self._place = 0  # of the chosen row

    @property
    def room(self) -> int:
        """How many columns there are beside the scroll bar."""
        return self.scrollable_content_region.width

    def show(self, keys: "list[Hashable]", rows: "list[Row]") -> None:
        """Show these rows, each with its key."""
        before, count = self.rows, len(self.rows)
        self.keys, self.rows = keys, rows
        was = self._place, self.chosen
        self._place = keys.index(self.chosen) if self.chosen in keys else max(0, min(self._place, len(keys) - 1))
        self.chosen = keys[self._place] if keys else None
        if len(rows) != count:
            self.virtual_size = Size(self.room, len(rows))
        if self._lay_out() or len(rows) != count:
            self.refresh()
        else:
            for y, (old, new) in enumerate(zip(before, rows, strict=True)):
                if old != new:
                    self._draw_anew(y, old, new)
        if was[0] != self._place:
            self.refresh_line(was[0])
            self.refresh_line(self._place)
            self._reveal()
        if was[1] != self.chosen:
            self.post_message(self.Chosen())

    def forget(self) -> None:
        """Let the columns be as narrow as what is shown next; else they only grow, so that nothing jumps."""
        self._naturals = {}

    def visible_keys(self) -> "tuple[Hashable, ...]":
        """Return the keys of the rows that are on the screen."""
        top = self.scroll_offset.y
        return tuple(self.keys[top : top + max(self.size.height, 1)])

    def heading(self) -> Strip:
        """Return the line of headings."""
        parts = [Segment(" " * _MARK)]
        for column in self.wanted:
            if column.name in self.widths:
                sign = "▲" if self.order == column.name else "▼" if self.order == f"-{column.name}" else ""
                text = pad(cut(column.heading, self.widths[column.name]), self.widths[column.name], right=column.right)
                parts.append(Segment(text + pad(sign, GAP), STYLES["heading"]))
        return Strip(parts).adjust_cell_length(self.room)

    def column_at(self, x: int) -> str:
        """Return the name of the column at `x`, empty if there is none."""
        left = _MARK
        for column in self.wanted:
            if column.name in self.widths:
                left += self.widths[column.name] + GAP
                if x < left:
                    return column.name
        return ""

    def render_line(self, y: int) -> Strip:
        """Return a line of the table."""
        place = y + self.scroll_offset.y
        if place >= len(self.rows):
            return Strip.blank(self.room, self.rich_style)
        chosen = place == self._place
        style = STYLES["chosen" if self.has_focus else "kept"] if chosen else STYLES[""]
        parts = [Segment(("▸ " if chosen else " " * _MARK), style)]
        for column, cell in zip(self.wanted, self.rows[place], strict=True):
            if column.name in self.widths:
                size = self.widths[column.name]
                own = STYLES[""] if chosen and self.has_focus else STYLES[cell.style]
                parts += [Segment(pad(cut(cell.text, size), size, right=column.right), own + style), Segment(" " * GAP, style)]
        return Strip(parts).adjust_cell_length(self.room, style).apply_style(self.rich_style)

    def action_move(self, by: int) -> None:
        """Choose another row."""
        self._choose(self._place + by)

    def action_page(self, by: int) -> None:
        """Choose a row a page away."""
        self._choose(self._place + by * max(1, self.size.height - 1))

    def action_enter(self) -> None:
        """Open the chosen row."""
        self.post_message(self.Opened())

    def on_click(self, event: "events.Click") -> None:
        """Choose the row; open the one that is chosen."""
        place = event.y + self.scroll_offset.y
        if place == self._place and event.chain == 2:
            self.action_enter()
        elif place < len(self.rows):
            self._choose(place)

    def on_resize(self) -> None:
        """Choose the columns anew."""
        self._lay_out()
        self._reveal()

    def on_focus(self) -> None:
        """Show that the keys come here."""
        self.refresh_line(self._place)

    def on_blur(self) -> None:
        """Show that they go elsewhere."""
        self.refresh_line(self._place)

    def _choose(self, place: int) -> None:
        place = max(0, min(place, len(self.rows) - 1))
        if self.rows and place != self._place:
            self.refresh_line(self._place)
            self.refresh_line(place)
            self._place, self.chosen = place, self.keys[place]
            self._reveal()
            self.post_message(self.Chosen())

    def _reveal(self) -> None:
        height = max(1, self.size.height)
        top = self.scroll_offset.y
        wanted = min(max(top, self._place - height + 1), self._place)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, immediate=True, force=True)

    def _lay_out(self) -> bool:
        """Choose columns and their widths. Tells whether they are others than before."""
        self._naturals = natural(self.wanted, self.rows, self._naturals)
        widths = fit(self.wanted, self._naturals, max(1, self.room - _MARK))
        if widths == self.widths:
            return False
        self.widths = widths
        self.refresh()
        for heading in self.parent.query(Heading) if isinstance(self.parent, Widget) else ():
            heading.refresh()
        return True

    def _draw_anew(self, y: int, old: "Row", new: "Row") -> None:
        left = _MARK
        for number, column in enumerate(self.wanted):
            size = self.widths.get(column.name)
            if size is not None:
                if old[number] != new[number]:
                    self.refresh(Region(left, y - self.scroll_offset.y, size, 1))
                left += size + GAP


class Heading(Widget):
    """The headings over a table."""

    def __init__(self, table: Table) -> None:
        """Over `table`."""
        super().__init__()
        self.table = table

    def render_line(self, y: int) -> Strip:  # noqa: ARG002  # there is one
        """Return the headings."""
        return self.table.heading().adjust_cell_length(self.size.width).apply_style(self.rich_style)

    def on_click(self, event: "events.Click") -> None:
        """Ask for the order of that column."""
        name = self.table.column_at(event.x)
        if name:
            self.table.post_message(Table.Ordered(name))
