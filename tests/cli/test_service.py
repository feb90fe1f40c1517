"""`outlast service`: what waits starts after a reboot. A real cron does it on a machine of its own; systemd reads our unit."""

import os
import plistlib
import re
import shutil
import subprocess
import sys

import pytest

from cli.machine import Machine
from cli.ordinary import Ordinary
from cli.outside import assert_refused
from outlast import Jobs, UsageError
from outlast.client import service
from outlast.core import units
from support import COMMAND, eventually

BOOT = "11111111-2222-3333-4444-555555555555"
RETRY = ("--retries", "1", "--retries.delay", "2s", "--", "sh", "-c", "echo run; exit 3")
ODD = 'a b 50% %d $HOME ${HOME} `id` it\'s "q" \\ \\\\ \\% ü;#&'
OTHERS = b"# mine\nPATH=/usr/bin:/bin\n\n  5 4 * * *   true % in\t \n@reboot true # outlast service: outlast-other\n#@reboot x\n"


@pytest.fixture
def machine(short_path):
    found = Machine(short_path)
    yield found
    found.end()


@pytest.fixture
def user(short_path):
    command = Ordinary(short_path)
    yield command
    command.end()


# crontab


def starts(command):
    """Return how many supervisors of the home have come up so far."""
    return (command.home / "supervisor.log").read_bytes().count(b"started, version")


def test_cron_starts_what_waits(machine):
    """The whole thing: install, power cut, boot, and nobody calls outlast before the job has had its second run."""
    machine.start_cron()
    told = machine("service", "install", "--kind", "crontab")
    assert (0, b"") == (told.status, told.stderr), told
    assert b"starts at boot" in told.stdout
    machine.run(*RETRY)
    eventually(lambda: machine.show(1)["status"] == "pending" and machine.show(1)["run"] == 1)
    machine.power_off()
    machine.boot()
    assert [] == machine.processes()
    machine.start_cron()
    log = machine.home / "runs" / "00" / "1.2.log"
    eventually(log.exists)
    assert 1 == machine("wait", "1").status
    assert (2, 3, "failed") == tuple(machine.show(1)[name] for name in ("run", "exit_code", "outcome"))


@pytest.mark.parametrize("kind", ["crontab", "systemd"])
def test_an_odd_home_comes_up(machine, kind):
    acting(machine, loginctl=LOGINCTL)
    machine.home = machine.folder / ODD
    start = machine.start_cron if kind == "crontab" else machine.start_systemd
    start()
    machine("service", "install", "--kind", kind, status=0)
    machine.run("--", "true")
    machine("wait", "1", status=0)
    machine.power_off()
    before = starts(machine)
    machine.boot()
    start()
    eventually(lambda: starts(machine) > before)
    assert machine("service", "status", "--json", status=0).json["starts_at"] == "boot"
    assert 1 == len([*machine.folder.glob("a b*")])


def test_other_lines_stay_as_they_are(machine):
    assert 0 == machine.crontab(OTHERS).status
    machine.start_cron()
    for _ in range(2):  # again is no harm
        machine("service", "install", "--kind", "crontab", status=0)
    table = machine.crontab().stdout
    assert table.startswith(OTHERS)
    line = table.removeprefix(OTHERS)
    assert 1 == line.count(b"\n")
    assert line.startswith(b"@reboot ")
    assert (0, b"") == machine("service", "install", "--kind", "crontab", "--home", str(machine.folder / "h2"), "-q")[:2]
    assert table == machine.crontab().stdout[: len(table)]
    assert machine("service", "remove", "--json", status=0).json["removed"] == ["crontab"]
    machine("service", "remove", "--home", str(machine.folder / "h2"), status=0)
    assert OTHERS == machine.crontab().stdout
    assert b"none was installed\n" == machine("service", "remove", status=0).stdout


def test_a_table_of_ours_alone_is_removed_whole(machine):
    machine.start_cron()
    machine("service", "install", "--kind", "crontab", status=0)
    machine("service", "remove", "--kind", "crontab", status=0)
    assert b"no crontab" in machine.crontab().stderr


def test_without_a_cron_that_runs_it_is_said(machine):
    assert_refused(machine("service", "install", "--kind", "crontab"), 5, "no cron is running", "systemctl enable --now cron")
    told = machine("service", "--json", status=0).json
    assert (None, True, False) == (told["starts_at"], told["kinds"]["crontab"]["installed"], told["kinds"]["crontab"]["active"])
    machine.start_cron()
    told = machine("service", "status", "--json", status=0).json
    assert {"installed": True, "enabled": True, "active": True, "linger": None, "where": "crontab -l", "starts_at": "boot"} == told[
        "kinds"
    ]["crontab"]


