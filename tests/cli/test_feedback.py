"""`outlast feedback`: what jobs report, while they run and afterwards, wherever their file is and whatever it is."""

import json
import os
import subprocess
import sys

import pytest

from cli.ordinary import Ordinary
from cli.outside import assert_refused
from core.test_feedback import EXAMPLE
from support import eventually, kill

EXPECTED = {"playbook": "myPlaybook", "testcase_id": "002", "testcase_name": "Setting up topology", "progress": "10"}
GO = "until [ -e go ]; do sleep 0.02; done"


def told(outlast, job=1):
    return json.loads(outlast("feedback", str(job), status=0).stdout)


def ended(outlast, job=1):
    outlast("wait", str(job))
    eventually(lambda: outlast("events", str(job), "--json").json["events"][-1]["event"] == "ended")
    return outlast.show(job)


def kept(outlast):
    return sorted(path.name for path in (outlast.home / "runs").rglob("*.feedback*"))


def notes(outlast, job=1):
    return [event["data"]["text"] for event in outlast("events", str(job), "--json").json["events"] if event["event"] == "noted"]


def test_the_example_of_its_definition_while_it_runs_and_afterwards(outlast):
    (outlast.folder / "example").write_bytes(EXAMPLE)
    outlast.run("--", "sh", "-c", f"cat example > $OUTLAST_FEEDBACK; {GO}; printf '[]\\n[result]all good\\n' >> $OUTLAST_FEEDBACK")
    eventually(lambda: EXPECTED == told(outlast))
    shown = outlast.show(1)
    assert (EXPECTED, 10, "feedback") == (shown["feedback"], shown["progress"]["percent"], shown["progress"]["from"])
    assert shown["heartbeat_at"] is not None
    assert (None, None) == (shown["activity"], shown["heartbeat_timeout"])
    assert EXPECTED == outlast("list", "--json", status=0).json["jobs"][0]["feedback"]
    assert ["1.1.feedback"] == kept(outlast)
    (outlast.folder / "go").touch()
    shown = ended(outlast)
    assert ({"result": "all good"}, None) == (shown["feedback"], shown["progress"])
    eventually(lambda: [] == kept(outlast))
    assert (0, b'{"result": "all good"}\n', b"") == tuple(outlast("feedback", "1"))
    assert b'{"result": "all good"}\n' == outlast("feedback", "1", "--json", status=0).stdout
    assert "reported      result=all good\n" in outlast("show", "1", status=0).stdout.decode()
    assert "FEEDBACK\nresult=all good" == outlast("list", "--columns", "feedback", status=0).text


def test_without_any(outlast):
    outlast.run("--", "true")
    ended(outlast)
    assert (0, b"{}\n", b"") == tuple(outlast("feedback", "1"))
    assert {} == outlast.show(1)["feedback"]
    assert_refused(outlast("feedback", "2"), 3, "no job")
    outlast.run("--hold", "--", "true")
    assert {} == told(outlast, 2)


def test_the_last_line_needs_no_newline(outlast):
    outlast.run("--", "sh", "-c", f"printf '[a]1\\n[a]2' > $OUTLAST_FEEDBACK; {GO}")
    eventually(lambda: {"a": "1"} == told(outlast))  # it may be half written
    (outlast.folder / "go").touch()
    assert {"a": "2"} == ended(outlast)["feedback"]


def test_each_run_has_its_own(outlast):
    line = 'echo "[run$OUTLAST_RUN]1" >> $OUTLAST_FEEDBACK; test $OUTLAST_RUN = 2 && until [ -e go ]; do sleep 0.02; done; exit 1'
    outlast.run("--retries", "2", "--feedback", "own", "--", "sh", "-c", line)
    eventually(lambda: {"run2": "1"} == told(outlast))
    (outlast.folder / "go").touch()
    shown = ended(outlast)
    assert (3, {"run3": "1"}) == (shown["run"], shown["feedback"])
    eventually(lambda: not (outlast.folder / "own").exists())


def test_bad_keys_are_noted_once(outlast):
    outlast.run("--", "sh", "-c", f"printf '[a b]1\\n[a b]2\\n[1x]3\\n[ok]4\\n' > $OUTLAST_FEEDBACK; {GO}")
    eventually(lambda: {"ok": "4"} == told(outlast))
    line = b"outlast: keys: `a b` (a key has no spaces), `1x` (a key begins with no digit)\n"
    assert line == outlast("feedback", "1").stderr
    assert b"" == outlast("feedback", "1", "--quiet").stderr
    (outlast.folder / "go").touch()
    ended(outlast)
    assert ["in its feedback: `a b` (a key has no spaces), `1x` (a key begins with no digit)"] == notes(outlast)


