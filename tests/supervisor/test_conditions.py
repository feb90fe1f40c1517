"""Jobs that wait for conditions, from outside: noticed soon, looked at once for all, told truly, and by whoever supervises."""

import os
from pathlib import Path

import pytest

from support import Outlast, eventually

SOON = 5.0  # seconds: it is promised within one, on a machine that has time


def status(outlast: Outlast, job: int) -> str:
    told: str = outlast.show(job)["status"]
    return told


def ended(outlast: Outlast, job: int) -> str:
    """Return the outcome of a job that has ended."""
    told = outlast.show(job)
    assert "ended" == told["status"], told
    outcome: str = told["outcome"]
    return outcome


def waits(outlast: Outlast, *options: str) -> int:
    job = outlast.run(*options, "--", "true")
    assert "pending" == status(outlast, job)
    return job


@pytest.mark.parametrize("kill", [False, True])
def test_a_file_is_noticed_and_the_next_supervisor_notices_it_too(outlast: Outlast, kill: bool) -> None:
    job = waits(outlast, "--wait.file", "in/data")
    eventually(lambda: "is not there" in outlast("why", str(job)).text)
    if kill:
        pid = outlast.supervisor_pid()
        assert pid is not None
        os.kill(pid, 9)
    (outlast.folder / "in").mkdir()
    (outlast.folder / "in" / "data").touch()
    eventually(lambda: "succeeded" == ended(outlast, job), SOON)


def test_all_of_them_at_the_same_time_or_any(outlast: Outlast) -> None:
    every, some = (
        waits(outlast, "--wait.file", "a", "--wait.file", "b"),
        waits(outlast, "--wait.any", "--wait.file", "a", "--wait.file", "b"),
    )
    (outlast.folder / "a").touch()
    eventually(lambda: "succeeded" == ended(outlast, some), SOON)
    assert "pending" == status(outlast, every)
    eventually(lambda: "is there, so it is met" in outlast("why", str(every)).text)
    (outlast.folder / "a").unlink()
    eventually(lambda: "so it is met" not in outlast("why", str(every)).text)
    (outlast.folder / "b").touch()
    eventually(lambda: "b` is there, so it is met" in outlast("why", str(every)).text)
    assert "pending" == status(outlast, every)
    (outlast.folder / "a").touch()
    eventually(lambda: "succeeded" == ended(outlast, every), SOON)


def test_a_file_that_is_still_written_is_not_there_yet(outlast: Outlast) -> None:
    job = waits(outlast, "--wait.nonopen-file", "upload")
    with (outlast.folder / "upload").open("w"):
        eventually(lambda: f"open by process {os.getpid()}" in outlast("why", str(job)).text, SOON)
        assert "pending" == status(outlast, job)
    eventually(lambda: "succeeded" == ended(outlast, job), SOON)


def looks(outlast: Outlast) -> int:
    try:
        return len((outlast.folder / "looks").read_text().splitlines())
    except FileNotFoundError:
        return 0


def test_many_jobs_that_wait_for_the_same_share_one_look(outlast: Outlast) -> None:
    script = "echo look >> looks; test -e go"
    lines = "true\n" * 50
    group = ("--group", "g", "--wait.script", script, "--wait.poll-interval", "200ms")
    outlast("run", *group, "--from", "-", input=lines.encode(), status=0)
    eventually(lambda: looks(outlast) >= 3)
    before = looks(outlast)
    eventually(lambda: looks(outlast) >= before + 3)
    (outlast.folder / "go").touch()
    outlast("wait", "group:g", status=0)
    assert looks(outlast) < 50


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("sleep 1000", "no answer within 300ms"),
        ("head -c 1000000000 /dev/zero", "printed more than 64 KiB"),
        ("./is-not-there", "is-not-there"),
        ("echo not yet; exit 3", "exit code 3: not yet"),
        ("kill -SEGV $$", "ended by SIGSEGV"),
    ],
)
def test_a_script_that_does_not_answer_well_is_told_and_holds_up_nobody(outlast: Outlast, script: str, said: str) -> None:
    job = waits(outlast, "--wait.script", script, "--wait.probe-timeout", "300ms", "--wait.poll-interval", "100ms")
    eventually(lambda: said in outlast("why", str(job)).text)
    assert b"free\n" == outlast("exec", "--", "echo", "free", status=0).stdout
    outlast("stop", str(job), status=0)
    eventually(lambda: [] == [process for process in outlast.processes() if "sleep" in process.argv[:1]])


