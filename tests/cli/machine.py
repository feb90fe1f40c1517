"""A machine that can be rebooted: namespaces with processes, crontabs and a user of their own, in which a real cron or systemd runs."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.ordinary import Ordinary, becoming
from support import Client, Finished, Process, eventually

_SET_UP = r"""
set -e
mount --bind "$1/spool" /var/spool/cron/crontabs
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/pam" /etc/pam.d/cron
mount --bind /dev/null /etc/crontab
mount -t tmpfs none /etc/cron.d
mount -t tmpfs none /run
echo up
exec cat
"""
_SYSTEMD = r"""
set -e
mkdir -p /run/systemd/system "/run/user/$2"
chown "$2" "/run/user/$2"
mount -t cgroup2 none /sys/fs/cgroup
own=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/$1
mkdir "$own"
chown -R "$2" "$own"
echo $$ > "$own/cgroup.procs"
export XDG_RUNTIME_DIR="/run/user/$2"
exec setpriv "--reuid=$2" "--regid=$2" --clear-groups "$3" --user --log-target=console --log-level=warning
"""
_NO_CGROUP = r"""
mount -t cgroup2 none /sys/fs/cgroup
own=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/$1
[ ! -d "$own" ] || find "$own" -depth -type d -exec rmdir {} +
"""
_PAM = "auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n"


class Machine(Ordinary):
    """`outlast` as an ordinary user on a machine of its own. Root's alone; where namespaces cannot be made the test is skipped."""

    def __init__(self, folder: Path) -> None:
        """Prepare and boot it, without cron."""
        for program in ("unshare", "nsenter", "crontab", "cron", "setpriv"):
            if os.getuid() != 0 or not shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin"):
                pytest.skip(f"needs root and {program}")
        super().__init__(folder)
        self.folder.chmod(0o755)
        self.own = folder / "machine"
        self.own.mkdir()
        spool = self.own / "spool"
        spool.mkdir()
        shutil.chown(spool, "root", "crontab")
        spool.chmod(0o1730)
        everybody = Path("/etc/passwd").read_text()  # one of the same name may be there: the first one holds
        (self.own / "passwd").write_text(f"tester:*:{self.uid}:{self.uid}::{folder}:/bin/sh\n{everybody}")
        (self.own / "pam").write_text(_PAM)
        self.cgroup = f"outlast-test-{folder.name}"
        self.manager: subprocess.Popen[bytes] | None = None
        self.boot()

    def boot(self) -> None:
        """Start the namespaces; nothing lives there but who holds them."""
        words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", _SET_UP, "sh", str(self.own)]
        self.holder = Client(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert self.holder.stdout is not None
        assert self.holder.stderr is not None
        if self.holder.stdout.readline() != b"up\n":
            self.holder.kill()
            pytest.skip(f"no namespaces here: {self.holder.communicate()[1].decode()}")
        children = Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text().split()
        self.first = int(children[0])  # pid 1 over there: with it all others end (pid_namespaces(7))

    def end(self, within: float = 20.0) -> list[Process]:
        """End the machine, and what is left of the home outside."""
        self.holder.kill()
        self._gone()
        return super().end(within)

    def _gone(self) -> None:
        """Wait until all that was on the machine is gone, its control groups too."""
        self.holder.communicate(timeout=60)
        if self.manager is not None:
            self.manager.wait(60)
            self.manager = None
            words = ["unshare", "--mount", "sh", "-c", _NO_CGROUP, "sh", self.cgroup]
            eventually(lambda: subprocess.run(words, capture_output=True, check=False).returncode == 0)

    def power_off(self) -> None:
        """End everything on the machine at once."""
        fd = os.pidfd_open(self.first)
        signal.pidfd_send_signal(fd, signal.SIGKILL)
        os.close(fd)
        self._gone()
        self.assert_nothing_left()

    def inside(self, *words: str, user: bool = False, typed: bytes | None = None, **env: str) -> Finished:
        """Run `words` on the machine, as root or as the user."""
        argv = ["nsenter", f"--target={self.first}", "--mount", "--pid", *(becoming(self.uid) if user else []), *words]
        environment = self.environ({"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", **env})
        done = subprocess.run(argv, input=typed, capture_output=True, env=environment, timeout=60, check=False)
        return Finished(done.returncode, done.stdout, done.stderr)

    def start_cron(self) -> None:
        """Start the real cron, which does what stands under @reboot."""
        assert 0 == self.inside("cron").status
        eventually(lambda: self("service", "--json", status=0).json["kinds"]["crontab"]["active"])

    def start_systemd(self) -> None:
        """Start the real service manager of the user, which does what is enabled: as at boot, if the user lingers."""
        program = next((path for path in ("/usr/lib/systemd/systemd", "/lib/systemd/systemd") if os.path.exists(path)), None)
        if program is None or not shutil.which("systemctl"):
            pytest.skip("no systemd")
        words = ["nsenter", f"--target={self.first}", "--mount", "--pid", "sh", "-c", _SYSTEMD, "sh", self.cgroup, str(self.uid), program]
        said = self.own / "systemd.log"
        with said.open("wb") as log:
            self.manager = subprocess.Popen(words, env=self.environ(), cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def is_up() -> bool:
            if self.manager is not None and self.manager.poll() is not None:
                pytest.skip(f"systemd does not run here: {said.read_text()[-500:]}")
            return self.systemctl("is-system-running").stdout.strip() in {b"running", b"degraded"}

        eventually(is_up)

    def systemctl(self, *words: str) -> Finished:
        """Ask the user's service manager."""
        return self.inside("systemctl", "--user", *words, user=True, XDG_RUNTIME_DIR=f"/run/user/{self.uid}")

    def crontab(self, table: bytes | None = None) -> Finished:
        """Return what `crontab -l` says, or put another table in its place."""
        return self.inside("crontab", "-l" if table is None else "-", user=True, typed=table)

    def start(
        self, *args: str | bytes | Path, env: Mapping[str, str | None] | None = None, cwd: str | Path | None = None, **popen: Any
    ) -> Client:
        """Start `outlast ARGS` as the user, on the machine."""
        popen = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **popen}
        words = ["nsenter", f"--target={self.first}", "--mount", "--pid", *becoming(self.uid), self.command, *args]
        return Client(words, env=self.environ(env), cwd=cwd or self.folder, **popen)
