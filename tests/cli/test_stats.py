"""`outlast stats`: what the jobs of each name tell that have ended."""

import re

import pytest

from cli.outside import ANSI, assert_refused, on_terminal
from outlast import Jobs
from outlast.client.statistics import MOST
from store.making import fill
from support import Outlast

KEYS = """name count outcomes failures warnings first_at last_at last fastest median p95 slowest cpu max_rss memory trend""".split()


def names(outlast: Outlast, *words: str) -> "list[str]":
    return [one["name"] for one in outlast("stats", "--json", *words, status=0).json["names"]]


def test_nothing_yet(outlast: Outlast) -> None:
    assert (0, b"", f"outlast: no jobs have ended in {outlast.home}\n".encode()) == tuple(outlast("stats"))
    assert {"schema": 1, "names": [], "more": 0, "since": None} == outlast("stats", "--json").json
    assert_refused(outlast("stats", "backup"), 3, "backup")
    assert not outlast.home.exists()


def test_json(past: Outlast) -> None:
    told = past("stats", "--json", status=0)
    assert b"" == told.stderr
    assert (1, 0, None) == (told.json["schema"], told.json["more"], told.json["since"])
    found = {one["name"]: one for one in told.json["names"]}
    assert {"one", "two", "nothere", "endless", "again", "self"} == set(found)
    assert all(KEYS == list(one) for one in found.values())
    two = found["two"]
    assert (2, {"failed": 1, "succeeded": 1}, 1, 0) == (two["count"], two["outcomes"], two["failures"], two["warnings"])
    assert {"id": 3, "outcome": "succeeded", "reason": "exit code 0"} == two["last"]
    assert two["fastest"] == two["median"] == two["p95"] == two["slowest"] > 0
    assert two["first_at"] < two["last_at"]
    assert two["cpu"] > 0
    assert two["max_rss"] > 0
    assert [(2, "failed"), (3, "succeeded")] == [(took["id"], took["outcome"]) for took in two["trend"]]
    assert (1, [6]) == (found["again"]["count"], [took["id"] for took in found["again"]["trend"]]), "two runs are one job"
    assert (0, {"stopped": 1}, None) == (found["endless"]["failures"], found["endless"]["outcomes"], found["endless"]["median"])
    assert (1, None, None) == (found["nothere"]["failures"], found["nothere"]["cpu"], found["nothere"]["max_rss"])


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", ["again", "endless", "nothere", "one", "self", "two"]),
        ("two", ["two"]),
        ("k", ["two"]),
        ("name:/e$/", ["nothere", "one"]),
        ("group:g", ["two"]),
        ("outcome:failed", ["again", "self", "two"]),
        ("1-2 one", ["one", "two"]),
        ("last", ["self"]),
        ("--name t*", ["two"]),
        ("--group g", ["two"]),
        ("--since yesterday two one", ["one", "two"]),
        ("--since tomorrow", []),
        ("--until yesterday", []),
        ("--during yesterday", []),
        ("--during today --where exit_code>0", ["again", "nothere", "two"]),
    ],
)
def test_which_are_meant(past: Outlast, words: str, found: "list[str]") -> None:
    assert found == sorted(names(past, *words.split()))


def test_a_bare_word_is_the_name_and_an_id_only_that_job(past: Outlast) -> None:
    def count(word: str) -> int:
        number: int = past("stats", word, "--json", status=0).json["names"][0]["count"]
        return number

    assert (2, 2, 1, 1) == (count("two"), count("k"), count("2"), count("group:g"))


