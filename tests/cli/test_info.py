"""`outlast help`, `version`, `completion`: the installed ones, which need no home and no terminal."""

import json
import re
import subprocess
import sys

import pytest

import outlast as package
from cli.outside import assert_refused, on_terminal
from outlast.core.verbs import ALIASES, VERBS


def test_version(outlast):
    text = outlast("version", status=0).text
    assert text.startswith(f"outlast {package.__version__} (Python {sys.version.split()[0]}, SQLite 3.")
    assert [text, text] == [outlast(word, status=0).text for word in ("--version", "-V")]
    told = json.loads(outlast("version", "--json", status=0).stdout)
    assert (1, package.__version__) == (told["schema"], told["version"])
    assert not outlast.home.exists()


@pytest.mark.parametrize("verb", [*(verb.name for verb in VERBS if not verb.hidden), *ALIASES])
def test_every_help(outlast, verb):
    told = outlast("help", verb, status=0)
    assert b"" == told.stderr
    assert f"outlast {ALIASES.get(verb, (verb,))[0]}" in told.text
    assert re.search(r"^Exit status:$", told.text, re.MULTILINE)
    assert told.text == outlast(verb, "--help", status=0).text


def test_the_overview(outlast):
    text = outlast("help", status=0).text
    assert text == outlast("--help", status=0).text == outlast("-h", status=0).text
    assert all(re.search(rf"^  {verb.name}\b", text, re.MULTILINE) for verb in VERBS if not verb.hidden)
    status, seen = on_terminal(outlast, "help")
    assert (0, text) == (status, seen.decode().replace("\r\n", "\n").removesuffix("\n"))
    assert_refused(outlast("help", "nonsense"), 2, "nonsense")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(outlast, shell):
    assert "outlast" in outlast("completion", shell, status=0).text
    assert_refused(outlast("completion", "tcsh"), 2, "bash")
    assert_refused(outlast("completion"), 2, "SHELL")


def test_bash_completes_with_the_installed_command(past):
    words = 'COMP_WORDS=(outlast show ""); COMP_CWORD=2; COMPREPLY=(); _outlast; printf "%s\\n" "${COMPREPLY[@]}"'
    line = f'eval "$(outlast completion bash)"; {words}'
    told = subprocess.run(["bash", "-c", line], env=past.environ(), capture_output=True, check=True)
    assert b"" == told.stderr
    assert {"1", "7"} <= set(told.stdout.decode().split())


def test_words_for_completion(past):
    assert re.search(r"^1\tone \(succeeded\)$", past("__complete", "jobs", status=0).text, re.MULTILINE)
    assert "" == past("__complete", "active", status=0).text


def test_an_unknown_verb(outlast):
    assert_refused(outlast("lst"), 2, "outlast list")
    assert_refused(outlast("make", "all"), 2, "outlast run -- make")
    assert_refused(outlast("--jsn"), 2, "--json")
    assert not outlast.home.exists()


def test_no_word_is_ever_a_traceback(outlast):
    """Odd words at every place: an error is one line."""
    odd = ["", " ", "-", "--", "---", "-=", "--=", "=", "\n", "\x1b[31m", "é" * 300, "-n", "--limit=",
           "1-", "-1", "1,", "name:", "name://", "0", "9" * 40]  # fmt: skip
    for verb in ("list", "show", "logs", "wait", "stop", "events", "group", "help"):
        for word in odd[:: 4 if verb != "show" else 1]:
            told = outlast(verb, word)
            assert told.status in {0, 2, 3, 4}, (verb, word, told)
            assert b"Traceback" not in told.stderr
            assert b"a bug of ours" not in told.stderr
            assert 1 >= told.stderr.count(b"\n"), (verb, word, told)
