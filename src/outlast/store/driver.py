"""SQLite itself: opening, the schema, and the one way to write.

Every write transaction and every checkpoint happens under an exclusive flock on `write.lock`: SQLite before 3.51.3 can lose
a commit when a checkpoint races it (sqlite.org/wal.html#walresetbug), and a fair queue cuts the worst wait of many writers.
Only the supervisor checkpoints. Nobody closes a writing connection without the flock, since the last one to close checkpoints.
A transaction in which anything failed is never committed, whoever caught the failure.

A flock keeps out other processes, not our own threads: those wait for each other at `Database.lock`, for a statement or a transaction.
"""

import _signal  # type: ignore[import-not-found]  # below `signal`, whose enumerations cost 5 ms
import fcntl
import os
from _thread import RLock  # `threading` costs more than all of this module

from outlast.core.errors import OutlastError, SystemFault
from outlast.home import Home, cannot_lock, fault
from outlast.store.light import sqlite

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Any, TypeVar

    T = TypeVar("T")

SCHEMA = 2
BUSY_MS = 30_000
STATEMENTS = 512  # kept prepared: an update names the columns that change, so there are many
# A client that stands still in a transaction, or is torn out of one, would hold up all others.
_SIGNALS = (_signal.SIGINT, _signal.SIGTERM, _signal.SIGTSTP)
_SMALLEST = 1 << 16  # bytes that SQLite needs at least, to open a database in WAL mode

VERSION = sqlite.sqlite_version
_HERE = os.path.dirname(os.path.abspath(__file__))


def read_sql(name: str) -> str:
    """Return the text of one of the SQL files."""
    with open(f"{_HERE}/sql/{name}", encoding="utf-8") as file:
        return file.read()


def load_queries() -> "dict[str, str]":
    """Return the statements of `queries.sql` by name."""
    parts = read_sql("queries.sql").split("-- name: ")[1:]
    return {name.strip(): sql for name, _, sql in (part.partition("\n") for part in parts)}


