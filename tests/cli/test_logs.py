"""`outlast logs` and `tail`: what a job has written."""

import json
import os
import re
import subprocess
import sys

import pytest

from cli.outside import TIME, assert_refused, on_terminal, sh
from support import eventually

LINE = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} (stdout|stderr) (.*)\n")
WILD = b"\0\xff\xfe\r\n\x1b[31m\n\n\x80 no newline at the end \xc2\x9b"


def test_lines_with_time_and_stream(past):
    told = past("logs", "2", status=0)
    assert b"" == told.stderr
    assert [(b"stdout", b"out"), (b"stderr", b"err")] == sorted(LINE.findall(told.stdout), reverse=True)
    assert {b"out", b"err"} == set(past("logs", "2", "--no-prefix-timestamp").stdout.split())
    assert {b"out", b"err"} == set(past("logs", "2", env={"OUTLAST_SET_LOG_PREFIX_TIMESTAMP": "no"}).stdout.split())


@pytest.mark.parametrize(("streams", "raw"), [("stdout", b"out\n"), ("stderr", b"err\n"), ("stderr,stdout", None)])
def test_streams(past, streams, raw):
    told = past("logs", "--streams", streams, "--raw", "2", status=0).stdout
    assert raw == told if raw else {b"out", b"err"} == set(told.split())
    assert_refused(past("logs", "--streams", "stdin", "2"), 2, "stdin")


def test_json_lines(past):
    lines = [json.loads(line) for line in past("logs", "2", "--json", status=0).stdout.splitlines()]
    assert {("stdout", "out"), ("stderr", "err")} == {(line["stream"], line["text"]) for line in lines}
    assert all((1, 2, 1, True) == tuple(line[key] for key in ("schema", "job", "run", "whole")) for line in lines)
    assert all(TIME.fullmatch(line["at"]) for line in lines)


@pytest.mark.parametrize(
    ("run", "raw"), [([], b"run 2\n"), (["--run", "1"], b"run 1\n"), (["--run", "-2"], b"run 1\n"), (["--run", "all"], b"run 1\nrun 2\n")]
)
def test_runs(past, run, raw):
    assert raw == past("logs", "--raw", *run, "again", status=0).stdout


def test_what_is_not_there(past):
    assert_refused(past("logs", "--run", "3", "6"), 3, "3")
    assert_refused(past("logs", "--run", "0", "6"), 2)
    assert_refused(past("logs", "--run", "x", "6"), 2, "x")
    assert_refused(past("logs", "99"), 3, "99")
    assert_refused(past("logs", "1", "2"), 2)
    assert_refused(past("logs", "--grep", "(", "2"), 2, "grep")
    assert_refused(past("logs", "name:*"), 4)
    assert (0, b"", b"") == tuple(past("logs", "7"))


def test_byte_for_byte(outlast):
    (outlast.folder / "wild").write_bytes(WILD)
    outlast.run("--", "sh", "-c", "cat wild; cat wild >&2")
    outlast("wait", "1")
    for stream in ("stdout", "stderr"):
        assert WILD == outlast("logs", "--raw", "--streams", stream, "1", status=0).stdout
    assert 0 == outlast("logs", "--json", "1").status
    assert b"\x1b" not in on_terminal(outlast, "logs", "1")[1]
    assert b"^[[31m" in on_terminal(outlast, "logs", "1")[1]


def test_megabytes_byte_for_byte(outlast):
    program = "import os,random; random.seed(3); d=random.randbytes(5_000_000); os.write(1,b''); import sys; sys.stdout.buffer.write(d)"
    outlast.run("--log.file.max-bytes", "1MiB", "--", sys.executable, "-c", program)
    outlast("wait", "1", status=0)
    direct = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
    assert direct == outlast("logs", "--raw", "1", status=0).stdout


