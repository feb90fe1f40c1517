"""Which jobs are meant: selectors, filters, order, limits, on real rows; Unicode and bytes that are not UTF-8 included."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core import job as j
from outlast.core.errors import NotFound, Refused, UsageError
from outlast.core.selectors import parse_selectors
from outlast.home import Home
from outlast.store import finding
from outlast.store.finding import Filter, find, listing
from outlast.store.store import Store
from store.making import AT, claim, end, ended, start, submission, submit, tick


def ids(store: Store, *words: str, **how: Any) -> list[int]:
    return [job.id for job in find(store, parse_selectors(words), **how)]


def shown(store: Store, **wanted: Any) -> list[int]:
    return [job.id for job in listing(store, Filter(**wanted), AT)[0]]


@pytest.fixture
def seven(store: Store) -> Store:
    """1, 2 `a` (ended: failed, succeeded), 3 `a` running, 4 `b` of group g queued, 5 `key` k queued, 6 `c` pending, 7 `k` ended."""
    ended(store, j.FAILED, name="a")
    ended(store, name="a")
    start(store, claim(store, submit(store, name="a")))
    submit(store, name="b", group="g")
    submit(store, name="keyed", key="k")
    submit(store, name="c", waits=True)
    ended(store, name="k")
    return store


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["3"], [3]), (["1-3"], [1, 2, 3]), (["6,1,2-3"], [1, 2, 3, 6]), (["5-99"], [5, 6, 7]), (["4", "1", "4"], [4, 1]),
        (["last"], [7]), (["last~2"], [5]), (["a"], [3]), (["b"], [4]), (["keyed"], [5]),
        (["k"], [7]),  # a name or a key: the one that started last
        (["name:a"], [1, 2, 3]), (["name:[ab]"], [1, 2, 3, 4]), (["name:*e*"], [5]), (["name:/^[^a]$/"], [4, 6, 7]), (["name:/E/"], []),
        (["group:g"], [4]), (["group:none"], []),
        (["status:queued,pending"], [4, 5, 6]), (["status:ended"], [1, 2, 7]), (["status:ended,running"], [1, 2, 3, 7]),
        (["status:reserved"], []),
        (["outcome:failed"], [1]), (["outcome:failed,succeeded"], [1, 2, 7]), (["outcome:lost"], []),
        (["group:g", "last", "1"], [4, 7, 1]),
    ],
)  # fmt: skip
def test_selectors(seven: Store, words: list[str], expected: list[int]) -> None:
    assert expected == ids(seven, *words)
    assert sorted(expected) == shown(seven, among=tuple(parse_selectors(words)))


@pytest.mark.parametrize("word", ["8", "nobody", "last~7", str(2**63), "9" * 50])
def test_one_that_is_not_there_is_told(seven: Store, word: str) -> None:
    with pytest.raises(NotFound, match=f"no job `{word}.*outlast list.*{seven.database.home.path}"):
        ids(seven, "1", word)


def test_a_set_may_be_empty(seven: Store) -> None:
    for word in ("name:nobody", "100-200", "8,9", "group:x", "status:reserved", "outcome:lost"):
        assert [] == ids(seven, word)


def test_thousands_of_ids_in_one_word(store: Store) -> None:
    store.submit([submission() for _ in range(3000)], AT)
    odd = ",".join(str(number) for number in range(1, 3001, 2))
    ranges = ",".join(f"{number}-{number + 1}" for number in range(1, 3001, 4))
    assert list(range(1, 3001, 2)) == ids(store, odd) == shown(store, among=tuple(parse_selectors([odd])))
    assert 1500 == len(ids(store, ranges))
    assert list(range(1, 3001)) == ids(store, "1-1000,500-3000,7,2999-9223372036854775807")


def test_of_several_with_one_name_the_one_that_started_last_is_read(store: Store) -> None:
    first, second, third = (submit(store, name="x") for _ in range(3))
    assert [3] == ids(store, "x")  # none has started: the one made last
    second = start(store, claim(store, second))
    assert [2] == ids(store, "x")
    first = start(store, claim(store, first))
    assert [1] == ids(store, "x")
    end(store, first)
    end(store, second)
    assert [1] == ids(store, "x")
    start(store, claim(store, third))
    assert [3] == ids(store, "x")
    submit(store, name="y", key="x")
    assert [4] == ids(store, "x")


@pytest.mark.parametrize("seed", range(20))
def test_the_one_that_started_last_whatever_runs_beside_it(store: Store, seed: int) -> None:
    """The index knows ends only: the answer is that of a look at every job's start."""
    chance = random.Random(seed)
    lives = [(AT + chance.randrange(50), chance.choice((0, 1, 5, 50, None))) for _ in range(chance.randrange(1, 40))]
    with store.batch():
        store.submit([submission(name="x") for _ in lives], AT)
        for number, (begin, length) in enumerate(lives, 1):
            at = (begin, None, "running") if length is None else (begin, begin + length, "ended")
            store.database.execute("UPDATE jobs SET started_at = ?, ended_at = ?, status = ? WHERE id = ?", (*at, number))
    assert [max(range(1, len(lives) + 1), key=lambda number: (lives[number - 1][0], number))] == ids(store, "x")


