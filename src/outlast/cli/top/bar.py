"""The line at the bottom: keys that help now, a question with yes and no, a line to type, or what there is to say for a while."""

from typing import TYPE_CHECKING

from rich.text import Text
from textual.containers import Vertical
from textual.widgets import Input, Static

from outlast.cli.terminal import visible
from outlast.cli.top.look import STYLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.timer import Timer
    from textual.widget import Widget

SHORTEST = 4.0  # seconds for which something is said
A_LETTER = 0.04  # seconds more for each letter


class Question(Static, can_focus=True):
    """A question that takes all keys until it is answered."""

    def check_consume_key(self, key: str, character: str | None) -> bool:  # noqa: ARG002  # as textual calls it
        """Tell that no key means anything else now."""
        return True

    def on_key(self, event: "events.Key") -> None:
        """Take `y` and Enter for yes, everything else but a slip of the keyboard for no."""
        event.stop()
        event.prevent_default()
        bar = self.parent
        if isinstance(bar, Bar) and event.key in {"y", "Y", "enter", "n", "N", "escape", "q", "ctrl+c"}:
            bar.answer(yes=event.key in {"y", "Y", "enter"})


class Line(Input):
    """A line to type; Escape leaves it."""

    def on_key(self, event: "events.Key") -> None:
        """Leave it."""
        bar = self.screen.query_one(Bar)
        if event.key in {"escape", "ctrl+c"}:
            event.stop()
            event.prevent_default()
            bar.answer(yes=False)


class Bar(Vertical):
    """One thing at a time."""

    def __init__(self) -> None:
        """Nothing is said."""
        super().__init__(id="bar")
        self._then: Callable[[str], object] | None = None
        self._before: Widget | None = None
        self._hush: Timer | None = None
        self._hints = Text()

    def compose(self) -> "ComposeResult":
        """Hold the three of them."""
        yield Static(id="said", markup=False)
        yield Question(id="question", classes="away", markup=False)
        yield Line(id="line", classes="away", compact=True)

    @property
    def is_asking(self) -> bool:
        """Whether an answer is waited for."""
        return self._then is not None

    def hint(self, keys: "Sequence[tuple[str, str]]", width: int) -> None:
        """Show keys with their words, as many as fit, the last two in any case."""
        parts = [Text.assemble((f" {key}", STYLES["bold"]), (f" {word} ", STYLES["dim"])) for key, word in keys]
        while len(parts) > 2 and sum(part.cell_len for part in parts) > width:
            del parts[-3]
        self._hints = Text("", no_wrap=True, end="").join(parts)
        if self._hush is None:
            self._say(self._hints)

    def say(self, words: str, style: str = "") -> None:
        """Say something for a while."""
        if self._hush is not None:
            self._hush.stop()
        self._say(Text(visible(words), STYLES[style]))
        self._hush = self.set_timer(SHORTEST + A_LETTER * len(words), self.hush)

    def hush(self) -> None:
        """Show the keys again."""
        if self._hush is not None:
            self._hush.stop()
            self._hush = None
        self._say(self._hints)

    def ask(self, question: str, then: "Callable[[str], object]") -> None:
        """Ask; on yes do `then("")`."""
        self._begin(then)
        text = Text(visible(question), STYLES["yellow"])
        text.append("  y", STYLES["bold"]).append(" yes ", STYLES["dim"]).append(" n", STYLES["bold"]).append(" no", STYLES["dim"])
        asked = self.query_one(Question)
        asked.update(text)
        self._turn(asked)

    def prompt(self, label: str, then: "Callable[[str], object]", text: str = "") -> None:
        """Have a line typed that begins as `text`; on Enter do `then(line)`."""
        self._begin(then)
        line = self.query_one(Line)
        line.placeholder = visible(label)
        line.value = text
        line.cursor_position = len(text)
        self._turn(line)

    def answer(self, *, yes: bool, line: str = "") -> None:
        """Take an answer and give the keys back to who had them."""
        then, self._then = self._then, None
        said = self.query_one("#said", Static)
        self.query_one(Question).add_class("away")
        self.query_one(Line).add_class("away")
        said.remove_class("away")
        if self._before is not None:
            self._before.focus()
        if yes and then is not None:
            then(line)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the line."""
        event.stop()
        self.answer(yes=True, line=event.value)

    def _begin(self, then: "Callable[[str], object]") -> None:
        if not self.is_asking:
            self._before = self.app.focused
        self._then = then
        self.hush()

    def _turn(self, to: "Widget") -> None:
        for widget in (self.query_one("#said"), self.query_one(Question), self.query_one(Line)):
            widget.set_class(widget is not to, "away")
        to.focus()

    def _say(self, text: Text) -> None:
        self.query_one("#said", Static).update(text)
