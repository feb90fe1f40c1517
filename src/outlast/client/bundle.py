"""One archive about a job, for somebody who helps and was not there. What is secret is masked; what cannot be read is told, not fatal.

Works while the job runs and without a supervisor. Nothing of the home is changed; memory stays bounded whatever the job has written.
"""

import io
import os
import tarfile

from outlast.core.errors import OutlastError, Refused
from outlast.core.jsontext import dumps
from outlast.core.secrecy import Mask
from outlast.core.value import Value
from outlast.home import fault
from outlast.seams import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO, Any

    from outlast.client.changes import Changes
    from outlast.client.jobs import Jobs
    from outlast.core.job import Job, Run

STDOUT = "-"
LAST_RUNS = 19  # beside the first one: of others there is no output in it
LOG_LINES = 1 << 20  # bytes of `supervisor.log` about the job, the last ones
_README = """\
What happened to job {id} on {host}, as outlast {version} knows it at {at}.
Look through it before you send it: secrets that outlast can know of were replaced by stars, others cannot be known.

job.json           the job and its runs: command, options, times, outcomes, exit codes, usage, feedback, progress, warnings
                   (times in UTC, durations and CPU time in seconds, sizes in bytes)
why.txt            why it stands as it does, in words
events.json        what happened to it, the oldest first
diff.txt           what changed since it last worked
fingerprint.json   program, script and git revision of its last run, if they were looked at
environment.json   the names of its environment, harmless values, and limits of its submitter
runs/N/output.log  what run N wrote: time, stream, F (or P: the line goes on), text{excerpt}
runs/N/gaps.json   what is missing of that, and why
host.json          facts of the host and versions
supervisor.json    whether a supervisor lives, and what it does
supervisor.log     its lines about this job
doctor.txt         the state of the installation
missing.txt        what could not be put in, and why
"""
_EXCERPT = "; of a long one the first and the last 256 KiB"


class Bundled(Value):
    """What was made: `path`, its size, the names of its `parts`, and what is `missing`, each a sentence."""

    _fields = ("job", "path", "bytes", "parts", "missing")
    job: int
    path: str
    bytes: int
    parts: "list[str]"
    missing: "list[str]"


def bundle(jobs: "Jobs", which: "int | str | Job", path: str | None = None, *, full_logs: bool = False, force: bool = False) -> Bundled:
    """Write the archive about a job to `path` (`-`: stdout). Raises NotFound, Refused (the file is there), SystemFault."""
    job = jobs.one(which)
    if path == STDOUT:
        with open(1, "wb", closefd=False) as stdout:
            return _Bundle(jobs, job, full_logs=full_logs).write(stdout, STDOUT)
    target = os.path.abspath(path or f"outlast-{job.id}.tar.gz")
    _check(target, force=force)
    part = f"{target}.{os.getpid()}.part"
    try:
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with open(fd, "wb") as file:
                made = _Bundle(jobs, job, full_logs=full_logs).write(file, target)
            _check(target, force=force)
            os.replace(part, target)
        except BaseException:
            os.unlink(part)
            raise
    except OSError as error:
        raise fault(error, f"cannot write {target}", "name another file with `--output`") from error
    return made


def _check(target: str, *, force: bool) -> None:
    """Refuse to write over anything, with `force` over anything but an ordinary file."""
    if not os.path.lexists(target):
        return
    if os.path.islink(target) or not os.path.isfile(target):
        raise Refused(f"{target} is there, and no ordinary file", "name another one, or `-` for stdout")
    if not force:
        raise Refused(f"there is a file {target} already", "name another one with `--output FILE`, or write over it with `--force`")