def test_a_user_who_may_not_have_a_crontab(machine):
    (machine.own / "allow").write_text("root\n")
    if machine.inside("sh", "-c", f"cp -a /etc {machine.own}/etc && cp {machine.own}/allow {machine.own}/etc/cron.allow && "
                      f"cp {machine.own}/passwd {machine.own}/etc/passwd && mount --bind {machine.own}/etc /etc").status:  # fmt: skip
        pytest.skip("cannot cover /etc")
    assert_refused(machine("service", "install", "--kind", "crontab"), 5, "administrator")
    assert not machine("service", "--json", status=0).json["kinds"]["crontab"]["installed"]


# systemd


def unit_of(command, folder=".config"):
    (path,) = (command.folder / folder / "systemd" / "user").glob("*.service")
    return path


def acting(command, **programs):
    """Have programs of ours stand before those of the system."""
    folder = command.folder / "bin"
    folder.mkdir()
    for name, text in programs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    plain = command.environ
    command.environ = lambda extra=None: plain({"PATH": f"{folder}:/usr/bin:/bin", **(extra or {})})


def test_systemd_starts_what_waits(machine):
    """Install, power cut, boot; lingering alone is acted, as there is no logind: the service manager is started by the test."""
    acting(machine, loginctl=LOGINCTL)
    machine.start_systemd()
    told = machine("service", "install", "--json", status=0).json
    kind = {"installed": True, "enabled": True, "active": True, "linger": True, "starts_at": "boot"}
    assert "systemd" == told["kind"]
    assert kind.items() <= told["kinds"]["systemd"].items()
    machine.run(*RETRY)
    eventually(lambda: machine.show(1)["status"] == "pending" and machine.show(1)["run"] == 1)
    machine.power_off()
    machine.boot()
    assert [] == machine.processes()
    machine.start_systemd()
    eventually((machine.home / "runs" / "00" / "1.2.log").exists)
    assert 1 == machine("wait", "1").status
    assert 2 == machine.show(1)["run"]


def test_jobs_survive_whatever_is_done_to_the_unit(machine):
    acting(machine, loginctl=LOGINCTL)
    machine.start_systemd()
    machine("service", "install", status=0)
    unit = unit_of(machine).name
    machine("supervisor", "stop", status=0)
    assert 0 == machine.systemctl("restart", unit).status  # so that the supervisor is in the unit, as it is after a boot
    machine.run("--", "sleep", "1000")
    machine("wait", "1", "--status", "running", status=0)
    supervisor = machine.supervisor_pid()
    listed = machine.systemctl("show", unit, "--property=ControlGroup", "--value").text
    assert listed.endswith(f"/{unit}")
    inside = machine.inside("cat", f"/sys/fs/cgroup{listed}/cgroup.procs").text.split()
    assert {str(supervisor), str(machine.show(1)["pid"])} <= set(inside)
    machine("service", "install", status=0)
    for words in (["restart", unit], ["stop", unit], ["daemon-reexec"], ["start", unit]):
        assert 0 == machine.systemctl(*words).status, words
        assert (supervisor, "running") == (machine.supervisor_pid(), machine.show(1)["status"]), words
    machine("service", "remove", status=0)
    assert (supervisor, "running") == (machine.supervisor_pid(), machine.show(1)["status"])
    assert "not-found" == machine.systemctl("show", unit, "--property=LoadState", "--value").text
    machine("stop", "1", status=0)


def test_a_home_that_comes_later(machine):
    """A start that fails at boot is tried again, and an install meanwhile says what is wrong instead of waiting for that."""
    acting(machine, loginctl=LOGINCTL)
    machine.start_systemd()
    machine("service", "install", status=0)
    unit = unit_of(machine).name
    machine("supervisor", "stop", status=0)
    machine.home.rename(machine.folder / "away")
    assert 0 != machine.systemctl("restart", unit).status
    assert "auto-restart" == machine.systemctl("show", unit, "--property=SubState", "--value").text
    (machine.folder / "away").rename(machine.home)
    (machine.home / "outlast.db").rename(machine.home / "db")
    (machine.home / "outlast.db").mkdir()
    assert_refused(machine("service", "install"), 5, "`systemctl --user restart", "control process exited")
    assert not machine("service", "--json", status=0).json["kinds"]["systemd"]["active"]
    (machine.home / "outlast.db").rmdir()
    (machine.home / "db").rename(machine.home / "outlast.db")
    machine("service", "install", status=0)
    assert machine("service", "--json", status=0).json["kinds"]["systemd"]["active"]


