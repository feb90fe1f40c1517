"""The index of texts: it finds what reading finds, whatever is in it yet, and costs the same however many jobs there are."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from outlast.core.filters import parse, resolved
from outlast.home import Home
from outlast.store import texts
from outlast.store.finding import Filter, listing
from outlast.store.reading import Reading
from outlast.store.store import Store
from store.making import AT, ended, fill, submission, submit

WORDS = [
    "rsync",
    "Größe",
    "x y",
    "a\\b",
    'say "hi"',
    "\udcff\udcfe",
    "ΑΣ",
    "σας",
    "日本語",
    "tab\there",
    "aaa",
    "İstanbul",
    "it's",
    "%_*",
    "nul",
]
WANTED = [*WORDS, "RSY", "syn", "größe", "ΣΑ", "aaaa", "hi", "y", "本語", "istan", "s an", "nowhere", "", "\udcff"]


def shown(store: Reading, **wanted: Any) -> list[int]:
    return [job.id for job in listing(store, Filter(**{"sort": ("id",), **wanted}), AT)[0]]


def filled(store: Store, seed: int) -> None:
    """Submit jobs with words by chance in every place where a text is looked for."""
    chance = random.Random(seed)

    def some() -> str:
        return " ".join(chance.sample(WORDS, chance.randrange(3)))

    for _ in range(40):
        info = [some(), some(), some()]
        store.submit([submission(name=some() or "n", description=some(), command=[some(), some()], info=info, params={some(): some()})], AT)


@pytest.fixture(params=[(texts.FEW, texts.MANY), (2, texts.MANY), (2, 5)], ids=["few", "many", "very many"])
def ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the three ways to use the index."""
    few, many = request.param
    monkeypatch.setattr(texts, "FEW", few)
    monkeypatch.setattr(texts, "MANY", many)


@pytest.mark.usefixtures("ways")
@pytest.mark.parametrize("seed", range(3))
def test_it_finds_what_reading_finds(store: Store, seed: int) -> None:
    filled(store, seed)
    expected = {text: shown(store, text=text) for text in WANTED}
    assert any(expected.values())
    for size in (15, 10, 100):  # what is not in it yet is read
        texts.index(store, size)
        assert expected == {text: shown(store, text=text) for text in WANTED}
        for text, found in expected.items():
            node = resolved(parse(f"'{text}' and priority = 0" if "'" not in text and "\\" not in text else "held"), AT)
            assert found == shown(store, where=node) or "'" in text or "\\" in text
    assert 0 == texts.backlog(store)
    texts.forget(store)
    assert 40 == texts.backlog(store)
    assert expected == {text: shown(store, text=text) for text in WANTED}


@pytest.mark.usefixtures("ways")
def test_a_reservation_that_gets_its_command_later_is_found(store: Store) -> None:
    for _ in range(3):
        ended(store, name="other")
    reserved = store.reserve(submission(name="other", command=[]).job, None, AT)
    ended(store, name="other")
    assert 5 == texts.index(store, 100)
    submit(store, id=reserved.id, name="filled", command=["needle"])
    assert [4] == shown(store, text="needle") == shown(store, text="fille")
    assert 1 == texts.backlog(store)
    assert 1 == texts.index(store, 100)
    assert (0, [4]) == (texts.backlog(store), shown(store, text="needle"))
    assert 0 == texts.index(store, 100)


@pytest.mark.usefixtures("ways")
def test_a_job_that_is_gone_is_not_found(store: Store) -> None:
    for _ in range(8):
        ended(store, name="gone")
    texts.index(store, 100)
    store.database.execute("DELETE FROM jobs WHERE id IN (2, 8)")
    assert [1, 3, 4, 5, 6, 7] == shown(store, text="gone")
    assert 9 == ended(store, name="gone").id
    assert [1, 3, 4, 5, 6, 7, 9] == shown(store, text="gone")


def test_what_was_to_be_indexed_again_and_is_gone_holds_nothing_up(store: Store) -> None:
    ended(store, name="gone")
    texts.index(store, 100)
    store.database.execute("INSERT INTO texts_again VALUES (1), (0)")
    store.database.execute("DELETE FROM jobs")
    ended(store, name="here")
    assert [2, 1, 0] == [texts.index(store, 2) for _ in range(3)]
    assert (0, [2]) == (texts.backlog(store), shown(store, text="here"))


def test_without_an_index_that_can_be_used_all_are_read(store: Store) -> None:
    ended(store, name="needle")
    texts.index(store, 100)
    store.database.execute("DROP TABLE texts")
    assert [1] == shown(store, text="needle")


def test_a_damaged_row_holds_nothing_up(store: Store) -> None:
    for name in ("one", "two", "six"):
        ended(store, name=name)
    store.database.execute("UPDATE jobs SET params = 'x' WHERE id = 2")
    assert 3 == texts.index(store, 100)
    assert [3] == shown(store, text="six")


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    """Two homes with few and many jobs, three of which mention a needle."""
    stores = []
    for count in (200, 20_000):
        path = tmp_path_factory.mktemp("texts") / "h"
        fill(path, count)
        store = Store(Home(str(path)))
        store.database.execute("UPDATE jobs SET description = 'a needle' WHERE id IN (3, 77, 111)")
        while texts.index(store, 5000):
            pass
        stores.append(store)
    yield stores[0], stores[1]
    for store in stores:
        store.close()


def steps(store: Store, **wanted: Any) -> int:
    """Return how many steps SQLite's machine takes for a history of 10."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    store.database.connection.set_progress_handler(step, 1)
    try:
        listing(store, Filter(active=False, limit=10, **wanted), AT)
    finally:
        store.database.connection.set_progress_handler(None, 1)
    return count


def test_a_rare_text_costs_the_same_in_many_jobs(homes: tuple[Store, Store]) -> None:
    assert [3, 77, 111] == shown(homes[1], text="needle")
    few, many = (steps(store, text="needle") for store in homes)
    assert 0 < many <= few + 1000, (few, many)
    few, many = (steps(store, where=parse("needle and outcome = succeeded")) for store in homes)
    assert 0 < many <= few + 1000, (few, many)
    assert 20 * many < steps(homes[1], where=parse("needle or held"))  # which the index cannot help: the check can fail


def test_a_common_text_has_a_bound(homes: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MANY", 2000)
    few, many = (steps(store, text="true") for store in homes)
    assert few + 60 * 2000 >= many, (few, many)


def test_what_is_asked_of_the_index() -> None:
    assert "" == texts._query("ab") == texts._query("")
    assert '"abc"' == texts._query("abc")
    assert '"a""b" AND """bc"' == texts._query('a"bc')
    assert texts.ENOUGH == texts._query("".join(map(chr, range(97, 97 + 99)))).count(" AND ") + 1


def test_it_is_possible_here(tmp_path: Path) -> None:
    assert texts.is_possible() or tmp_path.exists()  # a SQLite without FTS5 does without; all above holds there too