@pytest.fixture
def hundred(outlast):
    """The number of a job that has written a hundred lines, and on stderr the time in the middle."""
    line = "seq -f 'line %g' 50; sleep 0.05; date +%FT%T.%3N%z >&2; sleep 0.05; seq -f 'line %g' 51 100"
    job = outlast.run("--name", "hundred", "--", "sh", "-c", line)
    outlast("wait", str(job), status=0)
    return str(job)


def test_last_lines(outlast, hundred):
    assert b"line 98\nline 99\nline 100\n" == outlast("logs", "--raw", "-n", "3", hundred, status=0).stdout
    assert b"".join(b"line %d\n" % i for i in range(91, 101)) == outlast("tail", "--raw", hundred, status=0).stdout
    assert b"line 100\n" == outlast("tail", "-n", "1", "--raw", hundred, status=0).stdout
    assert 101 == len(outlast("tail", "-n", "all", hundred, status=0).stdout.splitlines())


def test_parts_in_time_and_by_pattern(outlast, hundred):
    middle = outlast("logs", "--raw", "--streams", "stderr", hundred).text
    out = ("logs", "--raw", "--streams", "stdout", hundred)
    assert b"".join(b"line %d\n" % i for i in range(51, 101)) == outlast(*out, "--since", middle).stdout
    assert b"".join(b"line %d\n" % i for i in range(1, 51)) == outlast(*out, "--until", middle).stdout
    assert [f"line {i}9" for i in ("", *range(1, 10))] == outlast(*out, "--grep", "9$").text.splitlines()
    assert b"line 99\n" == outlast("logs", "--raw", "--grep", "9$", "-n", "1", hundred).stdout
    assert b"" == outlast("logs", "--since", "tomorrow", hundred, status=0).stdout


def test_header(past):
    text = past("logs", "--header", "2", status=0).text
    head = {name.strip(): said for name, said in re.findall(r"^# (.{10}) (.+)$", text, re.MULTILINE)}
    assert {"job", "run", "command", "directory", "host", "user", "started", "time spent", "state"} <= set(head)
    assert ("2 two", "failed (exit code 3)") == (head["job"], head["state"])


def test_follow_to_the_end(outlast):
    os.mkfifo(outlast.folder / "go")
    outlast.run("--", "sh", "-c", "echo one; read x < go; echo two >&2; printf three")
    with outlast.start("logs", "-f", "--no-prefix-timestamp", "1") as process:
        assert b"one\n" == process.stdout.readline()
        (outlast.folder / "go").write_text("x\n")
        assert (b"two\nthree\n", b"") == process.communicate(timeout=60)
    assert 0 == process.returncode
    assert b"one\n" == outlast("logs", "-f", "--raw", "--grep", "one", "1", status=0).stdout


@pytest.mark.parametrize("words", [[], ["--run", "all"], ["--run", "-1"], ["--json"], ["-n", "1"]])
def test_follow_from_run_to_run(outlast, words):
    os.mkfifo(outlast.folder / "go")
    line = "echo begun; echo run $OUTLAST_RUN; read x < go; exit 1"
    outlast.run("--retries", "2", "--retries.delay", "200ms", "--", "sh", "-c", line)
    eventually(lambda: b"run 1" in outlast("logs", "1").stdout)
    with outlast.start("logs", "-f", "--raw", *words, "1") as process:
        for number in (b"1", b"2", b"3"):
            if number > b"1" or "-n" not in words:  # all that a later run writes is new
                assert b"begun" in process.stdout.readline()
            assert b"run " + number in process.stdout.readline()
            (outlast.folder / "go").write_text("x\n")
        assert (b"", b"") == process.communicate(timeout=60)
    assert 0 == process.returncode
    assert "ended" == outlast.show(1)["status"]


