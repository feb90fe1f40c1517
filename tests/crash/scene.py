"""A home with jobs that bear witness: what they did is written outside of it, so that what it tells can be judged.

Each command first appends `JOB.RUN` to `started` and last `JOB.RUN CODE` to `ended`. A run that is started twice is seen, and
so is an exit code that nobody had.
"""

import fcntl
import os
import select
import signal
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from outlast.logs.cri import Torn
from outlast.logs.gaps import Gap
from outlast.logs.reader import RunLog
from support import Finished, Outlast, eventually, kill, proof_of

DIED = -signal.SIGKILL
WITHIN = 60.0  # seconds; no test hangs on how fast the machine is
SCRIPT = """
echo "$OUTLAST_JOB.$OUTLAST_RUN" >> {folder}/started
case $1 in
lines) seq 1 3000 ;;
reports) printf '[progress]50\\n[]\\n[result]done' >> "$OUTLAST_FEEDBACK" ;;
fails) echo 'no luck' >&2; (exit 7) ;;
retried) echo "run $OUTLAST_RUN"; [ "$OUTLAST_RUN" -ge 3 ] ;;
stopped|late) sleep 1000 ;;
loud) seq -f %0100.0f 1 8000 ;;
gated) until [ -e {folder}/go ]; do sleep 0.02; done; seq -f %0100.0f 1 8000 ;;
esac
code=$?
echo "$OUTLAST_JOB.$OUTLAST_RUN $code" >> {folder}/ended
exit $code
"""


def numbers(last: int, width: int = 1) -> bytes:
    return b"".join(b"%0*d\n" % (width, number) for number in range(1, last + 1))


class Kind(NamedTuple):
    """A kind of job: the options that it is submitted with, and what becomes of it if nobody interferes."""

    options: tuple[str, ...]
    outcome: str
    code: int | None
    runs: int
    stdout: Callable[[int], bytes]


# A file holds the records of several reads: else nothing in a file whose removal was told, and not done, tells it from the others.
SMALL_FILES = ("--log.file.max-bytes", "200000", "--log.run.max-files", "3")
KINDS = {
    "lines": Kind((), "succeeded", 0, 1, lambda _: numbers(3000)),
    "reports": Kind((), "succeeded", 0, 1, lambda _: b""),
    "fails": Kind((), "failed", 7, 1, lambda _: b""),
    "retried": Kind(("--retries", "4"), "succeeded", 0, 3, lambda run: b"run %d\n" % run),
    "stopped": Kind((), "stopped", None, 1, lambda _: b""),
    "late": Kind(("--timeout.run", "300ms", "--timeout.soft.run", "100ms"), "timed_out", None, 1, lambda _: b""),
    "never": Kind(("--approval", "--wait.abort-datetime", "in 1s"), "aborted", None, 0, lambda _: b""),
    "loud": Kind(SMALL_FILES, "succeeded", 0, 1, lambda _: numbers(8000, 100)),
    "gated": Kind(SMALL_FILES, "succeeded", 0, 1, lambda _: numbers(8000, 100)),
}
WORK = ("lines", "fails", "retried", "stopped", "loud", "reports")
OURS = "its shim was killed"  # in the reason of a run whose shim could not tell


class Row(dict[str, Any]):
    """A row of a table, its columns as attributes."""

    __getattr__ = dict.__getitem__