# Where it is


def test_a_bad_key_steers_no_terminal(outlast):
    (outlast.folder / "f").write_bytes(b"[1\x1b[31m\xe2\x80\xae]x\n")
    told = outlast("feedback", "--file", "f", status=0)
    assert b"outlast: keys: `1\\x1b[31m\\u202e` (a key begins with no digit)\n" == told.stderr


def test_a_path_of_ones_own(outlast):
    (outlast.folder / "there").mkdir()
    line = "echo $OUTLAST_FEEDBACK; echo '[a]1' > there/f"
    outlast.run("--cwd", "there", "--feedback", "f", "--", "sh", "-c", f"cd ..; {line}; cp there/f copy")
    assert {"a": "1"} == ended(outlast)["feedback"]
    assert f"{outlast.folder}/there/f" == outlast("logs", "--raw", "1").text
    eventually(lambda: not (outlast.folder / "there" / "f").exists())
    outlast.run("--feedpath", "there", "--", "sh", "-c", "echo $OUTLAST_FEEDBACK; echo '[b]2' > $OUTLAST_FEEDBACK")
    assert {"b": "2"} == ended(outlast, 2)["feedback"]
    assert f"{outlast.folder}/there/feedback_2.log" == outlast("logs", "--raw", "2").text
    eventually(lambda: [] == os.listdir(outlast.folder / "there"))


def test_what_was_there_before_is_ignored_and_stays(outlast):
    mine = outlast.folder / "mine"
    mine.write_text("[old]1\n")
    line = 'echo "[new]$OUTLAST_RUN" >> mine; exit 1'
    outlast.run("--feedback", "mine", "--retries", "1", "--", "sh", "-c", line)
    assert {"new": "2"} == ended(outlast)["feedback"]
    outlast.run("--feedback", str(mine), "--", "sh", "-c", GO)
    outlast("wait", "2", "--status", "running", status=0)
    assert {} == told(outlast, 2)
    assert outlast.show(2)["heartbeat_at"] is None
    (outlast.folder / "go").touch()
    assert {} == ended(outlast, 2)["feedback"]
    outlast.run("--feedback", "mine", "--", "sh", "-c", "echo '[all]anew and longer than before' > mine; cat mine mine >> both")
    assert {"all": "anew and longer than before"} == ended(outlast, 3)["feedback"]
    outlast("supervisor", "stop")
    assert "[all]anew and longer than before\n" == mine.read_text()


def test_a_file_that_was_moved_to_its_place_stays(outlast):
    """Its content is not of this run: whoever moved it there wants to have it."""
    old = outlast.folder / "old"
    old.write_text("[a]1\n")
    os.utime(old, ns=(10**18, 10**18))
    outlast.run("--feedback", "f", "--", "mv", "old", "f")
    assert {"a": "1"} == ended(outlast)["feedback"]
    outlast("supervisor", "stop")
    assert "[a]1\n" == (outlast.folder / "f").read_text()


@pytest.mark.parametrize("what", ["fifo", "link", "dangling", "device", "folder"])
def test_what_is_no_plain_file_is_neither_waited_for_nor_removed(outlast, what):
    place, aim = outlast.folder / "place", outlast.folder / "aim"
    makes = {
        "fifo": "mkfifo place", "link": "echo '[a]1' > aim; ln -s aim place", "dangling": "ln -s none place",
        "device": "ln -s /dev/zero place", "folder": "mkdir place",
    }  # fmt: skip
    outlast.run("--feedback", "place", "--timeout.heartbeat", "1h", "--", "sh", "-c", f"{makes[what]}; {GO}")
    eventually(lambda: place.is_symlink() or place.exists())
    assert ({"a": "1"} if what == "link" else {}) == told(outlast)
    assert "active" == outlast.show(1)["activity"]
    (outlast.folder / "go").touch()
    shown = ended(outlast)
    assert ("succeeded", {"a": "1"} if what == "link" else {}) == (shown["outcome"], shown["feedback"])
    outlast.run("--feedback", "place", "--", "true") if what != "folder" else None  # it is there when the run begins
    outlast("wait", "last")
    outlast("supervisor", "stop")
    assert place.is_symlink() or place.exists()
    assert aim.exists() == (what == "link")


