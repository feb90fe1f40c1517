"""What the keys do to the chosen job or group: ask if it cannot be undone, do it in a thread, say what came of it."""

from typing import TYPE_CHECKING

from textual.app import App
from textual.message import Message

from outlast.cli.terminal import cut
from outlast.cli.top.bar import Bar
from outlast.core import kinds
from outlast.core.errors import OutlastError
from outlast.core.job import ENDED, RUNNING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from outlast.client.jobs import Jobs
    from outlast.core.job import Job


_NAME = 30  # columns of a name in a sentence


class Done(Message):
    """Something was done, or refused."""

    def __init__(self, said: str, style: str = "") -> None:
        super().__init__()
        self.said = said
        self.style = style


class Acting(App[None]):
    """The actions of the screen that change something. A refusal is said with its hint."""

    jobs: "Jobs"
    bar: Bar
    chosen_job: "Callable[[], Job | None]"
    chosen_group: "Callable[[], dict[str, Any] | None]"
    look_again: "Callable[..., None]"

    def on_done(self, message: Done) -> None:
        """Say what came of it."""
        if not self.is_running:
            return
        self.bar.say(message.said, message.style)
        self.look_again(changed=True)

    def act(self, what: "Callable[[], object]", said: str = "") -> None:
        """Do it in a thread, as it may wait for the disk or for others; then say so, or the text that it returns."""

        def do() -> None:
            try:
                told = what()
            except OutlastError as error:
                self.post_message(Done(str(error), "error"))
            except Exception as error:  # noqa: BLE001  # a bug of ours is told in one line, and the screen stays
                self.post_message(Done(f"a bug of ours: {type(error).__name__}: {error}: please report this line", "error"))
            else:
                self.post_message(Done(told if isinstance(told, str) else said))

        self.run_worker(do, thread=True, exit_on_error=False)

    def _job(self, *, ended: bool = False) -> "Job | None":
        """Return the chosen job if it can be acted upon, else say why not."""
        job = self.chosen_job()
        if job is None:
            self.bar.say("there is no job to do that to")
        elif job.status == ENDED and not ended:
            self.bar.say(f"job {job.id} has ended: {job.how}")
            return None
        return job

    def action_end(self, verb: str) -> None:
        """End the chosen job, if that is meant."""
        job = self._job()
        if job is not None:
            how = {"kill": " at once with SIGKILL", "interrupt": ", as a failure"}.get(verb, "")
            what = "and all its processes" if job.status == RUNNING else "which has not started"
            self.bar.ask(
                f"{verb} job {_called(job)}, {what}{how}?",
                lambda _: self.act(lambda: self.jobs.end(verb, job.id, wait=False), f"job {job.id} was asked to end ({verb})"),
            )

    def action_rerun(self) -> None:
        """Run the chosen job once more, if that is meant."""
        job = self._job(ended=True)
        if job is not None:
            self.bar.ask(
                f"run the command of job {_called(job)} once more, as a new job?",
                lambda _: self.act(lambda: f"job {self.jobs.rerun(job.id).id} is a rerun of job {job.id}"),
            )

    def action_pause(self) -> None:
        """Let the chosen job stand still, or go on."""
        job = self._job()
        if job is not None and job.paused:
            self.act(lambda: self.jobs.resume(job.id, wait=False), f"job {job.id} goes on")
        elif job is not None:
            self.act(lambda: self.jobs.pause(job.id, wait=False), f"job {job.id} stands still; p lets it go on")

    def action_hold(self) -> None:
        """Hold the chosen job, or release it."""
        job = self._job()
        if job is not None and job.held:
            self.act(lambda: self.jobs.release(job.id), f"job {job.id} is released")
        elif job is not None:
            self.act(lambda: self.jobs.hold(job.id), f"job {job.id} is held; h releases it")

    def action_approve(self) -> None:
        """Approve the chosen job, with a note."""
        job = self._job()
        if job is not None:
            self.bar.prompt(
                f"note; Enter approves job {_called(job)}",
                lambda note: self.act(lambda: self.jobs.approve(job.id, note=note.strip()), f"job {job.id} is approved"),
            )

    def action_signal(self) -> None:
        """Send a signal that is typed."""
        job = self._job()
        if job is not None:
            self.bar.prompt(
                f"signal for job {_called(job)}, such as HUP or USR1",
                lambda name: self.act(lambda: self.jobs.signal(name.strip(), job.id), f"{name.strip()} was sent to job {job.id}"),
            )

    # Groups

    def action_pause_group(self) -> None:
        """Let no job of the chosen group start, or let them again."""
        group = self._group()
        if group is not None:
            name = group["name"]
            if group["paused"] or group["draining"]:
                self.act(lambda: self.jobs.resume_group(name), f"group {name} goes on")
            else:
                self.act(lambda: self.jobs.pause_group(name), f"no job of group {name} starts; p lets them")

    def action_drain(self) -> None:
        """Let the chosen group take no more jobs."""
        group = self._group()
        if group is not None:
            name = group["name"]
            self.act(lambda: self.jobs.drain_group(name), f"group {name} takes no more jobs; p lets it")

    def action_slots(self) -> None:
        """Set the slots of the chosen group."""
        group = self._group()
        if group is not None:
            name, slots = group["name"], group["slots"]
            self.bar.prompt(
                f"slots of group {name}: a number, or none",
                lambda text: self.act(
                    lambda: self.jobs.set_group(name, kinds.read(kinds.LIMIT, text.strip())), f"group {name} has {text} slots"
                ),
                "none" if slots is None else str(slots),
            )

    def _group(self) -> "dict[str, Any] | None":
        group = self.chosen_group()
        if group is None:
            self.bar.say("there is no group to do that to; `outlast group set NAME --slots N` makes one")
        return group


def _called(job: "Job") -> str:
    return f"{job.id} {cut(job.name, _NAME)}" if job.name else str(job.id)