class Scene:
    """One home, and the notes that its commands leave beside it."""

    def __init__(self, outlast: Outlast, home: Path | None = None, accepted: dict[int, str] | None = None) -> None:
        """`home`: another one than `outlast` has; the notes are the same."""
        self.outlast = outlast
        self.folder = outlast.folder
        if home is not None:
            self.outlast = Outlast(outlast.folder)
            self.outlast.home = home
        self.home = self.outlast.home
        self.accepted = dict(accepted or {})  # id -> kind, of all ids that were printed
        self.always: dict[str, str] = {}  # in the environment of every command
        self.marks = self.folder / "marks"
        self.marks.mkdir(exist_ok=True)
        self.script = self.folder / "job"
        self.script.write_text(SCRIPT.format(folder=self.folder))

    # doing

    def armed(self, failpoints: str, **more: str) -> dict[str, str | None]:
        """Return the environment that arms `failpoints` in a client and in the supervisor that it starts."""
        return {"OUTLAST_FAILPOINTS": failpoints, "OUTLAST_FAILPOINTS_DIR": str(self.marks), "OUTLAST_LINGER_MS": "1", **more}

    def words(self, kind: str, *options: str) -> list[str]:
        return ["run", "--name", kind, *KINDS[kind].options, *options, "--", "sh", str(self.script), kind]

    def __call__(self, *words: str, env: dict[str, str | None] | None = None, **more: Any) -> Finished:
        return self.outlast(*words, env={**self.always, **(env or {})}, **more)

    def submit(self, kind: str, *options: str, env: dict[str, str | None] | None = None) -> Finished:
        """Submit a job. A client that is armed may die, or find no supervisor; its id counts if it was printed."""
        finished = self(*self.words(kind, *options), env=env)
        assert finished.status in ({0} if env is None else {0, 5, DIED}), finished
        self.accept(kind, finished)
        return finished

    def accept(self, kind: str, finished: Finished) -> int | None:
        if not finished.stdout.endswith(b"\n"):
            return None
        self.accepted[int(finished.stdout)] = kind
        return int(finished.stdout)

    def submit_all(self, env: dict[str, str | None] | None = None) -> None:
        """Submit a job of each kind, and ask for the end of the one that never ends."""
        for kind in WORK:
            self.submit(kind, env=env)
        for job in self.unstopped():
            finished = self("stop", "--no-wait", str(job), env=env)
            assert finished.status in ({0} if env is None else {0, 4, 5, DIED}), finished

    def go(self) -> None:
        """Let the gated jobs write and end."""
        (self.folder / "go").touch()

    def settle(self) -> None:
        """Recover by the ordinary path: the next plain commands. Then everything ends."""
        self.submit("lines")
        for job in self.unstopped():
            finished = self("stop", str(job))
            assert finished.status in {0, 1}, finished
        eventually(self.assert_all_ended, WITHIN)

    def supervisor(self) -> int | None:
        """Return the pid of the living supervisor, proved by the lock and by its arguments."""
        try:
            with (self.home / "supervisor.lock").open("rb") as file:
                word = file.read(200).split()[:1]
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return None
        except BlockingIOError:
            pid = int(word[0]) if word else 0
            return pid if pid and proof_of(pid, self.home).startswith("argument") else None
        return None

    def kill_supervisor(self) -> bool:
        """End the supervisor with SIGKILL, if there is one."""
        pid = self.supervisor()
        if pid is not None:
            kill(pid, self.home)
        return pid is not None

    def kill_guard(self) -> None:
        """End the shim that stands beside the supervisor: a moment later another one does."""
        for process in self.outlast.processes():
            if "guard" in process.argv[:5]:
                self.send(process.pid, signal.SIGKILL)
                until(lambda pid=process.pid: not lives(pid))

    def shims(self) -> dict[int, str]:
        """Return the living shims of runs, and commands just before their `exec`: pid -> JOB.RUN."""
        found = {}
        for process in self.outlast.processes():
            state = [word for word in process.argv if word.startswith("output=")]
            if "run" in process.argv[:5] and state:
                found[process.pid] = state[0].rpartition("/")[2]
        return found

    def send(self, pid: int, number: int) -> None:
        """Send a signal to a process that is proved to be of this home."""
        try:
            fd = os.pidfd_open(pid)
        except OSError:
            return
        try:
            if proof_of(pid, self.home):
                signal.pidfd_send_signal(fd, number)
        except ProcessLookupError:
            pass
        finally:
            os.close(fd)

    def freeze(self) -> None:
        """Stop every process of the home where it is."""

        told: set[int] = set()

        def all_stand_still() -> bool:
            # D: it waits for the disk, or for its child between vfork and exec; the signal meets it before it does anything else
            moving = [
                p.pid for p in self.outlast.processes() if state_of(p.pid) not in "TtZX" and not (p.pid in told and state_of(p.pid) == "D")
            ]
            for pid in moving:
                self.send(pid, signal.SIGSTOP)
            told.update(moving)
            return not moving

        eventually(all_stand_still, WITHIN)

    def power_cut(self, name: str) -> "Scene":
        """Copy the home as it is this instant, and end everything. Returns the copy, which is of another boot."""
        self.freeze()
        other = self.copied(name)
        self.outlast.end()
        return other

    def copied(self, name: str) -> "Scene":
        copy = self.folder / name
        subprocess.run(["cp", "-a", self.home, copy], check=True)
        other = Scene(self.outlast, copy, self.accepted)
        other.always = {"OUTLAST_BOOT_ID": f"another boot, {name}"}
        return other

    def notes(self) -> tuple[bytes, bytes]:
        """Return what the commands have noted so far."""
        return _contents(self.folder / "started"), _contents(self.folder / "ended")

    def put_back(self, notes: tuple[bytes, bytes]) -> None:
        """Forget what was noted since `notes`."""
        for name, text in zip(("started", "ended"), notes, strict=True):
            (self.folder / name).write_bytes(text)

    # looking

    def rows(self, sql: str, *values: object) -> list[Row]:
        """Ask the database, read-only."""
        connection = sqlite3.connect(f"file:{self.home}/outlast.db?mode=ro", uri=True, timeout=30)
        try:
            connection.row_factory = sqlite3.Row
            return [Row(row) for row in connection.execute(sql, values)]
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise
        finally:
            connection.close()

    def jobs(self) -> dict[int, Row]:
        if not (self.home / "outlast.db").exists():
            return {}
        return {row["id"]: row for row in self.rows("SELECT * FROM jobs")}

    def runs(self) -> list[Row]:
        return self.rows("SELECT * FROM runs ORDER BY job, run")

    def unstopped(self) -> list[int]:
        """Return the jobs that never end and that nobody has asked to."""
        return [job.id for job in self.jobs().values() if job.name == "stopped" and job.status != "ended" and job.stop_requested is None]

    def assert_all_ended(self) -> None:
        assert {} == {job.id: (job.name, job.status, job.run) for job in self.jobs().values() if job.status != "ended"}

    def started(self) -> "Counter[str]":
        """Return how often each run was started, by its own word."""
        return Counter(_lines(self.folder / "started"))

    def codes(self) -> dict[str, int]:
        """Return the exit code of each run that came to its end, by its own word."""
        told = (line.split() for line in _lines(self.folder / "ended"))
        return {run: int(code) for run, code in told}

    def log(self) -> str:
        """Return what the supervisors wrote."""
        try:
            return (self.home / "supervisor.log").read_text()
        except FileNotFoundError:
            return ""

    def reached(self, name: str) -> list[int]:
        """Return the pids of those who came to the failpoint."""
        return [int(line) for line in _lines(self.marks / f"{name}.reached")]

    def assert_died_at(self, name: str) -> None:
        pids = self.reached(name)
        assert pids, f"`{name}` was armed and never reached"
        assert [] == [pid for pid in pids if lives(pid)]

    # judging

    def check(self, *, cut: bool = False, besides: Collection[int] = ()) -> None:
        """Hold everything that the home tells against what really happened.

        `cut`: there was a power cut. `besides`: jobs that never had a run, as the test knows.
        """
        assert [{"integrity_check": "ok"}] == self.rows("PRAGMA integrity_check")
        assert [] == self.rows(
            "SELECT id, version, (SELECT count(*) FROM events WHERE job = jobs.id) AS events FROM jobs WHERE version <> events"
        )
        jobs, started, codes = self.jobs(), self.started(), self.codes()
        self.assert_all_ended()
        assert set() == self.accepted.keys() - jobs.keys()
        assert {} == {run: times for run, times in started.items() if times > 1}
        untold = set()  # jobs of which no shim could tell how they went
        for run in self.runs():
            key = f"{run.job}.{run.run}"
            assert "ended" == run.status, run
            self._check_run(run, jobs[run.job], started[key], codes.get(key), cut=cut)
            if OURS in run.reason or (cut and "interrupted" == run.outcome):
                untold.add(run.job)
            self._check_output(run, jobs[run.job].name, whole=run.job not in untold and not cut)
        for job in jobs.values():
            if job.id not in untold and job.id not in besides:
                kind = KINDS[job.name]
                assert (kind.outcome, kind.code) == (job.outcome, job.exit_code), job
                assert job.run == kind.runs or "stopped" == job.name, job
                assert cut or '{"result": "done"}' == job.feedback or "reports" != job.name, job
        finished = self("doctor", "--json")
        assert 0 == finished.status, finished

    def _check_run(self, run: Row, job: Row, started: int, code: int | None, *, cut: bool) -> None:
        allowed = {"succeeded", "failed"}
        if job.name in {"stopped", "late"}:
            allowed.add({"stopped": "stopped", "late": "timed_out"}[job.name])
        if OURS in run.reason:
            allowed.add("lost")
        if cut:
            allowed.add("interrupted")
        assert run.outcome in allowed, (run, self.log())
        if run.exit_code is not None:
            assert (1, code) == (started, run.exit_code), run
        if "succeeded" == run.outcome:
            assert (1, 0) == (started, code), run
        if "failed" == run.outcome and OURS not in run.reason:
            assert run.exit_code, run
        if "stopped" == run.outcome and OURS not in run.reason:
            assert signal.SIGTERM == run.signal or not started, run

    def _check_output(self, run: Row, name: str, *, whole: bool) -> None:
        """Each byte is where the command wrote it, what is missing is counted, and if `whole` nothing is missing uncounted."""
        wanted, at = KINDS[name].stdout(run.run), 0
        path = self.home / "runs" / "00" / f"{run.job}.{run.run}"
        missing = 0
        for part in RunLog(str(path)).raw(("stdout",)):
            if isinstance(part, bytes):
                assert wanted[at : at + len(part)] == part, (run, at)
                at += len(part)
            elif isinstance(part, Gap):
                assert part.bytes is not None, (run, part)
                at += part.bytes
                missing += part.bytes
            else:
                assert isinstance(part, Torn)
                assert not whole, (run, part)
        assert at == len(wanted) if whole and "stopped" != run.outcome else at <= len(wanted), run
        if whole:
            assert missing == (run.missing or 0), run


