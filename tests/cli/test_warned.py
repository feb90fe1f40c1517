"""Warnings as people see them: columns, filters, details, JSON, refusals; as an ordinary user, too."""

import os
import pty
import subprocess
import sys

import pytest

from cli.ordinary import Ordinary
from support import COMMAND, eventually, kill

ECHO = ["--", "sh", "-c", "echo ERROR one; echo ERROR two; exit 0"]


@pytest.fixture
def jobs(outlast):
    """Job 1 was warned of, job 2 was not, job 3 runs and is warned of."""
    outlast.run("--name", "a", "--warn.output", "ERROR", *ECHO)
    outlast.run("--name", "b", "--warn.output", "never", *ECHO)
    outlast.run("--name", "c", "--warn.output", "ERROR", "--warn.interval", "100ms", "--", "sh", "-c", "echo ERROR; exec sleep 1000")
    outlast("wait", "1", "2", status=0)
    eventually(lambda: [1] == [told["count"] for told in outlast.show(3)["warnings"]])
    return outlast


def test_lists_have_a_column_where_there_is_any(jobs):
    assert "WARNINGS" not in jobs("list", "b", status=0).text
    heading, a, b, c = jobs("list", status=0).text.splitlines()
    at = heading.index("WARNINGS") + len("WARNINGS")
    assert ["1", "", "1"] == [line[at - 3 : at].strip() for line in (a, b, c)]
    assert ["ID  WARNINGS", " 1         1"] == jobs("list", "a", "--columns", "id,warnings", status=0).text.splitlines()


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (["list", "--warned"], "1\n3"),
        (["ps", "--warned"], "3"),
        (["history", "--warned"], "1"),
        (["list", "--warned", "--outcome", "succeeded"], "1"),
        (["list", "--warned", "--name", "b"], ""),
        (["list", "--warned", "--last", "a", "b"], "1"),
        (["list", "--no-warned", "a", "b"], "1\n2"),
    ],
)
def test_those_that_were_warned_of_are_found(jobs, words, ids):
    assert ids == jobs(*words, "--ids", status=0).text


def test_json(jobs):
    (told,) = jobs("list", "--warned", "--name", "a", "--json", status=0).json["jobs"]
    (warning,) = told["warnings"]
    assert {"warning", "text", "at", "run", "count", "over_at"} == warning.keys()
    assert ("warn.output: ERROR", 2, 1, None) == tuple(warning[key] for key in ("warning", "count", "run", "over_at"))
    assert warning["at"].endswith("Z")


def test_show_says_how_often(jobs):
    for words in (["show", "a"], ["show", "run", "a"]):
        (line,) = [line for line in jobs(*words, status=0).text.splitlines() if line.startswith("warning")]
        assert "a line of the output matches: ERROR two (2 times), run 1, 20" in line


def test_while_it_runs_the_number_is_the_least(outlast):
    script = "echo ERROR; echo ERROR; touch here; until [ -e go ]; do sleep 0.02; done; echo ERROR; exec sleep 1000"
    job = outlast.run("--warn.output", "ERROR", "--warn.interval", "100ms", "--cwd", outlast.folder, "--", "sh", "-c", script)
    eventually(lambda: [2] == [told["count"] for told in outlast.show(job)["warnings"]])
    (outlast.folder / "go").touch()
    eventually(lambda: '"counts": [3]' in (outlast.home / "watched" / f"{job}.1").read_text())
    assert "ERROR (at least 2 times), run 1" in outlast("show", str(job), status=0).text
    outlast("stop", str(job), status=0)
    assert "ERROR (3 times), run 1" in outlast("show", str(job), status=0).text


def test_why_says_it(jobs):
    assert "It was warned of: a line of the output matches: ERROR two." in jobs("why", "a", status=0).text
    assert "warned" not in jobs("why", "b", status=0).text
    assert "Warned at " in jobs("why", "c", status=0).text