# everywhere, with programs that stand in for those of the system

CRONTAB = """#!/bin/sh
case $1 in
    -l) cat "$HOME/table" 2>/dev/null || { echo "no crontab for you" >&2; exit 1; } ;;
    -r) rm "$HOME/table" ;;
    -) cat > "$HOME/table" ;;
esac
"""
SYSTEMCTL = """#!/bin/sh
echo "systemctl $*" >> "$HOME/calls"
[ "$1" != --version ] || { echo "systemd ${SYSTEMD_VERSION:-252} (252.1-1)"; exit; }
[ ! -e "$HOME/no-bus" ] || { echo "Failed to connect to bus: No medium found" >&2; exit 1; }
wants=${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user/default.target.wants
case $* in
    *" enable "*) mkdir -p "$wants"; for last; do :; done; ln -sf "../$last" "$wants/$last" ;;
    *" disable --now "*) for last; do :; done; rm -f "$wants/$last" ;;
    *" is-active "*) for last; do :; done; [ -e "$wants/$last" ] && echo active || { echo inactive; exit 3; } ;;
esac
"""
LOGINCTL = """#!/bin/sh
echo "loginctl $*" >> "$HOME/calls"
case $* in
    *enable-linger*) [ ! -e "$HOME/refused" ] || { echo "Could not enable linger: Access denied" >&2; exit 1; }; touch "$HOME/linger" ;;
    *show-user*) [ -e "$HOME/linger" ] && echo yes || { echo "Failed to get user: not logged in or lingering" >&2; exit 1; } ;;
esac
"""
LAUNCHCTL = """#!/bin/sh
echo "launchctl $*" >> "$HOME/calls"
case $1 in
    bootstrap) touch "$HOME/loaded" ;;
    bootout) rm "$HOME/loaded" ;;
    print) [ -e "$HOME/loaded" ] ;;
esac
"""


@pytest.fixture
def acted(user):
    """An ordinary user whose service managers are acted: what they are told is in `calls`."""
    acting(user, crontab=CRONTAB, systemctl=SYSTEMCTL, loginctl=LOGINCTL, launchctl=LAUNCHCTL)
    return user


def calls(command):
    """Return what was called to change something, without the options that all calls have; and forget it."""
    path = command.folder / "calls"
    lines = path.read_text().replace("--no-ask-password ", "").replace("--user ", "").splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return [
        line for line in lines if not any(word in line for word in ("show-user", "is-active", "--version", "launchctl version", "print"))
    ]


def test_the_installed_line_alone_starts_what_waits(acted):
    """Every process of the home is ended, as by a power cut, then exactly the line is run, with nothing in the environment."""
    acted("service", "install", "--kind", "crontab")  # whether a cron runs here is all the same
    table = (acted.folder / "table").read_text()
    line = table.removeprefix("@reboot ").replace("\\%", "%").removesuffix("\n")
    assert 1 == table.count("\n")
    acted.run(*RETRY)
    eventually(lambda: acted.show(1)["status"] == "pending" and acted.show(1)["run"] == 1)
    acted.end()
    assert [] == acted.processes()
    for again in range(2):  # one that lives already is as good
        shell = ["setsid", "env", "-i", f"HOME={acted.folder}", f"OUTLAST_BOOT_ID={BOOT}", "/bin/sh", "-c", line]
        words = [*(["setpriv", f"--reuid={acted.uid}", f"--regid={acted.uid}", "--clear-groups"] if os.getuid() == 0 else []), *shell]
        done = subprocess.run(words, capture_output=True, cwd="/", timeout=60, check=False)
        assert (0, b"", b"") == (done.returncode, done.stdout, done.stderr), again  # cron would write a mail
    eventually((acted.home / "runs" / "00" / "1.2.log").exists)
    assert 1 == acted("wait", "1").status
    assert 2 == acted.show(1)["run"]


