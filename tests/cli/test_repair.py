"""Backups, checks and repairs of homes that are really damaged: what survives is there afterwards, and `doctor` finds nothing more."""

import os
import random
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest

from cli.ageing import rows
from cli.ordinary import Ordinary
from cli.outside import assert_refused
from outlast import Jobs
from outlast.home import Home
from outlast.store.mending import Mending
from outlast.store.store import Store
from store.making import fill, submission, submit
from support import eventually

COUNT = 400
PAGE = 4096
LEAF, INTERIOR, INDEX = 0x0D, 0x05, 0x0A  # types of pages (sqlite.org/fileformat2.html, 1.6)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A home with COUNT ended jobs, one that waits for one of them, one that is held, and output of the first ten."""
    path = tmp_path_factory.mktemp("whole") / "h"
    fill(path, COUNT)
    store = Store(Home(str(path)))
    store.submit([submission(name="held").replace(held=True)], 1)
    submit(store, waits=True)
    for job in range(1, 11):
        log = Path(store.database.home.run_path(job, 1) + ".log")
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_bytes(b"x" * 10)
    store.database.execute("UPDATE runs SET kept = 10 WHERE job <= 10")
    store.database.execute("UPDATE runs SET kept = 0 WHERE job > 10")
    with store.batch():
        Mending(store, lambda _: None, 1).mend()  # counts what was put there behind the store's back
    store.close()
    assert not (path / "outlast.db-wal").exists()
    return path


@pytest.fixture
def copy(whole, outlast):
    """A copy of it, to be damaged. The supervisor that a repair starts for the jobs that wait is ended with the home."""
    shutil.copytree(whole, outlast.home)
    return outlast.home


def pages(path, kind):
    data = (path / "outlast.db").read_bytes()
    return [at for at in range(PAGE, len(data), PAGE) if data[at] == kind]


def write_at(path, at, data):
    with (path / "outlast.db").open("r+b") as file:
        file.seek(at)
        file.write(data)


def repaired(path):
    """Repair, and return (what was done, the ids of all jobs) of a home that has nothing wrong with it afterwards."""
    with Jobs(str(path)) as jobs:
        told = jobs.repair()
        assert [] == jobs.check()
        assert [] == jobs.reading.problems()
        assert all(job.name for job in jobs.list())
        assert 0 == len([job for job in jobs.list() if jobs.events(job) == []])
        ids = [job.id for job in jobs.list()]
        made = jobs.store.submit([submission()], 1)[0]
        assert made.id == COUNT + 3, "no id is given out twice"
        assert "wal" == jobs.store.database.row("PRAGMA journal_mode")[0]
        return told, ids


def test_a_home_without_a_fault_is_left_as_it_is(copy):
    before = (copy / "outlast.db").read_bytes()
    told, ids = repaired(copy)
    assert ([], "") == (told.done, told.folder)
    assert COUNT + 2 == len(ids)
    assert len(before) <= (copy / "outlast.db").stat().st_size
    assert [] == [name for name in os.listdir(copy) if "repair" in name]


