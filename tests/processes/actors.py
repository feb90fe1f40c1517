"""What the commands of these tests do that a shell cannot. Run as `python -I -S actors.py NAME WORD...`.

Whatever breeds without end has a fuse: it is over after a minute, also if nobody stops it.
"""

import os
import resource
import signal
import sys
import time

FUSE = 60


def sleep(token: str, environment: "dict[str, str] | None" = None) -> None:
    """Become `sleep TOKEN`. By a shell: an ordinary user may not be allowed to read this Python's library, where `execvp` is."""
    os.execve("/bin/sh", ["sh", "-c", f"exec sleep {token}"], dict(os.environ) if environment is None else environment)


def breed(setsid: str, uid: str, limit: str) -> None:
    """Fork for ever, children too; an ordinary user may have `limit` processes."""
    resource.setrlimit(resource.RLIMIT_NPROC, (int(limit), int(limit)))
    os.setgroups([])
    os.setgid(int(uid))
    os.setuid(int(uid))
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    end = time.monotonic() + FUSE
    while time.monotonic() < end:
        try:
            if os.fork() == 0 and setsid == "setsid":
                os.setsid()
        except OSError:
            os.sched_yield()


def comet(setsid: str) -> None:
    """Fork and exit for ever: nobody lives longer than a moment."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end = time.monotonic() + FUSE
    while time.monotonic() < end:
        if os.fork():
            os._exit(0)
        if setsid == "setsid":
            os.setsid()


def comets(setsid: str, number: str, path: str) -> None:
    """Stay, and send off `number` comets; then write `path`."""
    for _ in range(int(number)):
        if os.fork() == 0:
            comet(setsid)
            os._exit(0)
    with open(path, "w"):
        pass
    while True:
        signal.pause()


def regroup(token: str) -> None:
    """A child in a process group of its own, like those of a shell with job control."""
    if os.fork() == 0:
        os.setpgid(0, 0)
        sleep(token)
    os.waitpid(-1, 0)


def catch(path: str) -> None:
    """Stop ourselves; asked to end, write `path` and exit 7."""

    def asked(*_: object) -> None:
        with open(path, "w") as file:
            file.write("asked")
        os._exit(7)

    signal.signal(signal.SIGTERM, asked)
    while True:
        os.kill(os.getpid(), signal.SIGSTOP)


def clean_up(token: str, path: str) -> None:
    """Asked to end, run a child that takes its time, and write how it ended to `path`."""

    def asked(*_: object) -> None:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            sleep(token)
        with open(f"{path}.new", "w") as file:
            file.write(str(os.waitpid(child, 0)[1]))
        os.rename(f"{path}.new", path)
        os._exit(0)

    signal.signal(signal.SIGTERM, asked)
    with open(f"{path}.ready", "w"):
        pass
    while True:
        signal.pause()


def zombies(number: str, path: str) -> None:
    """Leave children unreaped, then wait."""
    for _ in range(int(number)):
        if os.fork() == 0:
            os._exit(3)
    with open(path, "w"):
        pass
    while True:
        signal.pause()


def submit(path: str, fake_shim: str, mark: str, token: str) -> None:
    """A command that starts a supervisor, which starts a second run: told in `path` as PID PID."""
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        shim = os.fork()
        if shim == 0:
            os.setsid()
            null = os.open("/dev/null", os.O_RDWR)
            os.dup2(null, 1)
            read, write = os.pipe()
            os.dup2(read, 0)
            os.set_inheritable(write, True)  # its input never ends
            environment = {"PATH": os.environ["PATH"], "OUTLAST_MARK": mark}
            command = ["sh", "-c", f"sleep {token} & setsid -f env -i sleep {token}; wait"]
            os.execve(sys.executable, [sys.executable, "-I", "-S", fake_shim, *command], environment)
        with open(f"{path}.new", "w") as file:
            file.write(f"{os.getpid()} {shim}")
        os.rename(f"{path}.new", path)
        sleep(f"{token}1", {})  # the supervisor: clean environment
    os.wait()
    sleep(f"{token}2")


def of_two_users(token: str, uid: str) -> None:
    """A child that stays who we are, and ourselves as another user."""
    if os.fork() == 0:
        sleep(token)
    os.setgroups([])
    os.setgid(int(uid))
    os.setuid(int(uid))
    sleep(f"{token}1")


globals()[sys.argv[1]](*sys.argv[2:])
