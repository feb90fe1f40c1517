"""Every option's example in the reference is a line that works, and so is every example of every verb."""

import shlex
from pathlib import Path

import pytest

from cli.outside import sh
from outlast.core.options import OPTIONS, Option
from outlast.core.verbs import VERBS, Verb
from support import Outlast

HARMLESS = ["--", "true"]
VERB_OPTIONS = [(verb, option) for verb in VERBS if verb.name != "run" and not verb.hidden for option in verb.options]


@pytest.fixture
def prepared(outlast: Outlast) -> Outlast:
    """A home in which the things that examples name are there: files, job 1, which runs, and job 7, which is a reserved id."""
    (outlast.folder / "commands.txt").write_text("true\necho two\n")
    (outlast.folder / "data.txt").write_text("data\n")
    outlast.run("--name", "first", "--", "sleep", "1000")
    for job in range(2, 7):
        assert job == outlast.run("--", "true")
    assert "7" == outlast("reserve", "--name", "import", status=0).text
    return outlast


def words_of(option: Option) -> list[str]:
    """Return the example's words, made harmless: directories and commands of other people's machines are replaced."""
    words = shlex.split(option.example.replace("/srv", "."))
    if "--" in words:
        return words
    return words if option.name in {"from", "jobs"} else [*words, *HARMLESS]


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_an_option_of_run(prepared: Outlast, option: Option) -> None:
    words = words_of(option)
    if "--" in words and words[-1] != "true":
        at = words.index("--")
        words = [*words[:at], "--shell", "--", "true"] if "--shell" in words else [*words[:at], "--", "true"]
    done = prepared("run", *words)
    assert done.status == 0, (words, done)
    assert done.stdout or "--wait" in words


def operands(verb: Verb, job: int) -> list[str]:
    """Return words that make a whole call of the verb with one of its options."""
    return {
        "show": [str(job)], "why": [str(job)], "wait": [str(job)], "stop": [str(job)], "interrupt": [str(job)], "kill": [str(job)],
        "signal": ["CONT"], "rerun": [str(job)], "logs": [str(job)], "group": ["set", "g"], "completion": ["bash"], "events": [],
        "service": ["remove"], "diff": [str(job), str(job)], "bundle": [str(job)], "listen": ["--after", "0", "-n", "1"],
        "pause": ["1"], "resume": ["1"], "hold": ["7"], "release": [], "approve": ["approved"], "disable": ["back.*"],
    }.get(verb.name, [])  # fmt: skip


@pytest.mark.parametrize(("verb", "option"), VERB_OPTIONS, ids=lambda item: item.name)
def test_an_option_of_another_verb(prepared: Outlast, verb: Verb, option: Option) -> None:
    job = prepared.run("--", "sh", "-c", "echo error; echo warning >&2")
    prepared("wait", str(job))
    prepared.run("--name", "approved", "--approval", "--", "true")
    prepared.run("--pending", "deploy-7", "--", "true")
    example = shlex.split(option.example)
    before = operands(verb, job)
    if option.name == "fail-if-not-run":
        before, example = [str(job)], ["--wait", "--fail-if-not-run"]
    if verb.name == "send":
        before = [str(prepared.run("--stdin", "live", "--", "cat"))]
    if "--" in example:
        example = example[: example.index("--")]
    if verb.name in {"stop", "interrupt", "kill", "pause", "resume", "hold", "approve"} and option.name == "all":
        before = []
    if option.name == "follow" and verb.name != "logs":  # which goes on until nobody reads it
        prepared("group", "set", "g", "--slots", "2", status=0)
        prepared("disable", "nobody", status=0)
        words = [verb.name, *(["list"] if verb.name == "group" else []), *example]
        done = sh(f"outlast {shlex.join(words)} | head -n 1", prepared)
        assert (0, True, b"") == (done.status, bool(done.stdout), done.stderr)
        return
    env = {"OUTLAST_FEEDBACK": str(prepared.folder / "feedback.log")}
    prepared("report", "progress=12", env=env, status=0)
    done = prepared(verb.name, *before, *example, env=env)
    assert done.status in ({4} if verb.name == "top" else {0, 1}), (verb.name, before, example, done)  # there is no terminal here
    assert b"Traceback" not in done.stderr


def test_there_is_something_to_test(tmp_path: Path) -> None:
    assert len(OPTIONS) > 20
    assert len(VERB_OPTIONS) > 20
    assert tmp_path.exists()