def test_one_that_cannot_be_read(short_path):
    user = Ordinary(short_path)
    try:
        user.run("--", "sh", "-c", f"echo '[a]1' > $OUTLAST_FEEDBACK; chmod 0 $OUTLAST_FEEDBACK; {GO}")
        eventually(lambda: [] != kept(user))
        user.run("--", "sh", "-c", "touch go")
        shown = ended(user)
        assert ("succeeded", {}) == (shown["outcome"], shown["feedback"])
        assert "its feedback could not be read: Permission denied" in notes(user)[0]
        user("supervisor", "stop")
        assert ["1.1.feedback"] == kept(user)  # nobody knows what it says
    finally:
        user.end()


@pytest.mark.parametrize(
    ("words", "about"),
    [
        (["--feedback", "a", "--feedpath", "."], "--feedpath"),
        (["--feedback", ""], "--feedback is empty"),
        (["--feedpath", ""], "--feedpath is empty"),
        (["--feedback", "."], "is a directory"),
        (["--feedpath", "/dev/null/x/"], None),
        (["--feedback", "x" * 5000], "less than 4000"),
    ],
)
def test_paths_that_cannot_be(outlast, words, about):
    finished = outlast("run", *words, "--", "true")
    if about is None:
        assert 0 == finished.status
        assert "succeeded" == ended(outlast)["outcome"]
        return
    assert_refused(finished, 2, about)
    assert [] == outlast("list", "--json").json["jobs"]


# How lively it is


def test_activity_and_the_end_at_the_limit(outlast):
    (outlast.folder / "f").write_text("[old]1\n")
    outlast.run("--feedback", "f", "--timeout.heartbeat", "8s", "--", "sleep", "1000")
    outlast("wait", "1", "--status", "running", status=0)
    seen = []

    def is_over():
        shown = outlast.show(1)
        seen.append((shown["activity"], outlast("list", "--columns", "state", status=0).text.splitlines()[-1]))
        return shown["status"] == "ended"

    eventually(is_over, 60)
    words = [activity for activity, _ in seen if activity]
    assert ["active", "silent", "stalled"] == sorted({*words}, key=words.index)
    assert {"running", "silent", "stalled", "stopping", "timed_out"} >= {state for _, state in seen} >= {"silent", "stalled"}
    shown = outlast.show(1)
    assert ("timed_out", True) == (shown["outcome"], shown["duration"] > 7.9)
    assert "timed out: timeout.heartbeat of 8s passed without a heartbeat, ended by SIGTERM" == shown["reason"]


def test_a_heartbeat_at_ones_own_path_counts(outlast):
    beats = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do outlast report; sleep 0.2; done; echo done"
    outlast.run("--feedback", "f", "--timeout.heartbeat", "2s", "--", "sh", "-c", beats)
    outlast("wait", "1", "--status", "running", status=0)
    eventually(lambda: outlast.show(1)["heartbeat_at"] is not None)
    assert "Its" not in outlast("why", "1").text.partition("It is active: ")[0]
    assert "without one for 2s it is ended (timeout.heartbeat)" in outlast("why", "1").text
    assert "succeeded" == ended(outlast)["outcome"]
    outlast.run("--feedback", "f", "--timeout.soft.heartbeat", "300ms", "--", "sh", "-c", "sleep 1")
    assert ["timeout.soft.heartbeat"] == [warning["warning"] for warning in ended(outlast, 2)["warnings"]]


def test_a_pause_is_no_silence(outlast):
    outlast.run("--timeout.heartbeat", "1500ms", "--", "sleep", "1000")
    outlast("wait", "1", "--status", "running", status=0)
    outlast("pause", "1", status=0)
    (paused_at,) = [event["at"] for event in outlast("events", "1", "--json").json["events"] if event["event"] == "paused"]
    assert paused_at
    assert "active" == outlast.show(1)["activity"]
    outlast("wait", "1", "--timeout", "2s", status=124)
    assert "active" == outlast.show(1)["activity"]
    outlast("resume", "1", status=0)
    assert "active" == outlast.show(1)["activity"]
    assert "timed_out" == ended(outlast)["outcome"]


# Any such file


def test_a_file(outlast):
    (outlast.folder / "f").write_bytes(EXAMPLE + b"[1x]\nhello\n[last]line")
    finished = outlast("feedback", "--file", "f", status=0)
    assert {**EXPECTED, "last": "line"} == finished.json
    assert (
        b"outlast: keys: `1x` (a key begins with no digit)\noutlast: 1 line is no feedback and skipped: write `[key]value`\n"
    ) == finished.stderr
    assert EXPECTED == outlast("feedback", "--file", "-", input=EXAMPLE, status=0).json
    assert (0, b"{}\n", b"") == tuple(outlast("feedback", "--file", "/dev/null"))
    assert_refused(outlast("feedback", "--file", "none"), 2, "there is no file none")
    assert_refused(outlast("feedback", "--file", "."), 5, "cannot read .")
    assert_refused(outlast("feedback"), 2, "of a job or of a file")
    assert_refused(outlast("feedback", "1", "--file", "f"), 2, "of a job or of a file")
    assert not outlast.home.exists()