def test_a_unit_is_written_enabled_and_removed(acted):
    told = acted("service", "install", "--kind", "systemd", "--json", status=0).json
    unit = unit_of(acted)
    assert unit.name.startswith("outlast-")
    kind = {"installed": True, "enabled": True, "active": True, "linger": True, "where": str(unit), "starts_at": "boot"}
    assert ("systemd", "boot", kind) == (told["kind"], told["starts_at"], told["kinds"]["systemd"])
    user = acted.uid if os.getuid() == 0 else __import__("pwd").getpwuid(os.getuid()).pw_name
    linger = f"loginctl enable-linger {user}"
    assert [linger, "systemctl daemon-reload", f"systemctl enable {unit.name}", f"systemctl restart {unit.name}"] == calls(acted)
    text = unit.read_text()
    acted("service", "install", "--kind", "systemd", status=0)
    assert text == unit.read_text()
    assert linger not in calls(acted)
    acted.run("--", "sleep", "1000")
    acted("wait", "1", "--status", "running", status=0)
    before = acted.supervisor_pid()
    removed = acted("service", "remove", status=0)
    assert b"systemd service removed; supervisor and jobs go on\n" == removed.stdout
    assert b"loginctl disable-linger" in removed.stderr
    assert [f"systemctl disable --now {unit.name}", "systemctl daemon-reload"] == calls(acted)
    assert [] == [path for path in (acted.folder / ".config").rglob("*") if not path.is_dir()]
    assert (before, "running") == (acted.supervisor_pid(), acted.show(1)["status"])
    assert b"none was installed\n" == acted("service", "remove", status=0).stdout


def test_lingering_refused(acted):
    (acted.folder / "refused").touch()
    line = assert_refused(acted("service", "install", "--kind", "systemd"), 5, "Access denied", "sudo loginctl enable-linger")
    assert "does not come up at boot" in line
    told = acted("service", "status", "--json", status=0).json
    assert ("login", True, False) == (told["starts_at"], told["kinds"]["systemd"]["enabled"], told["kinds"]["systemd"]["linger"])
    assert b"when you log in" in acted("service", status=0).stdout


def test_no_user_bus(acted):
    (acted.folder / "no-bus").touch()
    assert_refused(acted("service", "install", "--kind", "systemd"), 5, "No medium found", "systemctl --user enable --now outlast-")
    assert acted("service", "--json", status=0).json["starts_at"] is None
    acted("service", "remove", status=0)
    assert [] == [path for path in (acted.folder / ".config").rglob("*") if not path.is_dir()]


@pytest.mark.parametrize("what", ["unit", "plist"])
def test_a_file_that_is_not_ours_stays(acted, what):
    kind = {"unit": "systemd", "plist": "launchd"}[what]
    acted("service", "install", "--kind", kind, status=0)
    path = unit_of(acted) if what == "unit" else next((acted.folder / "Library" / "LaunchAgents").iterdir())
    path.write_text("mine\n")
    assert_refused(acted("service", "install", "--kind", kind), 4, str(path))
    assert_refused(acted("service", "remove", "--kind", kind), 4, str(path))
    assert "mine\n" == path.read_text()


def test_the_default_home_and_the_config_folder(acted):
    env = {"OUTLAST_HOME": None, "XDG_CONFIG_HOME": str(acted.folder / "cfg")}
    acted("service", "install", "--kind", "systemd", env=env, status=0)
    assert "outlast.service" == unit_of(acted, "cfg").name
    assert f'"--home" "{acted.folder}/.local/state/outlast"' in unit_of(acted, "cfg").read_text()
    acted("service", "remove", env=env, status=0)
    acted("service", "install", "--kind", "systemd", env={**env, "XDG_STATE_HOME": str(acted.folder / "st")}, status=0)
    assert "outlast.service" != unit_of(acted, "cfg").name


def test_an_old_systemd_gets_no_restart(acted):
    acted("service", "install", "--kind", "systemd", env={"SYSTEMD_VERSION": "239"}, status=0)
    assert "\nRestart=" not in unit_of(acted).read_text()
    acted("service", "install", "--kind", "systemd", status=0)
    assert "\nRestart=on-failure\n" in unit_of(acted).read_text()


