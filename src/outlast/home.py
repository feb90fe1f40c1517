"""The directory that holds it all: where it is, what is in it, and the locks on it.

Two homes never touch each other. A lock is an exclusive `flock`; held means its holder lives (flock(2): the kernel
releases it with the last descriptor). A prober asks with a shared lock, so that two probers never see each other as alive.
"""

import fcntl
import os

from outlast.core.errors import SystemFault, UsageError

RUNS_PER_FOLDER = 10_000
LONGEST = 480  # bytes of a home's path: SQLite opens files with up to 512 (MAX_PATHNAME), and makes some beside the database


class Home:
    """Paths of one home. Nothing is made until `make`."""

    __slots__ = ("path",)
    path: str

    def __init__(self, path: str | None = None) -> None:
        """`path`, else `$OUTLAST_HOME`, else `$XDG_STATE_HOME/outlast`, else `~/.local/state/outlast`. Raises SystemFault, UsageError."""
        self.path = os.path.abspath(path or _default(os.environ))
        size = len(os.fsencode(self.path))
        if size > LONGEST:
            raise UsageError(f"the path of the home has {size} bytes", f"set OUTLAST_HOME to one of at most {LONGEST}")

    def at(self, name: str) -> str:
        """Return the path of `name` in the home."""
        return f"{self.path}/{name}"

    def run_path(self, job: int, run: int) -> str:
        """Return what the files of a run are named after, `.log`, `.gaps`..."""
        return f"{self.path}/runs/{job // RUNS_PER_FOLDER:02d}/{job}.{run}"

    def state_path(self, number: int) -> str:
        """Return the path of a state file: they are lent to runs, one after the other."""
        return f"{self.path}/states/{number}"

    def exists(self) -> bool:
        """Tell whether there is a database in the home. Raises SystemFault if the home is somebody else's, or no directory."""
        try:
            owner = os.stat(self.path).st_uid
            if owner == os.geteuid():
                os.stat(f"{self.path}/outlast.db")
                return True
        except FileNotFoundError:
            return False
        except OSError as error:
            raise fault(error, f"cannot use the home {self.path}") from error
        raise self._of_somebody_else(owner)

    def make(self) -> None:
        """Make the home, private to the user. Raises SystemFault if that cannot be, or if it cannot lock."""
        try:
            told = os.stat(self.path)
        except OSError:
            self._make_anew()
            return
        if told.st_mode & 0o170000 != 0o040000:  # S_IFDIR
            raise SystemFault(f"the home {self.path} is not a directory", "set OUTLAST_HOME to another path")
        if told.st_uid != os.geteuid():
            raise self._of_somebody_else(told.st_uid)

    def _of_somebody_else(self, owner: int) -> SystemFault:
        """Return the refusal: what we wrote there would be ours, and of no use to its owner."""
        return SystemFault(
            f"the home {self.path} belongs to user {owner}, and you are {os.geteuid()}",
            f"work as its owner (`sudo -u '#{owner}' outlast ...`), or set OUTLAST_HOME to a directory of yours",
        )

    def _make_anew(self) -> None:
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            os.mkdir(self.path, 0o700)
        except FileExistsError:
            if not os.path.isdir(self.path):
                raise SystemFault(f"the home {self.path} is not a directory", "set OUTLAST_HOME to another path") from None
        except OSError as error:
            raise fault(error, f"cannot make the home {self.path}") from error
        probe = self.open_lock("write.lock")
        os.close(probe)

    def open_lock(self, name: str) -> int:
        """Open (and make) the lock file `name`, and see that it can be locked at all. Returns a descriptor. Raises SystemFault."""
        path = self.at(name)
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise fault(error, f"cannot open {path}") from error
        return fd

    def take_lock(self, name: str) -> int | None:
        """Take the lock `name` without waiting. Returns the descriptor that holds it, or None if somebody else does."""
        fd = self.open_lock(name)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        except OSError as error:
            os.close(fd)
            raise cannot_lock(self.path, error) from error
        return fd

    def is_supervised(self) -> bool:
        """Tell whether a supervisor lives: whether its lock is held."""
        return is_locked(self.at("supervisor.lock"))


def is_locked(path: str) -> bool:
    """Tell whether somebody holds the lock on `path`. A file that is not there is not locked."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
    return False


def cannot_lock(path: str, error: OSError) -> SystemFault:
    """Return the refusal of a file system that cannot lock, with the line to type."""
    user = os.environ.get("USER") or str(os.getuid())
    return SystemFault(
        f"the file system of {path} cannot lock ({error.strerror})", f"`export OUTLAST_HOME=/var/tmp/{user}-outlast` and try again"
    )


def fault(error: OSError, what: str, instead: str = "set OUTLAST_HOME to another directory") -> SystemFault:
    """Return `error` as a SystemFault whose hint says whether trying again can help, and what to do `instead`."""
    import errno

    text = f"{what} ({error.strerror})"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SystemFault(text, "free some space and try again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return SystemFault(text, f"trying again does not help; check who owns it, or {instead}")
    return SystemFault(text, f"{instead} if it stays so")


def _default(environ: "os._Environ[str]") -> str:
    if environ.get("OUTLAST_HOME"):
        return environ["OUTLAST_HOME"]
    if environ.get("XDG_STATE_HOME"):
        return f"{environ['XDG_STATE_HOME']}/outlast"
    folder = environ.get("HOME")
    if not folder:
        import pwd

        try:
            folder = pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:
            raise SystemFault("no home directory is known for you", "set OUTLAST_HOME to a directory of yours") from None
    return f"{folder}/.local/state/outlast"
