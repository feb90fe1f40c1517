"""The installed command as an ordinary user, where the tests run as root; and as whoever runs them, where they do not."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import outlast as package
from support import COMMAND, Client, Outlast

UID = 12345
_PYTHONS = ("/usr/bin/python3", "/usr/local/bin/python3", *(f"/usr/bin/python3.{minor}" for minor in range(20, 10, -1)))


def becoming(uid: int) -> list[str]:
    """Return the words before a command that make it run as `uid`."""
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"] if os.getuid() == 0 else []


def _can_run(uid: int, python: str) -> bool:
    code = "import sys, sqlite3; sys.exit(sys.version_info < (3, 11))"
    shell = [*becoming(uid), "/bin/sh", "-c", 'test -x "$0" && "$0" -I -c "$1"', os.path.realpath(python), code]
    return subprocess.run(shell, capture_output=True, check=False).returncode == 0


def command_for(uid: int, folder: Path) -> Path:
    """Return a command that `uid` can execute: the installed one, or where its Python is root's alone a copy of the package for another."""
    if os.getuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("no setpriv: cannot become an ordinary user")
    if _can_run(uid, sys.executable):
        return COMMAND
    for python in _PYTHONS:
        if os.path.exists(python) and _can_run(uid, python):
            shutil.copytree(Path(package.__file__).parent, folder / "lib" / "outlast")
            command = folder / "outlast"
            path = f"import sys\nsys.path.insert(0, {str(folder / 'lib')!r})\n"
            command.write_text(f"#!{python} -I\n{path}from outlast.cli.main import run\nrun()\n")
            command.chmod(0o755)
            return command
    pytest.skip("no Python that an ordinary user could run")


class Ordinary(Outlast):
    """`outlast` as an ordinary user in a folder of its own; `wrapper` stands before the command."""

    def __init__(self, folder: Path, uid: int = UID) -> None:
        """`folder` becomes the user's own."""
        super().__init__(folder)
        self.uid = uid if os.getuid() == 0 else os.getuid()
        self.wrapper: list[str] = []
        folder.chmod(0o755)
        self.command = command_for(self.uid, folder)
        if os.getuid() == 0:
            os.chown(folder, self.uid, self.uid)

    def environ(self, extra: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """Return the clean environment, with the command first on the PATH."""
        return super().environ({"PATH": f"{self.command.parent}:/usr/local/bin:/usr/bin:/bin", **(extra or {})})

    def start(
        self, *args: str | bytes | Path, env: Mapping[str, str | None] | None = None, cwd: str | Path | None = None, **popen: Any
    ) -> Client:
        """Start `outlast ARGS` as the user."""
        popen = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **popen}
        words = [*becoming(self.uid), *self.wrapper, self.command, *args]
        return Client(words, env=self.environ(env), cwd=cwd or self.folder, **popen)
