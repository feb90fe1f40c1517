"""Copies of the database: by SQLite's own backup while others write, and as plain files where SQLite can read it no more."""

import os

from outlast.core.errors import Refused, SystemFault
from outlast.home import fault
from outlast.seams import failpoint
from outlast.store.driver import explained
from outlast.store.light import sqlite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.home import Home
    from outlast.store.reading import Reading


def back_up(reading: "Reading", path: str) -> int:
    """Write a consistent copy of the database, as it is now, to `path`: private, checked, on the disk. Returns its size in bytes.

    Nobody waits meanwhile. Until it is whole it is called `PATH.PID.part`. Raises Refused if `path` is there, SystemFault.
    """
    if os.path.lexists(path):
        raise Refused(f"{path} is there already", "name a file that is not there")
    part = f"{path}.{os.getpid()}.part"
    failpoint("backup.before")
    try:
        copy(reading, part)
        problem = checked(part, "rw")
        if problem:
            raise SystemFault(f"the copy is damaged, as the database is ({problem})", "`outlast doctor --repair` mends it")
        _sync(part)
        failpoint("backup.after-copy")
        size = os.stat(part).st_size
        _put_in_place(part, path)
    except OSError as error:
        raise fault(error, f"cannot write {path}", "name another file") from error
    finally:
        for suffix in ("", "-wal", "-shm"):
            if os.path.lexists(part + suffix):
                os.unlink(part + suffix)
    failpoint("backup.after")
    return size


def copy(reading: "Reading", path: str) -> None:
    """Copy the database page by page to a new private file. Raises SystemFault, OSError."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    target = sqlite.connect(path, isolation_level=None)
    try:
        with reading.database.lock:
            reading.database.connection.backup(target)
    except sqlite.Error as error:
        raise explained(error, path) from error
    finally:
        target.close()


def checked(path: str, mode: str = "ro") -> str:
    """Return what SQLite's own check first says against a database file; empty if nothing. `mode` `rw` leaves no files beside it."""
    try:
        connection = sqlite.connect(f"file:{_uri(path)}?mode={mode}", uri=True)
        try:
            told: str = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if told == "ok" and connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'jobs'").fetchone() is None:
                told = "it has no table of jobs"
        finally:
            connection.close()
    except (sqlite.Error, UnicodeDecodeError) as error:
        return str(error) or type(error).__name__
    return "" if told == "ok" else " ".join(told.split())


def copy_files(home: "Home", folder: str) -> None:
    """Copy the database's files as they are into a new private folder; nobody may write meanwhile. Raises OSError."""
    import shutil

    os.mkdir(folder, 0o700)
    for name in ("outlast.db", "outlast.db-wal"):
        if os.path.exists(home.at(name)):
            target = f"{folder}/{name}"
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            shutil.copyfile(home.at(name), target)
            _sync(target)
    _sync(folder)


def put_in_its_place(home: "Home", new: str) -> None:
    """Let the database file `new` take the place of the home's; nobody may have that open. Raises OSError."""
    _sync(new)
    for suffix in ("-wal", "-shm", "-journal"):  # first: a log that belongs to the old file would damage the new one
        if os.path.lexists(home.at(f"outlast.db{suffix}")):
            os.unlink(home.at(f"outlast.db{suffix}"))
    failpoint("repair.before-replace")
    os.replace(new, home.at("outlast.db"))
    _sync(home.path)


def _put_in_place(part: str, path: str) -> None:
    try:
        os.link(part, path)  # fails if somebody made it meanwhile, where a rename would not
    except FileExistsError:
        raise Refused(f"{path} is there already", "name a file that is not there") from None
    except OSError:  # a file system without links
        os.rename(part, path)
    _sync(os.path.dirname(os.path.abspath(path)))


def _sync(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _uri(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