def test_launchd(acted):
    """Acted only: there is no macOS here."""
    told = acted("service", "install", "--kind", "launchd", "--json", status=0).json
    assert ("launchd", "login") == (told["kind"], told["starts_at"])
    path = next((acted.folder / "Library" / "LaunchAgents").iterdir())
    agent = plistlib.loads(path.read_bytes())
    assert ["--home", str(acted.home), "supervisor", "start"] == agent["ProgramArguments"][-4:]
    assert (path.stem, True, True) == (agent["Label"], agent["RunAtLoad"], agent["AbandonProcessGroup"])
    domain = f"gui/{acted.uid}"
    assert [f"launchctl bootout {domain}/{path.stem}", f"launchctl bootstrap {domain} {path}"] == calls(acted)
    acted("service", "remove", status=0)
    assert not path.exists()


def test_the_kind_that_fits(acted):
    """Where systemd is not what has booted the machine, cron is taken; where there is none either, it says what to install."""
    if os.path.isdir("/run/systemd/system"):
        pytest.skip("systemd runs here")
    acted("service", "install")
    assert b"@reboot" in (acted.folder / "table").read_bytes()
    (acted.folder / "empty").mkdir()
    acted.wrapper = ["/usr/bin/env", f"PATH={acted.folder}/empty"]
    assert_refused(acted("service", "install"), 5, "apt-get install cron")
    assert_refused(acted("service", "install", "--kind", "crontab"), 5, "apt-get install cron")
    assert_refused(acted("service", "install", "--kind", "systemd"), 5, "--kind crontab")
    assert_refused(acted("service", "install", "--kind", "launchd"), 5, "macOS")
    assert b"does not start by itself" in acted("service", "status", status=0).stdout


@pytest.mark.parametrize("kind", units.KINDS)
@pytest.mark.parametrize("name", ["a\nb", "a\tb", b"a\xff"])
def test_a_path_that_cannot_be_written_down(acted, kind, name):
    home = os.path.join(os.fsencode(acted.folder), os.fsencode(name))
    assert_refused(acted("service", "install", "--kind", kind, "--home", home), 2, "OUTLAST_HOME")
    assert not os.path.exists(home)
    assert not (acted.folder / "table").exists()


@pytest.mark.parametrize(
    ("words", "said"), [("instal", "install"), ("install --kind sysv", "systemd"), ("install x", "x"), ("status --kind crontab", "--kind")]
)
def test_wrong_words(acted, words, said):
    assert_refused(acted("service", *words.split()), 2, said)
    assert [] == calls(acted)
    assert not acted.home.exists()


def test_the_api_does_the_same(acted, monkeypatch):
    for name, text in acted.environ().items():
        monkeypatch.setenv(name, text)
    with Jobs(str(acted.home)) as jobs:
        assert "launchd" == jobs.service_install("launchd")["kind"]
        assert "login" == jobs.service_status()["starts_at"]
        assert ["launchd"] == jobs.service_remove()
        assert [] == jobs.service_remove("systemd")
        with pytest.raises(UsageError, match="sysv"):
            jobs.service_install("sysv")


def test_the_command_that_is_called(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.argv", ["/somewhere/else"])
    assert [str(COMMAND)] == service.command()
    link = tmp_path / "outlast"
    link.symlink_to(COMMAND)
    monkeypatch.setattr("sys.argv", [str(link)])
    assert [str(link)] == service.command(), "a link outlives what it leads to"
    monkeypatch.setattr("sys.argv", ["-c"])
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    monkeypatch.setattr("sys.executable", str(tmp_path / "bin" / "python"))
    words = service.command()
    assert len(words) > 1, "no command of that name is there: Python is called"
    done = subprocess.run([*words, "version"], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("outlast "), done


# the texts


def words_of_unit(text, folder):
    """Return what systemd itself understands of ExecStart, and everything it says of the unit."""
    manager = next((path for path in ("/usr/lib/systemd/systemd", "/lib/systemd/systemd") if os.path.exists(path)), None)
    if manager is None:
        pytest.skip("no systemd to read it")
    (folder / "systemd" / "user").mkdir(parents=True)
    (folder / "systemd" / "user" / "outlast-try.service").write_text(text)
    (folder / "run").mkdir()
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "run")}
    words = [manager, "--user", "--test", "--unit=outlast-try.service"]
    if os.getuid() == 0:
        subprocess.run(["chown", "-R", "12345:12345", folder], check=True)
        words = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", *words]
    done = subprocess.run(words, capture_output=True, text=True, env=env, timeout=60, check=False)
    _, found, rest = done.stdout.partition("-> Unit outlast-try.service:\n")
    if not found:
        pytest.skip(f"systemd does not test units here: {done.stderr[-300:]}")
    said = rest.partition("-> Unit ")[0]
    line = next(line for line in said.splitlines() if "Command Line: " in line)
    shell = ["sh", "-c", f"printf '%s\\0' {line.partition('Command Line: ')[2]}"]  # it is shown as one would type it
    program, *rest = subprocess.run(shell, capture_output=True, text=True, check=True).stdout.split("\0")[:-1]
    return [
        program,
        *(re.sub(r"\$(\$|\{\w+\})", lambda found: {"$": "$"}.get(found[1], ""), word) for word in rest),
    ], said  # as it is started


