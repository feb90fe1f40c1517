"""`outlast clean`: limits and where they come from, what would go, what goes, what is left alone; the same in the background."""

import os
import signal
import sqlite3

import pytest

from cli.ageing import age, files, rows
from cli.ordinary import Ordinary
from cli.outside import assert_refused
from outlast import Jobs
from support import eventually

SOUND = (
    "SELECT (SELECT count(*) FROM jobs WHERE version <> (SELECT count(*) FROM events WHERE job = jobs.id)), (SELECT count(*) FROM leaving)"
)
KEPT = "SELECT (SELECT value FROM meta WHERE name = 'kept') - (SELECT coalesce(sum(kept), 0) FROM runs)"


def write(outlast, count=1, *options, lines=1000):
    """Run jobs that write, one after the other, and return their ids when they have ended."""
    ids = []
    for _ in range(count):
        ids.append(outlast.run(*options, "--", "seq", "1", str(lines)))
        outlast("wait", str(ids[-1]), status=0)
    return ids


def damage(outlast, job):
    connection = sqlite3.connect(outlast.home / "outlast.db", timeout=30)
    with connection:
        connection.execute("UPDATE jobs SET info = '[[' WHERE id = ?", (job,))
    connection.close()


def sound(outlast):
    eventually(lambda: rows(outlast.home, SOUND) == [(0, 0)])  # the background may be just at it
    assert [(0,)] == rows(outlast.home, KEPT)
    assert "bad" not in [check["verdict"] for check in outlast("doctor", "--json").json["checks"]]


def test_without_words_the_limits_are_told_and_nothing_is_made(outlast):
    told = outlast("clean", status=0)
    assert "retention.log-age 30d default" in " ".join(told.text.split())
    assert b"nothing is over its limit" in told.stderr
    assert not outlast.home.exists()


def test_output_by_age(outlast):
    write(outlast, 3)
    age(outlast, 31, "id <= 2")
    told = outlast("clean", "--json", status=0).json
    assert [(1, 1, "retention.log-age 30d"), (2, 1, "retention.log-age 30d")] == [(i["job"], i["run"], i["reason"]) for i in told["items"]]
    assert (False, 0, 2) == (told["done"], told["records"], told["outputs"])
    assert ["1.1.log", "2.1.log", "3.1.log"] == files(outlast.home), "a dry run removes nothing"
    assert b"the output of 2 runs removed" in outlast("clean", "--force", status=0).stderr
    assert ["3.1.log"] == files(outlast.home)
    assert ("succeeded", 0) == (outlast.show(1)["outcome"], outlast.show(1)["runs"][0]["kept"])
    last = outlast("events", "1", "--json", status=0).json["events"][-1]
    assert ("noted", "the output of run 1 was removed: retention.log-age 30d") == (last["event"], last["data"]["text"])
    assert b"was removed" in outlast("logs", "1", status=0).stderr
    sound(outlast)


def test_output_by_bytes_brings_the_home_below_the_limit(outlast):
    write(outlast, 5)
    size = outlast.show(1)["runs"][0]["kept"]
    assert size == (outlast.home / "runs/00/1.1.log").stat().st_size
    most = 2 * size + size // 2
    outlast("clean", "--set", "--retention.log-bytes", str(most), status=0)
    outlast("clean", "--force", status=0)
    assert ["4.1.log", "5.1.log"] == files(outlast.home)
    assert most >= sum(path.stat().st_size for path in (outlast.home / "runs").rglob("*.log"))
    assert "retention.log-bytes" in outlast("clean", status=0).text
    sound(outlast)
    outlast("clean", "--unset", "retention.log-bytes", status=0)
    assert "retention.log-bytes 10GiB default" in " ".join(outlast("clean", status=0).text.split())


def test_rotated_files_and_gaps_go_too(outlast):
    outlast.run("--log.file.max-bytes", "20000", "--log.run.max-files", "3", "--", "seq", "1", "20000")
    outlast("wait", "1", status=0)
    assert {"1.1.log", "1.1.log.1", "1.1.gaps"} <= set(files(outlast.home))
    outlast("clean", "1", "--logs", "--force", status=0)
    assert [] == files(outlast.home)
    sound(outlast)


