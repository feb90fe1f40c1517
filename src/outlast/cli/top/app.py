"""The screen: puts table, pane and bar together, takes what the threads have seen, and knows which view is open."""

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Container
from textual.message import Message

from outlast.cli.top import keys, look
from outlast.cli.top.about import OUTPUT, TABS
from outlast.cli.top.acting import Acting
from outlast.cli.top.bar import Bar
from outlast.cli.top.following import Chosen, Follower, Piece, Written
from outlast.cli.top.header import Head, Tabs
from outlast.cli.top.lines import Lines, ours
from outlast.cli.top.rows import OF_GROUPS, OF_JOBS, group_row, job_row
from outlast.cli.top.seen import NOTHING, Seen, Wanted
from outlast.cli.top.table import Heading, Table
from outlast.cli.top.watching import Watcher
from outlast.core.columns import SORTS

if TYPE_CHECKING:
    from typing import Any

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from outlast.client.jobs import Jobs
    from outlast.core.job import Job

_BESIDE_TEXT = 2  # columns of the pane: a mark before each line, the scroll bar
_ORDERED = {"status": "state", "-status": "-state"}  # the column that shows it
_SILENCE = b"no output"
_ORDERS = ("", *(column.name for column in OF_JOBS if column.name in SORTS), "status")


class Looked(Message):
    """The watcher has looked."""

    def __init__(self, seen: Seen) -> None:
        super().__init__()
        self.seen = seen


class Read(Message):
    """The follower has read."""

    def __init__(self, written: Written) -> None:
        super().__init__()
        self.written = written


