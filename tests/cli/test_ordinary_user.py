"""Everything as an ordinary user: the main verbs, what is private, what is somebody else's."""

import os
import stat

import pytest

from cli.ordinary import Ordinary
from cli.outside import assert_refused
from support import eventually, kill


@pytest.fixture
def user(short_path):
    command = Ordinary(short_path)
    yield command
    command.end()


def test_run_look_stop(user):
    told = user("run", "--", "sh", "-c", "id -u; echo err >&2; exit 3")
    assert (0, b"1\n", b"") == tuple(told)
    assert 1 == user("wait", "1").status
    assert f"{user.uid}\n".encode() == user("logs", "--raw", "--streams", "stdout", "1", status=0).stdout
    user.run("--name", "endless", "--", "sleep", "1000")
    user("stop", "endless", status=0)
    assert ["failed", "stopped"] == [job["outcome"] for job in user("list", "--json", status=0).json["jobs"]]
    assert (3, b"x\n") == user("run", "-w", "--", "sh", "-c", "cat; exit 3", input=b"x\n")[:2]
    assert "bad" not in [check["verdict"] for check in user("doctor", "--json", status=0).json["checks"]]


def test_a_killed_supervisor(user):
    os.mkfifo(user.folder / "go", 0o666)
    os.chown(user.folder / "go", user.uid, -1)
    user.run("--", "sh", "-c", "read x < go; echo after; exit 4")
    user("wait", "1", "--status", "running", status=0)
    first = user.supervisor_pid()
    kill(first, user.home)
    eventually(lambda: user.supervisor_pid() not in {None, first})
    (user.folder / "go").write_text("x\n")
    assert 1 == user("wait", "1").status
    assert (4, b"after\n") == (user.show(1)["exit_code"], user("logs", "--raw", "1").stdout)
    user("supervisor", "stop", status=0)
    assert user.supervisor_pid() is None


def test_private(user):
    user.run("--", "sh", "-c", "umask 0; echo x; echo y > $OUTLAST_FEEDBACK")
    user("wait", "1", status=0)
    assert 0o700 == stat.S_IMODE(user.home.stat().st_mode)
    found = {}
    for path in user.home.rglob("*"):
        found[path.relative_to(user.home)] = path.lstat()
    assert {user.uid} == {status.st_uid for status in found.values()}
    open_ = [str(path) for path, status in found.items() if not path.name.endswith(".feedback") and status.st_mode & 0o077]
    assert [] == [path for path in open_ if path != "supervisor.sock"], open_
    assert {0o700} == {stat.S_IMODE(status.st_mode) for status in found.values() if stat.S_ISDIR(status.st_mode)}
    assert {0o600} == {stat.S_IMODE(s.st_mode) for p, s in found.items() if stat.S_ISREG(s.st_mode) and not p.name.endswith(".feedback")}


@pytest.mark.skipif(os.getuid() != 0, reason="needs two users")
@pytest.mark.parametrize("verb", [["run", "--", "true"], ["list"], ["show", "1"], ["stop", "1"], ["wait", "1"], ["logs", "1"]])
def test_another_users_home_is_refused(user, verb):
    user("wait", str(user.run("--", "true")), status=0)
    (user.folder / "other").mkdir()
    other = Ordinary(user.folder / "other", user.uid + 1)
    other.home = user.home
    line = assert_refused(other(*verb), 5, str(user.home))
    assert "OUTLAST_HOME" in line


@pytest.mark.skipif(os.getuid() != 0, reason="is root's")
def test_root_keeps_out_of_another_users_home(user, outlast):
    """A root that wrote there would leave files that their owner cannot use."""
    user("wait", str(user.run("--", "true")), status=0)
    assert_refused(outlast("run", "--", "true", env={"OUTLAST_HOME": str(user.home)}), 5, str(user.home))


def test_a_home_that_cannot_be_written(user):
    user("wait", str(user.run("--name", "kept", "--", "echo", "x")), status=0)
    user("supervisor", "stop", status=0)
    for path in (user.home, *user.home.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
    line = assert_refused(user("run", "--", "true"), 5, str(user.home))
    assert "trying again does not help" in line
    assert_refused(user("run", "-w", "--", "true"), 125)
    assert "kept" in user("list", status=0).text
    assert b"x\n" == user("logs", "--raw", "kept", status=0).stdout
    assert 0 == user("wait", "kept").status
    user.home.chmod(0o700)


def test_a_place_that_cannot_be_written(user):
    (user.folder / "closed").mkdir(0o555)
    os.chown(user.folder / "closed", user.uid, -1)
    for home in (user.folder / "closed" / "h", user.folder / "closed" / "deep" / "h"):
        line = assert_refused(user("run", "--", "true", env={"OUTLAST_HOME": str(home)}), 5, str(home))
        assert "OUTLAST_HOME" in line
        assert (0, b"") == user("list", env={"OUTLAST_HOME": str(home)})[:2]


@pytest.mark.skipif(os.getuid() != 0, reason="needs a user that nobody knows")
def test_nobody_knows_where_home_is(user):
    nowhere = {"OUTLAST_HOME": None, "HOME": None}
    assert_refused(user("run", "--", "true", env=nowhere), 5, "OUTLAST_HOME")
    assert_refused(user("list", env=nowhere), 5, "OUTLAST_HOME")


def test_forks_without_end(short_path):
    """With a limit of one's own on processes it stays bounded, and what it is can be ended."""
    user = Ordinary(short_path, 20_000 + os.getpid() % 20_000)  # the limit is counted per user: nobody else may be this one
    program = "import os, time\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        time.sleep(1000)"
    user.wrapper = ["prlimit", "--nproc=50:50"] if os.getuid() == 0 else []
    if not user.wrapper:
        pytest.skip("the limit would be counted over all processes of whoever runs the tests")
    user.run("--", "/usr/bin/env", "python3", "-c", program)
    user.wrapper = []
    eventually(lambda: len(user.processes()) > 45)
    told = user("kill", "1", status=0)
    assert b"processes ended" in told.stdout
    assert "stopped" == user.show(1)["outcome"]
    assert 2 >= len([process for process in user.processes() if "python3" in process.argv[0] and "-c" in process.argv])
    assert 0 == user("exec", "--", "true").status
    user.end()