def test_order_and_limit(past: Outlast) -> None:
    assert "self" == names(past)[0]
    assert ["again", "endless"] == names(past, "--sort", "name", "-n", "2")
    assert ["two", "self"] == names(past, "--sort", "-count,-name", "-n", "2")
    assert b"outlast: 4 more; `-n all` shows them\n" == past("stats", "-n", "2").stderr
    assert b"" == past("stats", "-n", "2", "-q").stderr
    assert 4 == past("stats", "-n", "2", "--json").json["more"]
    assert ["1", "7", "3"] == past("stats", "one", "self", "two", "--sort", "name", "--ids", status=0).text.split(), "of the last of each"
    assert_refused(past("stats", "--sort", "size"), 2, "size")
    assert_refused(past("stats", "99"), 3, "99")
    assert_refused(past("stats", "--since", "whenever"), 2, "whenever")


def test_a_table_of_several(past: Outlast) -> None:
    lines = past("stats", status=0).text.splitlines()
    assert "NAME JOBS FAILED FASTEST MEDIAN 95 % SLOWEST CPU MEMORY FIRST LAST HOW".split() == lines[0].split()
    assert 7 == len(lines)
    assert re.match(r"two +2 +1 +\S+ +\S+ .* succeeded$", next(line for line in lines if line.startswith("two")))


def test_all_of_one_name(past: Outlast) -> None:
    told = past("stats", "two", status=0)
    assert b"" == told.stderr
    facts = dict(re.split("  +", line, maxsplit=1) for line in told.text.splitlines())
    assert ("2", "1 failed, 1 succeeded", "1", "0") == tuple(facts[label] for label in ("jobs", "ended", "failures", "warnings"))
    assert "job 3: succeeded" in facts["last"]
    assert "last ones" not in facts, "bars are for terminals"
    assert re.search(r"job \d+: stopped, ended by ", past("stats", "endless", status=0).text), "nothing is said twice"


def test_on_a_terminal_bars_show_the_last_ones(past: Outlast) -> None:
    def lines(*words: str, **env: str) -> "list[str]":
        status, seen = on_terminal(past, "stats", *words, env=env)
        assert 0 == status
        return seen.decode().splitlines()

    assert "✗█" == lines("two")[-1].split()[-1]
    assert "x8" == lines("two", LC_ALL="C")[-1].split()[-1]
    assert any("\x1b[31mfailed" in line for line in lines())
    plain = lines(NO_COLOR="1")
    assert not any(ANSI.search(line.encode()) for line in plain)
    assert any(line.startswith("two") and "✗█" in line for line in plain)
    assert 80 >= max(map(len, plain))


def test_warned_ones_are_counted(outlast: Outlast) -> None:
    outlast("exec", "--name", "slow", "--timeout.soft.run", "0.1", "--", "sleep", "0.5", status=0)
    outlast("exec", "--name", "slow", "--", "true", status=0)
    (one,) = outlast("stats", "slow", "--json", status=0).json["names"]
    assert (2, 1) == (one["count"], one["warnings"])
    outlast("exec", "--name", "quick", "--", "true", status=0)
    assert "WARNED" in outlast("stats", status=0).text


def test_the_last_ten_thousand_are_enough_and_it_is_said(outlast: Outlast) -> None:
    fill(outlast.home, MOST + 50)
    told = outlast("stats", "--json", status=0)
    assert MOST == sum(one["count"] for one in told.json["names"])
    assert re.fullmatch(rb"outlast: of the last 10,000 jobs, which ended since .*; `--since` reaches further back\n", told.stderr)
    assert told.json["since"] is not None
    everything = outlast("stats", "--since", "2020-01-01", "--json", status=0)
    assert (MOST + 50, None, b"") == (sum(one["count"] for one in everything.json["names"]), everything.json["since"], everything.stderr)


def test_from_python(past: Outlast) -> None:
    with Jobs(str(past.home)) as jobs:
        found = jobs.stats("two")
        assert [("two", 2, 1)] == [(one.name, one.jobs, one.failures) for one in found.names]
        assert ["again"] == [one.name for one in jobs.stats(sort=["name"], limit=1).names]
        assert 3 == len(jobs.stats([1, 2, jobs.one(4)]).names)
        with pytest.raises(Exception, match="no statistic"):
            jobs.stats(sort=["size"])