class Database:
    """One connection to the database of a home."""

    __slots__ = ("_failed", "_flock", "_writing", "connection", "home", "lock", "queries", "readonly")

    def __init__(self, home: Home, *, readonly: bool = False) -> None:
        """Open (and, to write, make) the database. Raises SystemFault: newer schema, corrupt, no permission, no locks."""
        self.home = home
        self.lock = RLock()
        self.readonly = readonly
        self.queries = load_queries()
        self._flock = -1
        self._writing = False
        self._failed: BaseException | None = None
        path = home.at("outlast.db")
        if not readonly:
            home.make()
            self._flock = home.open_lock("write.lock")
        try:
            self.connection: sqlite3.Connection = _connect(path, readonly=readonly)
            self._prepare()
        except sqlite.Error as error:
            self.close()
            raise explained(error, path) from error
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        (version,) = self.connection.execute("PRAGMA user_version").fetchone()
        if version == SCHEMA:
            if not self.readonly:
                self.connection.execute("PRAGMA synchronous=FULL")
                self.connection.execute("PRAGMA wal_autocheckpoint=0")
            return
        self._refuse_newer(version)
        if self.readonly:
            if version:
                Database(self.home).close()  # an earlier version's: whoever wants to read it brings it up to date
            return  # else nothing was submitted yet
        with _Flock(self):
            self.connection.execute("PRAGMA journal_mode=WAL")
            self.connection.execute("PRAGMA synchronous=FULL")
            self.connection.execute("PRAGMA wal_autocheckpoint=0")
            self.connection.execute("BEGIN IMMEDIATE")
            (version,) = self.connection.execute("PRAGMA user_version").fetchone()
            self._refuse_newer(version)
            for number in range(version + 1, SCHEMA + 1):
                for statement in statements(read_sql(f"{number:04d}.sql")):
                    self.connection.execute(statement)
                self.connection.execute(f"PRAGMA user_version={number:d}")
            self.connection.execute("COMMIT")

    def _refuse_newer(self, version: int) -> None:
        if version > SCHEMA:
            raise SystemFault(
                f"{self.home.at('outlast.db')} was written by a newer outlast (schema {version}, this one knows {SCHEMA})",
                "trying again does not help; use the newer version, or another OUTLAST_HOME",
            )

    def all(self, name: str, *values: object) -> "list[Any]":
        """Return all rows of the named query. Raises SystemFault."""
        return self.rows(self.queries[name], values)

    def one(self, name: str, *values: object) -> "Any":
        """Return the first row of the named query, or None. Raises SystemFault."""
        return self.row(self.queries[name], values)

    def rows(self, sql: str, values: "Sequence[object]" = ()) -> "list[Any]":
        """Return all rows of a statement that was put together here. Raises SystemFault."""
        return self._guarded(lambda: self.connection.execute(sql, values).fetchall())

    def row(self, sql: str, values: "Sequence[object]" = ()) -> "Any":
        """Return the first row of such a statement, or None. Raises SystemFault."""
        return self._guarded(lambda: self.connection.execute(sql, values).fetchone())

    def execute(self, sql: str, values: "Sequence[object]" = ()) -> "sqlite3.Cursor":
        """Run one statement that returns no rows. Raises SystemFault."""
        return self._guarded(self.connection.execute, sql, values)

    def execute_many(self, sql: str, rows: "Sequence[Sequence[object]]") -> None:
        """Run one statement for each of `rows`. Raises SystemFault."""
        self._guarded(self.connection.executemany, sql, rows)

    def _guarded(self, what: "Callable[..., T]", *given: "Any") -> "T":
        with self.lock:
            if self._failed is not None:
                raise self._failed  # SQLite may have rolled back already: what came now would stand alone
            try:
                return what(*given)
            except sqlite.Error as error:
                told = explained(error, self.home.at("outlast.db"))
                self._failed = told if self._writing else None
                raise told from error
            except Exception as error:  # a value that cannot be bound
                self._failed = error if self._writing else None
                raise

    @property
    def has_failed(self) -> bool:
        """Whether a statement of the present transaction has failed."""
        return self._failed is not None

    def spoil(self, error: BaseException) -> None:
        """Let the present transaction fail with `error` at its end, if nothing else does."""
        self._failed = self._failed or error

    def write(self) -> "Transaction":
        """Return a write transaction to be used with `with`; it commits at the end, durably, or changes nothing."""
        return Transaction(self)

    def checkpoint(self, mode: str = "PASSIVE") -> None:
        """Copy the log of changes into the database, as far as readers let it: nobody is waited for. Only the supervisor does it."""
        with _Flock(self):
            self.execute("PRAGMA busy_timeout=0")  # else whoever reads for long, as a backup does, held up the supervisor and all writers
            try:
                self.execute(f"PRAGMA wal_checkpoint({mode})")
            finally:
                self.execute(f"PRAGMA busy_timeout={BUSY_MS}")

    def close(self) -> None:
        """Close the connection, under the flock if it may write. Raises SystemFault; closing again does nothing."""
        connection: sqlite3.Connection | None = getattr(self, "connection", None)  # None: it could not be opened
        if self._flock < 0:
            if connection is not None:
                connection.close()
            return
        try:
            if connection is not None:
                with _Flock(self):
                    connection.close()
        finally:
            os.close(self._flock)
            self._flock = -1

    def __del__(self) -> None:
        """Close as `close` does: an unguarded close could checkpoint beside another process."""
        try:
            self.close()
        except (AttributeError, OSError, sqlite.Error, OutlastError):
            pass


class _Flock:
    """The exclusive flock, and our own threads' lock round it; signals that would stop or end a client wait until it is released."""

    __slots__ = ("_fd", "_home", "_lock", "_mask")

    def __init__(self, database: Database) -> None:
        self._lock = database.lock
        self._fd = database._flock  # noqa: SLF001  # one module, one duty
        self._home = database.home

    def __enter__(self) -> None:
        self._lock.acquire()
        # While it waits, SIGINT and SIGTERM may end it (whoever has the lock may stand still); nothing has begun, nothing is held.
        self._mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, (_signal.SIGTSTP,))
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX)
            _signal.pthread_sigmask(_signal.SIG_BLOCK, _SIGNALS)
        except BaseException as error:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_UN)
            except OSError:
                pass
            _signal.pthread_sigmask(_signal.SIG_SETMASK, self._mask)
            self._lock.release()
            if isinstance(error, OSError):
                raise cannot_lock(self._home.path, error) from error
            raise

    def __exit__(self, *_: object) -> None:
        fcntl.flock(self._fd, fcntl.LOCK_UN)
        self._lock.release()
        _signal.pthread_sigmask(_signal.SIG_SETMASK, self._mask)