def test_to_end_the_only_active_one_is_meant(seven: Store) -> None:
    assert [3] == ids(seven, "a", to_end=True)
    assert [5] == ids(seven, "k", to_end=True)  # 7 is called k too, and is over
    submit(seven, name="a")
    with pytest.raises(Refused, match=r"`a` means 2 active jobs: 3, 8: say which by id, or add `--all`"):
        ids(seven, "a", to_end=True)
    assert [3, 8] == ids(seven, "a", to_end=True, every=True)
    assert [1] == ids(seven, "1", to_end=True)
    for job in find(seven, parse_selectors(["3", "8"])):
        end(seven, job, j.STOPPED)
    assert [8] == ids(seven, "a", to_end=True)  # none is active: the last one, so that it can be said how it ended
    with pytest.raises(NotFound):
        ids(seven, "nobody", to_end=True)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7]),
        ({"active": False}, [7, 2, 1]),
        ({"ended": False}, [3, 4, 5, 6]),
        ({"active": False, "ended": False}, []),
        ({"status": ("queued",)}, [4, 5]),
        ({"status": ("queued", "ended")}, [1, 2, 4, 5, 7]),
        ({"status": ("ended",), "ended": False}, []),
        ({"outcome": ("failed", "lost")}, [1]),
        ({"name": "a"}, [1, 2, 3]),
        ({"name": "?", "active": False}, [7, 2, 1]),
        ({"name": "/k|c/"}, [5, 6, 7]),
        ({"group": "g"}, [4]),
        ({"last": True}, [3, 4, 5, 6, 7]),
        ({"last": True, "active": False}, [7, 2]),
        ({"sort": ("-id",)}, [7, 6, 5, 4, 3, 2, 1]),
        ({"sort": ("name", "-id")}, [3, 2, 1, 4, 6, 7, 5]),
        ({"sort": ("status", "created")}, [1, 2, 7, 6, 4, 5, 3]),
        ({"sort": ("-group", "id")}, [4, 1, 2, 3, 5, 6, 7]),
        ({"limit": 2}, [1, 2]),
        ({"limit": 2, "active": False}, [7, 2]),
        ({"limit": 0}, []),
    ],
)
def test_filters(seven: Store, wanted: dict[str, Any], expected: list[int]) -> None:
    assert expected == shown(seven, **wanted)


@pytest.mark.parametrize("word", [*sorted(finding._SORTED), "duration", "group"])
def test_every_order_can_be_asked_for_and_turned_round(seven: Store, word: str) -> None:
    assert [1, 2, 3, 4, 5, 6, 7] == sorted(shown(seven, sort=(word,))) == sorted(shown(seven, sort=(f"-{word}", "id")))


def test_since_and_until(store: Store) -> None:
    first = ended(store)
    second = start(store, claim(store, submit(store)))
    third = submit(store)
    assert first.ended_at is not None
    assert first.started_at is not None
    assert second.started_at is not None
    assert [1, 2, 3] == shown(store, since=first.ended_at)
    assert [2, 3] == shown(store, since=first.ended_at + 1)
    assert [3] == shown(store, since=second.started_at + 1)
    assert [] == shown(store, since=third.created_at + 1)
    assert [1] == shown(store, active=False, since=first.ended_at)
    assert [] == shown(store, active=False, since=first.ended_at + 1)
    assert [2, 3] == shown(store, ended=False, since=second.started_at)
    assert [] == shown(store, until=first.started_at)
    assert [1] == shown(store, until=first.started_at + 1)
    assert [1, 2, 3] == shown(store, until=tick())
    assert [2] == shown(store, since=first.ended_at + 1, until=third.created_at)


def test_the_slowest_come_first(store: Store) -> None:
    for took in (5, 50, 20):
        job = start(store, claim(store, submit(store)))
        end(store, job, ended_at=(job.started_at or 0) + took)
    running = start(store, claim(store, submit(store)))
    jobs, _ = listing(store, Filter(slowest=True), (running.started_at or 0) + 30)
    assert [2, 4, 3, 1] == [job.id for job in jobs]
    submit(store)  # has not started: it took nothing
    assert [5] == shown(store, slowest=True)[-1:]