class _Bundle:
    """One archive that is being made."""

    __slots__ = ("_archive", "_at", "_changes", "_full_logs", "_job", "_jobs", "_mask", "_missing", "_parts", "_why_not")

    def __init__(self, jobs: "Jobs", job: "Job", *, full_logs: bool) -> None:
        self._jobs, self._job, self._full_logs, self._at = jobs, job, full_logs, now()
        self._parts: list[str] = []
        self._missing: list[str] = []
        self._archive: tarfile.TarFile | None = None
        self._changes: Changes | None = None
        self._why_not = ""
        try:
            self._changes = jobs.diff(job)
        except Exception as error:  # noqa: BLE001  # whatever is broken, the rest may tell what
            self._why_not = _said(error)
        self._mask = self._masks()

    def _masks(self) -> Mask:
        """Return who masks the secrets of the job, and of the one that it is compared with."""
        known = [self._job] + ([self._changes.before.job] if self._changes is not None else [])
        environments = []
        for job in known:
            try:
                environments.append(self._environment(job)[0])
            except OutlastError as error:
                self._missing.append(f"the values of job {job.id}'s environment, so its secrets are not masked in texts: {_said(error)}")
        return Mask(environments, [job.command for job in known])

    def _environment(self, job: "Job") -> "tuple[bytes, dict[str, Any] | None]":
        reading = self._jobs.reading
        found = reading.environment(job.environment) if reading is not None and job.environment else None
        return found or (b"", None)

    def write(self, file: "IO[bytes]", path: str) -> Bundled:
        """Write it all to `file`."""
        counted = _Counted(file)
        with tarfile.open(fileobj=counted, mode="w|gz", format=tarfile.PAX_FORMAT) as self._archive:
            for name, make in self._texts():
                try:
                    self._add(name, make())
                except Exception as error:  # noqa: BLE001  # as above
                    self._missing.append(f"{name}: {_said(error)}")
            for run in self._runs():
                self._output(run)
            if self._missing:
                self._add("missing.txt", "".join(f"{self._mask.text(text)}\n" for text in self._missing))
        file.flush()
        return Bundled(job=self._job.id, path=path, bytes=counted.bytes, parts=self._parts, missing=self._missing)

    def _texts(self) -> "Iterator[tuple[str, Callable[[], str]]]":
        yield "README.txt", self._readme
        yield "job.json", self._record
        yield "why.txt", lambda: self._mask.text(self._jobs.why(self._job)) + "\n"
        yield "events.json", self._events
        yield "diff.txt", self._diff
        yield "fingerprint.json", self._fingerprint
        yield "environment.json", self._names
        yield "host.json", self._host
        yield "supervisor.json", self._supervisor
        yield "supervisor.log", self._supervisor_log
        yield "doctor.txt", self._doctor

    def _add(self, name: str, text: str | bytes) -> None:
        data = text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")
        self._put(name, len(data), io.BytesIO(data))

    def _put(self, name: str, size: int, data: "IO[bytes]") -> None:
        member = tarfile.TarInfo(f"outlast-{self._job.id}/{name}")
        member.size, member.mode, member.mtime = size, 0o600, self._at // 1_000_000_000
        if self._archive is not None:
            self._archive.addfile(member, data)
        self._parts.append(name)

    def _json(self, value: "Any") -> str:
        return dumps(self._mask.value(value), pretty=True) + "\n"

    def _readme(self) -> str:
        import outlast
        from outlast.core.times import format_time_full

        excerpt = "" if self._full_logs else _EXCERPT
        return _README.format(
            id=self._job.id, host=os.uname().nodename, version=outlast.__version__, at=format_time_full(self._at), excerpt=excerpt
        )

    def _record(self) -> str:
        from outlast.core.shape import job_shape

        jobs, job = self._jobs, self._job
        return self._json(job_shape(job, job.runs, self._at, waiting_for=jobs.waiting_for(job), observed=jobs.observe(job)))

    def _events(self) -> str:
        from outlast.core.shape import SCHEMA, event_shape

        return self._json({"schema": SCHEMA, "events": [event_shape(event) for event in self._jobs.events(self._job)]})

    def _diff(self) -> str:
        if self._changes is None:
            return f"{self._mask.text(self._why_not)}\n"
        return "".join(f"{self._mask.text(line)}\n" for line in self._changes.lines(self._at))

    def _fingerprint(self) -> str:
        from outlast.client.changes import ran_with

        return self._json(ran_with(self._jobs, self._job.runs[-1]) if self._job.runs else None)

    def _names(self) -> str:
        from outlast.client.changes import limits_in_words
        from outlast.store.fingerprints import masked_environment

        variables, around = self._environment(self._job)
        shown: dict[str, str] = self._mask.environment(variables)
        if around is None and self._jobs.reading is not None:
            names, around = masked_environment(self._jobs.reading, self._job.environment) or ({}, None)
            shown = dict.fromkeys(names, "(no longer stored)")
        return dumps({"environment": shown, "surroundings": limits_in_words(around)}, pretty=True) + "\n"

    def _host(self) -> str:
        from outlast.client.hostinfo import shape

        return self._json(shape(self._jobs.hostinfo()))

    def _supervisor(self) -> str:
        from outlast.client.supervising import status
        from outlast.core.times import format_time_utc

        told = status(self._jobs)
        return self._json({**told, "since": format_time_utc(told["since"])})

    def _supervisor_log(self) -> str:
        """Return the lines that name the job."""
        import re

        about = re.compile(rb"\bjobs?\b[^:]*\b%d\b" % self._job.id)
        kept: list[bytes] = []
        for name in ("supervisor.log.1", "supervisor.log"):
            try:
                with open(self._jobs.home.at(name), "rb") as file:
                    kept += [line[:4096] for line in iter(lambda file=file: file.readline(1 << 16), b"") if about.search(line)]  # type: ignore[misc]
            except FileNotFoundError:
                continue
        return self._mask.text(b"".join(kept)[-LOG_LINES:].decode("utf-8", "replace"))

    def _doctor(self) -> str:
        from outlast.client.health import examine

        return self._mask.text("".join(f"{check.verdict:<5}{check.name:<12}{check.text}\n" for check in examine(self._jobs)))

    def _runs(self) -> "list[Run]":
        """Return the runs whose output goes in."""
        runs = [*self._job.runs]
        if len(runs) <= LAST_RUNS + 1:
            return runs
        self._missing.append(f"the output of runs 2 to {len(runs) - LAST_RUNS}: only the first and the last {LAST_RUNS} are in")
        return [runs[0], *runs[-LAST_RUNS:]]

    def _output(self, run: "Run") -> None:
        from outlast.client.excerpts import Excerpt

        folder = f"runs/{run.run}"
        try:
            excerpt = Excerpt(self._jobs.home.run_path(self._job.id, run.run), self._mask)
        except (OutlastError, OSError) as error:
            self._missing.append(f"{folder}/output.log: {_said(error)}")
            return
        try:
            gone = excerpt.size == 0 and bool(run.log)
            if gone:
                self._missing.append(f"{folder}/output.log: it is no longer kept")
            elif self._full_logs:
                self._put(f"{folder}/output.log", excerpt.size, io.BufferedReader(_Blocks(excerpt.blocks())))
            else:
                self._add(f"{folder}/output.log", excerpt.short())
            gaps = excerpt.gaps()
            if gaps:
                self._add(f"{folder}/gaps.json", self._json(gaps))
        finally:
            excerpt.close()


class _Blocks(io.RawIOBase):
    """Blocks as a file to read from."""

    def __init__(self, blocks: "Iterator[bytes]") -> None:
        self._blocks = blocks
        self._rest = b""

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, room: "Any") -> int:
        """Fill `room` as far as what is there goes."""
        if not self._rest:
            self._rest = next(self._blocks, b"")
        taken = min(len(room), len(self._rest))
        room[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        return taken


class _Counted(io.RawIOBase):
    """A file that is written to, and how much was."""

    def __init__(self, file: "IO[bytes]") -> None:
        self._file = file
        self.bytes = 0

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: "Any") -> int:
        """Write all of it."""
        self._file.write(data)
        self.bytes += len(data)
        return len(data)


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, OutlastError) else f"{type(error).__name__}: {error}"
