"""The shim: parent of one command, holder of its lock, writer of its log and its result.

This file is the executable specification of `docs/shim-protocol.md`; `shim.c` is the same for less memory. It is run as
`python -I -S shim.py run KEY=VALUE... -- COMMAND...`, needs the standard library only and travels alone to other machines.
Invariant: a command whose first instruction has run has its `started` line, and no result is written that `wait4` did not give.

Everything is imported at the top: a run may outlive the Python installation that it began with.
"""

import _signal  # type: ignore[import-not-found]  # `signal` would load enum: a third of the start-up time
import binascii
import errno
import fcntl
import os
import resource
import select
import stat
import sys
import termios
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Iterator
    from typing import NoReturn

STATE, LIFELINE = 3, 4  # descriptors, by protocol
STARTED, RESULT = (0, 1024), (1024, 2048)  # slots of the state file: offset, room
RUN_LETTERS = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.:_-"
CHUNK = 65536  # bytes of one read
WIDE = 8 * CHUNK  # the same, and the room of the pipe, once BUSY reads in a row found more than half of CHUNK
FILES_WIDE = 16 * WIDE  # smaller files would end half empty, since a chunk is not split over two
BUSY = 8
PIECE = 16384  # bytes of text in one record
GAP_SIZE = 256
PASS_SIZE = 4096  # PIPE_BUF: what a pipe that polls writable takes without blocking
REQUEST = 65536  # bytes of one request to a guard
MOST_STRINGS = 4096  # its words and variables
HANDED = 4  # descriptors that come with it
HELD_BACK = 1 << 20  # bytes kept for a client that does not read, before children of an ended command are held back
FIRST_LOOK = 0.01  # seconds; the lock of a supervisor that is just dying is held a little longer than its lifeline
LOW = 20  # own descriptors live from here on, out of reach of any dup2
LARGEST = 2**63 - 1
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
STREAMS = (b"stdout", b"stderr")
MARK = b"OUTLAST_MARK"
POINTS = (
    b"before-spawn before-started after-started after-spawn before-output after-output before-rotate during-rotate after-rotate "
    b"before-gap after-gap before-result after-result before-start-supervisor after-start-supervisor"
).split()


class Usage(Exception):
    """The command line is wrong; the message names the word."""


class Options:
    """The command line, checked."""

    def __init__(self, words: list[bytes]) -> None:
        self.output = self.run = self.home = self.cwd = self.stdin = self.live = self.cgroup = b""
        self.umask = self.nice = None  # type: int | None
        self.affinity: list[int] = []
        self.rlimits: dict[int, tuple[int, int]] = {}
        self.streams = [True, True]
        self.max_bytes, self.max_files, self.grace = 33554432, 8, 2000
        self.keep_free = 0
        self.front = False
        self.failpoints: dict[bytes, int] = {}  # milliseconds to sleep; -1: die
        self.command: list[bytes] = []
        self.guard = words[:1] == [b"guard"]
        if not self.guard and words[:1] != [b"run"]:
            raise Usage(b"unknown word", words[0] if words else b"")
        for at, word in enumerate(words[1:], 2):
            if word == b"--" and not self.guard:
                self.command = words[at:]
                break
            key, equals, value = word.partition(b"=")
            if not equals:
                raise Usage(b"unknown word", word)
            try:
                self.set(key, value)
            except ValueError:
                raise Usage(b"malformed value of", key) from None
        if self.guard and not self.home:
            raise Usage(b"missing key", b"home")
        if not self.guard and not (self.output and self.run):
            raise Usage(b"missing key", b"run" if self.output else b"output")
        if not self.guard and not (self.command and self.command[0]):
            raise Usage(b"empty command", b"")
        if self.live and self.stdin:
            raise Usage(b"excluded by `live`:", b"stdin")

    def set(self, key: bytes, value: bytes) -> None:  # noqa: C901, PLR0912  # one line per key
        """Take one KEY=VALUE; ValueError if the value is malformed."""
        if key in (b"output", b"home", b"stdin", b"live", b"cgroup", b"cwd"):
            demand(0 < len(value) < 4000 and (key != b"cwd" or value[:1] == b"/"))
            setattr(self, key.decode(), value)
        elif key == b"run":
            demand(0 < len(value) <= 64 and not value.strip(RUN_LETTERS))
            self.run = value
        elif key == b"umask":
            demand(value.isdigit() and len(value) <= 4)
            self.umask = int(value, 8)
            demand(self.umask <= 0o777)
        elif key == b"nice":
            self.nice = number(value, -1000, 1000)
        elif key == b"affinity":
            self.affinity = [number(cpu, 0, 8191) for cpu in value.split(b",")]
        elif key == b"rlimit":
            which, soft, hard = value.split(b":")
            self.rlimits[number(which, 0, 31)] = (number(soft, -1), number(hard, -1))
        elif key == b"streams":
            kept = [] if value == b"none" else value.split(b",")
            demand(all(name in STREAMS for name in kept))
            self.streams = [name in kept for name in STREAMS]
        elif key == b"max-bytes":
            self.max_bytes = number(value, 0)
        elif key == b"keep-free":
            self.keep_free = number(value, 0)
        elif key == b"max-files":
            self.max_files = number(value, 0, 1000)
            demand(self.max_files != 1)
        elif key == b"grace":
            self.grace = number(value, 0, 10**9)
        elif key == b"front":
            demand(value == b"1")
            self.front = True
        elif key == b"title":
            pass  # room for the words of the runs that a guard forks
        elif key == b"failpoint":
            name, _, action = value.partition(b":")
            demand(name in POINTS and (action == b"die" or action[:6] == b"delay="))
            self.failpoints[name] = -1 if action == b"die" else number(action[6:], 0, 10**9)
        else:
            raise Usage(b"unknown key", key)