def test_the_state_of_one_that_is_warned_of_has_its_colour(jobs):
    ours, theirs = pty.openpty()
    environ = {**jobs.environ({"TERM": "xterm", "COLUMNS": "120"})}
    subprocess.run([COMMAND, "list"], env=environ, stdout=theirs, stdin=theirs, stderr=theirs, check=True)
    os.close(theirs)
    shown = b""
    while b"c " not in shown.splitlines()[-1] if shown else True:
        shown += os.read(ours, 65536)
    os.close(ours)
    a, b, c = shown.splitlines()[1:4]
    assert (b"\x1b[33m" in a, b"\x1b[32m" in b, b"\x1b[33m" in c) == (True, True, True)


def test_too_slow_says_what_is_usual(outlast):
    for _ in range(3):
        outlast("exec", "--name", "n", "--", "true", status=0)
    job = outlast.run("--name", "n", "--timeout.soft.run", "300%", "--", "sleep", "1")
    outlast("wait", str(job), status=0)
    (warning,) = outlast.show(job)["warnings"]
    assert warning["text"].startswith("timeout.soft.run of ")
    assert " (300% of the usual " in warning["text"]
    assert str(job) == outlast("list", "--warned", "--ids", status=0).text


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--warn.output", "("], "--warn.output: `(` is no regular expression"),
        (["--warn.output", "(a+)+b"], "could take for ever"),
        (["--warn.file", "ERROR"], "--warn.file: `ERROR` lacks its regular expression"),
        (["--warn.free-space", "/srv"], "--warn.free-space: `/srv` is not a size"),
        (["--warn.interval", "5s"], "there is nothing to look at"),
        (["--warn.output", "x", "--warn.interval", "1us"], "--warn.interval"),
    ],
)
def test_wrong_use_leaves_no_record(outlast, words, what):
    told = outlast("run", *words, "--", "true")
    assert (2, b"") == told[:2]
    assert what in told.stderr.decode()
    assert 1 == told.stderr.count(b"\n")
    assert [] == outlast("list", "--json", status=0).json["jobs"]


def test_python(outlast):
    code = """
from outlast import Jobs
jobs = Jobs()
job = jobs.run(["sh", "-c", "echo ERROR"], warn={"output": ["ERROR", "x"], "free_space": "1B", "interval": 1})
jobs.wait(job)
job = jobs.get(job.id)
print(job.warnings[0]["count"], len(jobs.list(warned=True)), sorted(n for n in job.spec if n.startswith("warn")))
"""
    done = subprocess.run([sys.executable, "-c", code], env=outlast.environ(), capture_output=True, text=True, check=False)
    assert ("1 1 ['warn.free-space', 'warn.interval', 'warn.output']\n", "") == (done.stdout, done.stderr)


@pytest.fixture
def user(short_path):
    command = Ordinary(short_path)
    yield command
    command.end()


def test_as_an_ordinary_user(user):
    secret, log = user.folder / "secret", user.folder / "app.log"
    secret.write_text("ERROR\n")
    secret.chmod(0)
    log.touch()
    os.chown(log, user.uid, -1)
    words = ["--warn.output", "ERROR", "--warn.file", f"{secret}=ERROR", "--warn.file", f"{log}=ERROR", "--warn.free-space", "/=7EiB"]
    job = user.run(*words, "--warn.interval", "100ms", "--", "sh", "-c", f"echo ERROR; echo ERROR >> {log}; exec sleep 1000")
    eventually(lambda: 3 == len(user.show(job)["warnings"]))
    assert 0o700 == (user.home / "watched").stat().st_mode & 0o777
    (kept,) = (user.home / "watched").iterdir()
    assert 0o600 == kept.stat().st_mode & 0o777
    first = user.supervisor_pid()
    kill(first, user.home)
    eventually(lambda: user.supervisor_pid() not in {None, first})
    user("stop", str(job), status=0)
    assert [1, 1, 1] == [told["count"] for told in user.show(job)["warnings"]]
    notes = [event["data"]["text"] for event in user("events", str(job), "--json").json["events"] if event["event"] == "noted"]
    assert f"--warn.file: {secret} cannot be looked at: Permission denied" in notes