def test_groups_have_limits_of_their_own(outlast):
    write(outlast, 2, "-g", "keep")
    write(outlast, 2, "-g", "soon")
    write(outlast, 1)
    outlast("group", "set", "keep", "--retention.log-age", "none", status=0)
    outlast("group", "set", "soon", "--retention.log-age", "1h", "--retention.age", "10d", "--slots", "3", status=0)
    assert 3 == outlast("group", "show", "soon", "--json").json["slots"]
    assert {"retention.log-age": 3600, "retention.age": 864000} == outlast("group", "show", "soon", "--json").json["limits"]
    assert "retention.log-age 1h" in outlast("group", "list", status=0).text
    age(outlast, 40, "id < 4")
    age(outlast, 1, "id = 4")
    outlast("clean", "--force", status=0)
    assert ["1.1.log", "2.1.log", "5.1.log"] == files(outlast.home)
    assert_refused(outlast("show", "3"), 3, "was removed on")
    assert b"by retention.age 10d of group `soon`" in outlast("show", "3").stderr
    outlast("show", "4", status=0)
    outlast("group", "set", "keep", "--unset", "retention.log-age", status=0)
    outlast("clean", "--force", status=0)
    assert ["5.1.log"] == files(outlast.home)
    sound(outlast)


def test_records_by_number_and_ids_are_never_given_again(outlast):
    write(outlast, 4)
    outlast("clean", "--set", "--retention.jobs", "1", status=0)
    told = outlast("clean", "--json", status=0).json
    assert ([1, 2, 3], 3) == ([item["job"] for item in told["items"]], told["records"])
    outlast("clean", "--force", status=0)
    assert ["4.1.log"] == files(outlast.home)
    assert [(1, 3)] == rows(outlast.home, "SELECT first, last FROM removed")
    for verb in ("show", "logs", "why", "rerun", "wait"):
        assert_refused(outlast(verb, "2"), 3, "by retention.jobs 1")
    assert [5] == write(outlast)
    assert 2 == len(outlast("list", "--json", status=0).json["jobs"])
    sound(outlast)


def test_what_is_needed_by_an_active_job_stays(outlast):
    write(outlast, 2)
    first = int(outlast("rerun", "1", status=0).text)
    outlast("wait", str(first), status=0)
    outlast.run("--hold", "--after.ended", "2", "--", "true")
    outlast("clean", "--retention.jobs", "1", "--force", status=0)
    outlast("clean", "--retention.age", "0.001s", "--force", status=0)
    assert [(2,), (4,)] == rows(outlast.home, "SELECT id FROM jobs ORDER BY id")
    told = outlast("clean", "2", "--force")
    assert (1, True) == (told.status, b"job 2 is needed by a job that has not ended" in told.stderr)
    outlast("release", "4", status=0)
    outlast("wait", "4", status=0)
    outlast("clean", "2", "--force", status=0)
    assert_refused(outlast("show", "2"), 3, "by clean")
    sound(outlast)


def test_active_jobs_are_never_touched(outlast):
    go = outlast.folder / "go"
    os.mkfifo(go)
    outlast.run("--retries", "9", "--", "sh", "-c", f"seq 1 1000; if [ $OUTLAST_RUN = 2 ]; then read x < {go}; exit 0; fi; exit 1")
    eventually(lambda: outlast.show(1)["run"] == 2 and outlast.show(1)["runs"][1]["started_at"])
    told = outlast("clean", "1", "--force")
    assert (4, True) == (told.status, b"job 1 has not ended" in told.stderr)
    outlast("clean", "--retention.log-bytes", "0", "--retention.age", "0.001s", "--force", status=0)
    assert ["1.1.log"] == [name for name in files(outlast.home) if name == "1.1.log"]
    go.write_text("x\n")
    outlast("wait", "1", status=0)
    outlast("clean", "--retention.log-bytes", "0", "--force", status=0)
    assert [] == files(outlast.home)
    sound(outlast)


@pytest.mark.parametrize(("options", "left"), [(("--log.job.max-runs", "2"), [4, 5]), (("--log.job.max-bytes", "100KB"), [4, 5])])
def test_the_oldest_runs_of_a_job_lose_their_output_as_it_goes_on(outlast, options, left):
    outlast.run("--retries", "4", *options, "--", "sh", "-c", "seq 1 1000; exit 1")
    assert 1 == outlast("wait", "1").status
    eventually(lambda: files(outlast.home) == [f"1.{run}.log" for run in left])
    assert [0, 0, 0] == [run["kept"] for run in outlast.show(1)["runs"][:3]]
    assert 3 == sum("was removed" in event["data"].get("text", "") for event in outlast("events", "1", "--json").json["events"])
    eventually(lambda: sound(outlast))