def demand(condition: bool) -> None:
    if not condition:
        raise ValueError


def number(text: bytes, least: int, most: int = LARGEST) -> int:
    """A decimal integer without any of the freedoms of `int`: no blanks, no underscores, no plus sign."""
    demand(text.removeprefix(b"-").isdigit() and len(text) <= 20)
    value = int(text)
    demand(least <= value <= most)
    return value


failpoints: dict[bytes, int] = {}
environment: dict[bytes, bytes] = {}  # of the command, when a guard was told it; else it is our own


def failpoint(name: bytes, shim: int = 0) -> None:
    """Do what a test wants at this point; `shim` is whom `die` kills when it is not the caller."""
    delay = failpoints.get(name, 0)
    if delay < 0:
        os.kill(shim or os.getpid(), _signal.SIGKILL)
    elif delay:
        time.sleep(delay / 1000)


def high(fd: int) -> int:
    """Move a descriptor out of reach of any `dup2`; close-on-exec."""
    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, LOW)
    os.close(fd)
    return moved


def is_open(fd: int) -> bool:
    try:
        fcntl.fcntl(fd, fcntl.F_GETFD)
    except OSError:
        return False
    return True


def contents(path: bytes) -> bytes:
    """The whole file; nothing if it cannot be read."""
    try:
        with open(path, "rb", 0) as file:
            return file.read() or b""
    except OSError:
        return b""


def start_time(pid: bytes) -> int:
    """Field 22 of /proc/PID/stat; counted from the last parenthesis, since the name may hold blanks and parentheses."""
    fields = contents(b"/proc/%b/stat" % pid).rpartition(b")")[2].split()
    return int(fields[19]) if len(fields) > 19 else 0


def write_all(fd: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        done = os.pwrite(fd, view, at)
        view = view[done:]
        at += done


def write_slot(slot: tuple[int, int], text: bytes) -> None:
    """One line, one pwrite, into room that was really written before."""
    line = b"%04d %08x %b\n" % (len(text), binascii.crc32(text), text)
    if len(line) > slot[1] or os.pwrite(STATE, line, slot[0]) != len(line):
        raise OSError(errno.ENOSPC, "slot")


def default_signals() -> None:
    """What a command expects: every signal at its default, none blocked."""
    _signal.signal(_signal.SIGXFSZ, _signal.SIG_IGN)  # forgets one that our own write to a full disk has earned
    for number_ in _signal.valid_signals() - {_signal.SIGKILL, _signal.SIGSTOP}:
        _signal.signal(number_, _signal.SIG_DFL)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, ())


# --- the command ---


def identity(run: bytes) -> bytes:
    """The part of `started` that is known before the command is."""
    try:
        pidns = os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        pidns = "0"
    boot = contents(b"/proc/sys/kernel/random/boot_id").strip()
    return b'"run":"%b","shim":%d,"shim_start":%d,"boot":"%b","pidns":%b' % (run, os.getpid(), start_time(b"self"), boot, pidns.encode())


def become(options: Options, stdin: int, ends: list[int], told: int, known: bytes) -> "NoReturn":
    """The child: from `fork` to `exec`. Tells the shim `unrestored NAME` or `STAGE ERRNO`, one line each."""
    shim = os.getppid()
    os.setsid()
    failpoint(b"before-started", shim)
    pause = 0.05
    while True:
        try:
            when = start_time(b"self"), known, time.time_ns()
            write_slot(STARTED, b'{"v":1,"pid":%d,"start":%d,%b,"at":%d}' % (os.getpid(), *when))
            break
        except OSError:  # without this line a second start would be allowed: rather wait
            time.sleep(pause)
            pause = min(pause * 2, 1)
    failpoint(b"after-started", shim)
    if options.cgroup and not join(options.cgroup):
        os.write(told, b"unrestored cgroup\n")
    stage = b"stdin"
    try:
        if options.stdin:
            stdin = os.open(options.stdin, os.O_RDONLY)
        if stdin >= 0:
            os.dup2(stdin, 0)
            os.set_inheritable(0, True)  # dup2 onto itself changes nothing
            if stdin:
                os.close(stdin)
        os.dup2(ends[0], 1)
        os.dup2(ends[1], 2)
        for name in restore(options):
            os.write(told, b"unrestored " + name + b"\n")
        if options.umask is not None:
            os.umask(options.umask)
        stage = b"cwd"
        if options.cwd:
            os.chdir(options.cwd)
        stage = b"exec"
        default_signals()
        execute(options.command)
    except OSError as error:
        os.write(told, b"%b %d\n" % (stage, error.errno or 0))
    except MemoryError:  # a limit on memory that this interpreter does not fit in
        os.write(told, b"%b %d\n" % (stage, errno.ENOMEM))
    finally:
        os._exit(127)


def join(cgroup: bytes) -> bool:
    """Join the cgroup, which the whole tree of the command then lives in."""
    try:
        with open(cgroup + b"/cgroup.procs", "r+b", 0) as file:
            return file.write(b"0") == 1
    except OSError:
        return False


