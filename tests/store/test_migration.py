"""Homes that earlier versions have written open, list and run; whoever is killed while it brings one up to date has lost nothing.

`data/schema-1.sql` was really written by the last version with schema 1; `data/make_schema_1.sh` says how.
"""

import shutil
import signal
import sqlite3
from pathlib import Path

import pytest

from outlast.core.job import Job
from outlast.home import Home
from outlast.logs.removing import measure, remove
from outlast.store import keeping
from outlast.store.driver import SCHEMA
from outlast.store.pruning import Pass
from outlast.store.reading import Reading
from outlast.store.store import Store
from store.making import AT, child, dump, miscounted, submit
from store.test_driver import KILLED, over
from support import Outlast, eventually

DATA = Path(__file__).parent / "data"
VERSIONS = range(1, SCHEMA)
IDS = list(range(1, 18))


def old_home(path: Path, version: int) -> Path:
    """Make the home that the earlier version has left."""
    path.mkdir(mode=0o700, parents=True)
    connection = sqlite3.connect(path / "outlast.db")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.executescript((DATA / f"schema-{version}.sql").read_text())
    assert (version,) == connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return path


@pytest.fixture(params=VERSIONS)
def old(request: pytest.FixtureRequest, short_path: Path) -> Path:
    """The home of an earlier version."""
    return old_home(short_path / "h", request.param)


def test_there_is_a_home_of_each_earlier_version() -> None:
    assert [f"schema-{version}.sql" for version in VERSIONS] == sorted(path.name for path in DATA.glob("*.sql"))


@pytest.mark.parametrize(
    "words", [["list"], ["ps"], ["history"], ["show", "2"], ["why", "5"], ["events", "2"], ["group"], ["doctor"]], ids=" ".join
)
def test_whatever_comes_first_brings_it_up_to_date(outlast: Outlast, words: list[str]) -> None:
    old_home(outlast.home, 1)
    outlast(*words, status=0)
    assert (SCHEMA,) == sqlite3.connect(outlast.home / "outlast.db").execute("PRAGMA user_version").fetchone()


def test_everything_is_there(outlast: Outlast) -> None:
    old_home(outlast.home, 1)
    listed = outlast("list", "--json", status=0).json["jobs"]
    assert IDS == [job["id"] for job in listed]
    told = {job["name"]: job["outcome"] or job["status"] for job in listed}
    assert {
        "first": "succeeded", "again": "failed", "n\name": "succeeded", "killed": "pending", "after-killed": "pending", "later": "pending",
        "holds-the-slot": "interrupted", "queued": "queued", "held": "queued", "pending": "queued", "reserved": "reserved",
        "approved": "pending", "impossible": "aborted", "off": "disabled", "paused": "queued", "file": "pending",
    } == told  # fmt: skip
    shown = outlast.show(2)
    assert ([3, 3, 3], 3) == ([run["exit_code"] for run in shown["runs"]], shown["exit_code"])
    assert 4292 == shown["runs"][0]["kept"], "as its log was long"
    assert {"region": "eu"} == outlast.show(1)["params"]
    assert ["nightly", "stopped"] == [group["name"] for group in outlast("group", "--json", status=0).json["groups"]]


def test_what_waited_runs(outlast: Outlast) -> None:
    """The machine ended under the old version; the new one comes up, and everything takes its course."""
    old_home(outlast.home, 1)
    outlast.run("--", "true")
    assert 1 == outlast("wait", "4", "7").status
    assert ["interrupted", "interrupted"] == [outlast.show(job)["outcome"] for job in (4, 7)]
    outlast("wait", "5", "8", "13", status=0)  # after the killed one; in its slot; when its turn has come
    outlast("release", "9", "10", status=0)
    outlast("approve", "12", status=0)
    outlast("run", "--id", "11", "--", "true", status=0)
    outlast("group", "resume", "stopped", status=0)
    outlast("resume", "16", status=0)
    outlast("release", "16", status=0)
    outlast("wait", "9", "10", "11", "12", "16", status=0)
    assert "disabled" == outlast.show(outlast.run("--name", "off", "--", "true"))["outcome"]
    outlast("enable", "off", status=0)
    again = int(outlast("rerun", "3", status=0).text)
    outlast("wait", str(again), status=0)
    assert ["later", "file"] == [job["name"] for job in outlast("ps", "--json", status=0).json["jobs"]]
    outlast("stop", "6", "17", status=0)
    outlast("clean", "--force", status=0)
    assert "healthy" == outlast("doctor", "--check").text.splitlines()[-1] or kept_without_files(outlast)