def test_a_group_says_how_many_runs(outlast):
    outlast("group", "set", "g", "--log.job.max-runs", "1", status=0)
    outlast.run("-g", "g", "--retries", "2", "--", "sh", "-c", "seq 1 10; exit 1")
    outlast.run("-g", "g", "--retries", "2", "--log.job.max-runs", "2", "--", "sh", "-c", "seq 1 10; exit 1")
    assert 1 == outlast("wait", "1", "2").status
    eventually(lambda: files(outlast.home) == ["1.3.log", "2.2.log", "2.3.log"])


def test_clean_holds_jobs_that_have_ended_to_a_number_of_runs(outlast):
    outlast.run("--retries", "3", "--", "sh", "-c", "seq 1 100; exit 1")
    outlast.run("--retries", "3", "--log.job.max-runs", "3", "--", "sh", "-c", "seq 1 100; exit 1")
    outlast.run("-g", "g", "--retries", "3", "--", "sh", "-c", "seq 1 100; exit 1")
    outlast("wait", "1-3")
    outlast("group", "set", "g", "--log.job.max-runs", "1", status=0)
    told = outlast("clean", "--log.job.max-runs", "2", "--json", status=0).json
    assert [(1, 1), (1, 2), (3, 1), (3, 2)] == [(item["job"], item["run"]) for item in told["items"]]
    assert {"log.job.max-runs 2"} == {item["reason"] for item in told["items"]}
    told = outlast("clean", "--json", status=0).json
    assert [(3, 1), (3, 2), (3, 3)] == [(item["job"], item["run"]) for item in told["items"]]
    outlast("clean", "--force", status=0)
    assert ["1.1.log", "1.2.log", "1.3.log", "1.4.log", "2.2.log", "2.3.log", "2.4.log", "3.4.log"] == files(outlast.home)
    sound(outlast)


def test_in_the_background(outlast):
    write(outlast, 3)
    age(outlast, 31, "id < 3", due=True)
    write(outlast, 1)
    eventually(lambda: files(outlast.home) == ["3.1.log", "4.1.log"])
    eventually(lambda: rows(outlast.home, "SELECT value > 0 FROM meta WHERE name = 'pruned_at'") == [(1,)])
    eventually(lambda: "pruning: the output of 2 runs and the records of 0 jobs" in (outlast.home / "supervisor.log").read_text())
    sound(outlast)


def test_the_background_is_done_again_only_after_an_hour(outlast):
    write(outlast, 1)
    eventually(lambda: rows(outlast.home, "SELECT value > 0 FROM meta WHERE name = 'pruned_at'") == [(1,)])
    (before,) = rows(outlast.home, "SELECT value FROM meta WHERE name = 'pruned_at'")
    outlast("supervisor", "stop", status=0)
    go = outlast.folder / "go"
    os.mkfifo(go)
    outlast.run("--", "sh", "-c", f"read x < {go}")
    outlast.run("--wait.timedelta", "1500ms", "--", "true")
    outlast("wait", "3", status=0)  # by then a first pass would have been made
    assert [before] == rows(outlast.home, "SELECT value FROM meta WHERE name = 'pruned_at'")
    go.write_text("x\n")


def test_one_bad_item_never_blocks_the_rest(outlast):
    write(outlast, 5)
    age(outlast, 31)
    bad = outlast.home / "runs/00/2.1.log"
    bad.unlink()
    bad.mkdir()  # cannot be unlinked, not even by root
    (bad / "x").touch()
    damage(outlast, 3)
    told = outlast("clean", "--force")
    assert 1 == told.status
    assert b"cannot remove" in told.stderr
    assert b"2.1.log" in told.stderr
    assert b"job 3 is left alone" in told.stderr
    assert ["3.1.log"] == [name for name in files(outlast.home) if "log" in name]
    assert [(2, 1)] == rows(outlast.home, "SELECT job, run FROM leaving")
    (bad / "x").unlink()
    bad.rmdir()
    outlast("clean", "--force")
    assert [] == rows(outlast.home, "SELECT job, run FROM leaving")


def test_a_damaged_record_goes_when_it_is_asked_to(outlast):
    write(outlast, 2)
    damage(outlast, 1)
    outlast("clean", "--retention.jobs", "1", "--force", status=0)
    assert ["2.1.log"] == files(outlast.home)
    assert [(2,)] == rows(outlast.home, "SELECT id FROM jobs")