def restore(options: Options) -> "Iterator[bytes]":
    """Set limits, priority and CPUs; yields the names of those that could not be set."""
    for which, wanted in options.rlimits.items():
        try:
            own = resource.getrlimit(which)[1]
            soft, hard = wanted
            if own >= 0 and not 0 <= hard <= own:
                soft, hard = soft if 0 <= soft <= own else own, own
            resource.setrlimit(which, (soft, hard))
        except (OSError, ValueError):
            yield b"rlimit:%d" % which
    if options.nice is not None:
        try:
            os.setpriority(os.PRIO_PROCESS, 0, options.nice)
        except OSError:
            yield b"nice"
    if options.affinity:
        try:
            os.sched_setaffinity(0, options.affinity)
        except (OSError, AttributeError):
            yield b"affinity"


class Live:
    """The command's standard input as a FIFO: our write end lets it outlive every sender, until somebody was at PATH.end."""

    def __init__(self, path: bytes) -> None:
        self.path, self.kept, self.end = path, -1, -1

    def open(self) -> int:
        """Make both FIFOs, PATH.end first; return the command's end."""
        self.end = fifo(self.path + b".end")
        source = fifo(self.path)
        self.kept = high(os.open(self.path, os.O_WRONLY | os.O_NONBLOCK))  # O_RDWR would be a reader: nobody could see that none is left
        os.set_blocking(source, True)
        return source

    def close(self) -> None:
        """No more senders; the command reads what is there, and its end when those that are here have left."""
        if self.path:
            remove(self.path)
            remove(self.path + b".end")
            for fd in {self.kept, self.end} - {-1}:
                os.close(fd)
            self.path, self.kept, self.end = b"", -1, -1


def fifo(path: bytes) -> int:
    remove(path)
    os.mkfifo(path, 0o600)
    return high(os.open(path, os.O_RDONLY | os.O_NONBLOCK))


def remove(path: bytes) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass  # it was not there, or what comes next will tell


def execute(command: list[bytes]) -> None:
    """`execvp` of libc with the environment as it came: OSError is all that can be seen of it."""
    if not environment:
        restore_locale()
    if b"/" in command[0]:
        execute_file(command[0], command)
    failed = OSError(errno.ENOENT, "")
    for folder in os.environb.get(b"PATH", b"/bin:/usr/bin").split(b":"):
        try:
            execute_file(folder + b"/" + command[0] if folder else command[0], command)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ESTALE, errno.ETIMEDOUT):
                raise
            if failed.errno != errno.EACCES:
                failed = error
    raise failed


def execute_file(path: bytes, command: list[bytes]) -> None:
    try:
        os.execv(path, command)  # not execve: a mapping cannot hold names twice or entries without `=`
    except OSError as error:
        if error.errno == errno.ENOEXEC:
            os.execv(b"/bin/sh", [b"/bin/sh", path, *command[1:]])
        raise


def restore_locale() -> None:
    """Undo PEP 538: under the C locale the interpreter puts LC_CTYPE into its own environment, `-I` or not."""
    for entry in contents(b"/proc/self/environ").split(b"\0"):
        if entry.startswith(b"LC_CTYPE="):
            return os.putenv(b"LC_CTYPE", entry[9:])
    return os.unsetenv(b"LC_CTYPE")


# --- the log ---


class Gap:
    """A loss, as it is told in the gaps file. `place` is its position there, -1 before it has one."""

    def __init__(self, reason: bytes, offset: int, now: int) -> None:
        self.reason, self.offset, self.start, self.end = reason, offset, now, now
        self.bytes = self.log = 0
        self.place = -1
        self.told = True

    def extend(self, taken: int, log: int, now: int) -> None:
        self.bytes += taken
        self.log += log
        self.end = now
        self.told = False

    def record(self) -> bytes:
        numbers = b'"offset":%d,"bytes":%d,"log":%d,"from":%d,"to":%d' % (self.offset, self.bytes, self.log, self.start, self.end)
        return (b'{%b,"reason":"%b"}' % (numbers, self.reason)).ljust(GAP_SIZE - 1) + b"\n"


class Part:
    """One log file: its size, the command's bytes in it, the time of its first and last chunk."""

    def __init__(self, size: int = 0) -> None:
        self.size = size
        self.bytes = self.start = self.end = 0


