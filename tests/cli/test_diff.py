"""`outlast diff`: what changed since it last worked, on real files, repositories and limits."""

import json
import os
import resource
import sqlite3
import subprocess
from contextlib import closing

import pytest

from cli.ordinary import Ordinary
from cli.outside import assert_refused
from outlast import Jobs, NotFound

GIT = {
    "GIT_AUTHOR_NAME": "n",
    "GIT_AUTHOR_EMAIL": "e",
    "GIT_COMMITTER_NAME": "n",
    "GIT_COMMITTER_EMAIL": "e",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}


def done(outlast, *words, status=None, **how):
    """Run a job to its end and return its id."""
    job = outlast.run(*words, **how)
    told = outlast("wait", str(job))
    assert status is None or status == told.status
    return job


def told(outlast, *words, **how):
    """Return the sentences about what differs."""
    finished = outlast("diff", *words, "--json", **how)
    assert bool(finished.json["differences"]) == finished.status
    assert finished.json["same"] is not bool(finished.status)
    return [difference["text"] for difference in finished.json["differences"]]


def git(folder, *words):
    done = subprocess.run(["git", *words], cwd=folder, env={**os.environ, **GIT}, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def facts(outlast):
    """Return the fingerprints that are kept."""
    with closing(sqlite3.connect(outlast.home / "outlast.db")) as database:
        return [json.loads(row) for (row,) in database.execute("SELECT facts FROM fingerprints ORDER BY created_at")]


@pytest.fixture
def script(outlast):
    path = outlast.folder / "job.sh"
    path.write_text("exit 0\n")
    return path


def test_nothing_differs(outlast, script):
    for _ in range(2):
        done(outlast, "--name", "j", "--", "sh", "job.sh")
    finished = outlast("diff", "j", status=0)
    assert "run 1 of job 2 (succeeded" in finished.text
    assert "against run 1 of job 1 (succeeded" in finished.text
    assert "\n  nothing that outlast knows of differs\nit took " in finished.text
    assert [] == told(outlast, "2", "1")
    assert 1 == len(facts(outlast))  # both share one


def test_a_script_that_changed_while_its_size_and_second_did_not(outlast, script):
    done(outlast, "--name", "j", "--", "sh", "./job.sh", status=0)
    script.write_text("exit 3\n")
    done(outlast, "--name", "j", "--", "sh", "./job.sh", status=1)
    (text,) = told(outlast, "j")
    assert text.startswith(f"script {outlast.folder}/./job.sh has another content: written ")
    os.utime(script)
    script.write_text("exit 0\n")
    done(outlast, "--name", "j", "--", "sh", "./job.sh")
    assert [] == told(outlast, "3", "1")


def test_a_program_of_a_line_for_the_shell_and_command_directory_options(outlast):
    tool = outlast.folder / "tool"
    tool.write_text("#!/bin/sh\nexit 0\n")
    tool.chmod(0o755)
    (outlast.folder / "sub").mkdir()
    done(outlast, "--name", "j", "--", "./tool --level 1 | cat")
    tool.write_text("#!/bin/sh\necho\nexit 0\n")
    done(outlast, "--name", "j", "--timeout", "1h", "-C", "sub", "--", "../tool --level 2 | cat")
    texts = told(outlast, "j")
    assert [
        "the command: `./tool` became `../tool`; `--level 1` became `--level 2`",
        f"directory: {outlast.folder} became {outlast.folder}/sub",
    ] == texts[:2]
    assert texts[2].startswith(f"program {outlast.folder}/./tool became {outlast.folder}/sub/../tool, and has another content: written ")
    assert ["timeout.run: 1h is new"] == texts[3:]


def test_the_environment_by_name_and_no_value_anywhere(outlast):
    done(outlast, "--name", "j", "--", "true", env={"MODE": "planted-one", "GONE": "planted-two", "SSH_TTY": "/dev/planted-three"})
    done(outlast, "--name", "j", "--", "true", env={"MODE": "planted-four", "FRESH": "planted-five"})
    finished = outlast("diff", "j", status=1)
    for text in ("MODE has another value", "GONE is gone", "FRESH is new", "not counted: SSH_TTY"):
        assert text in finished.text
    assert b"planted" not in finished.stdout + outlast("diff", "j", "--json").stdout
    (outlast.home / "outlast.db").stat()
    assert "planted" not in json.dumps(facts(outlast))


def test_limits_of_who_submits(outlast):
    done(outlast, "--name", "j", "--", "true")
    job = outlast.start(
        "run", "--name", "j", "--", "true", preexec_fn=lambda: (os.umask(0o077), resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
    )
    assert (b"2\n", b"") == job.communicate()
    outlast("wait", "2", status=0)
    texts = told(outlast, "j")
    assert "umask: 022 became 077" in texts
    assert any(text.startswith("RLIMIT_CORE: ") and text.endswith(" became 0 of at most 0") for text in texts) or resource.getrlimit(
        resource.RLIMIT_CORE
    ) == (0, 0)


def test_git(outlast):
    top = outlast.folder / "repo"
    (top / "deep").mkdir(parents=True)
    git(top, "init", "-q", "-b", "main")
    run = ("--name", "j", "-C", "repo/deep", "--", "true")
    done(outlast, *run)
    revisions = []
    for word in ("one", "two"):
        (top / "file").write_text(word)
        git(top, "add", "-A")
        git(top, "commit", "-qm", word)
        revisions.append(git(top, "rev-parse", "HEAD"))
        done(outlast, *run)
    assert [f"git revision of {top}: {revisions[0][:12]} (main) became {revisions[1][:12]} (main)"] == told(outlast, "3")
    assert [f"git revision of {top}: no commit (main) became {revisions[0][:12]} (main)"] == told(outlast, "2", "1")
    git(top, "pack-refs", "--all")
    done(outlast, *run)
    assert [] == told(outlast, "4", "3")
    git(top, "checkout", "-q", "--detach", "HEAD~1")
    done(outlast, *run)
    assert [f"git revision of {top}: {revisions[1][:12]} (main) became {revisions[0][:12]}"] == told(outlast, "5")
    git(top, "worktree", "add", "-q", "-b", "other", "../tree", revisions[1])
    done(outlast, "--name", "j", "-C", "tree", "--", "true")
    assert {"top": str(outlast.folder / "tree"), "revision": revisions[1], "branch": "other"} == facts(outlast)[-1]["git"]


def test_which_one_is_good(outlast, script):
    assert_refused(outlast("diff", "1"), 3)
    done(outlast, "--name", "j", "--", "sh", "-c", "exit 1")
    finished = outlast("diff", "j")
    assert_refused(finished, 3)
    assert b"no job named `j` has succeeded before job 1" in finished.stderr
    done(outlast, "--name", "j", "--", "true")
    done(outlast, "--name", "other", "--", "true")
    done(outlast, "--name", "j", "--", "sh", "-c", "exit 1")
    assert 2 == outlast("diff", "j", "--json").json["before"]["job"]
    assert 2 == outlast("diff", "j", "good", "--json").json["before"]["job"]
    assert 3 == outlast("diff", "j", "other", "--json").json["before"]["job"]
    assert_refused(outlast("diff", "1"), 3)  # what succeeded came later
    done(outlast, "--key", "k", "--", "true")
    done(outlast, "--key", "k", "--", "false")
    assert {"job": 5, "run": 1} == {name: outlast("diff", "6", "--json").json["before"][name] for name in ("job", "run")}


def test_runs_of_one_job(outlast):
    job = done(outlast, "--retries.num-runs", "3", "--retries.num-successes", "none", "--", "sh", "-c", "test $OUTLAST_RUN != 2")
    assert [] == told(outlast, "1.2", "1.1")
    assert {"job": job, "run": 1, "outcome": "succeeded"}.items() <= outlast("diff", "1.2", "--json").json["before"].items()
    assert 1 == outlast("diff", str(job), "--json").json["before"]["run"]
    assert_refused(outlast("diff", "1.4"), 3)
    assert_refused(outlast("diff", "1", "9"), 3)
    assert_refused(outlast("diff"), 2)


def test_of_a_job_that_waits_and_of_one_that_runs(outlast):
    done(outlast, "--name", "j", "--", "true")
    outlast.run("--name", "j", "--hold", "--", "true")
    outlast.run("--name", "j", "--", "sleep", "1000")
    outlast("wait", "3", "--status", "running", status=0)
    finished = outlast("diff", "2", status=0)
    assert "job 2 (queued)" in finished.text
    assert "note: job 2 has no run yet" in finished.text
    assert "it has taken" in outlast("diff", "3", status=1).text
    assert ["the command: `true` became `sleep 1000`"] == told(outlast, "3")[:1]


def test_an_environment_of_which_only_names_are_left(outlast):
    done(outlast, "--name", "j", "--", "true", env={"A": "1"})
    done(outlast, "--name", "j", "--", "true", env={"A": "2"})
    outlast("supervisor", "stop", status=0)
    from outlast.core.masking import masked

    with closing(sqlite3.connect(outlast.home / "outlast.db")) as database, database:
        (key,) = database.execute("SELECT value FROM meta WHERE name = 'mask_key'").fetchone()
        digest, variables, around = database.execute(
            "SELECT e.hash, e.variables, e.surroundings FROM environments AS e JOIN jobs ON jobs.environment = e.hash WHERE jobs.id = 1"
        ).fetchone()
        names = json.dumps(masked(variables, bytes.fromhex(key)))
        database.execute("INSERT INTO masked_environments VALUES (?, ?, ?, 0)", (digest, names, around))
        database.execute("DELETE FROM environments WHERE hash = ?", (digest,))
    assert ["environment: A has another value"] == told(outlast, "2")
    with closing(sqlite3.connect(outlast.home / "outlast.db")) as database, database:
        database.execute("DELETE FROM masked_environments")
    assert ["the environment of job 1 is no longer known"] == outlast("diff", "2", "--json", status=0).json["notes"]


def test_from_python(outlast, script):
    done(outlast, "--name", "j", "--", "sh", "job.sh")
    script.write_text("exit 4\n")
    done(outlast, "--name", "j", "--", "sh", "job.sh")
    with Jobs(str(outlast.home)) as jobs:
        changes = jobs.diff("j")
        assert (False, ["script"], 1, 2) == (
            changes.same, [difference.what for difference in changes.differences], changes.before.job.id, changes.now.job.id
        )  # fmt: skip
        assert jobs.diff(1, 1).same
        with pytest.raises(NotFound):
            jobs.diff(1)


def test_an_ordinary_user(short_path):
    user = Ordinary(short_path)
    try:
        (short_path / "job.sh").write_text("exit 0\n")
        done(user, "--name", "j", "--", "sh", "job.sh")
        (short_path / "job.sh").chmod(0o000)
        os.chown(short_path / "job.sh", 0, 0) if os.getuid() == 0 else None
        done(user, "--name", "j", "--", "sh", "job.sh")
        told = user("diff", "j")
        assert b"may not be read: its size and time are compared" in told.stdout
    finally:
        user.end()


def test_the_file_of_stdin(outlast):
    (outlast.folder / "data.txt").write_text("one")
    done(outlast, "--name", "j", "--stdin", "data.txt", "--", "cat")
    (outlast.folder / "data.txt").write_text("two")
    done(outlast, "--name", "j", "--stdin", "data.txt", "--", "cat")
    (text,) = told(outlast, "j")
    assert text.startswith(f"stdin {outlast.folder}/data.txt has another content: written ")


def test_show_run_says_what_it_ran_with(outlast, script):
    job = done(outlast, "--", "sh", "job.sh")
    shown = outlast("show", "run", str(job), status=0).text
    assert {("script", str(script)), ("kernel", os.uname().release)} <= {tuple(line.split(None, 1)) for line in shown.splitlines()}
    ran_with = outlast("show", "run", str(job), "--json", status=0).json["ran_with"]
    assert str(script) == ran_with["script"]["path"]
    assert ran_with["script"]["mtime"].endswith("Z")
    held = outlast.run("--hold", "--", "true")
    assert_refused(outlast("show", "run", str(held)), 3)
