"""`outlast run` in the background: the id, the words of the command, its surroundings, options, keys, retries, files of commands."""

import json
import os
import re
import resource

import pytest

from cli.outside import JOB_KEYS, assert_refused, count, on_terminal, sh
from support import eventually


def output(outlast, job, stream="stdout"):
    outlast("wait", str(job))
    return outlast("logs", "--raw", "--streams", stream, str(job), status=0).stdout


def test_the_id_alone_on_stdout(outlast):
    told = outlast("run", "--", "true")
    assert (0, b"1\n", b"") == tuple(told)
    assert b"2\n" == outlast("--", "true", status=0).stdout
    assert "true" == outlast.show(2)["name"]


def test_on_a_terminal_one_line_of_help(outlast):
    status, seen = on_terminal(outlast, "run", "--", "true")
    assert 0 == status
    assert re.fullmatch(rb"1\r\noutlast: [^\n]*`outlast logs -f 1`[^\n]*\r\n", seen), seen
    assert b"2\r\n" == on_terminal(outlast, "run", "-q", "--", "true")[1]


def test_json_is_the_job(outlast):
    told = outlast("run", "--json", "--name", "x", "--", "true", status=0)
    assert b"" == told.stderr
    assert (1, "x", "queued", ["true"]) == tuple(told.json[key] for key in ("id", "name", "status", "command"))
    assert JOB_KEYS < set(told.json)


@pytest.mark.parametrize(
    ("words", "argv", "written"),
    [
        (["printf", "%s.", "a b", "$HOME", "*"], None, b"a b.$HOME.*."),
        (["echo one; echo two"], ["/bin/sh", "-c", "echo one; echo two"], b"one\ntwo\n"),
        (["--shell", "--", "echo", "$((1+2))"], ["/bin/sh", "-c", "echo $((1+2))"], b"3\n"),
        (["--no-shell", "--", "./two words"], ["./two words"], b"file\n"),
        (["./two words"], ["./two words"], b"file\n"),
    ],
)
def test_words_and_lines(outlast, words, argv, written):
    program = outlast.folder / "two words"
    program.write_text("#!/bin/sh\necho file\n")
    program.chmod(0o755)
    job = outlast.run(*words)
    assert written == output(outlast, job)
    assert (argv or words) == outlast.show(job)["command"]


def test_what_a_job_is_told_by(outlast):
    job = outlast.run(
        *"--name n --description d -g G --key K --info a --info b --param x=1 --param y=a=b --retries 2 --retries.delay 1m".split(),
        *"--stop-signal INT --leftovers stop -- true".split(),
    )  # fmt: skip
    outlast("wait", str(job), status=0)
    told = outlast.show(job)
    assert ("n", "d", "G", "K") == tuple(told[key] for key in ("name", "description", "group", "key"))
    assert ["a", "b", ""] == told["info"]
    assert {"x": "1", "y": "a=b"} == told["params"]
    assert {"retries.num-runs": 3, "stop.signal": 2, "leftovers.action": "stop"}.items() <= told["spec"].items()
    text = outlast("show", str(job)).text
    assert re.search(r"^retries.delay +1m", text, re.MULTILINE)


def test_surroundings_are_the_submitters(outlast):
    place = outlast.folder / "a place"
    place.mkdir()
    said = sh(
        "cd 'a place'; umask 027; ulimit -Sn 77; A=1 B=2 DROP=3 nice -n 5 outlast run -e A=9 -e 'C=x y' -e B --unset-env DROP "
        "-- sh -c 'pwd; umask; ulimit -Sn; nice; echo $A $B $C ${DROP-gone}; env; cat'; outlast wait 1",
        outlast,
    )  # fmt: skip
    assert 0 == said.status, said
    lines = output(outlast, 1).decode().splitlines()
    assert [str(place), "0027", "77", "5", "9 2 x y gone"] == lines[:5]
    env = dict(line.split("=", 1) for line in lines[5:])
    assert [str(outlast.home), "1", "1", "1"] == [env[name] for name in ("OUTLAST_HOME", "OUTLAST_JOB", "OUTLAST_RUN", "PYTHONUNBUFFERED")]
    assert env["OUTLAST_NAME"] == outlast.show(1)["name"]
    assert env["OUTLAST_FEEDBACK"].startswith(str(outlast.home))
    assert env["OUTLAST_MARK"].endswith(":1:1")
    assert not [name for name in env if name.startswith("OUTLAST_") and name[8:] not in {"HOME", "JOB", "RUN", "NAME", "FEEDBACK", "MARK"}]


