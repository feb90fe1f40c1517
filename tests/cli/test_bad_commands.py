"""Commands that cannot start, that misbehave, that flood: told as it is, and nobody else suffers."""

import os
import re
import sys

import pytest

from cli.outside import assert_refused, count, sh
from support import eventually

UGLY = b"\xff\xfe caf\xe9 \xf0\x9f\x90\x8d \x80"
LOCALES = [{}, {"LC_ALL": "C", "PYTHONUTF8": "0"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LANG": None}]


def ended(outlast, job):
    outlast("wait", str(job))
    return outlast.show(job)


def is_well(outlast):
    """The next job runs as if nothing had been."""
    assert (0, b"well\n", b"") == tuple(outlast("exec", "--", "echo", "well"))


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [("no-such-command", 127, "No such file"), ("./plain", 126, "Permission denied"), ("./folder", 126, "Permission denied"),
     ("./broken", 127, "No such file")],
)  # fmt: skip
def test_that_cannot_start(outlast, command, code, said):
    (outlast.folder / "plain").write_text("x")
    (outlast.folder / "folder").mkdir()
    (outlast.folder / "broken").write_text("#!/no/such/interpreter\n")
    (outlast.folder / "broken").chmod(0o755)
    job = ended(outlast, outlast.run("--", command))
    assert ("not_started", code, None) == (job["outcome"], job["exit_code"], job["signal"])
    assert said in job["reason"]
    assert command in job["reason"]
    assert b"" == outlast("logs", "--raw", "1").stdout


def test_a_script_without_a_first_line(outlast):
    """It is one for the shell, as for `nohup` and `env` (execvp(3))."""
    (outlast.folder / "script").write_text("echo as ever; exit 3\n")
    (outlast.folder / "script").chmod(0o755)
    assert (3, b"as ever\n", b"") == tuple(outlast("exec", "--", "./script"))


def test_where_the_directory_is_gone(outlast):
    said = sh("mkdir d; cd d; rmdir ../d; outlast run -- true", outlast)
    assert 5 == said.status
    assert re.fullmatch(rb"outlast: the current directory is gone: [^\n]+\n", said.stderr)
    assert not outlast.home.exists()
    assert 0 == sh("mkdir d; cd d; rmdir ../d; outlast run --cwd / -- true", outlast).status
    assert 0 == sh("mkdir d; cd d; rmdir ../d; outlast list", outlast).status


def test_whose_directory_goes_before_it_starts(outlast):
    outlast("group", "set", "g", "--slots", "1")
    outlast.run("-g", "g", "--", "sleep", "1000")
    (outlast.folder / "d").mkdir()
    outlast.run("-g", "g", "--cwd", "d", "--", "true")
    (outlast.folder / "d").rmdir()
    outlast("stop", "1", status=0)
    job = ended(outlast, 2)
    assert "not_started" == job["outcome"]
    assert f"{outlast.folder}/d" in job["reason"]


def test_whose_input_is_not_there(outlast):
    told = outlast("run", "--stdin", "no-such-file", "--", "cat")
    if told.status == 0:
        job = ended(outlast, 1)
        assert "not_started" == job["outcome"]
        assert "standard input" in job["reason"]
    else:
        assert_refused(told, 2, "no-such-file")


@pytest.mark.parametrize("env", LOCALES, ids=["utf-8", "c", "ascii"])
def test_bytes_that_are_no_text(outlast, env):
    """In arguments and environment they reach the command as they are; every reader shows them without harm."""
    job = int(outlast(b"run", b"--name", UGLY, b"-e", b"SET=" + UGLY, b"--", b"sh", b"-c", b'printf "%s\\n" "$1" "$SET" "$OUTLAST_NAME"',
                      b"x", UGLY, env=env, status=0).stdout)  # fmt: skip
    outlast("wait", str(job), env=env, status=0)
    assert (UGLY + b"\n") * 3 == outlast("logs", "--raw", str(job), env=env, status=0).stdout
    ways = "list|list --json|show 1|show 1 --json|events 1|history|why 1|logs --header 1|list --columns id,command"
    for words in ways.split("|"):
        told = outlast(*words.split(), env=env)
        assert (0, b"") == (told.status, told.stderr), (words, told)
    told = outlast.show(job)
    assert UGLY == os.fsencode(told["name"])
    assert UGLY == os.fsencode(told["command"][-1])
    again = int(outlast("rerun", "1", env=env, status=0).stdout)
    outlast("wait", str(again), env=env, status=0)
    assert (UGLY + b"\n") * 3 == outlast("logs", "--raw", str(again), env=env, status=0).stdout


def test_an_environment_that_is_no_text(outlast):
    said = sh(r"""X=$'\xff\xfe' outlast run -- sh -c 'printf %s "$X"'; outlast wait 1; outlast logs --raw 1""", outlast)
    assert (0, b"1\n\xff\xfe") == said[:2]


def test_found_by_a_name_that_is_no_text(outlast):
    outlast(b"run", b"--name", UGLY, b"--", b"true", status=0)
    assert b"1\n" == outlast(b"show", b"--ids", UGLY, status=0).stdout
    assert b"1\n" == outlast(b"list", b"--ids", b"--name", b"*" + UGLY[-2:], status=0).stdout


def test_the_longest_argument(outlast):
    """One argument may have 131071 bytes (MAX_ARG_STRLEN): the kernel takes no longer one, so the shell cannot even start us."""
    job = ended(outlast, outlast.run("--", "sh", "-c", "echo ${#1}", "x", "y" * 131071))
    assert "succeeded" == job["outcome"]
    assert b"131071\n" == outlast("logs", "--raw", "1").stdout
    assert len(outlast("list", status=0).stdout) < 140_000
    outlast("run", "-q", "--from", "-", input=b"echo 'a' " + b"y" * 131072, status=0)
    job = ended(outlast, 2)
    assert ("not_started", 126) == (job["outcome"], job["exit_code"])
    assert "Argument list too long" in job["reason"]
    is_well(outlast)


def test_two_megabytes_of_arguments(outlast):
    words = ["y" * 15_000] * 130
    job = ended(outlast, outlast.run("--", "sh", "-c", "echo $#", "x", *words))
    if job["outcome"] != "succeeded":  # the shim's own words came on top
        assert "not_started" == job["outcome"]
        assert "Argument list too long" in job["reason"]
    outlast("run", "-q", "--from", "-", input=b"echo " + b"y" * 3_000_000, status=0)
    assert "not_started" == ended(outlast, 2)["outcome"]
    is_well(outlast)


def test_too_large_an_environment(outlast):
    told = outlast("run", *[word for i in range(40) for word in ("-e", f"V{i}={'y' * 40_000}")], "--", "true")
    assert told.status == 0
    job = ended(outlast, 1)
    assert job["outcome"] in {"succeeded", "not_started"}
    is_well(outlast)


def test_output_without_a_newline(outlast):
    outlast.run("--", "sh", "-c", "head -c 3000000 /dev/zero")
    outlast("wait", "1", status=0)
    assert b"\0" * 3_000_000 == outlast("logs", "--raw", "1", status=0).stdout
    assert 0 == outlast("logs", "-n", "1", "1").status


def test_output_without_end(outlast):
    outlast.run("--log.file.max-bytes", "64KiB", "--log.run.max-files", "2", "--", "yes")
    eventually(lambda: outlast("logs", "-n", "1", "--raw", "1").stdout == b"y\n")
    outlast("stop", "1", status=0)
    job = outlast.show(1)
    assert "stopped" == job["outcome"]
    assert 1_000_000 > sum(path.stat().st_size for path in (outlast.home / "runs").rglob("1.1*"))
    told = outlast("logs", "--raw", "1", status=0)
    assert job["runs"][0]["stdout"] >= len(told.stdout)
    assert set(told.stdout.split(b"\n")) <= {b"y", b""}
    is_well(outlast)


def test_a_hundred_megabytes(outlast):
    line = f"{sys.executable} -c \"import sys; b = b'x' * 79 + b'\\n'; [sys.stdout.buffer.write(b * 12500) for _ in range(100)]\"; exit 9"
    outlast.run("--log.file.max-bytes", "1MiB", "--", "sh", "-c", line)
    job = ended(outlast, 1)
    assert 9 == job["exit_code"]
    (run,) = job["runs"]
    assert 100_000_000 == run["stdout"]
    told = outlast("logs", "--raw", "1", status=0)
    assert re.fullmatch(rb"\[outlast: [\d.]+ MiB missing: [^\n]+\]\n", told.stderr)
    assert 100_000_000 == len(told.stdout) + run["missing"]
    is_well(outlast)


def test_that_closes_its_streams(outlast):
    job = ended(outlast, outlast.run("--", "sh", "-c", "echo before; exec <&- >&- 2>&-; sleep 0.1; exit 5"))
    assert (5, "failed") == (job["exit_code"], job["outcome"])
    assert b"before\n" == outlast("logs", "--raw", "1").stdout
    assert 5 == outlast("exec", "--", "sh", "-c", "exec <&- >&- 2>&-; sleep 0.1; exit 5").status


def test_that_leaves_processes_behind(outlast):
    line = "setsid sh -c 'echo child; exec sleep 1000' & sleep 0.1; exit 0"
    job = ended(outlast, outlast.run("--leftovers.grace", "100ms", "--", "sh", "-c", line))
    assert ("succeeded", 1) == (job["outcome"], job["runs"][0]["leftovers"])
    assert ["sleep"] == [process.argv[0] for process in outlast.processes() if process.argv[0] == "sleep"]
    job = ended(outlast, outlast.run("--leftovers.grace", "100ms", "--leftovers", "stop", "--", "sh", "-c", line.replace("1000", "1001")))
    assert "succeeded" == job["outcome"]
    eventually(lambda: [] == [process for process in outlast.processes() if "1001" in process.argv])


def test_that_makes_itself_a_daemon(outlast):
    """Twice forked, in a session of its own, its streams closed: `stop` finds it by its mark."""
    line = "( setsid sh -c 'exec <&- >&- 2>&-; (sleep 1000 &) ; exec sleep 1000' & ) ; echo up; exec sleep 1000"
    outlast.run("--", "sh", "-c", line)
    eventually(lambda: 3 == len([process for process in outlast.processes() if process.argv[:2] == ("sleep", "1000")]))
    told = outlast("stop", "1", status=0)
    assert b"3 processes ended" in told.stdout
    assert [] == [process for process in outlast.processes() if process.argv[0] == "sleep"]


def test_that_changes_its_process_group(outlast):
    outlast.run("--", "bash", "-c", "set -m; sleep 1000 & sleep 1000 & echo up; wait")
    eventually(lambda: 2 == len([process for process in outlast.processes() if process.argv[0] == "sleep"]))
    outlast("stop", "1", status=0)
    assert [] == [process for process in outlast.processes() if process.argv[0] in {"sleep", "bash"}]


def test_that_stops_itself(outlast):
    outlast.run("--", "sh", "-c", "echo up; kill -STOP $$; echo on; exit 3")
    eventually(lambda: b"up\n" == outlast("logs", "--raw", "1").stdout)
    assert "running" == outlast.show(1)["status"]
    outlast("signal", "CONT", "1", status=0)
    assert 3 == ended(outlast, 1)["exit_code"]
    outlast.run("--", "sh", "-c", "echo up; kill -STOP $$; echo on; exit 3")
    eventually(lambda: b"up\n" == outlast("logs", "--raw", "2").stdout)
    outlast("stop", "2", "--grace", "200ms", status=0)
    assert "stopped" == outlast.show(2)["outcome"]


def test_that_kills_its_shim(outlast):
    """What happened is found out, or called lost; it is never made up, and nothing is left."""
    os.mkfifo(outlast.folder / "go")
    outlast.run("--", "sh", "-c", "echo before; read x < go; kill -9 $PPID; sleep 0.2; exit 3")
    eventually(lambda: b"before\n" == outlast("logs", "--raw", "1").stdout)  # what the shim has not read yet dies with it
    (outlast.folder / "go").write_text("x\n")
    job = ended(outlast, 1)
    assert (job["outcome"], job["exit_code"]) in {("lost", None), ("failed", 3)}
    assert job["reason"]
    assert b"before\n" == outlast("logs", "--raw", "1", status=0).stdout
    is_well(outlast)
    assert 0 == outlast("doctor").status


def test_that_kills_its_shim_in_front(outlast):
    told = outlast("exec", "--", "sh", "-c", "kill -9 $PPID; sleep 0.2; exit 3")
    assert told.status in {3, 125}
    assert b"Traceback" not in told.stderr


def test_that_kills_the_supervisor(outlast):
    outlast.run("--", "sh", "-c", f"kill -9 $(head -c 20 {outlast.home}/supervisor.lock | cut -d' ' -f1); sleep 0.1; exit 3")
    assert 3 == ended(outlast, 1)["exit_code"]
    is_well(outlast)


def test_that_floods_the_records(outlast):
    """Ten thousand characters of a name, a description and a parameter are kept, and shown in a table that stays one."""
    outlast.run("--name", "n" * 10_000, "--description", "d" * 10_000, "--param", f"p={'v' * 10_000}", "--", "true")
    assert 10_000 == len(ended(outlast, 1)["name"])
    assert 80 >= max(len(line) for line in outlast("list", env={"COLUMNS": "80"}).stdout.decode().splitlines())
    assert 1 == count(outlast)