def test_how_many_more_there_are(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(7):
        ended(store, name="x")
    submit(store)

    def more(**wanted: Any) -> int:
        return listing(store, Filter(**wanted), AT)[1]

    assert 5 == more(active=False, limit=2)
    assert 0 == more(active=False, limit=7)
    assert 0 == more(active=False, limit=None)
    assert 5 == more(name="x", limit=2)
    assert 8 == more(limit=0)
    monkeypatch.setattr(finding, "COUNTED", 3)
    assert 3 == more(name="x", limit=2)  # so many or more
    assert 5 == more(active=False, limit=2)  # is known without counting
    assert 2 == more(name="x", limit=5)


# Text

TEXTS = [
    ({"name": "nightly Backup"}, ["backup", "BACKUP", "ly b"]),
    ({"description": "Größe ändern"}, ["größe", "GRÖSSE"[:3], "ä", "Ä"]),
    ({"command": ["rsync", "-a", "/srv/Ünï", 'say "x"', "back\\slash"]}, ["rsync", "rsync -a", "ünï", 'say "x"', "\\s", "-a /srv"]),
    ({"info": ["ticket-4711", "", "日本"]}, ["4711", "日"]),
    ({"params": {"region": "EU", "größe": "m"}}, ["region", "eu", "GRÖßE"]),
    ({"name": "bad\udcff", "command": ["x\udcfe"]}, ["bad", "\udcff", "d\udcff", "\udcfe"]),
    ({"description": "bad\udcff too"}, ["\udcff t", "bad"]),
    ({"name": "tab\there\n"}, ["b\th", "\n"]),
    ({"name": "x\x00y"}, ["x\x00y"]),
]


@pytest.mark.parametrize(("fields", "texts"), TEXTS, ids=str)
def test_text_is_found_wherever_it_stands(store: Store, fields: dict[str, Any], texts: list[str]) -> None:
    submit(store, name="other")
    submit(store, **fields)
    submit(store, name="other")
    for text in texts:
        assert [2] == shown(store, text=text), text


def test_what_only_stands_in_the_way_of_storing_is_not_found(store: Store) -> None:
    submit(store, name="n", command=["ä", "b"], params={"k": "v"})
    for text in ("u00e4", '", "', "[", "{", '"k"', "\\u", "%", "ab"):
        assert [] == shown(store, text=text), text
    assert [1] == shown(store, text="")


@pytest.mark.parametrize("name", ["ü", "日本", "\udcff\udc80", "a\udcffb", "x*y", "[a]", "it's", 'q"', "a b"])
def test_any_name_is_found_by_itself(store: Store, name: str) -> None:
    submit(store, name="other")
    submit(store, name=name, group=name, key=name)
    escaped = "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
    assert [2] == ids(store, name) == ids(store, f"group:{name}") == ids(store, f"name:{escaped}") == ids(store, name, to_end=True)
    assert [2] == shown(store, name=escaped) == shown(store, group=name)
    assert name == find(store, parse_selectors([name]))[0].name


def test_a_glob_and_a_regular_expression_find_names_that_are_not_utf8(store: Store) -> None:
    submit(store, name="job-\udcff-1")
    submit(store, name="job-x-2")
    assert [1, 2] == ids(store, "name:job-*") == ids(store, "name:/^job-/") == shown(store, name="job-*")
    assert [1] == ids(store, "name:job-\udcff*") == ids(store, "name:/\udcff/")


def test_two_regular_expressions_at_once(store: Store) -> None:
    for name in ("ab", "bc", "cd", "de"):
        submit(store, name=name)
    assert [1, 2, 3] == shown(store, among=tuple(parse_selectors(["name:/a/", "name:/c/"])))
    assert [2] == shown(store, name="/b/", among=tuple(parse_selectors(["name:/c/"])))


def test_a_wrong_regular_expression_is_told(store: Store) -> None:
    submit(store)
    with pytest.raises(UsageError, match="no regular expression"):
        ids(store, "name:/(/")
    with pytest.raises(UsageError, match="no regular expression"):
        shown(store, name="/(/")


@given(
    st.lists(st.text(st.characters(codec=None), min_size=1, max_size=5), min_size=1, max_size=6),
    st.text(st.characters(codec=None), max_size=3),
)
def test_text_means_what_python_means(names: list[str], text: str) -> None:
    """--text and the names find what `in` finds, for any text that a command line can hold."""
    names, text = [os_text(name) for name in names], os_text(text)
    with_fresh_store(lambda store: check_texts(store, names, text))


def os_text(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")


def check_texts(store: Store, names: list[str], text: str) -> None:
    jobs = store.submit([submission(name=name, command=[]) for name in names], AT)
    assert [job.id for job in jobs if text.lower() in job.name.lower()] == shown(store, text=text)
    assert names == [job.name for job in store.select("1")]


def with_fresh_store(check: Callable[[Store], None]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        store = Store(Home(f"{folder}/h"))
        check(store)
        store.close()
