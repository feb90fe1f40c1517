"""What brings a supervisor up after a reboot: the service managers of the machine, and how each is told of a home and made to forget it.

What is written names the home and this very command. Nothing that is not ours is changed or removed.
"""

import os
import sys

from outlast.core import units
from outlast.core.errors import Refused, SystemFault, UsageError
from outlast.processes.programs import MISSING, Answer, ask, lives

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from outlast.client.jobs import Jobs

    Lack = tuple[str, str]  # what is not as it should be, and what to do about it

BOOT, LOGIN = "boot", "login"
_AGAIN = "then `outlast service install` again"
_RUN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from outlast.cli.main import run; run()"


def command() -> "list[str]":
    """Return the words that call this very installation of outlast, whatever the PATH says then."""
    for candidate in (sys.argv[0], os.path.join(os.path.dirname(sys.executable), "outlast")):
        path = os.path.abspath(candidate)  # not the real path: a link in ~/.local/bin outlives the version that it leads to
        if os.path.basename(path) == "outlast" and os.path.isfile(path) and os.access(path, os.X_OK):
            return [path]
    import outlast

    return [sys.executable, "-I", "-c", _RUN, os.path.dirname(os.path.dirname(os.path.abspath(outlast.__file__)))]


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _facts(
    installed: bool, enabled: bool, active: bool | None, where: str, starts_at: str | None, linger: bool | None = None
) -> "dict[str, Any]":
    return {"installed": installed, "enabled": enabled, "active": active, "linger": linger, "where": where, "starts_at": starts_at}


class _Manager:
    """One service manager, and what it is told of one home."""

    kind = ""

    def __init__(self, home: str) -> None:
        self.home = home
        self.words = [*command(), "--quiet", "--home", home, "supervisor", "start"]
        self.name = "outlast"
        if home != os.path.expanduser("~/.local/state/outlast"):  # whatever XDG_STATE_HOME says: one name never means two homes
            from hashlib import blake2b

            self.name += f"-{blake2b(os.fsencode(home), digest_size=4).hexdigest()}"

    def install(self) -> "list[Lack]":
        """Do what can be done, again too. Returns what keeps it from coming up at boot. Raises SystemFault if nothing could be done."""
        raise NotImplementedError

    def remove(self) -> bool:
        """Undo `install`. False if there was nothing to undo."""
        raise NotImplementedError

    def told(self) -> "dict[str, Any]":
        """Return installed, enabled, active, linger (None: unknown, or there is no such thing here), where, and starts_at."""
        raise NotImplementedError


class _Systemd(_Manager):
    """A unit of the user's own service manager. With lingering that one starts at boot, without it at login."""

    kind = units.SYSTEMD

    def __init__(self, home: str) -> None:
        super().__init__(home)
        given = os.environ.get("XDG_CONFIG_HOME", "")
        folder = given if given.startswith("/") else os.path.expanduser("~/.config")  # relative ones are invalid (XDG base directories)
        self.unit = f"{self.name}.service"
        self.folder = f"{folder}/systemd/user"
        self.path = f"{self.folder}/{self.unit}"
        self.link = f"{self.folder}/default.target.wants/{self.unit}"  # what `enable` makes of WantedBy

    def _systemctl(self, *words: str) -> Answer:
        return ask(["systemctl", "--user", "--no-ask-password", *words])

    def install(self) -> "list[Lack]":
        version = ask(["systemctl", "--version"])
        if version.status == MISSING:
            raise SystemFault("there is no systemctl on the PATH", "`outlast service install --kind crontab` does without systemd")
        number = [*version.text.split(), "", ""][1]
        lacks: list[Lack] = []
        text = units.unit(self.home, self.words, restart=number.isdigit() and int(number) >= 244)
        _write(self.path, text)
        user = _user()
        if not self._linger():  # first: it starts the user's service manager where nobody has logged in
            answer = ask(["loginctl", "--no-ask-password", "enable-linger", user])
            if not answer.ok:
                lacks.append((f"lingering is not enabled ({answer.complaint})", f"`sudo loginctl enable-linger {user}`"))
        # not `enable --now`, which would wait for as long as a unit that failed before is tried again and again
        for words in (("daemon-reload",), ("enable", self.unit), ("restart", self.unit)):
            answer = self._systemctl(*words)
            if not answer.ok:
                typed = f"systemctl --user daemon-reload && systemctl --user enable --now {self.unit}"
                lacks.append((f"`systemctl --user {' '.join(words)}` failed ({answer.complaint})", f"log in as {user} and type `{typed}`"))
                break
        return lacks

    def remove(self) -> bool:
        if not os.path.lexists(self.path) and not os.path.lexists(self.link):
            return False
        _check_ours(self.path)
        self._systemctl("disable", "--now", self.unit)  # without a manager that lives there is nothing but the files
        for path in (self.link, self.path):
            _unlink(path)
        self._systemctl("daemon-reload")
        return True

    def _linger(self) -> bool | None:
        answer = ask(["loginctl", "--no-ask-password", "show-user", _user(), "--property=Linger", "--value"])
        if answer.status == MISSING:
            return None
        return answer.ok and answer.text == "yes"  # it fails for a user who neither lingers nor has logged in

    def told(self) -> "dict[str, Any]":
        installed, enabled, linger = os.path.lexists(self.path), os.path.lexists(self.link), self._linger()
        active = {"active": True, "": None}.get(self._systemctl("is-active", self.unit).text, False) if installed else False
        starts_at = (BOOT if linger else LOGIN) if installed and enabled else None
        return _facts(installed, enabled, active, self.path, starts_at, linger)