class Log:
    """The files of the log stream. Losing output is recorded, never raised."""

    def __init__(self, options: Options) -> None:
        self.max_bytes, self.max_files, self.keep_free = options.max_bytes, options.max_files, options.keep_free
        self.path, self.gaps_path = options.output + b".log", options.output + b".gaps"
        self.fd = self.gaps_fd = -1
        self.gaps_size = 0
        self.parts: list[Part] = []  # newest first
        self.moving = -2  # number of the file that is renamed next; -2: no rotation under way, -1: all are renamed
        self.position = 0  # length of the log stream
        self.missing = 0
        self.loss = Gap(b"", -1, 0)
        self.rotated = Gap(b"rotated", -1, 0)
        self.second, self.clock = -1, b""

    def keep(self, stream: int, chunk: bytes) -> None:
        """Write what one `read` returned."""
        now = time.time_ns()
        second, nanoseconds = divmod(now, 10**9)
        if second != self.second:
            self.second, at = second, time.gmtime(second)
            day = b"%04d-%02d-%02d" % (at.tm_year, at.tm_mon, at.tm_mday)
            self.clock = day + b"T%02d:%02d:%02d" % (at.tm_hour, at.tm_min, at.tm_sec)
        prefix = b"%b.%09dZ %b " % (self.clock, nanoseconds, STREAMS[stream])
        texts = long_lines(chunk, prefix) if has_long_line(chunk) else short_lines(chunk, prefix)
        if self.max_bytes and sum(map(len, texts)) > self.max_bytes:
            for text, taken in groups(records(chunk, prefix), self.max_bytes):
                self.put([text], taken, now)
        else:
            self.put(texts, len(chunk), now)

    def put(self, texts: "list[bytes | memoryview]", taken: int, now: int) -> None:
        """Append whole records that carry `taken` bytes of the command, to one file; or take them back and count them."""
        length = sum(map(len, texts))
        failpoint(b"before-output")
        try:
            # A gap that could not be told yet goes first. If it still cannot, this chunk joins it: one gap, one place.
            self.tell_gaps()
            size = self.parts[0].size if self.parts else 0
            if self.moving > -2 or (self.max_bytes and size and size + length > self.max_bytes):
                self.rotate()
            if self.fd < 0:
                self.open()
            if self.keep_free and self.free() < self.keep_free:
                raise OSError(errno.ENOSPC, "room that is not for output")
            part = self.parts[0]
            try:
                done = os.pwritev(self.fd, texts, part.size)
                if done < length:
                    write_all(self.fd, b"".join(texts)[done:], part.size + done)
            except OSError:
                os.ftruncate(self.fd, part.size)
                raise
        except OSError as error:
            self.lose(taken, now, error.errno or 0)
        else:
            part.start = part.start or now
            part.end = now
            part.size += length
            part.bytes += taken
            self.position += length
        failpoint(b"after-output")

    def free(self) -> int:
        told = os.fstatvfs(self.fd)
        return told.f_bavail * told.f_frsize

    def open(self) -> None:
        self.fd = high(os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600))
        if not self.parts:
            self.parts.append(Part(os.fstat(self.fd).st_size))
            self.position = self.parts[0].size

    def lose(self, taken: int, now: int, code: int) -> None:
        reason = b"disk full" if code in FULL else b"cannot write: %b" % errno.errorcode.get(code, f"E{code}").encode()
        if self.loss.told and (self.loss.reason, self.loss.offset) != (reason, self.position):
            self.loss = Gap(reason, self.position, now)
        self.loss.extend(taken, 0, now)
        self.missing += taken
        self.try_to_tell_gaps()

    def tell_gaps(self) -> None:
        for gap in (self.loss, self.rotated):
            if not gap.told:
                failpoint(b"before-gap")
                if self.gaps_fd < 0:
                    self.gaps_fd = high(os.open(self.gaps_path, os.O_WRONLY | os.O_CREAT, 0o600))
                write_all(self.gaps_fd, gap.record(), self.gaps_size if gap.place < 0 else gap.place)
                if gap.place < 0:
                    gap.place = self.gaps_size
                    self.gaps_size += GAP_SIZE
                gap.told = True
                failpoint(b"after-gap")

    def try_to_tell_gaps(self) -> None:
        try:
            self.tell_gaps()
        except OSError:
            pass  # it stays untold and is tried again before the next chunk and before the result

    def name(self, index: int) -> bytes:
        return self.path + b".%d" % index if index else self.path

    def rotate(self) -> None:
        """Make room for a new file. What an error interrupts is taken up again at the same file."""
        failpoint(b"before-rotate")
        if self.moving == -2:
            oldest = len(self.parts) - 1
            if self.max_files and oldest + 1 >= self.max_files:
                self.drop(oldest - 1)
                oldest -= 2  # the oldest keeps its number
            self.moving = oldest
        while self.moving >= 0:
            try:
                os.rename(self.name(self.moving), self.name(self.moving + 1))
            except FileNotFoundError:
                pass  # somebody removed it: the reader will see that the sizes do not add up
            self.moving -= 1
            if self.moving >= 0:
                failpoint(b"during-rotate")
        self.moving = -2
        os.close(self.fd)
        self.fd = -1
        self.parts.insert(0, Part())
        failpoint(b"after-rotate")

    def drop(self, index: int) -> None:
        """Remove the second oldest file. Its gap is told before, and after if the disk had no room for that before."""
        part = self.parts.pop(index)
        if self.rotated.offset < 0:
            self.rotated.offset, self.rotated.start = self.parts[-1].size, part.start
        self.rotated.extend(part.bytes, part.size, part.end)
        self.missing += part.bytes
        self.try_to_tell_gaps()
        try:
            os.unlink(self.name(index))
        except OSError:
            pass  # the next rename goes over it
        self.try_to_tell_gaps()


def has_long_line(chunk: bytes) -> bool:
    """Is there a line of more than PIECE bytes? A handful of backward searches for a chunk, never one per line."""
    at = 0
    while len(chunk) - at > PIECE:
        newline = chunk.rfind(b"\n", at, at + PIECE + 1)
        if newline < 0:
            return True
        at = newline + 1
    return False


def long_lines(chunk: bytes, prefix: bytes) -> "list[bytes | memoryview]":
    return [b"".join(record for record, _ in records(chunk, prefix))]


