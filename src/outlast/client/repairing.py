"""`doctor --check` and `--repair`: what is wrong with a home to the last row and file, and making it right, after a copy was made.

A check looks at a copy of the database, so that nobody has to wait for it. A repair keeps supervisors and writers out for its time; jobs
that run go on, and what was taken out lies in `before-repair-TIME` afterwards.
"""

import os
import shutil

from outlast.core.errors import Refused, SystemFault
from outlast.core.value import Value
from outlast.home import Home
from outlast.logs.files import HOLES, name_of
from outlast.seams import failpoint, now
from outlast.store import copying
from outlast.store import keeping as k
from outlast.store.mending import Mending
from outlast.store.recovering import recover
from outlast.store.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from outlast.client.jobs import Jobs
    from outlast.store.reading import Reading

AT_ONCE = 500
_SUFFIXES = ("log", "gaps", "feedback", "stdin")


class Repaired(Value):
    """What was done, as sentences, and the `folder` that holds what was there before (empty: nothing was done)."""

    _fields = ("done", "folder")
    done: "list[str]"
    folder: str


def check(jobs: "Jobs") -> "list[str]":
    """Return everything that `repair` would see to, as sentences; empty: all is well. Nothing is changed. Raises SystemFault."""
    reading = jobs.reading
    if reading is None:
        return []
    damage = [row[0] for row in reading.database.all("integrity") if row[0] != "ok"]
    if damage:
        return [f"the database is damaged: {text}" for text in damage[:20]]
    folder = jobs.home.at(f"check-{os.getpid()}")
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder, 0o700)
    try:
        copying.copy(reading, f"{folder}/outlast.db")
        store = Store(Home(folder))
        try:
            with store.batch():
                said = Mending(store, lambda _: None, now()).mend(_highest(jobs.home))
            said += [f"file {name} belongs to no run" for name, _ in _strays(jobs.home, reading)]
            said += [f"the output of run {run} of job {job} is not there" for job, run, _, _ in _missing(jobs.home, reading)]
            return said
        finally:
            store.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def repair(jobs: "Jobs") -> Repaired:
    """Make everything right that can be, and say what was done. Raises Refused (a supervisor cannot be stopped), SystemFault."""
    from outlast.client.supervising import keep_out

    home = jobs.home
    if not os.path.isdir(home.path):
        raise Refused(f"there is no home at {home.path}", "there is nothing to repair")
    lock = keep_out(jobs)
    try:
        jobs.close()
        from outlast.core.times import format_time_utc

        stamp = (format_time_utc(now()) or "")[:19].replace("-", "").replace(":", "")
        folder = home.at(f"before-repair-{stamp}.{os.getpid()}")
        done = _file(home, folder)
        failpoint("repair.after-file")
        done += _rows(jobs, folder)
    finally:
        os.close(lock)
    if jobs.store.any_active():
        jobs.wake()
    if not done:
        shutil.rmtree(folder, ignore_errors=True)  # a copy of what is as it was
        return Repaired(done=[], folder="")
    _log(home, done, folder)
    return Repaired(done=done, folder=folder)


