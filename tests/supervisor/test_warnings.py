"""Running jobs are looked at: real programs, real logs and files, real deaths of the supervisor; the counts are right afterwards."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import Outlast, eventually, kill

LATER = ("--warn.interval", "1h")  # everything is looked at when it is over


def warned(outlast: Outlast, job: int) -> dict[str, int]:
    """Return name -> count of the warnings in the record."""
    return {told["warning"]: told["count"] for told in outlast.show(job)["warnings"]}


def events(outlast: Outlast, job: int | str, *kinds: str) -> list[Any]:
    """Return the data of the events of these kinds, in order."""
    told = outlast("events", str(job), "--json", "-n", "all", status=0).json["events"]
    return [event["data"] for event in told if event["event"] in kinds]


def notes(outlast: Outlast, job: int) -> list[str]:
    return [told["text"] for told in events(outlast, job, "noted")]


def ended(outlast: Outlast, job: int) -> Any:
    outlast("wait", str(job))
    shown = outlast.show(job)
    assert "ended" == shown["status"]
    return shown


def assert_counted_once(outlast: Outlast, job: int, name: str, count: int) -> None:
    """The record has the right number, and it was told by events that never repeat one."""
    assert count == warned(outlast, job)[name]
    times = [told["times"] for told in events(outlast, job, "warned") if told["warning"] == name]
    assert sorted(set(times)) == times
    assert count == times[-1]


def nothing_kept(outlast: Outlast) -> bool:
    return not list((outlast.home / "watched").iterdir())


# Output


def test_a_line_of_output_is_counted_as_it_comes_and_in_the_last_line(outlast: Outlast) -> None:
    gate = outlast.folder / "go"
    command = f"echo ERROR one; echo fine; until [ -e {gate} ]; do sleep 0.02; done; echo ERROR two >&2; printf 'ERROR three'"
    job = outlast.run(
        "--name", "n", "--warn.output", "ERROR", "--warn.output", "^f.*e$", "--warn.interval", "100ms", "--", "sh", "-c", command
    )
    eventually(lambda: warned(outlast, job) == {"warn.output: ERROR": 1, "warn.output: ^f.*e$": 1})
    assert "running" == outlast.show(job)["status"]
    assert "a line of the output matches: ERROR one." in outlast("why", str(job), status=0).text
    gate.touch()
    shown = ended(outlast, job)
    assert "succeeded" == shown["outcome"]
    first, second = shown["warnings"]
    assert ("warn.output: ERROR", 3, 1, "a line of the output matches: ERROR three") == tuple(
        first[key] for key in ("warning", "count", "run", "text")
    )
    assert 1 == second["count"]
    assert_counted_once(outlast, job, "warn.output: ERROR", 3)
    assert [] == notes(outlast, job)
    assert nothing_kept(outlast)


def test_fifty_megabytes_are_counted_right_and_others_go_on_meanwhile(outlast: Outlast) -> None:
    done = outlast.folder / "done"
    script = 'awk \'BEGIN { for (i = 1; i <= 50 * 8800; i++) { x = sprintf("%0120d", i); print (i % 8800 ? x : "ERROR " x) } }\''
    script = f"{script}; printf ERROR; touch {done}"
    other = outlast.run("--wait.file", str(done), "--", "true")
    job = outlast.run("--warn.output", "ERROR", *LATER, "--", "sh", "-c", script)
    shown = ended(outlast, job)
    assert 50 << 20 < shown["runs"][0]["stdout"]
    assert_counted_once(outlast, job, "warn.output: ERROR", 51)
    assert [] == notes(outlast, job)
    ended(outlast, other)
    order = [(event["job"], event["event"]) for event in outlast("events", "--json", "-n", "all", status=0).json["events"]]
    assert order.index((other, "ended")) < order.index((job, "ended"))


def test_what_was_rotated_away_unseen_is_said(outlast: Outlast) -> None:
    words = ["--warn.output", "7$", *LATER, "--log.file.max-bytes", "64KiB", "--log.run.max-files", "3"]
    gate = outlast.folder / "go"  # the first look comes at once, and might see what is removed later
    job = outlast.run(*words, "--", "sh", "-c", f"until [ -e {gate} ]; do sleep 0.02; done; exec seq 1 100000")
    eventually(lambda: outlast.show(job)["status"] == "running" and outlast.show(job)["started_at"])
    gate.touch()
    shown = ended(outlast, job)
    kept = outlast("logs", "--raw", str(job), status=0).stdout.split()
    assert len(kept) < 100_000
    assert_counted_once(outlast, job, "warn.output: 7$", sum(line.endswith(b"7") for line in kept))
    (note,) = notes(outlast, job)
    assert note.endswith(" of the output of run 1 could not be looked at for warnings")
    assert " were gone before they could be looked at" in shown["warnings"][0]["text"]
    missing = shown["runs"][0]["missing"]
    assert note.startswith(f"about {missing / 1024:.1f} KiB")


def test_one_that_is_looked_at_as_it_runs_misses_nothing_of_its_rotated_log(outlast: Outlast) -> None:
    words = ["--warn.output", "7$", "--warn.interval", "100ms", "--log.file.max-bytes", "64KiB", "--log.run.max-files", "3"]
    script = "for i in 1 2 3 4 5 6 7 8 9 10; do seq 1 1000; until [ -e go$i ]; do sleep 0.02; done; done"
    job = outlast.run(*words, "--cwd", outlast.folder, "--", "sh", "-c", script)
    kept = outlast.home / "watched" / f"{job}.1"
    for number in range(1, 11):
        eventually(lambda number=number: f'"counts": [{number * 100}]' in kept.read_text())  # type: ignore[misc]
        (outlast.folder / f"go{number}").touch()
    ended(outlast, job)
    assert 10_000 > len(outlast("logs", "--raw", str(job), status=0).stdout.split())
    assert_counted_once(outlast, job, "warn.output: 7$", 1000)
    assert [] == notes(outlast, job)


def test_an_expression_that_takes_too_long_is_given_up_and_the_others_are_not(outlast: Outlast) -> None:
    script = "printf '%016000d\\n' 0 | tr 0 =; echo ERROR"
    job = outlast.run("--warn.output", "=.*=.*=.*x", "--warn.output", "ERROR", "--", "sh", "-c", script)
    assert "succeeded" == ended(outlast, job)["outcome"]
    assert {"warn.output: ERROR": 1} == warned(outlast, job)
    (note,) = notes(outlast, job)
    assert "`=.*=.*=.*x` takes more than 200ms for one line: it is not looked for any longer in this run" in note


def test_each_run_has_its_own_warnings(outlast: Outlast) -> None:
    job = outlast.run("--retries", "2", "--warn.output", "ERROR", "--", "sh", "-c", "echo ERROR $OUTLAST_RUN; exit $((3 - OUTLAST_RUN))")
    shown = ended(outlast, job)
    assert [(run, 1, f"a line of the output matches: ERROR {run}") for run in (1, 2, 3)] == [
        (told["run"], told["count"], told["text"]) for told in shown["warnings"]
    ]


@pytest.mark.parametrize(("how", "outcome"), [("stop", "stopped"), ("kill", "stopped")])
def test_what_a_stopped_job_wrote_last_is_looked_at(outlast: Outlast, how: str, outcome: str) -> None:
    job = outlast.run("--warn.output", "ERROR", *LATER, "--", "sh", "-c", "echo ERROR; echo up; exec sleep 1000")
    eventually(lambda: b"up" in outlast("logs", "--raw", str(job)).stdout)
    outlast(how, str(job))
    assert outcome == ended(outlast, job)["outcome"]
    assert {"warn.output: ERROR": 1} == warned(outlast, job)


def test_a_paused_job_is_looked_at(outlast: Outlast) -> None:
    gate = outlast.folder / "go"
    job = outlast.run("--warn.output", "ERROR", "--warn.interval", "500ms", "--", "sh", "-c", "echo ERROR; exec sleep 1000")
    eventually(lambda: b"ERROR" in outlast("logs", "--raw", str(job)).stdout)
    outlast("pause", str(job), status=0)
    eventually(lambda: warned(outlast, job) == {"warn.output: ERROR": 1})
    assert not gate.exists()
    outlast("stop", str(job), status=0)


def test_one_that_never_started_is_not_looked_at(outlast: Outlast) -> None:
    job = outlast.run("--warn.output", "x", "--warn.file", "a=x", "--", "/no/such/command")
    assert ("not_started", []) == (ended(outlast, job)["outcome"], outlast.show(job)["warnings"])
    assert nothing_kept(outlast)


# Files


def test_a_file_that_grows(outlast: Outlast) -> None:
    log, gate = outlast.folder / "app.log", outlast.folder / "go"
    log.write_text("ERROR of yesterday\n")
    command = f"echo ERROR one >> app.log; until [ -e {gate} ]; do sleep 0.02; done; printf 'ok\\nERROR last' >> app.log"
    words = ["--cwd", str(outlast.folder), "--warn.file", "app.log=^ERROR", "--warn.file", "app.log=o.e", "--warn.interval", "100ms"]
    job = outlast.run(*words, "--", "sh", "-c", command)
    eventually(lambda: warned(outlast, job) == {"warn.file: app.log=^ERROR": 1, "warn.file: app.log=o.e": 1})
    gate.touch()
    ended(outlast, job)
    assert_counted_once(outlast, job, "warn.file: app.log=^ERROR", 2)
    assert "a line of app.log matches: ERROR last" == outlast.show(job)["warnings"][0]["text"]
    assert [] == notes(outlast, job)
    assert nothing_kept(outlast)


def test_a_file_is_rotated_and_truncated_and_comes_late(outlast: Outlast) -> None:
    step = "touch here; until [ -e next ]; do sleep 0.02; done; rm next"
    command = f"cd {outlast.folder}; {step}; echo E1 > a; {step}; echo E2 >> a; mv a a.1; echo E3 > a; {step}; echo E4 > a"
    job = outlast.run("--warn.file", f"{outlast.folder}/a=E", "--warn.interval", "100ms", "--", "sh", "-c", command)
    for seen in (0, 1, 3):
        eventually((outlast.folder / "here").exists)
        eventually(lambda seen=seen: sum(warned(outlast, job).values()) == seen or seen == 3)  # type: ignore[misc]
        if seen == 3:
            eventually(lambda: '"counts": [3]' in (outlast.home / "watched" / f"{job}.1").read_text())
        (outlast.folder / "here").unlink()
        (outlast.folder / "next").touch()
    ended(outlast, job)
    assert_counted_once(outlast, job, f"warn.file: {outlast.folder}/a=E", 4)


@pytest.mark.parametrize("kind", ["fifo", "folder", "/dev/zero", "loop", "missing"])
def test_what_cannot_be_looked_at_is_said_once_and_the_job_goes_on(outlast: Outlast, kind: str) -> None:
    path = Path(kind) if kind.startswith("/") else outlast.folder / kind
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path)
    job = outlast.run("--warn.file", f"{path}=x", "--warn.interval", "100ms", "--", "sleep", "0.4")
    assert "succeeded" == ended(outlast, job)["outcome"]
    said = {
        "missing": [f"--warn.file: {path} was never there while run 1 ran"],
        "loop": [f"--warn.file: {path} cannot be looked at: Too many levels of symbolic links"],
    }.get(kind, [f"--warn.file: {path} cannot be looked at: it is no plain file"])
    assert said == notes(outlast, job)


# Free space


@pytest.fixture
def small(outlast: Outlast) -> Iterator[Path]:
    """A file system of 16 MiB."""
    place = outlast.folder / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(place)]
    if os.getuid() != 0 or subprocess.run(mount, check=False).returncode:
        pytest.skip("cannot mount a file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_free_space_goes_and_comes(outlast: Outlast, small: Path) -> None:
    words = ["--warn.free-space", f"{small}=8MiB", "--warn.interval", "100ms"]
    job = outlast.run(*words, "--", "sleep", "1000")
    name = f"warn.free-space: {small}=8MiB"
    outlast("wait", str(job), "--status", "running")

    def state() -> list[bool]:
        return [told["over_at"] is None for told in outlast.show(job)["warnings"]]

    for times in (1, 2):
        (small / "big").write_bytes(bytes(9 << 20))
        eventually(lambda: state() == [True])
        assert {name: times} == warned(outlast, job)
        assert f" are free for {small}, less than 8.0 MiB." in outlast("why", str(job), status=0).text
        (small / "big").unlink()
        eventually(lambda: state() == [False])
        assert "are free for" not in outlast("why", str(job), status=0).text
    told = outlast("events", str(job), "--json", "-n", "all").json["events"]
    assert ["warned", "warning_over"] * 2 == [event["event"] for event in told if event["event"].startswith("warn")]
    (small / "big").write_bytes(bytes(9 << 20))
    eventually(lambda: state() == [True])
    kill(outlast.supervisor_pid() or 0, outlast.home)
    outlast("supervisor", "start", status=0)
    (small / "big").unlink()
    eventually(lambda: state() == [False])  # the next one knows that it was warned
    assert {name: 3} == warned(outlast, job)
    outlast("stop", str(job), status=0)


# Deaths


POINTS = [
    *(f"watch.{point}@{number}" for point in ("before-save", "after-save") for number in (1, 2, 4)),
    "record.before-commit", "record.after-commit", "claim.after-commit", "spawn.after",
]  # fmt: skip


@pytest.mark.parametrize("point", POINTS)
def test_the_next_supervisor_counts_on(outlast: Outlast, point: str) -> None:
    """Each supervisor that is armed dies there, so the last one is a plain one."""
    log = outlast.folder / "app.log"
    log.write_text("ERROR of yesterday\n")
    script = f"for i in 1 2 3 4 5 6; do seq 1 1000; echo ERROR $i >> {log}; sleep 0.1; done"
    words = ["--warn.output", "7$", "--warn.file", f"{log}=ERROR", "--warn.interval", "100ms"]
    words += ["--log.file.max-bytes", "64KiB", "--log.run.max-files", "100"]
    marks = outlast.folder / "marks"
    marks.mkdir()
    env = {"OUTLAST_FAILPOINTS": f"{point}=die", "OUTLAST_FAILPOINTS_DIR": str(marks)}
    job = outlast.run(*words, "--", "sh", "-c", script, env=env)
    eventually(lambda: list(marks.iterdir()) != [])
    assert "succeeded" == ended(outlast, job)["outcome"]
    assert_counted_once(outlast, job, "warn.output: 7$", 600)
    assert_counted_once(outlast, job, f"warn.file: {log}=ERROR", 6)
    assert [] == [note for note in notes(outlast, job) if "started again" not in note]
    eventually(lambda: nothing_kept(outlast))


def test_supervisors_are_killed_again_and_again(outlast: Outlast) -> None:
    words = ["--warn.output", "7$", "--warn.interval", "100ms", "--log.file.max-bytes", "64KiB", "--log.run.max-files", "100"]
    job = outlast.run(*words, "--", "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10; do seq 1 1000; sleep 0.2; done")
    for count in (50, 200, 400, 700):
        eventually(lambda count=count: warned(outlast, job).get("warn.output: 7$", 0) >= count // 2)  # type: ignore[misc]
        pid = outlast.supervisor_pid()
        if pid is not None:
            kill(pid, outlast.home)
    assert "succeeded" == ended(outlast, job)["outcome"]
    assert_counted_once(outlast, job, "warn.output: 7$", 1000)
    assert [] == notes(outlast, job)


DAMAGED = ["", "[]", '{"output": {"counts": ["x"]}, "files": {}}', '{"output": {"at": null, "unseen": 0, "counts": [1]}, "files": {}}']


@pytest.mark.parametrize("text", DAMAGED)
def test_what_was_kept_may_be_damaged(outlast: Outlast, text: str) -> None:
    job = outlast.run("--warn.output", "7$", "--warn.interval", "100ms", "--", "sh", "-c", "seq 1 1000; exec sleep 1000")
    eventually(lambda: warned(outlast, job) == {"warn.output: 7$": 100})
    (outlast.home / "start").unlink()
    kill(outlast.supervisor_pid() or 0, outlast.home)
    (outlast.home / "watched" / f"{job}.1").write_text(text)
    outlast("supervisor", "start", status=0)
    outlast("stop", str(job), status=0)
    ended(outlast, job)
    assert_counted_once(outlast, job, "warn.output: 7$", 100)