class _Crontab(_Manager):
    """A line in the user's crontab that cron does when it starts."""

    kind = units.CRONTAB
    crons = ("cron", "crond", "fcron", "dcron")

    def _table(self) -> bytes | None:
        """Return the crontab, None if there is no such command. Raises SystemFault if it cannot be read: then it is not written."""
        answer = ask(["crontab", "-l"])
        if answer.status == MISSING:
            return None
        said = answer.error.lower()
        if not answer.ok and b"no crontab" not in said and b"no such file" not in said:
            raise SystemFault(f"`crontab -l` failed ({answer.complaint})", "the administrator decides who may have a crontab")
        return answer.output if answer.ok else b""

    def _replace(self, table: bytes) -> None:
        answer = ask(["crontab", "-"], table) if table else ask(["crontab", "-r"])
        if not answer.ok or self._table() != table:
            complaint = "it holds something else than was written" if answer.ok else answer.complaint
            raise SystemFault(f"the crontab could not be changed ({complaint})", "`crontab -l` shows it; try again")

    def install(self) -> "list[Lack]":
        table = self._table()
        if table is None:
            raise SystemFault("there is no crontab on the PATH", "install cron (Debian: `sudo apt-get install cron`), then try again")
        wanted = units.with_line(table, self.name, units.crontab_line(self.name, self.words))
        if wanted != table:
            self._replace(wanted)
        if lives(*self.crons) is False:
            return [("no cron is running", f"have it started at boot (`sudo systemctl enable --now cron`, or crond), {_AGAIN}")]
        return []

    def remove(self) -> bool:
        table = self._table() or b""
        wanted = units.without_line(table, self.name)
        if wanted == table:
            return False
        self._replace(wanted)
        return True

    def told(self) -> "dict[str, Any]":
        try:
            table = self._table()
        except SystemFault:  # forbidden to us
            table = None
        installed = any(units.is_line_of(line, self.name) for line in (table or b"").splitlines())
        active = lives(*self.crons)
        return _facts(installed, installed, active, "crontab -l", BOOT if installed and active is not False else None)


class _Launchd(_Manager):
    """A launch agent of macOS. It comes up when the user logs in: what comes up before is root's alone."""

    kind = units.LAUNCHD

    def __init__(self, home: str) -> None:
        super().__init__(home)
        self.path = os.path.expanduser(f"~/Library/LaunchAgents/{self.name}.plist")
        self.domain = f"gui/{os.getuid()}"

    def install(self) -> "list[Lack]":
        if ask(["launchctl", "version"]).status == MISSING:
            raise SystemFault("there is no launchctl on the PATH", "it belongs to macOS; elsewhere `--kind systemd` or `--kind crontab`")
        _write(self.path, units.property_list(self.name, self.words))
        ask(["launchctl", "bootout", f"{self.domain}/{self.name}"])  # of an older text; fails if there is none
        answer = ask(["launchctl", "bootstrap", self.domain, self.path])
        hint = f"log in on the screen and type `launchctl bootstrap {self.domain} {self.path}`"
        return [] if answer.ok else [(f"launchctl did not take it ({answer.complaint})", hint)]

    def remove(self) -> bool:
        if not os.path.lexists(self.path):
            return False
        _check_ours(self.path)
        ask(["launchctl", "bootout", f"{self.domain}/{self.name}"])
        _unlink(self.path)
        return True

    def told(self) -> "dict[str, Any]":
        installed = os.path.lexists(self.path)
        active = ask(["launchctl", "print", f"{self.domain}/{self.name}"]).ok if installed else False
        return _facts(installed, installed, active, self.path, LOGIN if installed else None)