def short_lines(chunk: bytes, prefix: bytes) -> "list[bytes | memoryview]":
    """The records of a chunk without long lines, in pieces that are never joined: copying them would cost more than all else."""
    whole = prefix + b"F "
    text = memoryview(chunk.replace(b"\n", b"\n" + whole))
    rest = len(chunk) - chunk.rfind(b"\n") - 1
    if not rest:
        return [whole, text[: -len(whole)]]
    if rest == len(chunk):
        return [prefix + b"P ", chunk, b"\n"]
    return [whole, text[: -rest - len(whole)], prefix + b"P ", text[-rest:], b"\n"]


def records(chunk: bytes, prefix: bytes) -> "Iterator[tuple[bytes, int]]":
    """The chunk record by record, with the number of the command's bytes that each stands for."""
    at = 0
    while at < len(chunk):
        end = chunk.find(b"\n", at, at + PIECE + 1)
        text = chunk[at : end if end >= 0 else at + PIECE]
        taken = len(text) + (end >= 0)
        yield prefix + (b"F " if end >= 0 else b"P ") + text + b"\n", taken
        at += taken


def groups(items: "Iterator[tuple[bytes, int]]", most: int) -> "Iterator[tuple[bytes, int]]":
    """Records joined to texts of at most `most` bytes, or one record."""
    texts: list[bytes] = []
    length = taken = 0
    for record, part in items:
        if texts and length + len(record) > most:
            yield b"".join(texts), taken
            texts, length, taken = [], 0, 0
        texts.append(record)
        length += len(record)
        taken += part
    yield b"".join(texts), taken


# --- the lifeline ---


