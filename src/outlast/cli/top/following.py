"""The thread that reads the output of the chosen run and follows it, the end of it only: whoever wants all has `outlast logs`."""

from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, NamedTuple

from outlast.client.output import Output
from outlast.core.errors import OutlastError
from outlast.logs.cri import Torn
from outlast.logs.gaps import Gap
from outlast.logs.view import notice

if TYPE_CHECKING:
    from collections.abc import Callable

    from outlast.client.jobs import Jobs
    from outlast.core.job import Job
    from outlast.logs.lines import Line

LAST = 2000  # lines that are kept
PAUSE = 0.25  # seconds between two looks at a log
REST = 1.0  # likewise, when it grows faster than anybody reads
SETTLED = 0.12  # seconds for which a run has to stay chosen before its log is opened


class Chosen(NamedTuple):
    """What to read: run 0 is a job that has not started, of which `version` tells whether there is news."""

    job: int
    run: int
    version: int


class Piece(NamedTuple):
    """A line of output, or of what is missing (`stream` empty). `whole`: the next piece of this stream does not continue it."""

    stream: str
    text: bytes
    whole: bool


class Written(NamedTuple):
    """What was read: `fresh` if it stands at the beginning, else it comes behind what was told before."""

    of: "Chosen"
    fresh: bool
    pieces: list[Piece]


class Follower(Thread):
    """Reads one run at a time and tells `show` what it has written, from its own thread; `show` must not block."""

    def __init__(self, jobs: "Jobs", show: "Callable[[Written], object]") -> None:
        """It has to be started."""
        super().__init__(name="top-follower", daemon=True)
        self._jobs = jobs
        self._show = show
        self._told = Condition()
        self._chosen: Chosen | None = None
        self._read: Chosen | None = None  # what is being read, or was
        self._over = False

    def choose(self, job: "Job", run: int | None = None) -> Chosen:
        """Read a run of `job` from now on, its last one unless it is said which. Returns what `Written.of` will be."""
        wanted = Chosen(job.id, run or job.run, 0 if job.run else job.version)
        with self._told:
            self._chosen = wanted
            self._told.notify()
        return wanted

    def close(self) -> None:
        """Let it end, and wait for that."""
        with self._told:
            self._over = True
            self._told.notify()
        self.join(5)

    def run(self) -> None:
        """Read until it is over."""
        while True:
            with self._told:
                self._told.wait_for(lambda: self._over or self._chosen != self._read)
                while not self._over:  # somebody goes through the list: wait until it stands
                    last = self._chosen
                    self._told.wait(SETTLED)
                    if last == self._chosen:
                        break
                if self._over:
                    return
                self._read = self._chosen
            if self._read is not None:
                self._follow(self._read)

    def _is_left(self) -> bool:
        return self._over or self._chosen != self._read

    def _rest(self, seconds: float) -> None:
        with self._told:
            self._told.wait_for(self._is_left, seconds)

    def _follow(self, wanted: Chosen) -> None:
        try:
            job = self._jobs.one(wanted.job)
            if not 1 <= wanted.run <= len(job.runs):
                text = f"job {job.id} has written nothing: it has not started\n\n{self._jobs.why(job)}"
                self._show(Written(wanted, fresh=True, pieces=[Piece("", line.encode(), whole=True) for line in text.split("\n")]))
                return
            output = Output(self._jobs.home, job, job.runs[wanted.run - 1])
            while self._falls_behind(wanted, output):
                self._rest(REST)
            gap = output.missing_end()
            if not self._is_left() and gap is not None:
                self._show(Written(wanted, fresh=False, pieces=[_piece(gap)]))
        except OutlastError as error:
            self._show(Written(wanted, fresh=True, pieces=[Piece("", str(error).encode(), whole=True)]))

    def _falls_behind(self, wanted: Chosen, output: Output) -> bool:
        """Tell the last lines and what comes. Returns True when that is more than is kept: then begin again at the end."""
        pieces: list[Piece] = []
        fresh, begun, since_pause = True, False, 0

        def tell() -> None:
            nonlocal fresh, pieces
            if (pieces or fresh) and not self._is_left():
                self._show(Written(wanted, fresh, pieces))
                fresh, pieces = False, []

        def pause() -> None:
            nonlocal begun, since_pause
            begun, since_pause = True, 0
            tell()
            self._rest(PAUSE)

        def lives() -> bool:
            return not self._is_left() and output.lives(self._jobs)

        lines: Any = output.log.follow_lines(lives, pause, last=LAST)
        try:
            for item in lines:
                if self._is_left():
                    return False
                since_pause += 1
                if since_pause > LAST and begun:
                    return True
                pieces.append(_piece(item))
                if not begun and since_pause > 2 * LAST:
                    tell()
                    return True
        finally:
            lines.close()
        tell()
        return False


def _piece(item: "Line | Gap | Torn") -> Piece:
    if isinstance(item, Gap | Torn):
        return Piece("", notice(item), whole=True)
    return Piece(item.stream, item.text, item.whole)