# Reporting


def test_report_from_a_shell(outlast):
    line = f"outlast report progress=3/10 'phase=copy it' empty=; outlast report phase= x=a=b; outlast report; {GO}"
    outlast.run("--", "sh", "-ec", f"{line}; outlast report --clear y=2")
    eventually(lambda: {"progress": "3/10", "x": "a=b"} == told(outlast))
    assert 30 == outlast.show(1)["progress"]["percent"]
    (outlast.folder / "go").touch()
    assert ("succeeded", {"y": "2"}) == tuple(ended(outlast)[name] for name in ("outcome", "feedback"))
    assert "" == outlast("logs", "--raw", "1").text


def test_report_outside_of_a_job_or_what_cannot_be(outlast):
    line = assert_refused(outlast("report", "a=1"), 4, "this is no job")
    assert "outlast run" in line
    env = {"OUTLAST_FEEDBACK": str(outlast.folder / "f")}
    for words, about in ((["a"], "`a` is no fact"), (["1a=1"], "`1a`"), (["a b=1"], "`a b`"), (["a=1\n2"], "line break"), (["=1"], "``")):
        assert_refused(outlast("report", *words, env=env), 2, about)
    assert not (outlast.folder / "f").exists()
    assert_refused(outlast("report", env={"OUTLAST_FEEDBACK": str(outlast.folder)}), 5, str(outlast.folder))
    os.mkfifo(outlast.folder / "fifo")
    assert_refused(outlast("report", "a=1", env={"OUTLAST_FEEDBACK": str(outlast.folder / "fifo")}), 5, "fifo")
    assert_refused(outlast("report", "a=1", env={"OUTLAST_FEEDBACK": "/dev/full"}), 5, "No space")
    assert {"schema": 1, "reported": {"a": "1"}, "clear": False} == outlast("report", "a=1", "--json", env=env, status=0).json
    assert b"[a]1\n" == (outlast.folder / "f").read_bytes()


def test_a_report_is_a_line_of_its_own(outlast):
    file = outlast.folder / "f"
    file.write_bytes(b"[a]1\n[half")
    env = {"OUTLAST_FEEDBACK": str(file)}
    outlast("report", "b=2", env=env, status=0)
    assert b"[a]1\n[half\n[b]2\n" == file.read_bytes()
    reporting = [outlast.start("report", f"k{n}={'x' * 3000}", f"l{n}={'y' * 3000}", env=env) for n in range(10)]
    assert [0] * 10 == [process.wait(60) for process in reporting]
    for process in reporting:
        process.communicate()
    found = outlast("feedback", "--file", "f", status=0).json
    assert {"a": "1", "b": "2", **{f"k{n}": "x" * 3000 for n in range(10)}, **{f"l{n}": "y" * 3000 for n in range(10)}} == found


def test_a_heartbeat_adds_nothing(outlast):
    file = outlast.folder / "f"
    env = {"OUTLAST_FEEDBACK": str(file)}
    outlast("report", env=env, status=0)
    assert 0 == file.stat().st_size
    os.utime(file, (1, 1))
    outlast("report", env=env, status=0)
    assert (0, True) == (file.stat().st_size, file.stat().st_mtime > 1)


PROGRAM = """
import outlast
job = outlast.current()
assert (job.id, job.run, job.name, job.trigger, job.automatic) == (1, 1, "mine", None, False), job.id
job.feedback(phase="copy", files=3, ok=True, gone="x")
job.feedback({"a-key": 1.5}, gone=None)
job.progress(done=3, total=10, unit="files")
job.heartbeat()
"""


def test_from_python(outlast):
    outlast.run("--name", "mine", "--", sys.executable, "-c", PROGRAM + "job.feedback(last=1)")
    shown = ended(outlast)
    expected = {"phase": "copy", "files": "3", "ok": "true", "a-key": "1.5", "progress": "3/10 files", "last": "1"}
    assert ("succeeded", expected) == (shown["outcome"], shown["feedback"]), outlast("logs", "1")
    assert (30, 3, 10, "files") == tuple(shown["progress"][name] for name in ("percent", "done", "total", "unit"))
    done = subprocess.run(
        [sys.executable, "-c", "import outlast; outlast.current()"], env=outlast.environ(), capture_output=True, text=True, check=False
    )
    assert "Refused: this is no job" in done.stderr