class Lifeline:
    """Descriptor 4: when it breaks, one of all shims starts the next supervisor."""

    def __init__(self, home: bytes) -> None:
        self.home = home
        self.watched = bool(home) and is_open(LIFELINE)
        self.pause = FIRST_LOOK
        self.look_at = 0.0  # monotonic; 0: the lifeline is whole
        self.left = False  # there was no `start` file: the supervisor left on purpose

    def broken(self) -> bool:
        poll = select.poll()
        poll.register(LIFELINE, 0)
        return any(events & select.POLLHUP for _, events in poll.poll(0))

    def look(self) -> None:
        """Start a supervisor if the lifeline is broken and nobody else does; say when to look again."""
        if self.broken():
            self.start()
            self.look_at = time.monotonic() + self.pause
            self.pause = min(self.pause * 2, 30)
        else:
            self.look_at, self.pause = 0.0, FIRST_LOOK

    def start(self) -> None:
        try:
            lock = high(os.open(self.home + b"/supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600))
        except OSError:
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            starter = contents(self.home + b"/start").split(b"\0")[:-1]
            self.left = not (starter and starter[0])
            if not self.left:
                failpoint(b"before-start-supervisor")
                if os.fork() == 0:
                    become_supervisor(starter, lock)
                failpoint(b"after-start-supervisor")
        except OSError:
            pass  # somebody else holds the lock, or there is no process to be had: look again later
        finally:
            os.close(lock)


def become_supervisor(starter: list[bytes], lock: int) -> "NoReturn":
    try:
        os.setsid()
        os.chdir("/")
        os.umask(0o077)
        nothing = high(os.open("/dev/null", os.O_RDWR))
        for fd in range(3):
            os.dup2(nothing, fd)
        os.dup2(lock, 3)
        environment = {b"PATH": b"/usr/local/bin:/usr/bin:/bin", MARK: b"supervisor"}
        if b"HOME" in os.environb:
            environment[b"HOME"] = os.environb[b"HOME"]
        default_signals()
        os.execve(starter[0], starter, environment)
    finally:
        os._exit(127)


# --- the run ---


class Run:
    """One command from its start to its result. `serve` is the one place that waits."""

    def __init__(self, options: Options, wake: int, subreaper: bool) -> None:
        self.options, self.wake, self.subreaper = options, wake, subreaper
        self.log = Log(options)
        self.lifeline = Lifeline(options.home)
        self.live = Live(options.live)
        self.pid = 0
        self.told = -1  # read end of the error pipe
        self.pipes = [-1, -1]  # read ends; -1 when closed
        self.counts = [0, 0]
        self.busy = [0, 0]  # reads in a row that found much; stays at BUSY
        self.drained = [True, True]
        self.front = [options.front, options.front]
        self.rest = [bytearray(), bytearray()]  # read and not yet taken by the client
        self.refused = [0, 0]  # errno of a write to the client that no reader's leaving explains
        self.error, self.stage = 0, b""
        self.status = 0
        self.usage: resource.struct_rusage | None = None
        self.ended_ns = 0  # 0: the command lives
        self.childless = False
        self.grace_end = self.record_at = 0.0
        self.record_pause = 0.05
        self.result = b""
        self.recorded = False
        self.spawned_at = 0.0

    def spawn(self) -> None:
        failpoint(b"before-spawn")
        made: list[int] = []
        stage, stdin = b"fork", -1
        try:
            for _ in range(3):
                made += [high(fd) for fd in os.pipe()]
            if self.options.live:
                stage = b"stdin"
                stdin = self.live.open()
                stage = b"fork"
            known = identity(self.options.run)
            self.spawned_at = time.monotonic()
            self.pid = os.fork()
        except OSError as error:
            self.error, self.stage, self.ended_ns = error.errno or 0, stage, time.time_ns()
            self.live.close()
            for fd in made:
                os.close(fd)
            return
        if self.pid == 0:
            become(self.options, stdin, [made[1], made[3]], made[5], known)
        if stdin >= 0:
            os.close(stdin)
        for fd in made[1::2]:
            os.close(fd)
        self.pipes, self.told, self.drained = [made[0], made[2]], made[4], [False, False]
        for fd in self.pipes:
            os.set_blocking(fd, False)
        failpoint(b"after-spawn")

    def serve(self) -> None:
        """Wait and do what is due until the result is written and the client has all."""
        poll, watched = select.poll(), {-1: 0}
        while True:
            now = time.monotonic()
            if self.ended_ns and not self.result and (self.pipes == [-1, -1] or now >= self.grace_end):
                for stream in (0, 1):
                    self.finish(stream)
                    self.pass_on(stream)  # a file takes all at once: its errors are in the result
                self.result = self.compose()
            if self.result and not self.recorded and now >= self.record_at:
                self.record()
            if self.recorded and not any(self.rest):
                return
            if self.lifeline.look_at and now >= self.lifeline.look_at:
                self.lifeline.look()
            wanted = self.wanted()
            if wanted != watched:
                poll, watched = select.poll(), wanted
                for fd, events in wanted.items():
                    poll.register(fd, events)
            for fd, events in poll.poll(self.timeout()):
                self.handle(fd, events)

    def handle(self, fd: int, events: int) -> None:
        if fd == self.wake:
            os.read(fd, CHUNK)
            self.reap()
        elif fd == LIFELINE:
            self.lifeline.watched = bool(events & select.POLLHUP)  # anything else is no lifeline and would spin
            self.lifeline.look()
        elif fd in self.pipes:
            self.read(self.pipes.index(fd))
        elif fd in (1, 2):
            self.pass_on(fd - 1)
        elif fd == self.live.end:
            self.live.close()

    def wanted(self) -> dict[int, int]:
        """What to poll for now."""
        wanted = {self.wake: select.POLLIN}
        if self.lifeline.watched and not self.lifeline.look_at:
            wanted[LIFELINE] = 0  # POLLHUP is always reported
        if self.live.end >= 0:
            wanted[self.live.end] = select.POLLIN
        for stream, fd in enumerate(self.pipes):
            waiting = len(self.rest[stream])
            if fd >= 0 and (not waiting or (self.ended_ns and waiting < HELD_BACK)):
                wanted[fd] = select.POLLIN
            if waiting:
                wanted[1 + stream] = select.POLLOUT
        return wanted

    def timeout(self) -> int | None:
        """Milliseconds to the next thing that is due; None: for ever."""
        due = [self.lifeline.look_at] if self.lifeline.look_at else []
        if self.ended_ns and not self.result:
            due.append(self.grace_end)
        if self.result and not self.recorded:
            due.append(self.record_at)
        return max(0, int((min(due) - time.monotonic()) * 1000) + 1) if due else None

    def read(self, stream: int) -> int:
        """One read of one stream; returns the number of bytes, 0 also at its end."""
        try:
            chunk = os.read(self.pipes[stream], CHUNK if self.busy[stream] < BUSY else WIDE)
        except BlockingIOError:
            return 0
        if not chunk:
            os.close(self.pipes[stream])
            self.pipes[stream], self.drained[stream] = -1, True
            return 0
        self.counts[stream] += len(chunk)
        if self.busy[stream] < BUSY:
            fits = self.options.max_bytes == 0 or self.options.max_bytes >= FILES_WIDE
            self.busy[stream] = self.busy[stream] + 1 if fits and len(chunk) > CHUNK // 2 else 0
            if self.busy[stream] == BUSY:
                widen(self.pipes[stream])
        if self.options.streams[stream]:
            self.log.keep(stream, chunk)
        if self.front[stream]:
            self.rest[stream] += chunk
        return len(chunk)

    def finish(self, stream: int) -> None:
        """The grace is over: take what lies in the pipe, then let whoever still writes get EPIPE."""
        if self.pipes[stream] < 0:
            return
        room = bytearray(4)
        fcntl.ioctl(self.pipes[stream], termios.FIONREAD, room)
        left = int.from_bytes(room, sys.byteorder)
        while self.pipes[stream] >= 0:
            taken = self.read(stream)
            left -= taken
            if left < 0 or not taken:
                break
        if self.pipes[stream] >= 0:
            os.close(self.pipes[stream])
            self.pipes[stream] = -1

    def pass_on(self, stream: int) -> None:
        """Give the client what it takes now. Its descriptors share their open file with a shell: never non-blocking."""
        rest, poll = self.rest[stream], select.poll()
        poll.register(1 + stream, select.POLLOUT)
        try:
            while rest and (events := sum(bits for _, bits in poll.poll(0))):
                if events & (select.POLLERR | select.POLLNVAL):
                    raise BrokenPipeError
                del rest[: os.write(1 + stream, rest[:PASS_SIZE])]
        except BlockingIOError:
            pass
        except OSError as error:
            self.refused[stream] = 0 if reader_left(1 + stream, error.errno) else error.errno or 0
            self.front[stream] = False
            rest.clear()

    def reap(self) -> None:
        """Take the exit of every child: the command and what it left to its subreaper."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                self.childless = True
                return
            if pid == 0:
                self.childless = False
                return
            if pid == self.pid and not self.ended_ns:
                self.ended_ns, self.status, self.usage = time.time_ns(), status, usage
                self.grace_end = time.monotonic() + self.options.grace / 1000
                self.live.close()  # before the result: whoever knows it finds none of them

    def compose(self) -> bytes:
        """The JSON of the result."""
        unrestored = []
        if self.told >= 0:
            for line in os.read(self.told, CHUNK).splitlines():  # all is there: the writer is dead or has exec'ed
                word, value = line.split()
                if word == b"unrestored":
                    unrestored.append(b'"%b"' % value)
                else:
                    self.stage, self.error = word, int(value)
        usage = None if self.stage else self.usage
        times = (int(usage.ru_utime * 1e6), int(usage.ru_stime * 1e6)) if usage else (0, 0)
        rss = usage.ru_maxrss * (1024 if sys.platform == "linux" else 1) if usage else 0
        leftovers = 0 if self.subreaper and self.childless else count_marked()
        self.log.try_to_tell_gaps()
        text = (
            b'{"v":1,"run":"%b","at":%d,"status":%b,"error":%d,"stage":"%b","utime":%d,"stime":%d,"max_rss":%d,"stdout":%d,"stderr":%d,'
            b'"log":%d,"missing":%d,"leftovers":%d,"drained":%b,"unrestored":[%b],"passed":[%d,%d]}'
        )
        status = b"null" if self.stage else b"%d" % self.status
        head = (self.options.run, self.ended_ns, status, self.error, self.stage, *times, rss, *self.counts, self.log.position)
        drained = b"true" if all(self.drained) else b"false"
        return text % (*head, self.log.missing, leftovers, drained, b",".join(unrestored), *self.refused)

    def record(self) -> None:
        """Write the result; again and again while the disk refuses, but never lose it."""
        failpoint(b"before-result")
        try:
            write_slot(RESULT, self.result)
            if time.monotonic() - self.spawned_at >= 1 or not self.lifeline.watched or self.lifeline.broken():
                sync()  # else a supervisor lives, which puts it on the disk with its own record before it tells anybody
        except OSError:
            self.record_at = time.monotonic() + self.record_pause
            self.record_pause = min(self.record_pause * 2, 1)
        else:
            self.recorded = True
            failpoint(b"after-result")


def reader_left(fd: int, error: int | None) -> bool:
    """Whether an error of a write means that the reader is gone, which harms nobody."""
    return error in (errno.EPIPE, errno.ECONNRESET) or (error == errno.EIO and not stat.S_ISREG(os.fstat(fd).st_mode))


def widen(pipe: int) -> None:
    try:
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, WIDE)
    except (OSError, AttributeError):
        pass  # the user has many such pipes, or there is no such call here: reads stay as they are


def sync() -> None:
    try:
        getattr(os, "fdatasync", os.fsync)(STATE)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):  # a file system that has no such thing
            raise


def count_marked() -> int:
    """Living processes whose environment holds our mark. Zombies have none."""
    mark = os.environb.get(MARK)
    if mark is None:
        return 0
    wanted, own, found = b"\0" + MARK + b"=" + mark + b"\0", b"%d" % os.getpid(), 0
    for name in os.listdir(b"/proc") if os.path.isdir(b"/proc") else []:
        if name.isdigit() and name != own:
            found += wanted in b"\0" + contents(b"/proc/" + name + b"/environ") + b"\0"
    return found


def become_subreaper() -> bool:
    """PR_SET_CHILD_SUBREAPER, where there is one. And keep glibc from giving memory back after each chunk: half the time of a loud run."""
    try:
        import ctypes

        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):
            libc.mallopt(-1, 1 << 22)  # M_TRIM_THRESHOLD
            libc.mallopt(-3, 1 << 22)  # M_MMAP_THRESHOLD
        return bool(libc.prctl(36, 1, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False


def prepare(options: Options) -> None:
    """Step 1: descriptors, signals, session."""
    _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
    for fd in (0, 1, 2):
        if fd and not is_open(fd):  # or the log might get the number that the client's output goes to
            os.dup2(os.open("/dev/null", os.O_RDWR), fd)
    try:
        strangers = [int(name) for name in os.listdir("/proc/self/fd") if int(name) > LIFELINE]
    except OSError:
        strangers = list(range(LIFELINE + 1, 1024))
    for fd in strangers:
        try:
            os.close(fd)
        except OSError:
            pass
    for fd in (STATE, LIFELINE):
        if is_open(fd):
            os.set_inheritable(fd, False)
    try:
        os.setsid()
    except OSError:
        pass
    failpoints.update(options.failpoints)


def wake_on_child() -> int:
    """A descriptor that is readable when children have ended."""
    out, in_ = (high(fd) for fd in os.pipe())
    os.set_blocking(in_, False)
    _signal.signal(_signal.SIGCHLD, lambda *_: None)
    _signal.set_wakeup_fd(in_, warn_on_full_buffer=False)
    return out


class Guard:
    """Starts the next supervisor when this one is killed, and forks shims at its word."""

    def __init__(self, options: Options) -> None:
        self.lifeline, self.poll = Lifeline(options.home), select.poll()
        self.poll.register(LIFELINE, 0)
        self.children: dict[int, int] = {}  # pidfd -> pid
        self.control: _socket.socket | None = None
        try:
            import _socket as sockets  # nobody else needs it

            control = sockets.socket(-1, -1, -1, STATE)
            control.send(b"ready")
        except OSError:
            return  # there is no socket to listen to
        self.control = control
        self.poll.register(STATE, select.POLLIN)

    def serve(self) -> None:
        """Serve until the lifeline breaks; then leave when somebody is attached again or nobody wants to be."""
        ready: dict[int, int] = {}
        while LIFELINE not in ready:
            ready = dict(self.poll.poll())
            for fd in self.children.keys() & ready.keys():
                self.poll.unregister(fd)
                os.close(fd)
                os.waitpid(self.children.pop(fd), 0)
            if STATE in ready:
                self.listen()
        os.close(STATE)  # what was asked and not done is done by the next supervisor
        while True:
            self.lifeline.look()
            if not self.lifeline.look_at or self.lifeline.left:
                return
            time.sleep(max(0.0, self.lifeline.look_at - time.monotonic()))

    def listen(self) -> None:
        """Take the next request, and fork a shim for it."""
        if self.control is None:
            return
        try:
            text, ancillary, flags, _ = self.control.recvmsg(REQUEST, 1024, 0x40000040)  # MSG_CMSG_CLOEXEC, MSG_DONTWAIT
        except OSError as error:
            text, ancillary, flags = b"", [], 0
            if error.errno in (errno.EAGAIN, errno.EINTR):
                return
        if not text:
            self.poll.unregister(STATE)
            return
        fds = [int.from_bytes(data[at : at + 4], sys.byteorder) for _, _, data in ancillary for at in range(0, len(data), 4)]
        serial, answer, pidfd = text.partition(b"\0")[0].partition(b" ")[0], -errno.EINVAL, -1
        if len(fds) == HANDED and not flags & 0x20:  # MSG_TRUNC
            try:
                answer, pidfd = self.fork(text, fds)
            except (OSError, ValueError) as error:
                answer = -(getattr(error, "errno", 0) or errno.EINVAL)
        for fd in fds:
            os.close(fd)
        handed = [(1, 1, pidfd.to_bytes(4, sys.byteorder))] if pidfd >= 0 else []  # SOL_SOCKET, SCM_RIGHTS
        try:
            self.control.sendmsg([b"%b %d" % (serial, answer)], handed)
        except OSError:
            pass  # nobody there: the next supervisor finds it by its lock

    def fork(self, text: bytes, fds: list[int]) -> tuple[int, int]:
        """Return (pid, pidfd) of a shim that owns the run that `text` tells of."""
        head, *strings = text.split(b"\0")[:-1]
        count = int(head.partition(b" ")[2])
        if not 0 < count < len(strings):
            raise OSError(errno.EINVAL, "words")
        if len(strings) >= MOST_STRINGS:
            raise OSError(errno.E2BIG, "words")
        _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
        pid = os.fork()
        if pid == 0:
            status = 2
            try:
                for target, fd in enumerate(fds):
                    os.dup2(fd, target)  # 0 to 4 are taken: none of them is a target
                show(strings[:count])
                environment.update((name, value) for name, _, value in (entry.partition(b"=") for entry in strings[count:]))
                os.environb.clear()
                os.environb.update(environment)
                status = main(strings[:count])
            finally:
                os._exit(status)
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, {_signal.SIGTERM})
        pidfd = os.pidfd_open(pid)
        self.children[pidfd] = pid
        self.poll.register(pidfd, select.POLLIN)
        return pid, pidfd


def show(words: list[bytes]) -> None:
    """Let `ps` and all readers of /proc/PID/cmdline see the words of the run, as far as there is room (proc_pid_stat(5), 48 and 49)."""
    first, end = (int(field) for field in contents(b"/proc/self/stat").rpartition(b")")[2].split()[45:47])
    own = contents(b"/proc/self/cmdline")
    start = own.find(b"\0guard\0") + 1
    room = end - first - start
    text = b"".join(word + b"\0" for word in words)
    text = text if len(text) <= room else text[: text.rfind(b"\0", 0, room) + 1]
    try:
        with open("/proc/self/mem", "r+b", 0) as memory:
            memory.seek(first + start)
            memory.write(text.ljust(room, b"\0"))
    except OSError:
        pass  # some kernels forbid it


def run(options: Options) -> None:
    wake, subreaper = wake_on_child(), become_subreaper()
    job = Run(options, wake, subreaper)
    job.spawn()
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, {_signal.SIGCHLD})
    job.reap()
    job.serve()


def main(words: list[bytes]) -> int:
    if words == [b"version"]:
        os.write(1, b"outlast-shim 1 (python)\n")
        return 0
    try:
        options = Options(words)
        descriptor = LIFELINE if options.guard else STATE
        if not is_open(descriptor):
            raise Usage(b"not open: descriptor", b"%d" % descriptor)
    except Usage as error:
        text = b"outlast-shim: %b `%b`" % error.args
        os.write(2, bytes(byte if 32 <= byte < 127 else 63 for byte in text) + b"\n")
        return 2
    prepare(options)
    if options.guard:
        _signal.signal(_signal.SIGTERM, _signal.SIG_DFL)
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, {_signal.SIGTERM})
        Guard(options).serve()
    else:
        run(options)
    return 0


if __name__ == "__main__":
    os._exit(main([os.fsencode(word) for word in sys.argv[1:]]))  # _exit: nothing to tear down, and quickly