class Top(Acting):
    """`outlast top`."""

    CSS = look.CSS
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list["BindingType"]] = [
        *(Binding(key.key, key.action, key.help, show=False) for key in keys.KEYS if key.action),
        *(Binding(str(number), f"show_tab({name!r})", name, show=False) for number, name in enumerate(TABS, 1)),
        Binding("ctrl+c", "leave", "leave", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", "stand still", show=False),
    ]

    def __init__(self, jobs: "Jobs", wanted: Wanted) -> None:
        """Look at `jobs`, which stays open; `wanted`: at which of them."""
        super().__init__()
        self.theme = "ansi-dark"  # whose colours are the terminal's own, light or dark
        self.jobs = jobs
        self.wanted = wanted
        self.seen = NOTHING
        self.view = keys.JOBS
        self._by_id: dict[Any, Job] = {}
        self._run: int | None = None  # of the chosen job; None: the last one, whichever that is
        self._reading: Chosen | None = None
        self._watcher = Watcher(jobs, wanted, lambda seen: self.post_message(Looked(seen)))
        self._follower = Follower(jobs, lambda written: self.post_message(Read(written)))

    @property
    def bug(self) -> Exception | None:
        """What ended the screen, if that was a bug."""
        return self._exception

    def _print_error_renderables(self) -> None:
        """Leave it to the command to tell of a bug, in a line."""

    def compose(self) -> "ComposeResult":
        """Put it together."""
        self.table = Table(OF_JOBS, "jobs")
        self.groups = Table(OF_GROUPS, "groups")
        self.output = Lines("output", follows=True)
        self.about = Lines("about")
        self.keys = Lines("help")
        self.tabs = Tabs()
        self.bar = Bar()
        yield Head(self.jobs.home.path)
        with Container(id="body"):
            with Container(id="upper"):
                yield Heading(self.table)
                yield self.table
            with Container(id="lower"):
                yield self.tabs
                yield self.output
                yield self.about
        with Container(id="others", classes="away"):
            yield Heading(self.groups)
            yield self.groups
        yield self.keys
        yield self.bar

    def on_mount(self) -> None:
        """Begin to look."""
        self.table.order = _ORDERED.get((*self.wanted.sort, "")[0], (*self.wanted.sort, "")[0])
        self.about.add_class("away")
        self.keys.begin(ours(keys.lines()))
        self._open(keys.JOBS)
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))  # what was on the terminal is gone
        self._watcher.start()
        self._follower.start()

    def on_unmount(self) -> None:
        """End the threads."""
        self._watcher.close()
        self._follower.close()

    def on_resize(self, event: "events.Resize") -> None:
        """Put the pane where there is room for it."""
        self.query_one("#body").set_class(event.size.width >= look.BESIDE, "beside")
        self._say_keys(event.size.width)
        self.call_after_refresh(self._after_resize)

    def _after_resize(self) -> None:
        self._show_head()
        self._show_tabs()
        self.look_again()

    def on_looked(self, message: Looked) -> None:
        """Show what was seen."""
        if not self.is_running:  # it is being left, and parts of the screen are gone already
            return
        seen = self.seen = message.seen
        self._by_id = {job.id: job for job in seen.jobs}
        self.table.show([job.id for job in seen.jobs], [job_row(job, seen) for job in seen.jobs])
        self.groups.show([group["name"] for group in seen.groups], [group_row(group) for group in seen.groups])
        visible = tuple(number for number in self.table.visible_keys() if isinstance(number, int))
        if set(visible) - set(self.wanted.visible):
            self.wanted.visible = visible
            self.look_again(changed=True)  # at what has come into sight
        if self.tabs.size.width > _BESIDE_TEXT and self.wanted.width != self.tabs.size.width - _BESIDE_TEXT:
            self.wanted.width = self.tabs.size.width - _BESIDE_TEXT
            self.look_again()
        self._show_head()
        self._follow()
        number, tab, lines = seen.about
        if (number, tab) == (self.wanted.chosen, self.wanted.tab) and tab != OUTPUT:
            self.about.set(ours(lines))

    def on_read(self, message: Read) -> None:
        """Show what the chosen run has written."""
        written = message.written
        if written.of != self._reading or not self.is_running:
            return
        if written.fresh:
            self.output.begin(written.pieces or [Piece("", _SILENCE, whole=True)])
        else:
            if [piece.text for piece in self.output.pieces] == [_SILENCE]:
                self.output.begin([])
            self.output.append(written.pieces)
        self._show_tabs()

    def chosen_job(self) -> "Job | None":
        """Return the chosen job as it was seen last."""
        return self._by_id.get(self.table.chosen)

    def chosen_group(self) -> "dict[str, Any] | None":
        """Return the chosen group as it was seen last."""
        return next((group for group in self.seen.groups if group["name"] == self.groups.chosen), None)

    def look_again(self, *, changed: bool = False) -> None:
        """Have the watcher look at once; `changed`: at the record too."""
        if self._watcher.is_alive():
            self._watcher.ring(changed=changed)

    def on_table_chosen(self) -> None:
        """Show the chosen job in the pane."""
        self._follow()
        self.look_again()

    def _follow(self) -> None:
        job = self.chosen_job()
        if job is None:
            self.wanted.chosen = self._reading = None
            said = [Piece("", self._nothing().encode("utf-8", "surrogateescape"), whole=True)]
            if self.output.pieces != said:
                self.output.begin(said)
        else:
            if job.id != self.wanted.chosen:
                self.wanted.chosen, self._run = job.id, None
                self.output.begin([])
                self.about.begin([])
            self._reading = self._follower.choose(job, self._run)
        self._show_tabs()

    def _nothing(self) -> str:
        if not self.seen.at:
            return ""
        return f"no {'such ' if self.wanted.filters() or not self.wanted.ended else ''}jobs in {self.jobs.home.path}"

    def _show_head(self) -> None:
        self.query_one(Head).show(self.seen, self.wanted)

    def _show_tabs(self) -> None:
        self.tabs.show(self.wanted.tab, self.chosen_job(), self._run, at_end=self.output.is_at_end)

    def on_lines_scrolled(self) -> None:
        """Say whether the output is followed."""
        self._show_tabs()

    # Views

    def _open(self, view: str) -> None:
        """Open a view: jobs, groups, help."""
        self.view = view
        self.query_one("#body").set_class(view != keys.JOBS, "away")
        self.query_one("#others").set_class(view != keys.GROUPS, "away")
        self.keys.set_class(view != keys.HELP, "away")
        {keys.JOBS: self.table, keys.GROUPS: self.groups}.get(view, self.keys).focus()
        self._say_keys(self.size.width)

    def _say_keys(self, width: int) -> None:
        self.bar.hint(keys.hints(self.view), width)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002  # as textual calls it
        """Tell whether a key means something in this view."""
        places = {key.where for key in keys.KEYS if key.action.partition("(")[0] == action}
        return not places or bool(places & {"", self.view})

    def action_leave(self) -> None:
        """Leave."""
        self.exit()

    def action_help(self) -> None:
        """Show the keys, or go back."""
        self._open(keys.JOBS if self.view == keys.HELP else keys.HELP)

    def action_groups(self) -> None:
        """Show groups instead of jobs, or the other way round."""
        self._open(keys.JOBS if self.view == keys.GROUPS else keys.GROUPS)

    def action_go_back(self) -> None:
        """Go back by one: to the jobs, to the table, to no filter."""
        body = self.query_one("#body")
        if self.view != keys.JOBS:
            self._open(keys.JOBS)
        elif body.has_class("zoomed") or self.focused is not self.table:
            body.remove_class("zoomed")
            self.table.focus()
        else:
            self.narrow(text="", group=None)

    def on_table_opened(self, message: Table.Opened) -> None:  # noqa: ARG002  # there is one table in each view
        """Show the output of the chosen job alone, or the jobs of the chosen group."""
        if self.view == keys.JOBS:
            self.query_one("#body").add_class("zoomed")
            (self.output if self.wanted.tab == OUTPUT else self.about).focus()
        elif isinstance(self.groups.chosen, str):
            self.narrow(group=self.groups.chosen)
            self._open(keys.JOBS)

    def action_tab(self, by: int) -> None:
        """Open the next tab."""
        self.action_show_tab(TABS[(TABS.index(self.wanted.tab) + by) % len(TABS)])

    def action_show_tab(self, tab: str) -> None:
        """Open a tab of the pane."""
        in_pane = self.focused in {self.output, self.about}
        self.wanted.tab = tab
        self.about.begin([])
        self.output.set_class(tab != OUTPUT, "away")
        self.about.set_class(tab == OUTPUT, "away")
        if in_pane:
            (self.output if tab == OUTPUT else self.about).focus()
        self._show_tabs()
        self.look_again()

    def action_run(self, by: int) -> None:
        """Show the output of the run before or after this one."""
        job = self.chosen_job()
        if job is not None and job.run:
            run = max(1, min((self._run or job.run) + by, job.run))
            self._run = None if run == job.run else run
            self._follow()

    def on_tabs_wished(self, message: Tabs.Wished) -> None:
        """Open the tab."""
        self.action_show_tab(message.tab)

    # What is shown

    def narrow(self, **filters: "Any") -> None:
        """Show only jobs that fit; `text`, `group`."""
        for name, value in filters.items():
            setattr(self.wanted, name, value)
        self.wanted.visible = ()
        self.table.forget()
        self._show_head()
        self.look_again(changed=True)

    def action_filter(self) -> None:
        """Have a text typed that jobs have to have."""
        self.bar.prompt("text in name, command, ...: Enter shows those jobs", lambda text: self.narrow(text=text.strip()), self.wanted.text)

    def action_ended(self) -> None:
        """Show jobs that have ended, or not."""
        self.narrow(ended=not self.wanted.ended)

    def action_order(self, way: int) -> None:
        """Sort by the next column, or turn the order round."""
        now = (*self.wanted.sort, "")[0]
        if way > 0:
            self._sort(_ORDERS[(_ORDERS.index(now.removeprefix("-")) + 1) % len(_ORDERS)] if now.removeprefix("-") in _ORDERS else "")
        elif now:
            self._sort(now[1:] if now.startswith("-") else f"-{now}")

    def on_table_ordered(self, message: Table.Ordered) -> None:
        """Sort by the column whose heading was clicked; again: the other way round."""
        name = {"state": "status"}.get(message.column, message.column)
        if name in SORTS and self.view == keys.JOBS:
            self._sort(f"-{name}" if self.wanted.sort == (name,) else name)

    def _sort(self, word: str) -> None:
        self.wanted.sort = (word,) if word else ()
        self.table.order = _ORDERED.get(word, word)
        for heading in self.query(Heading):
            heading.refresh()
        self.look_again(changed=True)