class Transaction:
    """`with database.write():` BEGIN IMMEDIATE under the flock; COMMIT at the end, ROLLBACK if anything was raised."""

    __slots__ = ("_database", "_flock")

    def __init__(self, database: Database) -> None:
        """See `Database.write`."""
        self._database = database
        self._flock = _Flock(database)

    def __enter__(self) -> Database:
        """Begin."""
        self._flock.__enter__()
        try:
            self._database.connection.execute("BEGIN IMMEDIATE")
        except sqlite.Error as error:
            self._flock.__exit__()
            raise explained(error, self._database.home.at("outlast.db")) from error
        self._database._writing = True  # noqa: SLF001  # one module, one duty
        return self._database

    def __exit__(self, kind: "type[BaseException] | None", error: BaseException | None, trace: "TracebackType | None") -> None:
        """Commit, or roll back if anything failed, also what somebody has caught since. Raises SystemFault."""
        database = self._database
        failed, database._failed, database._writing = database._failed, None, False  # noqa: SLF001
        try:
            if kind is None and failed is None:
                try:
                    database.connection.execute("COMMIT")
                except sqlite.Error as refused:
                    failed = explained(refused, database.home.at("outlast.db"))
            if database.connection.in_transaction:
                database.connection.execute("ROLLBACK")
        finally:
            self._flock.__exit__()
        if kind is None and failed is not None:
            raise failed


def _connect(path: str, *, readonly: bool) -> "sqlite3.Connection":
    from_uri = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    timeout = BUSY_MS / 1000
    if not readonly:
        try:  # made here, so that it is private from its first byte; SQLite gives -wal and -shm the same mode
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            pass
        except OSError as error:
            raise fault(error, f"cannot make {path}") from error
        return _opened(f"file:{from_uri}?mode=rw", timeout)
    connection = _opened(f"file:{from_uri}?mode=ro", timeout)
    try:
        connection.execute("PRAGMA user_version").fetchone()
    except sqlite.OperationalError:
        # A directory that cannot be written to and a log that is not there: nobody writes, so the file cannot change.
        connection.close()
        if os.path.exists(f"{path}-wal") or not os.path.exists(path):
            raise
        connection = _opened(f"file:{from_uri}?mode=ro&immutable=1", timeout)
    return connection


def _opened(uri: str, timeout: float) -> "sqlite3.Connection":
    connection: sqlite3.Connection = sqlite.connect(
        uri, timeout=timeout, isolation_level=None, uri=True, check_same_thread=False, cached_statements=STATEMENTS
    )
    return connection


def statements(script: str) -> "list[str]":
    """Return the single statements of an SQL file; no `;` stands in a text of one."""
    lines = (line.split("--")[0] for line in script.splitlines())
    return [part for part in "\n".join(lines).split(";") if part.strip()]


def explained(error: "sqlite3.Error", path: str) -> SystemFault:
    """Return what SQLite said as a sentence with what to do."""
    text = str(error)
    if any(sign in text for sign in ("malformed", "not a database", "decode to UTF-8")):
        return SystemFault(f"{path} is damaged ({text})", "trying again does not help; `outlast doctor` says more")
    if "full" in text:
        return SystemFault(f"no space left for {path}", "free some space and try again")
    if "readonly" in text or "unable to open" in text:
        verb = "write" if "readonly" in text else "open"
        return SystemFault(f"cannot {verb} {path} ({text})", "trying again does not help; check who owns it, or set OUTLAST_HOME")
    if "locked" in text:
        return SystemFault(f"{path} is busy ({text})", "try again")
    if "disk I/O" in text:
        import errno

        return fault(OSError(errno.ENOSPC if _is_full(path) else errno.EIO, text), f"cannot use {path}")
    return SystemFault(f"{path}: {text}", "try again; if it stays so, `outlast doctor` says more")


def _is_full(path: str) -> bool:
    """Tell whether the file system has no room for what SQLite needs beside the database: it calls that an I/O error."""
    try:
        room = os.statvfs(os.path.dirname(path))
    except OSError:
        return False
    return room.f_bavail * room.f_frsize < _SMALLEST
