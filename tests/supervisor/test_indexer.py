"""The index of texts is made by the supervisor while nothing else is to be done, and is of use to whoever searches."""

import sqlite3

from outlast.home import Home
from outlast.store import texts
from outlast.store.reading import Reading
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
    with sqlite3.connect(f"file:{outlast.home}/outlast.db?mode=ro", uri=True) as connection:
        assert [(COUNT + 1,)] == connection.execute('SELECT rowid FROM texts WHERE texts MATCH \'"hay" AND "yst"\'').fetchall()
    connection.close()
    assert 0 == outlast("doctor").status


def test_a_small_history_is_not(outlast):
    outlast("run", "--wait", "--", "true", status=0)
    pid = outlast.supervisor_pid()
    outlast("supervisor", "stop", status=0)
    eventually(lambda: pid is None or outlast.supervisor_pid() is None)
    assert 1 == lacking(outlast)
