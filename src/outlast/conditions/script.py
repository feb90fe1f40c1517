"""The condition `script`: a command ends with exit status 0."""

import errno
import os

from outlast.core.command import SHELL, as_argv
from outlast.core.errors import UsageError
from outlast.core.ports import NOTHING, Seen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Never

_GO_ON = (errno.EACCES, errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ESTALE, errno.ETIMEDOUT)


class Script:
    """Met if the command line, run in the job's cwd with the job's environment, ends with exit status 0."""

    name = "script"
    fast = False
    watch = NOTHING

    def check(self, word: str, cwd: str) -> str:  # noqa: ARG002  # where it is found is decided when it is run
        """Return it as it is."""
        try:
            as_argv((word,), None, lambda _: True)
        except UsageError as error:
            raise UsageError(error.what.replace("command", "script"), "name a file or write a line for the shell") from None
        return word

    def look(self, word: str) -> Seen:
        """Become the command: its exit status is the answer."""
        execute(word, os.environb)


def execute(word: str, environment: "Mapping[bytes, bytes]") -> "Never":
    """Become the command; PATH of its environment counts. Raises OSError."""
    argv = as_argv((word,), None, os.path.exists)
    if "/" in argv[0]:
        _become(argv[0], argv, environment)
    failed = OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    for folder in os.fsdecode(environment.get(b"PATH", b"/bin:/usr/bin")).split(":"):
        try:
            _become(os.path.join(folder, argv[0]), argv, environment)
        except OSError as error:
            if error.errno not in _GO_ON:
                raise
            if failed.errno != errno.EACCES:
                failed = error
    raise failed


def _become(path: str, argv: "list[str]", environment: "Mapping[bytes, bytes]") -> "Never":
    """Execute the file; what the kernel does not know how to execute is for the shell (execvp(3))."""
    try:
        os.execve(path, argv, environment)
    except OSError as error:
        if error.errno == errno.ENOEXEC:
            os.execve(SHELL, [SHELL, path, *argv[1:]], environment)
        raise