def test_looks_are_ended_with_their_job_and_by_the_next_supervisor(outlast: Outlast) -> None:
    def sleepers() -> int:
        return sum("sleep" in process.argv[0] for process in outlast.processes())

    job = waits(outlast, "--wait.script", "exec sleep 1000", "--wait.probe-timeout", "1h")
    eventually(lambda: sleepers() == 1)
    pid = outlast.supervisor_pid()
    assert pid is not None
    os.kill(pid, 9)
    eventually(lambda: outlast.supervisor_pid() not in {None, pid})
    eventually(lambda: sleepers() == 1)  # the old one is gone, a new one looks
    outlast("stop", str(job), status=0)
    eventually(lambda: sleepers() == 0)


def test_an_extra_delay_begins_when_they_are_met(outlast: Outlast) -> None:
    job = waits(outlast, "--wait.file", "a", "--wait.extra-delay", "1h")
    (outlast.folder / "a").touch()
    eventually(lambda: outlast.show(job)["next_run_at"] is not None, SOON)
    assert [] == outlast.show(job)["waiting_for"]
    (outlast.folder / "a").unlink()  # they need not hold any longer
    assert "pending" == status(outlast, job)


def test_a_condition_that_is_met_while_the_job_is_paused_or_held_starts_nothing(outlast: Outlast) -> None:
    paused, held = waits(outlast, "--wait.file", "a"), waits(outlast, "--wait.file", "a", "--hold")
    outlast("pause", str(paused), status=0)
    (outlast.folder / "a").touch()
    for job in (paused, held):
        eventually(lambda job=job: [] == outlast.show(job)["waiting_for"], SOON)
        assert "pending" == status(outlast, job)
    outlast("resume", str(paused), status=0)
    outlast("release", str(held), status=0)
    for job in (paused, held):
        eventually(lambda job=job: "succeeded" == ended(outlast, job), SOON)


def test_a_job_that_is_stopped_is_looked_for_no_longer(outlast: Outlast) -> None:
    job = waits(outlast, "--wait.script", "echo look >> looks; false", "--wait.poll-interval", "100ms")
    eventually(lambda: looks(outlast) >= 2)
    outlast("stop", str(job), status=0)
    before = looks(outlast)
    other = waits(outlast, "--wait.script", "echo other >> others; false", "--wait.poll-interval", "100ms")
    eventually(lambda: (outlast.folder / "others").read_text().count("other") >= 5)
    assert looks(outlast) <= before + 1  # one may have been on its way
    outlast("stop", str(other), status=0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--wait.http", "ftp://x/"), "--wait.http"),
        (("--wait.s3", "http://x/"), "--wait.s3"),
        (("--wait.condition", "moon:full"), "there is no condition `moon`"),
        (("--wait.condition", "file"), "names no kind"),
        (("--wait.file", ""), "--wait.file"),
        (("--wait.abort-datetime", "yesterday"), "is past"),
        (("--wait.extra-delay", "5s"), "comes after a condition"),
        (("--wait.poll-interval", "0", "--wait.file", "a"), "too small"),
        (("--wait.poll-interval", "-1s", "--wait.file", "a"), "--wait.poll-interval"),
    ],
)
def test_what_can_never_be_met_is_refused_and_leaves_nothing(outlast: Outlast, words: tuple[str, ...], said: str) -> None:
    finished = outlast("run", *words, "--", "true", status=2)
    assert said.encode() in finished.stderr
    assert not (outlast.home / "outlast.db").exists() or [] == outlast("list", "--json").json["jobs"]


def test_a_third_party_kind_is_named_by_its_word(outlast: Outlast, tmp_path: Path) -> None:
    job = waits(outlast, "--wait.condition", f"file:{tmp_path}/data")
    (tmp_path / "data").touch()
    eventually(lambda: "succeeded" == ended(outlast, job), SOON)