def kept_without_files(outlast: Outlast) -> bool:
    """The old home's output is not in the dump: that is all that a check may find, and a repair sees to it."""
    told = [check["text"] for check in outlast("doctor", "--check", "--json").json["checks"] if check["verdict"] == "bad"]
    assert all(text.endswith("is not there") for text in told), told
    outlast("doctor", "--repair", status=0)
    return outlast("doctor", "--check").status == 0


def test_killed_at_any_statement_of_it(tmp_path: Path) -> None:
    whole = old_home(tmp_path / "whole", 1)
    status, stdout, stderr = over(child(KILLED, whole, "statement", 0))
    assert 0 == status, stderr
    expected = contents(whole)
    for nth in range(1, int(stdout) + 1):
        home = old_home(tmp_path / str(nth), 1)
        before = dump(home)
        assert -signal.SIGKILL == over(child(KILLED, home, "statement", nth))[0], nth
        connection = sqlite3.connect(home / "outlast.db")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.close()
        assert version in {1, SCHEMA}
        if version == 1:
            assert before == dump(home), "half of it is as nothing"
        reading = Reading(Home(str(home)))
        assert IDS == [job.id for job in reading.select("1")]
        reading.close()
        assert expected == contents(home)
        shutil.rmtree(home)


def contents(home: Path) -> list[str]:
    return [line for line in dump(home) if "mask_key" not in line]


def test_it_is_sound_and_goes_on(old: Path) -> None:
    store = Store(Home(str(old)))
    assert [] == store.problems()
    assert [] == miscounted(store)
    assert store.database.row("SELECT sum(kept) FROM runs")[0] == keeping.kept(store)[None]
    assert 18 == submit(store).id
    assert 0 == store.database.row("SELECT count(*) FROM environments WHERE used_at IS NULL")[0]
    store.close()


# What a client and a supervisor of schema 1 send: the columns that they know, and no others.
OLD_COLUMNS = {
    "jobs": """id version name description group key command cwd user status outcome reason exit_code signal run pid created_at queued_at
        started_at ended_at next_run_at priority mutex waits deadline successes failures uncharged paused paused_at paused_for held
        stop_requested warnings info params rerun_of schedule trigger automatic environment spec""",
    "runs": """job run status outcome reason exit_code signal pid pid_start host boot pidns state_file claimed_at started_at ended_at cpu
        max_rss stdout stderr log missing leftovers limits""",
    "environments": "hash variables surroundings created_at",
}


def test_an_old_supervisor_that_still_lives_goes_on_writing(old: Path) -> None:
    """It has the database open, and knows nothing of what is new; the next one takes care of what it has left out."""
    Reading(Home(str(old))).close()
    connection = sqlite3.connect(old / "outlast.db")
    with connection:
        for table, told in OLD_COLUMNS.items():
            names = told.split()
            listed = ", ".join(f'"{name}"' for name in names)
            values = connection.execute(f"SELECT {listed} FROM {table} LIMIT 1").fetchone()
            row = dict(zip(names, values, strict=True))
            row |= {"jobs": {"id": 18}, "runs": {"job": 18, "run": 1, "log": 50}, "environments": {"hash": "old"}}[table]
            connection.execute(f"INSERT OR REPLACE INTO {table} ({listed}) VALUES ({', '.join('?' * len(row))})", [*row.values()])
        connection.execute("INSERT OR IGNORE INTO environments (hash, variables, surroundings, created_at) VALUES ('old', x'', '{}', 1)")
        connection.execute("INSERT INTO events (job, version, kind, at, data) SELECT 18, version, kind, at, data FROM events WHERE job = 1")
    connection.close()
    store = Store(Home(str(old)))
    job = store.job(18)
    assert isinstance(job, Job)
    assert (None, None) == (job.feedback, job.progress)
    run = store.run(18, 1)
    assert run is not None
    assert run.kept is None
    log = Path(store.database.home.run_path(18, 1) + ".log")
    log.parent.mkdir(parents=True)
    log.write_bytes(b"x" * 70)
    whole = Pass(store, remove, measure, print)
    while whole.step(AT):
        pass
    run = store.run(18, 1)
    assert run is not None
    assert 70 == run.kept, "it was measured"
    store.close()


def test_a_home_of_the_old_version_in_a_directory_that_cannot_be_written(outlast: Outlast) -> None:
    """Who may only read is told why it cannot: nothing is shown that might not be true."""
    from cli.ordinary import Ordinary

    user = Ordinary(outlast.folder)
    old_home(user.home, 1)
    shutil.chown(user.home, user.uid)
    for path in user.home.iterdir():
        shutil.chown(path, user.uid)
    user.home.chmod(0o500)
    try:
        told = user("list")
        assert (5, True) == (told.status, b"cannot" in told.stderr), told
    finally:
        user.home.chmod(0o700)
    assert IDS == [job["id"] for job in user("list", "--json", status=0).json["jobs"]]
    eventually(lambda: user.supervisor_pid() is None)