def test_follow_one_run_only(outlast):
    os.mkfifo(outlast.folder / "go")
    outlast.run("--retries", "1", "--", "sh", "-c", "echo try $OUTLAST_RUN; read x < go; exit 1")
    with outlast.start("logs", "-f", "--raw", "--run", "1", "1") as process:
        assert b"try 1\n" == process.stdout.readline()
        (outlast.folder / "go").write_text("x\n")
        assert (b"", b"") == process.communicate(timeout=60)
    assert (0, "running") == (process.returncode, eventually(lambda: outlast.show(1)["run"] == 2 and outlast.show(1)["status"]))
    (outlast.folder / "go").write_text("x\n")


def test_follow_before_it_runs(outlast):
    outlast("group", "set", "g", "--slots", "1")
    outlast.run("-g", "g", "--", "sleep", "1000")
    outlast.run("-g", "g", "--", "echo", "at last")
    with outlast.start("logs", "-f", "--raw", "2") as process:
        outlast("stop", "1", status=0)
        assert b"at last\n" == process.communicate(timeout=60)[0]
    assert 0 == process.returncode


def test_following_ends_with_a_signal(outlast):
    outlast.run("--", "sh", "-c", "echo up; exec sleep 1000")
    with outlast.start("logs", "-f", "1") as process:
        assert b"up" in process.stdout.readline()
        process.send_signal(2)
        assert (b"", b"") == process.communicate(timeout=60)
    assert 130 == process.returncode
    assert "running" == outlast.show(1)["status"]


def test_without_a_job_all_running_ones(outlast):
    told = outlast("logs")
    assert (0, b"", f"outlast: nothing runs in {outlast.home}; name a job to see what it has written\n".encode()) == tuple(told)
    outlast.run("--name", "a", "--", "sh", "-c", "seq 30; exec sleep 1000")
    outlast.run("--name", "b", "--", "sh", "-c", "echo b; exec sleep 1000")

    def both() -> None:
        lines = outlast("logs", "--no-prefix-timestamp", status=0).stdout.decode().splitlines()
        assert ["==> job 1 a <==", *map(str, range(21, 31)), "==> job 2 b <==", "b"] == lines

    eventually(both)


def test_of_a_job_that_waits(outlast):
    outlast("group", "set", "g", "--slots", "1")
    outlast.run("-g", "g", "--", "sleep", "1000")
    outlast.run("-g", "g", "--", "true")
    told = outlast("logs", "2", status=0)
    assert b"" == told.stdout
    assert re.fullmatch(rb"outlast: job 2 has written nothing: [^\n]*`outlast why 2`[^\n]*\n", told.stderr)
    assert b"" == outlast("logs", "-q", "2", status=0).stderr


def test_what_the_caps_left_out_is_told(outlast):
    outlast.run("--log.file.max-bytes", "4KiB", "--log.run.max-files", "2", "--", "seq", "20000")
    outlast("wait", "1", status=0)
    text = outlast("logs", "--no-prefix-timestamp", "1", status=0).text
    missing = re.search(r"^\[outlast: [\d.]+ KiB missing: .+\]$", text, re.MULTILINE)
    assert missing, text[:300]
    assert text.startswith("1\n2\n3\n")
    assert text.endswith("\n20000")
    told = outlast("logs", "--raw", "1", status=0)
    assert missing[0].encode() + b"\n" == told.stderr
    assert b"outlast" not in told.stdout
    assert outlast.show(1)["runs"][0]["missing"] > 60_000


def test_a_closed_pipe_is_no_error(outlast):
    outlast.run("--", "seq", "200000")
    outlast("wait", "1", status=0)
    for words in ("--raw 1", "1", "--json 1", "-f 1"):
        said = sh(f"outlast logs {words} | head -1", outlast)
        assert (0, b"") == (said.status, said.stderr), words
        assert 1 == len(said.stdout.splitlines())


def test_output_that_is_not_kept(outlast):
    outlast.run("--no-log.stdout", "--", "sh", "-c", "echo out; echo err >&2")
    outlast("wait", "1", status=0)
    assert b"err\n" == outlast("logs", "--raw", "1", status=0).stdout
