"""Starting a supervisor: exactly one, whoever wants one.

The starter takes the home's lock without waiting and hands it over by descriptor; who does not get the lock knows that a
supervisor lives or is being started. `start` in the home is the command line that does it, kept current by every client,
so that a shim can do the same when the lifeline breaks. The bell and the socket carry wake-ups; see docs/on-disk.md.
"""

import os
import stat
import sys

from outlast.core.errors import SystemFault
from outlast.home import Home, fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

_PACKAGE_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_RUN = "import sys; sys.path.insert(0, sys.argv[1]); from outlast.supervisor.main import main; main()"
LOCK_FD = 3
READY_FD = 4
MOST_TRIES = 8  # one that comes up may leave again before we have reached it
CLEAN = {"PATH": "/usr/local/bin:/usr/bin:/bin", "OUTLAST_MARK": "supervisor"}  # a mark that is no run's: no stop reaches it
KEPT = (
    "HOME",
    "OUTLAST_FAILPOINTS",
    "OUTLAST_FAILPOINTS_DIR",
    "OUTLAST_SHIM",
    "OUTLAST_BOOT_ID",
    "OUTLAST_LINGER_MS",
    "OUTLAST_INDEX_FROM",
)


def command_line(home: Home) -> "list[str]":
    """Return the argv that starts a supervisor of this version; the lock is its descriptor 3."""
    return [sys.executable, "-I", "-S", "-c", _RUN, _PACKAGE_ROOT, home.path]


def told(home: Home) -> "list[str]":
    """Return what the last supervisor wrote into its lock: pid, version, start (ns), pid namespace; empty if there was none."""
    try:
        with open(home.at("supervisor.lock"), "rb", buffering=0) as file:
            words = file.read(200).decode("ascii", "replace").split()
    except FileNotFoundError:
        return []
    return words if len(words) == 4 else []


def is_newer(version: str, than: str) -> bool:
    """Tell whether a version like `0.10.2` is newer than another one."""
    return _parts(version) > _parts(than)


def _parts(version: str) -> "tuple[int, ...]":
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def keep_start_current(home: Home) -> None:
    """Write `start` (argv, each word ended by NUL) unless it says the same already."""
    wanted = b"".join(os.fsencode(word) + b"\0" for word in command_line(home))
    path = home.at("start")
    try:
        with open(path, "rb", buffering=0) as file:
            if file.read() == wanted:
                return
    except FileNotFoundError:
        pass
    try:
        temporary = f"{path}.{os.getpid()}"
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        os.write(fd, wanted)
        os.close(fd)
        os.replace(temporary, path)
    except OSError as error:
        raise fault(error, f"cannot write {path}") from error


def connect(home: Home) -> "_socket.socket | None":
    """Return a connection to the home's supervisor, or None if nobody listens."""
    import _socket

    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    folder = -1
    path = home.at("supervisor.sock")
    try:
        if len(os.fsencode(path)) > 100:  # sun_path holds 108 bytes (unix(7))
            folder = os.open(home.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            path = f"/proc/self/fd/{folder}/supervisor.sock"
        connection.connect(path)
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    except OSError as error:
        connection.close()
        raise fault(error, f"cannot reach the supervisor at {path}") from error
    finally:
        if folder >= 0:
            os.close(folder)
    return connection


def _ring(home: Home) -> bool:
    """Ring the bell of the home. False: nobody hears it. The socket would do, but to load `_socket` costs every `run` 0.3 ms."""
    try:
        fd = os.open(home.at("bell"), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False  # no supervisor has it open, or there is none yet
    try:
        if not stat.S_ISFIFO(os.fstat(fd).st_mode):
            return False
        os.write(fd, b".")
    except BlockingIOError:
        pass  # thousands have rung before, and it has not looked yet
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def ensure(home: Home) -> "_socket.socket":
    """Return a connection to a living supervisor, starting one if there is none. Raises SystemFault if it cannot be started."""
    import time

    tried = 0
    for attempt in range(400):
        connection = connect(home)
        if connection is not None:
            return connection
        lock = home.take_lock("supervisor.lock")
        if lock is None:
            time.sleep(min(0.001 * (attempt + 1), 0.05))  # it is being started, or is just ending
            continue
        tried += 1
        if tried > MOST_TRIES:
            os.close(lock)
            break
        start(home, lock)
    raise SystemFault("the supervisor does not come up", f"see {home.at('supervisor.log')}; `outlast doctor` says more")


def start(home: Home, lock: int) -> None:
    """Start a supervisor that holds `lock` (ours is closed), and wait until it is ready or has failed: the caller looks again."""
    ready = _begin(home, lock)
    os.read(ready, 1)  # one byte when it is ready; end of file if it failed
    os.close(ready)


def rouse(home: Home) -> None:
    """Have a supervisor come up while we do something else; whoever needs it calls `ensure` or `wake`. Does nothing if one lives."""
    lock = home.take_lock("supervisor.lock")
    if lock is not None:
        os.close(_begin(home, lock))


def _begin(home: Home, lock: int) -> int:
    """Start a supervisor that holds `lock` (ours is closed). Returns the descriptor on which it says that it is ready."""
    ready, told = os.pipe()
    try:
        keep_start_current(home)
        spawn(command_line(home), lock, told)
    except BaseException:
        os.close(ready)
        raise
    finally:
        os.close(told)
        os.close(lock)  # it must not depend on us: we may be stopped while we wait
    return ready


def spawn(argv: "list[str]", lock: int, ready: int) -> int:
    """Start `argv` as a supervisor: own session, clean surroundings, the lock as 3, `ready` as 4. Returns its pid."""
    import fcntl

    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    sources = [null, null, null, lock, ready]
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 20) for fd in sources]
    actions = [(os.POSIX_SPAWN_DUP2, source, target) for target, source in enumerate(high)]
    environment = {**CLEAN, **{name: os.environ[name] for name in KEPT if name in os.environ}}
    try:
        return os.posix_spawn(argv[0], argv, environment, file_actions=actions, setsid=True, setsigmask=[], setsigdef=range(1, 32))
    except OSError as error:
        raise fault(error, f"cannot start {argv[0]}") from error
    finally:
        for fd in (null, *high):
            os.close(fd)


def wake(home: Home, version: str) -> None:
    """Tell the supervisor that there is something in the store for it; start one if there is none."""
    words = told(home)
    if words and words[1] == version and _ring(home):
        return
    connection = ensure(home)
    words = told(home)
    try:
        if words and is_newer(version, words[1]):
            keep_start_current(home)  # it makes way for us by executing that
        connection.send(f"wake {version}\n".encode())
    except OSError:
        pass  # it ended meanwhile: a shim or the next client starts the next one, and the store has it all
    finally:
        connection.close()