def test_killed_in_the_middle_and_resumed(outlast):
    write(outlast, 3)
    for index in range(4, 204):  # records and files of many more, as copies of the first
        (outlast.home / f"runs/00/{index}.1.log").write_bytes(b"x" * 100)
    connection = sqlite3.connect(outlast.home / "outlast.db", timeout=30)
    with connection:
        for table, key in (("jobs", "id"), ("runs", "job"), ("events", "job")):
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            listed = ", ".join(f'"{name}"' for name in names)
            told = ", ".join("i" if name == key else "NULL" if (table, name) == ("events", "id") else f'"{name}"' for name in names)
            connection.execute(
                "WITH RECURSIVE n (i) AS (SELECT 4 UNION ALL SELECT i + 1 FROM n WHERE i < 203)"
                f" INSERT INTO {table} ({listed}) SELECT {told} FROM n, {table} AS t WHERE t.{key} = 1"
            )
        connection.execute("UPDATE meta SET value = (SELECT sum(kept) FROM runs) WHERE name = 'kept'")
        connection.execute("UPDATE meta SET value = 203 WHERE name = 'ended'")
    connection.close()
    age(outlast, 31)
    marks = outlast.folder / "marks"
    marks.mkdir()
    env = {"OUTLAST_FAILPOINTS": "prune.after-commit@3=die", "OUTLAST_FAILPOINTS_DIR": str(marks)}
    assert -signal.SIGKILL == outlast("clean", "--force", env=env).status
    gone = 203 - len(files(outlast.home))
    assert 50 <= gone < 203
    assert 203 == len(outlast("list", "-n", "all", "--ids", status=0).text.split())
    outlast("clean", "--force", status=0)
    assert [] == files(outlast.home)
    assert [(203,)] == rows(outlast.home, "SELECT count(*) FROM events WHERE kind = 'noted'"), "each is told once"
    sound(outlast)


def test_who_waits_for_a_job_that_is_removed_does_not_wait_for_ever(outlast):
    go = outlast.folder / "go"
    os.mkfifo(go)
    job = outlast.run("--", "sh", "-c", f"read x < {go}")
    outlast("wait", str(job), "--status", "running", status=0)
    with outlast.start("wait", str(job)) as waiter:
        fds = f"/proc/{waiter.pid}/fd"
        eventually(lambda: any(os.readlink(f"{fds}/{fd}").startswith("socket:") for fd in os.listdir(fds)))  # it listens to the supervisor
        waiter.send_signal(signal.SIGSTOP)
        go.write_text("x\n")
        eventually(lambda: outlast.show(job)["outcome"] == "succeeded")
        outlast("clean", str(job), "--force", status=0)
        waiter.send_signal(signal.SIGCONT)
        _, told = waiter.communicate(timeout=30)
    assert (1, True) == (waiter.returncode, b"removed while it was waited for" in told), told


def test_selected_jobs(outlast):
    write(outlast, 3)
    outlast.run("--", "false")
    outlast("wait", "4")
    assert b"3 records would go" in outlast("clean", "outcome:succeeded", status=0).stderr
    assert "1\n2\n3" == outlast("clean", "outcome:succeeded", "--ids", status=0).text
    outlast("clean", "outcome:succeeded", "--logs", "--force", status=0)
    assert [] == files(outlast.home)
    outlast("clean", "1-3", "--force", status=0)
    assert "4" == outlast("list", "--ids", status=0).text
    assert_refused(outlast("clean", "99"), 3, "no job `99`")
    sound(outlast)