def test_cwd_and_stdin(outlast):
    (outlast.folder / "in").write_bytes(b"what it reads\n")
    (outlast.folder / "sub").mkdir()
    job = outlast.run("--cwd", "sub", "--stdin", str(outlast.folder / "in"), "--", "sh", "-c", "pwd; cat")
    assert f"{outlast.folder}/sub\nwhat it reads\n".encode() == output(outlast, job)
    assert b"" == output(outlast, outlast.run("--", "cat"))


def test_limits_for_the_supervisor_are_not_the_commands(outlast):
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert f"{soft}\n".encode() == output(outlast, outlast.run("--", "sh", "-c", "ulimit -Sn"))


@pytest.mark.parametrize(
    ("setting", "text", "name", "kept"),
    [
        ("OUTLAST_SET_RETRIES_DELAY", "5s", "retries.delay", 5_000_000_000),
        ("OUTLAST_SET_RETRIES", "2", "retries.num-runs", 3),
        ("OUTLAST_SET_STOP_GRACE", "1m", "stop.grace", 60_000_000_000),
    ],
)
def test_options_from_the_environment(outlast, setting, text, name, kept):
    job = outlast.run("--", "true", env={setting: text})
    assert kept == outlast.show(job)["spec"][name]
    job = outlast.run("--retries", "0", "--retries.delay", "0", "--stop.grace", "10s", "--", "true", env={setting: text})
    assert name not in outlast.show(job)["spec"]


def test_a_wrong_setting_stops_run_alone(outlast):
    wrong = {"OUTLAST_SET_RETRIES_DELAY": "soon"}
    assert_refused(outlast("run", "--", "true", env=wrong), 2, "OUTLAST_SET_RETRIES_DELAY", "soon")
    assert_refused(outlast("run", "--", "true", env={"OUTLAST_SET_RETRIS": "1"}), 2, "OUTLAST_SET_RETRIES")
    assert not outlast.home.exists()
    assert 0 == outlast("list", env=wrong).status


def test_a_key_in_use(outlast):
    first = outlast.run("--key", "K", "--", "sleep", "1000")
    assert_refused(outlast("run", "--key", "K", "--", "true"), 4, "K", str(first))
    assert 1 == count(outlast)
    told = outlast("run", "--key", "K", "--overlap", "skip", "--", "true", status=0)
    assert b"2\n" == told.stdout
    assert re.fullmatch(rb"outlast: job 2 was skipped: [^\n]+\n", told.stderr)
    assert ("ended", "skipped", []) == tuple(outlast.show(2)[key] for key in ("status", "outcome", "runs"))
    assert b"3\n" == outlast("run", "--key", "K", "--overlap", "allow", "--", "true", status=0).stdout
    outlast("stop", "1-3", status=0)
    assert 4 == outlast.run("--key", "K", "--", "true")


def test_the_name_as_key(outlast):
    outlast.run("--unique", "--name", "N", "--", "sleep", "1000")
    assert "N" == outlast.show(1)["key"]
    assert_refused(outlast("run", "--unique", "--name", "N", "--", "true"), 4, "N")
    assert 2 == outlast.run("--overlap", "skip", "--name", "N", "--", "true")
    assert "skipped" == outlast.show(2)["outcome"]
    assert 3 == outlast.run("--name", "N", "--", "true")


def test_fifty_at_once_get_one_key(outlast):
    said = sh("for i in $(seq 12); do outlast run --key K -- sleep 1000 & done; wait", outlast)
    assert 1 == len(said.stdout.split())
    assert 11 == len(said.stderr.splitlines())
    assert 1 == count(outlast)


def test_runs_until_it_succeeds(outlast):
    job = outlast.run("--retries", "5", "--", "sh", "-c", "echo $OUTLAST_RUN; test $OUTLAST_RUN = 3")
    outlast("wait", str(job), status=0)
    told = outlast.show(job)
    assert ("succeeded", 3) == (told["outcome"], told["run"])
    assert [(1, "failed"), (2, "failed"), (3, "succeeded")] == [(run["run"], run["outcome"]) for run in told["runs"]]
    assert b"1\n2\n3\n" == outlast("logs", "--run", "all", "--raw", str(job)).stdout