_MANAGERS = {manager.kind: manager for manager in (_Systemd, _Crontab, _Launchd)}


def choose() -> str:
    """Return the kind that fits this machine. Raises SystemFault if none does."""
    from shutil import which

    if sys.platform == "darwin":
        return _Launchd.kind
    if os.path.isdir("/run/systemd/system") and which("systemctl"):  # sd_booted(3)
        return _Systemd.kind
    if which("crontab"):
        return _Crontab.kind
    raise SystemFault("neither systemd nor cron is here to start anything at boot", "install cron (Debian: `sudo apt-get install cron`)")


def _meant(kind: "str | None") -> "list[str]":
    if kind is not None and kind not in _MANAGERS:
        raise UsageError(f"there is no kind `{kind[:40]}` of service", f"choose from {', '.join(units.KINDS)}")
    return [*units.KINDS] if kind is None else [kind]


def install(jobs: "Jobs", kind: "str | None" = None) -> "dict[str, Any]":
    """Have a supervisor come up after a reboot; again is no harm. Returns what `status` does, with the `kind` that was chosen.

    Raises UsageError (a path that cannot be written down), Refused (a file there is not ours), SystemFault: what could be done is
    done then, and the error says what keeps it from coming up, and what to type.
    """
    kind = _meant(kind)[0] if kind is not None else choose()
    manager = _MANAGERS[kind](jobs.home.path)
    units.check_words(manager.words)
    jobs.home.make()  # at boot a home that is not there is a disk that is not there yet
    lacks = manager.install()
    if lacks:
        what, hint = ("; ".join(parts) for parts in zip(*lacks, strict=True))
        raise SystemFault(f"the {kind} service is written, but does not come up at boot: {what}", hint)
    return {"kind": kind, **status(jobs)}


def remove(jobs: "Jobs", kind: "str | None" = None) -> "list[str]":
    """Undo what `install` did, of every kind or one. Returns the kinds that were there. Supervisor and jobs go on; lingering stays."""
    return [name for name in _meant(kind) if _MANAGERS[name](jobs.home.path).remove()]


def status(jobs: "Jobs") -> "dict[str, Any]":
    """Return when a supervisor comes up by itself (`starts_at`: boot, login or None), and of each kind how it stands."""
    told = {kind: manager(jobs.home.path).told() for kind, manager in _MANAGERS.items()}
    moments = {kind["starts_at"] for kind in told.values()}
    return {"home": jobs.home.path, "starts_at": next((moment for moment in (BOOT, LOGIN) if moment in moments), None), "kinds": told}


def _fault(error: OSError, what: str) -> SystemFault:
    return SystemFault(f"{what} ({error.strerror})", "see who owns it and whether there is room, then try again")


def _check_ours(path: str) -> None:
    """Raise Refused if there is a file at `path` that we did not write."""
    try:
        with open(path, "rb") as file:
            ours = units.OURS.encode() in file.read()
    except FileNotFoundError:
        return
    except OSError as error:
        raise _fault(error, f"cannot read {path}") from error
    if not ours:
        raise Refused(f"{path} was not written by outlast", "move it out of the way, then try again")


def _write(path: str, text: str) -> None:
    """Put `text` at `path` in one step. Raises Refused if what is there is not ours."""
    _check_ours(path)
    try:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        beside = f"{path}.{os.getpid()}"
        with open(beside, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(beside, path)
    except OSError as error:
        raise _fault(error, f"cannot write {path}") from error


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise _fault(error, f"cannot remove {path}") from error
