"""Programs of the system that we ask something: run to their end, without a terminal, in plain English. And whether one of a name lives."""

import os

from outlast.core.errors import SystemFault

_PATIENCE = 90  # seconds: what a service manager gives a unit to start


class Answer:
    """What a program said. `status`: its exit status, below 0 if a signal ended it; 127 as in the shell: there is no such program."""

    __slots__ = ("error", "output", "status")

    def __init__(self, status: int, output: bytes = b"", error: bytes = b"") -> None:
        self.status = status
        self.output = output
        self.error = error

    @property
    def ok(self) -> bool:
        """Whether it did as asked."""
        return self.status == 0

    @property
    def text(self) -> str:
        """What it wrote to stdout, as text."""
        return self.output.decode("utf-8", "replace").strip()

    @property
    def complaint(self) -> str:
        """The first line of stderr that complains, else how it ended."""
        lines = self.error.decode("utf-8", "replace").strip().splitlines()
        lines = [line.strip() for line in lines if not line.startswith(("Created symlink", "See "))] or lines  # systemctl(1), crontab(1)
        return (
            lines[0].strip().removesuffix(".")
            if lines
            else "there is no such program"
            if self.status == MISSING
            else f"exit status {self.status}"
        )


MISSING = 127


def ask(argv: "list[str]", typed: bytes = b"") -> Answer:
    """Run `argv` to its end with `typed` as its input. Raises SystemFault if it does not come to one."""
    import subprocess

    environment = {**os.environ, "LC_ALL": "C"}
    runtime = f"/run/user/{os.getuid()}"  # where the user's service manager listens; `su` and cron do not say so
    if not environment.get("XDG_RUNTIME_DIR") and os.path.isdir(runtime):
        environment["XDG_RUNTIME_DIR"] = runtime
    try:
        done = subprocess.run(argv, input=typed, capture_output=True, timeout=_PATIENCE, check=False, env=environment)
    except FileNotFoundError:
        return Answer(MISSING)
    except subprocess.TimeoutExpired:
        raise SystemFault(f"`{' '.join(argv)}` does not come to an end", "see what it waits for, and try again") from None
    except OSError as error:
        return Answer(126, error=(error.strerror or str(error)).encode())
    return Answer(done.returncode, done.stdout, done.stderr)


def lives(*names: str) -> bool | None:
    """Tell whether a process with one of these names (proc_pid_comm(5)) lives; None if others' processes are hidden from us."""
    wanted = {name.encode() for name in names}
    for entry in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/comm", "rb") as file:
                    if file.read().strip() in wanted:
                        return True
            except OSError:
                continue
    return False if os.access("/proc/1/comm", os.R_OK) else None