def _contents(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _lines(path: Path) -> Iterator[str]:
    yield from _contents(path).decode().splitlines()


def state_of(pid: int) -> str:
    """Return the letter of a process' state; X: there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def until(condition: Callable[[], object]) -> None:
    """Wait until `condition()` is something true."""
    eventually(lambda: bool(condition()), WITHIN)


def parent_of(pid: int) -> int:
    """Return the pid of the parent of a process; 0: there is none."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def lives(pid: int) -> bool:
    return state_of(pid) not in "ZX"


def wait_readable(fd: int, seconds: float) -> bool:
    """Wait until `fd` is readable, at most so long; tell whether it is."""
    return bool(select.select([fd], [], [], seconds)[0])


def lose_what_was_not_synced(scene: Scene) -> None:
    """Take away what a machine that loses its power need not have on its disk, whatever had become of it in memory.

    A state file whose run has no recorded end is again what it was before it was lent: another run's, or not there. With a result that is
    so for every second one only: the shim may have synced it. The output of a run without a result is gone.
    """
    contents = {path: path.read_bytes() for path in (scene.home / "states").glob("*")}
    running = {scene.home / "states" / str(run.state_file): run for run in scene.runs() if run.status == "running"}
    without, having = [], []
    for path, content in contents.items():
        if path in running:
            (without if content[1024:1025] == b"\n" else having).append(path)
    earlier = [content for path, content in contents.items() if path not in running]
    for number, path in enumerate([*without, *having[::2]]):
        if earlier and number % 2 == 0:
            path.write_bytes(earlier[0])
        else:
            path.unlink()
    for path in without:
        for output in (scene.home / "runs" / "00").glob(f"{running[path].job}.{running[path].run}.*"):
            output.unlink()
