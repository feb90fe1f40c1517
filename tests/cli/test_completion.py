"""Completion scripts: written from the tables, and tried in a real bash."""

import os
import shutil
import subprocess

import pytest

from outlast.cli.completion import SHELLS, job_words, script
from outlast.core.job import Job
from outlast.core.verbs import ALIASES, COMMON, VERBS

ANSWERS = """#!/bin/sh
case $2 in
    jobs) printf '42\\tbackup (running)\\n43\\tsync (failed)\\nbackup\\tjob 42\\n' ;;
    active) printf '42\\tbackup\\n' ;;
    groups) printf 'nightly\\n' ;;
esac
"""


@pytest.fixture(scope="module")
def bash(tmp_path_factory):
    """Completes a line of words, the last one half written, in a bash whose `outlast __complete` answers with three words."""
    folder = tmp_path_factory.mktemp("completion")
    (folder / "outlast").write_text(ANSWERS)
    (folder / "outlast").chmod(0o755)
    (folder / "script").write_text(script("bash"))
    tail = 'COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); COMPREPLY=(); _outlast; ((${#COMPREPLY[@]} == 0)) || printf "%s\\n" "${COMPREPLY[@]}"'

    def complete(*words):
        line = f". {folder}/script; {tail}"
        environ = {"PATH": f"{folder}:{os.environ['PATH']}"}
        argv = ["bash", "-c", line, "bash", "outlast", *words]
        done = subprocess.run(argv, capture_output=True, text=True, env=environ, cwd=folder, check=False)
        assert "" == done.stderr
        return set(done.stdout.split())

    return complete


needs_bash = pytest.mark.skipif(not shutil.which("bash"), reason="no bash")


@needs_bash
@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["st"], {"stats", "stop"}),
        (["run", "--ov"], {"--overlap"}),
        (["run", "--overlap", ""], {"skip", "queue", "replace", "allow", "join"}),
        (["run", "--overlap", "q"], {"queue"}),
        (["run", "--overlap", "=", "s"], {"skip"}),
        (["run", "--name", "x", "--uni"], {"--unique"}),
        (["run", "-g", ""], {"nightly"}),
        (["run", "--stop-signal", "HU"], {"HUP"}),
        (["run", "--cwd", "x"], set()),
        (["run", "--from", "sc"], {"script"}),
        (["logs", ""], {"42", "43", "backup"}),
        (["logs", "-f", "4"], {"42", "43"}),
        (["logs", "--no-pre"], {"--no-prefix-timestamp"}),
        (["stop", ""], {"job", "run", "42"}),
        (["stop", "run", ""], {"42"}),
        (["group", ""], {"list", "set", "show", "remove", "pause", "resume", "drain"}),
        (["group", "set", ""], {"nightly"}),
        (["supervisor", "sta"], {"status", "start"}),
        (["service", ""], {"status", "install", "remove"}),
        (["service", "install", "--kind", ""], {"systemd", "crontab", "launchd"}),
        (["completion", ""], {"bash", "zsh", "fish"}),
        (["--home", "/x", "li"], {"list", "list-disabled", "listen"}),
        (["--ver"], {"--verbose", "--version"}),
        (["help", "rer"], {"rerun"}),
        (["tail", "ba"], {"backup"}),
    ],
)
def test_bash(bash, words, found):
    assert found == bash(*words)


@needs_bash
@pytest.mark.parametrize("words", [["run", "-w", "tru"], ["--", "tru"], ["exec", "--name", "x", "--", "tru"]])
def test_bash_completes_the_command(bash, words):
    assert "true" in bash(*words)


@pytest.mark.parametrize("shell", SHELLS)
def test_every_word_is_in_the_script(shell):
    text = script(shell)
    for verb in VERBS:
        assert verb.hidden or verb.name in text
        for option in (*verb.options, *COMMON):
            assert (f"-l {option.name}" if shell == "fish" else f"--{option.name}") in text
    assert all(alias in text for alias in ALIASES)
    assert "@" not in text.replace('"$@"', "")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_can_read_it(shell, tmp_path):
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell}")
    path = tmp_path / "script"
    path.write_text(script(shell))
    done = subprocess.run([program, "-n", path], capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)


def test_job_words_are_one_per_line():
    def job(number, name):
        return Job(id=number, name=name, command=["x"], cwd="/", created_at=0, status="running")

    assert (
        "1\tbackup (running)\nbackup\tjob 1 (running)\n2\tbackup (running)\n3\ta\\nb c (running)\n"
        == job_words([job(1, "backup"), job(2, "backup"), job(3, "a\nb c")])
    )  # fmt: skip
