"""The index of texts is made by the supervisor while nothing else is to be done, and is of use to whoever searches."""

import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

from outlast.home import Home
from outlast.store import texts
from outlast.store.reading import Reading
from outlast.store.store import Store
from outlast.supervisor import indexer
from outlast.supervisor.loop import Loop
from store.making import fill
from support import eventually

COUNT = 1500
WORTH = 1000


def lacking(outlast) -> int:
    reading = Reading(Home(str(outlast.home)))
    try:
        return texts.backlog(reading)
    finally:
        reading.close()


def test_a_history_is_indexed_behind_everybodys_back(outlast):
    fill(outlast.home, COUNT)
    assert COUNT == lacking(outlast)
    outlast("run", "--wait", "--name", "haystack", "--", "echo", "a needle", status=0)
    eventually(lambda: lacking(outlast) < WORTH)  # so many are not worth a commit
    outlast("run", "--wait", "--", "echo", "another needle", status=0)
    found = [job["id"] for job in outlast("history", "--text", "needle", "--json", status=0).json["jobs"]]
    assert [COUNT + 2, COUNT + 1] == found
    assert [COUNT + 1] == [int(word) for word in outlast("history", "--text", "HAYSTACK", "--ids", status=0).stdout.split()]
    with closing(sqlite3.connect(f"file:{outlast.home}/outlast.db?mode=ro", uri=True)) as connection:
        (count,) = connection.execute('SELECT count(*) FROM texts WHERE texts MATCH \'"tru" AND "rue"\'').fetchone()
    assert COUNT - WORTH < count
    assert 0 == outlast("doctor").status


def test_a_small_history_is_not(outlast):
    outlast("run", "--wait", "--", "true", status=0)
    pid = outlast.supervisor_pid()
    outlast("supervisor", "stop", status=0)
    eventually(lambda: pid is None or outlast.supervisor_pid() is None)
    assert 1 == lacking(outlast)


def test_while_there_is_work_only_what_makes_a_search_slow_is_indexed(tmp_path: Path, monkeypatch):
    fill(tmp_path / "h", 30)
    store, loop, said, checkpoints = Store(Home(str(tmp_path / "h"))), Loop(), [], []
    monkeypatch.setattr(indexer, "TOO_MANY", 20)
    monkeypatch.setattr(indexer, "SLICE", 4)
    monkeypatch.setattr(indexer, "BREATH", 1000)
    service = indexer.Indexer(SimpleNamespace(store=store, loop=loop, log=said.append), lambda: False, lambda: checkpoints.append(1))
    for _ in range(indexer.EVERY):
        assert not service.busy
        service.consider()
    while service.busy:
        loop.wait(1000)
    assert (18, 3, []) == (texts.backlog(store), len(checkpoints), said)
    store.database.execute("DROP TABLE texts")
    store.database.execute("CREATE TABLE texts (other)")
    assert 0 == service.run_once()
    assert ["texts are indexed no further"] == [line.partition(":")[0] for line in said]
    service.consider()
    assert (False, 18) == (service.busy, texts.backlog(store))
    store.close()