@pytest.mark.parametrize("name", ["outlast", "my 50% $HOME outlast", "it's"])
def test_systemd_understands_the_unit(short_path, name):
    short_path.chmod(0o755)
    program = short_path / name
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    words = [str(program), "--home", f"/srv/{ODD}", "supervisor", "start"]
    found, said = words_of_unit(units.unit(f"/srv/{ODD}\\", words, restart=True), short_path / "u")
    through = ["/bin/sh", "-c", 'exec "$0" "$@"'] if "'" in name else []
    assert [*through, *words] == found
    for line in ("KillMode: process", "OOMPolicy: continue", "Delegate: yes", "Restart: on-failure", "Unit Load State: loaded"):
        assert line in said


def test_systemd_finds_nothing_to_complain_of(short_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze")
    unit = short_path / "outlast.service"
    env = {"PATH": "/usr/bin:/bin", "HOME": str(short_path), "XDG_RUNTIME_DIR": str(short_path)}
    verify = ["systemd-analyze", "--user", "--man=no", "verify", unit]
    unit.write_text(units.unit("/srv/h", ["/bin/sh", "--home", f"/srv/{ODD}"], restart=True))
    done = subprocess.run(verify, capture_output=True, text=True, env=env, timeout=60, check=False)
    assert (0, "") == (done.returncode, done.stderr)
    unit.write_text(units.unit("/srv/h", ["/bin/sh"], restart=True).replace("KillMode=process", "KillMode=proces"))
    done = subprocess.run(verify, capture_output=True, text=True, env=env, timeout=60, check=False)
    assert "kill mode" in done.stderr, "a wrong unit is seen"


def test_nothing_ends_jobs_with_the_unit():
    text = units.unit("/h", ["/bin/outlast", "supervisor", "start"], restart=True)
    settings = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    assert ("oneshot", "yes", "process", "continue", "yes", "default.target") == tuple(
        settings[name] for name in ("Type", "RemainAfterExit", "KillMode", "OOMPolicy", "Delegate", "WantedBy")
    )
    assert "ExecStop" not in settings


def test_the_shell_of_cron_gets_the_words():
    words = ["/bin/echo", f"/srv/{ODD}", "", "plain"]
    line = units.crontab_line("n", words).removeprefix("@reboot ")
    for seen in (line, line.replace("\\%", "%")):  # by a cron that ends the command at a percent sign, and by one that does not
        done = subprocess.run(["sh", "-c", seen.replace("/bin/echo", "printf '%s\\n'", 1)], capture_output=True, text=True, check=True)
        assert [*words[1:], ""] == done.stdout.split("\n")
    assert "\\\\" not in line


@pytest.mark.parametrize("table", [b"", b"\n", OTHERS, b"* * * * * no end of line", b"\xff\xfe not text\r\n"])
def test_a_line_comes_and_goes(table):
    line = units.crontab_line("outlast", ["/bin/outlast", "supervisor", "start"])
    other = units.crontab_line("outlast-1234", ["/bin/outlast", "supervisor", "start"])
    full = units.with_line(units.with_line(table, "outlast-1234", other), "outlast", line)
    assert full == units.with_line(full, "outlast", line)
    assert full.startswith(table)
    newer = units.with_line(full, "outlast", units.crontab_line("outlast", ["/opt/outlast"]))
    assert full.replace(line.encode() + b"\n", b"@reboot /opt/outlast # outlast service: outlast\n") == newer
    rest = units.without_line(units.without_line(newer, "outlast"), "outlast-1234")
    assert rest == (table + b"\n" if table and not table.endswith(b"\n") else table)


def test_the_property_list():
    words = ["/bin/outlast", f"/srv/{ODD}<>&]]>"]
    assert words == plistlib.loads(units.property_list("l", words).encode())["ProgramArguments"]