def test_exit_codes_can_mean_something_else(outlast):
    outlast.run("--retries.success-codes", "0,3", "--", "sh", "-c", "exit 3")
    outlast.run("--retries.failure-codes", "1", "--", "sh", "-c", "exit 7")
    outlast("wait", "1,2")
    assert ["succeeded", "neutral"] == [outlast.show(job)["outcome"] for job in (1, 2)]


def test_a_file_of_commands(outlast):
    (outlast.folder / "lines").write_text("echo one\n\n# a comment\n  echo 'two  words' | cat  \necho \"$OUTLAST_JOB\"")
    told = outlast("run", "--from", "lines", "-j", "2", status=0)
    assert b"1\n2\n3\n" == told.stdout
    group = re.fullmatch(rb"outlast: group ([\w-]+); [^\n]+\n", told.stderr)[1].decode()
    outlast("wait", f"group:{group}", status=0)
    assert [b"one\n", b"two  words\n", b"3\n"] == [output(outlast, job) for job in (1, 2, 3)]
    assert 2 == outlast("group", "show", group, "--json").json["slots"]
    assert ["echo", "one"] == outlast.show(1)["command"]


def test_commands_from_stdin_in_a_group(outlast):
    outlast("group", "set", "g", "--slots", "1", status=0)
    told = outlast("run", "--from", "-", "-g", "g", "--name", "n", "--json", input=b"true\nfalse", status=0)
    assert b"" == told.stderr
    jobs = [json.loads(line) for line in told.stdout.splitlines()]
    assert [(1, "g", "n"), (2, "g", "n")] == [(job["id"], job["group"], job["name"]) for job in jobs]
    assert 1 == outlast("wait", "group:g").status


def test_a_line_that_is_wrong_leaves_nothing(outlast):
    assert_refused(outlast("run", "--no-shell", "--from", "-", input=b"true\necho 'open\n"), 2, "open")
    assert 0 == count(outlast)
    assert_refused(outlast("run", "--from", "no-file"), 2, "no-file")
    assert_refused(outlast("run", "--from", "-", input=b"\n# nothing\n"), 2, "no command")
    assert [] == outlast("group", "list", "--json").json["groups"]


def test_ten_lines_two_at_once(outlast):
    counter = "n=$(ls on 2>/dev/null | wc -l); touch on/$OUTLAST_JOB; ls on | wc -l; rm on/$OUTLAST_JOB"
    (outlast.folder / "on").mkdir()
    outlast("run", "-q", "--from", "-", "-j", "2", input=f"{counter}\n".encode() * 10, status=0)
    outlast("wait", "1-10", status=0)
    assert {1, 2} >= {int(output(outlast, job)) for job in range(1, 11)}


def test_the_terminal_may_close(outlast):
    """The client, its session and its terminal are gone at once; the job is none of theirs."""
    status, seen = on_terminal(outlast, "run", "-q", "--", "sh", "-c", "trap 'echo HUP' HUP; echo up; read x < fifo; echo on")
    os.mkfifo(outlast.folder / "fifo")
    assert (0, b"1\r\n") == (status, seen)
    outlast("wait", "1", "--status", "running", status=0)
    eventually(lambda: b"up\n" in outlast("logs", "--raw", "1").stdout)
    outlast("signal", "TERM", "1")
    outlast("wait", "1")


def test_commands_that_only_a_shell_has(outlast):
    outlast("run", "-q", "--from", "-", input=b"exit 3\numask\n: x\nulimit -n\ncd /\n", status=0)
    for number in range(1, 6):
        outlast("wait", str(number))
    assert [3, 0, 0, 0, 0] == [outlast.show(number)["exit_code"] for number in range(1, 6)]


def test_refused_commands_leave_no_group(outlast):
    told = outlast("run", "--from", "-", "--name", "same", "--unique", input=b"true\nfalse\n")
    assert (4, False) == (told.status, b"waits for all" in told.stderr)
    assert b"" == outlast("group", "list", "--ids", status=0).stdout
    assert 0 == count(outlast)