# Much of it, and nobody there


def test_a_large_one_is_read_to_its_end_and_others_go_on(outlast):
    """It is read between the cycles; its run is over when that is through."""
    write = "yes '[progress]12' | head -n 5000000 > $OUTLAST_FEEDBACK; printf '[]\\n[last]line' >> $OUTLAST_FEEDBACK"
    outlast.run("--", "sh", "-c", write)
    outlast("run", "--wait", "--", "true", status=0)
    assert {"last": "line"} == ended(outlast)["feedback"]
    eventually(lambda: [] == kept(outlast))


def test_of_an_endless_one_its_end_is_read(outlast):
    """A sparse file costs nothing to make."""
    write = (
        f"echo '[a]1' > $OUTLAST_FEEDBACK; truncate -s 4T $OUTLAST_FEEDBACK; printf '\\n[b]2\\n' >> $OUTLAST_FEEDBACK; touch written; {GO}"
    )
    outlast.run("--", "sh", "-c", write)
    eventually((outlast.folder / "written").exists)
    assert {"a": "1", "b": "2"} == told(outlast)
    (outlast.folder / "go").touch()


def test_a_large_one_is_read_on_where_it_was_left(outlast):
    write = f"yes '[progress]12' | head -n 300000 > $OUTLAST_FEEDBACK; echo '[ready]1' >> $OUTLAST_FEEDBACK; {GO}"
    outlast.run("--", "sh", "-c", write)
    eventually(lambda: "1" == told(outlast).get("ready"))
    assert ["1.1.feedback", "1.1.feedback-cache"] == kept(outlast)
    size = (outlast.home / "runs/00/1.1.feedback").stat().st_size
    assert size - (1 << 20) < json.loads((outlast.home / "runs/00/1.1.feedback-cache").read_bytes()[9:])["mark"][2] <= size
    assert {"ready": "1", "progress": "12"} == outlast("list", "--json").json["jobs"][0]["feedback"]
    (outlast.folder / "go").touch()
    assert {"progress": "12", "ready": "1"} == ended(outlast)["feedback"]
    eventually(lambda: [] == kept(outlast))


def test_the_cache_of_one_that_stays_goes(outlast):
    (outlast.folder / "f").touch()
    outlast.run("--feedback", "f", "--", "sh", "-c", f"yes '[progress]12' | head -n 100000 >> f; touch written; {GO}")
    eventually((outlast.folder / "written").exists)
    assert {"progress": "12"} == told(outlast)
    assert ["1.1.feedback-cache"] == kept(outlast)
    (outlast.folder / "go").touch()
    assert {"progress": "12"} == ended(outlast)["feedback"]
    eventually(lambda: [] == kept(outlast))
    assert (outlast.folder / "f").exists()


def test_a_listing_reads_no_more_than_its_part_and_still_says_what_is_true(outlast):
    write = f"yes '[progress]12' | head -n 600000 > $OUTLAST_FEEDBACK; echo '[ready]1' >> $OUTLAST_FEEDBACK; touch written; {GO}"
    outlast.run("--", "sh", "-c", write)
    eventually((outlast.folder / "written").exists)
    assert "1" == outlast("list", "--json").json["jobs"][0]["feedback"]["ready"]
    mark = json.loads((outlast.home / "runs/00/1.1.feedback-cache").read_bytes()[9:])["mark"]
    assert 1 << 20 == mark[2]
    (outlast.folder / "go").touch()


def test_without_a_supervisor(outlast):
    """What is told of an end that nobody has recorded yet is the truth, too."""
    outlast.run("--", "sh", "-c", f"echo '[a]1' > $OUTLAST_FEEDBACK; {GO}; printf '[b]2' >> $OUTLAST_FEEDBACK")
    eventually(lambda: {"a": "1"} == told(outlast))
    (outlast.home / "start").unlink()
    for process in outlast.processes():
        if "guard" in process.argv[:5]:
            kill(process.pid, outlast.home)
    kill(outlast.supervisor_pid(), outlast.home)
    (outlast.folder / "go").touch()
    outlast("wait", "1", status=0)
    assert {"a": "1", "b": "2"} == told(outlast) == outlast.show(1)["feedback"]
    outlast("wait", str(outlast.run("--", "true")), status=0)
    assert {"a": "1", "b": "2"} == ended(outlast)["feedback"]
    eventually(lambda: [] == kept(outlast))