@pytest.mark.parametrize(
    "words",
    [
        ["--set"], ["--set", "--force", "--retention.jobs", "3"], ["--logs", "--records"], ["--everything", "1"], ["--force", "--dry-run"],
        ["1", "--retention.jobs", "3"], ["--unset", "nothing"], ["--retention.log-age", "soon"], ["--retention.jobs", "0"],
        ["--unset", "retention.jobs", "--retention.jobs", "3"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_wrong_use(outlast, words):
    write(outlast, 1)
    assert_refused(outlast("clean", *words), 2, "")
    assert ["1.1.log"] == files(outlast.home)
    assert [] == rows(outlast.home, "SELECT * FROM settings")


def test_everything(outlast):
    assert b"would go" in outlast("clean", "--everything", status=0).stderr
    write(outlast, 2, "--warn.output", "7")  # so that there is a folder for what is watched
    waiting = outlast.run("--hold", "--", "true")
    told = outlast("clean", "--everything", "--force")
    assert (4, True) == (told.status, b"1 job has not ended: end it first: `outlast stop --all`" in told.stderr)
    outlast("stop", str(waiting), status=0)
    (outlast.home / "mine.txt").write_text("mine\n")
    told = outlast("clean", "--everything", "--json", status=0).json
    assert (False, ["mine.txt"]) == (told["done"], told["foreign"])
    outlast("clean", "--everything", "--force", status=0)
    assert ["mine.txt"] == os.listdir(outlast.home)
    assert 1 == outlast.run("--warn.output", "x", "--", "true")
    outlast("wait", "1", status=0)
    (outlast.home / "mine.txt").unlink()
    outlast("clean", "--everything", "--force", status=0)
    assert not outlast.home.exists()
    outlast.assert_nothing_left()


def test_everything_goes_through_no_link(outlast):
    write(outlast, 1)
    outlast("supervisor", "stop", status=0)
    elsewhere = outlast.folder / "elsewhere"
    (outlast.home / "runs").rename(elsewhere)
    (outlast.home / "runs").symlink_to(elsewhere)
    outlast("clean", "--everything", "--force", status=0)
    assert not outlast.home.exists()
    assert (elsewhere / "00" / "1.1.log").exists()


def test_from_python(outlast):
    write(outlast, 2)
    with Jobs(str(outlast.home)) as jobs:
        jobs.set_limits(limits={"retention": {"log_age": "7d"}})
        jobs.set_limits("g", {"retention.jobs": 5})
        assert ("7d", "set") == next((limit["text"], limit["origin"]) for limit in jobs.limits() if limit["name"] == "retention.log-age")
        told = jobs.clean(limits={"retention": {"jobs": 1}})
        assert (1, 0, [1], False) == (told.records, told.outputs, [item.job for item in told.going], told.done)
        assert [1, 2] == [job.id for job in jobs.list()]
        assert jobs.clean(1, force=True).done
        assert [2] == [job.id for job in jobs.list()]


def test_the_environment_goes_when_no_output_is_left(outlast):
    write(outlast, 1, "--env", "TOKEN=very-secret")
    age(outlast, 40)
    kept = outlast.run("--env", "TOKEN=other-secret", "--", "echo", "x")
    outlast("wait", str(kept), status=0)
    outlast("clean", "--force", status=0)
    assert [(1,)] == rows(outlast.home, "SELECT count(*) FROM environments")
    ((names,),) = rows(outlast.home, "SELECT names FROM masked_environments")
    assert '"TOKEN"' in names
    outlast("supervisor", "start", status=0)
    outlast("supervisor", "stop", status=0)  # which copies all changes into the database
    eventually(lambda: b"very-secret" not in (outlast.home / "outlast.db").read_bytes())
    assert b"other-secret" in (outlast.home / "outlast.db").read_bytes()
    told = outlast("rerun", "1", status=0)
    assert b"the environment of job 1 is gone" in told.stderr
    outlast("wait", told.text, status=0)
    assert b"" == outlast("rerun", str(kept), status=0).stderr


def test_an_environment_that_an_active_job_has_stays(outlast):
    outlast.run("--hold", "--env", "TOKEN=x", "--", "true")
    age(outlast, 400)
    outlast("clean", "--force", status=0)
    assert [(1,)] == rows(outlast.home, "SELECT count(*) FROM environments")


def test_as_an_ordinary_user(short_path):
    user = Ordinary(short_path)
    try:
        user.run("--", "seq", "1", "100")
        user("wait", "1", status=0)
        user("clean", "--force", "--retention.log-bytes", "0", status=0)
        assert [] == files(user.home)
        user.run("--", "seq", "1", "100")
        user("wait", "2", status=0)
        folder = user.home / "runs/00"
        folder.chmod(0o500)
        told = user("clean", "--force", "--retention.log-bytes", "0")
        assert (1, True) == (told.status, b"Permission denied" in told.stderr)
        folder.chmod(0o700)
        user("clean", "--force", status=0)
        assert [] == files(user.home)
        user("clean", "--everything", "--force", status=0)
        assert not user.home.exists()
    finally:
        user.end()