def _file(home: Home, folder: str) -> "list[str]":
    """Copy the database's files; if SQLite finds them damaged, make a new one of what can be read. Nobody writes meanwhile."""
    import fcntl

    flock = home.open_lock("write.lock")
    try:
        fcntl.flock(flock, fcntl.LOCK_EX)
        copying.copy_files(home, folder)
        failpoint("repair.after-copy")
        problem = copying.checked(home.at("outlast.db")) if os.path.exists(home.at("outlast.db")) else "there is none"
        if not problem:
            return []
        done = [f"the database was damaged ({problem}) and was made anew"]
        new = home.at("outlast.db.new")
        if os.path.lexists(new):
            os.unlink(new)  # of a repair that was cut short
        source = f"{folder}/to-read.db"  # a copy: even to read it, SQLite may write to it
        for suffix in ("", "-wal"):
            if os.path.exists(f"{folder}/outlast.db{suffix}"):
                shutil.copyfile(f"{folder}/outlast.db{suffix}", source + suffix)
        if not os.path.exists(source):
            os.close(os.open(source, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        told = recover(source, new)
        for suffix in ("", "-wal", "-shm", "-journal"):
            if os.path.lexists(source + suffix):
                os.unlink(source + suffix)
        copying.put_in_its_place(home, new)
        count = told.rows.get("jobs", 0)
        return [*done, *told.lost, f"{count} job{'s' * (count != 1)} came over"]
    except OSError as error:
        raise SystemFault(f"cannot repair {home.path} ({error.strerror or error})", "free some space or set permissions right") from error
    finally:
        os.close(flock)


def _rows(jobs: "Jobs", folder: str) -> "list[str]":
    """Make the rows right, and then the files."""
    store, home = jobs.store, jobs.home
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    kept = os.open(f"{folder}/damaged.jsonl", flags, 0o600)
    try:
        with store.batch():
            done = Mending(store, lambda line: _write(kept, line), now()).mend(_highest(home))
            for job, run, group, size in [*_missing(home, store)]:
                k.lose(store, job, run, group, size, now())
                done.append(f"the output of run {run} of job {job} is not there")
            os.fsync(kept)
    finally:
        os.close(kept)
    failpoint("repair.after-rows")
    for name, path in [*_strays(home, store)]:
        target = f"{folder}/runs/{os.path.basename(os.path.dirname(path))}"
        try:
            os.makedirs(target, mode=0o700, exist_ok=True)
            os.rename(path, f"{target}/{name}")
            done.append(f"file {name} belonged to no run and lies in {target}")
        except OSError as error:
            done.append(f"file {name} belongs to no run and cannot be moved ({error.strerror})")
    return done


def _write(fd: int, line: str) -> None:
    os.write(fd, f"{line}\n".encode())


def _log(home: Home, done: "list[str]", folder: str) -> None:
    """Tell the supervisor's log of it."""
    from outlast.core.times import format_time_utc

    try:
        fd = os.open(home.at("supervisor.log"), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        at = format_time_utc(now())
        text = "".join(f"{at} {os.getpid()} repair: {sentence}\n" for sentence in (*done, f"before: {folder}"))
        os.write(fd, text.encode("utf-8", "backslashreplace"))
        os.close(fd)
    except OSError:
        pass


def _files(home: Home) -> "Iterator[tuple[int, int, str, str]]":
    """Yield (job, run, name, path) of every file of a run; a folder at a time is in memory."""
    runs = home.at("runs")
    for folder in sorted(os.listdir(runs)) if os.path.isdir(runs) else ():
        try:
            names = os.listdir(f"{runs}/{folder}")
        except OSError:
            continue  # not a folder, or not ours to read
        for name in sorted(names):
            job, _, rest = name.partition(".")
            run, _, suffix = rest.partition(".")
            if job.isdecimal() and run.isdecimal() and suffix.partition(".")[0] in _SUFFIXES:
                yield int(job), int(run), name, f"{runs}/{folder}/{name}"


def _strays(home: Home, reading: "Reading") -> "Iterator[tuple[str, str]]":
    """Yield (name, path) of files of runs that are not in the record, unless they are about to be removed anyway."""
    known: dict[tuple[int, int], bool] = {}
    for job, run, name, path in _files(home):
        if (job, run) not in known:
            known = {(job, run): k.is_known(reading, job, run)}
        if not known[job, run] and os.path.lexists(path):  # else it was on the list of what is leaving
            yield name, path


def _missing(home: Home, reading: "Reading") -> "Iterator[tuple[int, int, str | None, int]]":
    """Yield (job, run, group, bytes) of runs that have output by the record, and no file."""
    place: tuple[int, ...] = k.BEGIN
    while True:
        found = k.oldest_logs(reading, place, AT_ONCE)
        for item, _ in found:
            path = home.run_path(item.job, item.run)
            if any(os.path.lexists(name_of(path, number)) for number in range(HOLES)):
                continue
            run = reading.run(item.job, item.run)
            if run is not None and run.kept:  # else it was removed while we looked
                yield item.job, item.run, item.group, item.size
        if len(found) < AT_ONCE:
            return
        place = k.place_of(found[-1][0])


def _highest(home: Home) -> int:
    """Return the highest id of a job that a file is named after."""
    return max((job for job, *_ in _files(home)), default=0)


def back_up(jobs: "Jobs", path: str) -> int:
    """Write a consistent copy of the records to `path`, while others write. Returns its size. Raises Refused, SystemFault."""
    if jobs.reading is None:
        raise Refused(f"there is nothing to back up in {jobs.home.path}", "nothing was submitted yet")
    return copying.back_up(jobs.reading, os.path.abspath(path))