@pytest.mark.parametrize("kind", [LEAF, INTERIOR, INDEX], ids=["leaf", "interior", "index"])
@pytest.mark.parametrize("seed", range(6))
def test_pages_that_are_overwritten(copy, kind, seed):
    chance = random.Random(seed)
    for at in chance.sample(pages(copy, kind), min(2, len(pages(copy, kind)))):
        write_at(copy, at, chance.randbytes(PAGE))
    told, ids = repaired(copy)
    assert "damaged" in told.done[0]
    assert (COUNT // 2 if kind == LEAF else COUNT + 1) < len(ids), "a page costs its own rows, and no others"
    assert set(ids) <= set(range(1, COUNT + 3))
    before = sqlite3.connect(f"{told.folder}/outlast.db")
    before.close()
    assert 0o700 == stat.S_IMODE(os.stat(told.folder).st_mode)


def test_the_page_that_leads_to_all_others(copy):
    """Even the names of the tables are lost; whatever a row looks like tells which it is of."""
    write_at(copy, 0, b"\xff" * PAGE)
    told, ids = repaired(copy)
    assert "not a database" in told.done[0]
    assert [*range(1, COUNT + 3)] == ids
    with Jobs(str(copy)) as jobs:
        # What it waits for is kept in rows that look like many others, so the one that waits is not started by guess.
        expected = {"succeeded": COUNT * 9 // 10, "failed": COUNT // 10, "aborted": 1}
        assert expected == count(job.outcome for job in jobs.list() if job.outcome)
        assert [4] * 3 == [len(jobs.events(number)) for number in (1, 200, COUNT)]


def count(words):
    found = {}
    for word in words:
        found[word] = found.get(word, 0) + 1
    return found


@pytest.mark.parametrize("seed", range(4))
def test_indexes_cost_no_job(copy, seed):
    """Pages of indexes only: `runs`, `meta` and others are kept in such pages too, so those that hold none of them are looked for."""
    names = "jobs_active jobs_ended jobs_outcome jobs_name jobs_group".split()
    connection = sqlite3.connect(copy / "outlast.db")
    roots = [
        root for (root,) in connection.execute(f"SELECT rootpage FROM sqlite_master WHERE name IN ({','.join('?' * len(names))})", names)
    ]
    connection.close()
    at = (random.Random(seed).choice(roots) - 1) * PAGE
    write_at(copy, at + 8, b"\xff" * 200)
    told, ids = repaired(copy)
    assert "damaged" in told.done[0]
    assert [*range(1, COUNT + 3)] == ids
    assert not any("rows that" in sentence for sentence in told.done)


@pytest.mark.parametrize("part", [2, 3, 10])
def test_a_file_that_was_cut_off(copy, part):
    size = (copy / "outlast.db").stat().st_size
    os.truncate(copy / "outlast.db", size // part // PAGE * PAGE)
    told, ids = repaired_without_sequence(copy)
    assert "damaged" in told.done[0]
    assert ids == sorted(set(ids))


def repaired_without_sequence(path):
    """Repair a home of which even the number of the last id may be lost, but not those that files are named after."""
    with Jobs(str(path)) as jobs:
        told = jobs.repair()
        assert [] == jobs.check()
        ids = [job.id for job in jobs.list()]
        assert jobs.store.submit([submission()], 1)[0].id > max([10, *ids])
        return told, ids


@pytest.mark.parametrize(
    "contents", [b"", b"no database at all\n" * 1000, b"SQLite format 3\0" + b"\xff" * 8000], ids=["empty", "text", "header"]
)
def test_a_file_that_is_no_database(copy, contents):
    (copy / "outlast.db").write_bytes(contents)
    told, ids = repaired_without_sequence(copy)
    assert [] == ids
    assert (Path(told.folder) / "outlast.db").read_bytes() == contents
    assert 10 == len(list(Path(told.folder).rglob("*.log"))), "output without a record is kept aside"


def test_a_log_of_changes_that_is_gone(outlast):
    """What was not copied into the database yet is lost with it, but ids that files are named after do not come again."""
    for _ in range(3):
        outlast.run("--", "seq", "1", "10")
    outlast("wait", "1-3", status=0)
    outlast("supervisor", "stop", status=0)
    outlast.run("--", "sleep", "1000")  # as long as somebody runs not every change is copied
    for _ in range(2):
        outlast.run("--", "seq", "1", "10")
    outlast("wait", "5-6", status=0)
    outlast.end()
    for suffix in ("-wal", "-shm"):
        (outlast.home / f"outlast.db{suffix}").unlink()
    told = outlast("doctor", "--check")
    assert (1, True) == (told.status, b"file 6.1.log belongs to no run" in told.stdout)
    outlast("doctor", "--repair", status=0)
    assert [3] == [max(job["id"] for job in outlast("list", "--json", status=0).json["jobs"])]
    assert b"healthy" in outlast("doctor", "--check", status=0).stdout
    assert 7 == outlast.run("--", "true")
    outlast("wait", "7", status=0)


VALUES = {
    "info": "[[", "spec": '["a"]', "command": "{", "params": "7", "warnings": "[1]", "created_at": "'soon'", "feedback": "[]",
    "mutex": "{}", "progress": "x", "stop_requested": "{{", "run": "'x'",
}  # fmt: skip


@pytest.mark.parametrize("field", VALUES)
def test_a_value_that_cannot_be_read(copy, field):
    connection = sqlite3.connect(copy / "outlast.db")
    with connection:
        connection.execute(f'UPDATE jobs SET "{field}" = ? WHERE id IN (5, ?)', (VALUES[field], COUNT + 1))
        connection.execute("UPDATE events SET data = '{' WHERE job = 6 AND version = 1")
        connection.execute("UPDATE runs SET limits = '[' WHERE job = 7")
    connection.close()
    with Jobs(str(copy)) as jobs:
        found = jobs.check()
        assert any(f"job 5: {field}" in sentence for sentence in found), found
    told, ids = repaired(copy)
    assert COUNT + 2 == len(ids)
    assert (Path(told.folder) / "damaged.jsonl").read_text().count("\n") >= 3
    with Jobs(str(copy)) as jobs:
        assert "succeeded" == jobs.get(5).outcome
        waiting = jobs.get(COUNT + 1)
        assert ("aborted" if field in {"spec", "command", "mutex"} else None) == waiting.outcome


def test_rows_that_belong_to_nobody_and_counts(copy):
    connection = sqlite3.connect(copy / "outlast.db")
    with connection:
        connection.execute("DELETE FROM jobs WHERE id = 3")
        connection.execute("DELETE FROM events WHERE job = 4 AND version = 2")
        connection.execute("DELETE FROM needs")
        connection.execute("UPDATE jobs SET status = 'running', ended_at = NULL, outcome = NULL WHERE id = 8")
        connection.execute("UPDATE meta SET value = 7")
        connection.execute("UPDATE environments SET surroundings = '[]'")
    connection.close()
    (copy / "runs/00/9.1.log").unlink()
    (copy / "runs/00/999.1.log").write_bytes(b"whose?")
    with Jobs(str(copy)) as jobs:
        assert 8 <= len(jobs.check())
    with Jobs(str(copy)) as jobs:
        told = jobs.repair()
        assert [] == jobs.check()
        assert ["lost", "aborted", "aborted"] == [jobs.get(number).outcome for number in (8, COUNT + 1, COUNT + 2)]
        assert "lost" in jobs.events(4)[1]["data"]["text"]
        assert [0] == [run.kept for run in jobs.get(9).runs]
        assert jobs.store.submit([submission()], 1)[0].id == 1000
    assert b"whose?" == (Path(told.folder) / "runs/00/999.1.log").read_bytes()
    assert (Path(told.folder) / "runs/00/3.1.log").exists()


def test_a_repair_while_jobs_run(outlast):
    go = outlast.folder / "go"
    os.mkfifo(go)
    outlast.run("--", "sh", "-c", f"read x < {go}; echo done; exit 3")
    outlast.run("--after.ended", "1", "--", "true")
    outlast("wait", "1", "--status", "running", status=0)
    eventually(lambda: outlast.show(1)["pid"])
    outlast("supervisor", "stop", status=0)
    connection = sqlite3.connect(outlast.home / "outlast.db", timeout=30)
    with connection:
        connection.execute("UPDATE jobs SET info = '[[' WHERE id = 1")
    connection.close()
    told = outlast("doctor", "--repair", status=0)
    assert b"job 1: info could not be read" in told.stdout
    assert 1 == len(list(outlast.home.glob("before-repair-*")))
    assert "repair: job 1: info" in (outlast.home / "supervisor.log").read_text()
    go.write_text("x\n")
    assert 0 == outlast("wait", "2").status
    assert (3, b"done\n") == (outlast.show(1)["exit_code"], outlast("logs", "1", "--raw").stdout)
    assert 0 == outlast("doctor", "--check").status


REPAIRING = "repair.after-copy repair.before-replace repair.after-file repair.after-rows".split()


@pytest.mark.parametrize("name", REPAIRING)
def test_a_repair_that_dies_is_repeated(copy, outlast, name):
    write_at(copy, pages(copy, LEAF)[3], b"\xee" * PAGE)
    connection = sqlite3.connect(copy / "outlast.db")
    connection.close()
    marks = outlast.folder / "marks"
    marks.mkdir()
    env = {"OUTLAST_FAILPOINTS": f"{name}=die", "OUTLAST_FAILPOINTS_DIR": str(marks)}
    assert -9 == outlast("doctor", "--repair", env=env).status
    outlast("doctor", "--repair", status=0)
    told, ids = repaired(copy)
    assert [] == told.done
    assert COUNT // 2 < len(ids)


def test_a_backup_while_jobs_are_submitted(outlast):
    for _ in range(3):
        outlast.run("--", "true")
    outlast("wait", "1-3", status=0)
    file = outlast.folder / "backup.db"
    with outlast.start("run", "--from", "-", stdin=-1) as client:
        client.stdin.write(b"true\n" * 2000)
        client.stdin.close()
        outlast("doctor", "--backup", file, status=0)
        client.stdout.read()
        client.stderr.read()
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert ["backup.db"] == [name for name in os.listdir(outlast.folder) if "backup" in name]
    connection = sqlite3.connect(file)
    assert [("ok",)] == connection.execute("PRAGMA integrity_check").fetchall()
    assert [] == connection.execute("SELECT id FROM jobs WHERE version <> (SELECT count(*) FROM events WHERE job = jobs.id)").fetchall()
    assert 3 <= connection.execute("SELECT count(*) FROM jobs").fetchone()[0]
    connection.close()
    assert_refused(outlast("doctor", "--backup", file), 4, "is there already")
    assert_refused(outlast("doctor", "--backup", "nowhere/b.db"), 5, "name another file")


def test_a_backup_is_a_home_again(outlast):
    outlast.run("--name", "x", "--", "echo", "hello")
    outlast("wait", "1", status=0)
    outlast("doctor", "--backup", "b.db", "--json", status=0)
    outlast.run("--", "true")
    outlast("wait", "2", status=0)
    outlast("supervisor", "stop", status=0)
    for suffix in ("-wal", "-shm"):
        (outlast.home / f"outlast.db{suffix}").unlink(missing_ok=True)
    os.replace(outlast.folder / "b.db", outlast.home / "outlast.db")
    assert "x" == outlast.show(1)["name"]
    assert "1" == outlast("list", "--ids", status=0).text
    outlast.run("--", "true")


@pytest.mark.parametrize("name", ["backup.before", "backup.after-copy", "backup.after"])
def test_a_backup_that_dies_leaves_nothing_that_looks_like_one(outlast, name):
    outlast.run("--", "true")
    env = {"OUTLAST_FAILPOINTS": f"{name}=die", "OUTLAST_FAILPOINTS_DIR": str(outlast.folder)}
    assert -9 == outlast("doctor", "--backup", "b.db", env=env).status
    assert (name == "backup.after") == (outlast.folder / "b.db").exists()


def test_wrong_use(outlast):
    assert_refused(outlast("doctor", "--check", "--repair"), 2, "exclude")
    assert_refused(outlast("doctor", "--backup", "x"), 4, "nothing to back up")
    assert_refused(outlast("doctor", "--repair"), 4, "no home")
    assert 0 == outlast("doctor", "--check").status
    outlast.run("--", "true")
    assert_refused(outlast("doctor", "--backup", "no/such/folder/b.db"), 5, "")


def test_as_an_ordinary_user(short_path):
    user = Ordinary(short_path)
    try:
        user.run("--", "echo", "x")
        user("wait", "1", status=0)
        os.chmod(short_path, 0o777)
        user("doctor", "--backup", user.folder / "b.db", status=0)
        assert user.uid == (user.folder / "b.db").stat().st_uid
        assert 0 == user("doctor", "--check").status
        assert "nothing was to be done" == user("doctor", "--repair", status=0).text
    finally:
        user.end()


def test_what_a_check_makes_is_gone_afterwards(outlast):
    outlast.run("--", "true")
    outlast("wait", "1", status=0)
    outlast("doctor", "--check", status=0)
    assert [] == [name for name in os.listdir(outlast.home) if name.startswith("check")]
    assert [(1,)] == rows(outlast.home, "SELECT count(*) FROM jobs")
