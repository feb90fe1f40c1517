"""The two lines that say what one looks at: the head, with the home and its counts, and the tabs, with the chosen job."""

import os
from typing import TYPE_CHECKING

from rich.text import Text
from textual.message import Message
from textual.widgets import Static

from outlast.cli.render import run_count
from outlast.cli.terminal import columns, cut, visible
from outlast.cli.top.about import OUTPUT, TABS
from outlast.cli.top.look import STYLES
from outlast.store.finding import COUNTED

if TYPE_CHECKING:
    from textual import events

    from outlast.cli.top.seen import Seen, Wanted
    from outlast.core.job import Job

_COUNTS = (("running", "blue"), ("queued", "yellow"), ("pending", "yellow"))


class Head(Static):
    """The home, and how its jobs stand."""

    def __init__(self, home: str) -> None:
        """Of `home`; nothing is known of it yet."""
        super().__init__(id="head", markup=False)
        self._home = home
        self._shown = Text()

    def show(self, seen: "Seen", wanted: "Wanted") -> None:
        """Show what was seen, if it is not what is shown."""
        line = head(seen, wanted, self._home, self.app.size.width)
        if line != self._shown or line.spans != self._shown.spans:
            self._shown = line
            self.update(line)


def head(seen: "Seen", wanted: "Wanted", home: str, width: int) -> Text:
    """Return the head in one line: counts first, then what there is room for. Before anything was seen nothing is counted.

    While nothing can be read it says that instead: what else is on the screen is old.
    """
    if seen.trouble:
        return Text(cut(f" {visible(seen.trouble)}", width), STYLES["error"], no_wrap=True, end="")
    parts = _parts(seen, wanted) if seen.at else []
    line = Text("", no_wrap=True, end="")
    for part in parts:
        gap = "  " if line else " "
        if line.cell_len + len(gap) + part.cell_len <= width:
            line.append(gap).append_text(part)
    left = width - line.cell_len - len(" outlast ")
    if left >= 10:
        line.append(" " * max(0, left - columns(where := cut(_short(home), left))))
        line.append(where, STYLES["dim"]).append(" outlast", STYLES["bold"])
    return line


def _parts(seen: "Seen", wanted: "Wanted") -> "list[Text]":
    parts = [Text(f"{seen.counts[word]} {word}", STYLES[style if seen.counts[word] else "dim"]) for word, style in _COUNTS]
    if seen.failed_today:
        parts.append(Text(f"{_many(seen.failed_today)} failed today", STYLES["red"]))
    for word, name in ((wanted.text, "text"), (wanted.group, "group")):
        if word is not None and word != "":
            parts.append(Text(f"{name}: {cut(visible(word), 20)}", STYLES["yellow"]))
    if not wanted.ended:
        parts.append(Text("ended hidden", STYLES["yellow"]))
    if seen.more_active:
        parts.append(Text(f"{_many(seen.more_active)} more not shown", STYLES["yellow"]))
    pid = seen.counts["pid"]
    alone = "yellow" if seen.counts["running"] or seen.counts["queued"] else "dim"
    parts.append(Text("no supervisor", STYLES[alone]) if pid is None else Text(f"supervisor {pid}", STYLES["dim"]))
    return parts


def _many(count: int) -> str:
    """Return a number of jobs beyond a limit, which are counted no further than that."""
    return f"{COUNTED}+" if count >= COUNTED else str(count)


def _short(path: str) -> str:
    """Return a path as people write it."""
    own = os.path.expanduser("~")
    return visible(f"~{path[len(own) :]}" if own != "/" and path.startswith(f"{own}/") else path)


class Tabs(Static):
    """What the pane shows, and of which job."""

    class Wished(Message):
        """A click on one of them."""

        def __init__(self, tab: str) -> None:
            super().__init__()
            self.tab = tab

    def __init__(self) -> None:
        """Of no job yet."""
        super().__init__(markup=False)
        self._shown: tuple[object, ...] = ()

    def show(self, tab: str, job: "Job | None", run: int | None, *, at_end: bool) -> None:
        """Show this tab as the one that is open, and what it is about. `run`: not the last one but this."""
        shown = (tab, job and (job.id, job.name, job.run), run, at_end, self.size.width)
        if shown == self._shown:
            return
        self._shown = shown
        line = Text("", no_wrap=True, end="")
        for name in TABS:
            line.append(f" {name} ", STYLES["tab" if name == tab else "dim"])
        notes = [f"run {run} of {job.run}" if run else f"run {run_count(job)}"] if job is not None and job.run > 1 else []
        notes += ["End follows"] if tab == OUTPUT and not at_end else []
        behind = "".join(f", {note}" for note in notes)
        room = self.size.width - line.cell_len - 2
        if job is not None and room >= 6:
            title = cut(f"{cut(f'{job.id} {visible(job.name)}', max(len(str(job.id)) + 1, room - columns(behind)))}{behind}", room)
            line.append(" " * (room + 1 - columns(title))).append(title, STYLES["bold"])
        self.update(line)

    def on_click(self, event: "events.Click") -> None:
        """Wish for the tab that is there."""
        right = 0
        for name in TABS:
            right += len(name) + 2
            if event.x < right:
                self.post_message(self.Wished(name))
                return
