"""Which jobs are meant: the same words for every verb."""

import pytest

from cli.outside import assert_refused


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("1", [1]),
        ("1 1 1", [1]),
        ("2-4", [2, 3, 4]),
        ("5,1-2", [1, 2, 5]),
        ("1,3 5-7", [1, 3, 5, 6, 7]),
        ("6-99", [6, 7]),
        ("last", [7]),
        ("last~2 last", [5, 7]),
        ("two", [3]),
        ("k", [3]),
        ("name:two", [2, 3]),
        ("name:*e*", [1, 4, 5, 7]),
        ("name:[os]*", [1, 7]),
        ("name:/^t|lf$/", [2, 3, 7]),
        ("name:/O/", []),
        ("group:g", [2]),
        ("status:ended", [1, 2, 3, 4, 5, 6, 7]),
        ("status:running,queued", []),
        ("outcome:succeeded", [1, 3]),
        ("outcome:not-started,stopped", [4, 5]),
        ("group:nobody 1", [1]),
    ],
)
def test_sets_and_ids(past, words, found):
    told = past("list", "--ids", "-n", "all", "--sort", "id", *words.split(), status=0)
    assert found == [int(word) for word in told.stdout.split()]
    if found:
        told = past("wait", "--ids", *words.split())
        assert found == sorted(int(word) for word in told.stdout.split())


@pytest.mark.parametrize("word", ["5-2", "last~", "last~x", "name:", "group:", "status:", "status:runing", "outcome:faild", "name:/(/", ""])
@pytest.mark.parametrize("verb", ["wait", "stop", "show", "list"])
def test_words_that_can_mean_nothing(past, verb, word):
    assert_refused(past(verb, word), 2)


@pytest.mark.parametrize("word", ["8", "99999999999999999999999", "last~7", "nobody", "0"])
@pytest.mark.parametrize("verb", ["wait", "stop", "show", "list", "logs", "rerun", "why", "events"])
def test_jobs_that_are_not_there(past, verb, word):
    assert_refused(past(verb, word), 3, word)


@pytest.mark.parametrize("verb", ["show", "logs", "rerun", "why", "events"])
def test_a_set_where_one_job_is_meant(past, verb):
    assert_refused(past(verb, "name:*"), 4, "7")
    assert_refused(past(verb, "1-3"), 4, "3")
    if verb != "rerun":
        assert 0 == past(verb, "outcome:stopped").status


def test_digits_are_always_ids(outlast):
    outlast.run("--name", "2", "--", "true")
    assert_refused(outlast("show", "2"), 3)
    assert b"1\n" == outlast("show", "name:2", "--ids").stdout
    outlast.run("--name", "last", "--", "true")
    outlast.run("--name", "x:y", "--", "true")
    assert b"3\n" == outlast("show", "last", "--ids").stdout
    assert b"3\n" == outlast("show", "x:y", "--ids").stdout


def test_a_huge_range_costs_nothing(past):
    assert 7 == len(past("list", "--ids", "-n", "all", "1-999999999999", status=0).stdout.split())
