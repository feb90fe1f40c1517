"""A filter means the same in SQL as in Python, whatever the jobs and the filter."""

import tempfile
from collections.abc import Callable
from typing import Any as Anything

from hypothesis import given, settings
from hypothesis import strategies as st

from outlast.client.listing import _fits
from outlast.core import fields
from outlast.core.fields import FIELDS, NAMED, Term
from outlast.core.filters import All, Any, Not, Text, means, parse, resolved
from outlast.core.job import ENDED, OUTCOMES, STATUSES, Job
from outlast.core.selectors import parse_selectors
from outlast.home import Home
from outlast.store.finding import Filter, find, listing
from outlast.store.rows import row_of_job
from outlast.store.store import _INSERT_JOB, Store
from store.making import AT

SHORT = st.sampled_from(["", "a", "b", "ab", "Ab", "a*", "none", 'q"', "ä", "\udcff", "x y", "\\", "[a]"])
SOME_TEXT = st.sampled_from(["a", "b", "ab", "Ab", 'q"', "ä", "x y", "\udcff"])
NEAR = st.integers(AT - 3, AT + 3)
MAYBE_NEAR = st.none() | NEAR
SMALL = st.integers(0, 3)


@st.composite
def jobs(draw: Callable[..., Anything]) -> Job:
    status = draw(st.sampled_from(STATUSES))
    over = status == ENDED
    return Job(
        id=0, created_at=draw(NEAR), name=draw(SOME_TEXT), description=draw(SHORT), group=draw(st.none() | SHORT),
        key=draw(st.none() | SHORT), command=draw(st.lists(SHORT, max_size=2)), cwd=draw(SHORT), user=draw(SHORT), status=status,
        outcome=draw(st.sampled_from(OUTCOMES)) if over else None, reason=draw(st.none() | SHORT), exit_code=draw(st.none() | SMALL),
        signal=draw(st.none() | SMALL), run=draw(SMALL), queued_at=draw(MAYBE_NEAR), started_at=draw(MAYBE_NEAR),
        ended_at=draw(NEAR) if over else None, priority=draw(st.integers(-1, 1)), paused=draw(st.booleans()), held=draw(st.booleans()),
        warnings=[{"warning": word, "text": "t"} for word in draw(st.lists(SHORT, max_size=2))],
        info=draw(st.lists(SHORT, min_size=3, max_size=3)), params=draw(st.dictionaries(SOME_TEXT, SHORT, max_size=2)),
        feedback=draw(st.none() | st.dictionaries(SOME_TEXT, SHORT, max_size=2)), rerun_of=draw(st.none() | SMALL),
        schedule=draw(st.none() | SHORT),
    )  # fmt: skip


@st.composite
def terms(draw: Callable[..., Anything]) -> Term:
    field = draw(st.sampled_from(sorted(FIELDS)))
    kind = FIELDS[field].kind
    name = draw(SOME_TEXT) if field in NAMED else ""
    operators = [
        "=",
        "!=",
        "in",
        *(["<", "<=", ">", ">="] if kind in fields.ORDERED else []),
        *(["~", "=~"] if kind == fields.TEXT else []),
    ]
    op = draw(st.sampled_from(operators))
    if op in {"=", "!="} and draw(st.booleans()):
        return Term(field=field, name=name, op=op, value=None)
    one: st.SearchStrategy[Anything] = {
        fields.TEXT: SHORT, fields.WORD: st.sampled_from(FIELDS[field].choices or ("",)), fields.FLAG: st.booleans(), fields.TIME: NEAR,
    }.get(kind, SMALL)  # fmt: skip
    if op == "~":
        one = st.sampled_from(["a*", "*b", "[aA]b", "*", "?", "a", "*q*", "[^a]*"])
    elif op == "=~":
        one = st.sampled_from(["a", "^b", "b$", "", "[ab]+", "(?i)AB"])
    elif kind == fields.TIME and op in {"=", "!=", "in"}:
        since = draw(NEAR)
        return Term(field=field, name=name, op="=" if op == "in" else op, value=(since, draw(st.integers(since, AT + 4))))
    value = tuple(draw(st.lists(one, min_size=1, max_size=3))) if op == "in" else draw(one)
    return Term(field=field, name=name, op=op, value=value)


NODES: st.SearchStrategy[Anything] = st.recursive(
    terms() | SHORT.map(lambda text: Text(text=text)),
    lambda inner: st.one_of(
        inner.map(lambda part: Not(part=part)),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: All(parts=tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Any(parts=tuple(parts))),
    ),
    max_leaves=8,
)


def not_utf8(job: Job) -> bool:
    """Bytes that are no text: a pattern's `?` is one byte or one letter, as SQLite likes."""
    return any(
        "\udcff" in str(part) for part in (job.name, job.description, job.group, job.key, job.cwd, job.user, job.reason, job.schedule)
    )


@settings(max_examples=60)
@given(st.lists(jobs(), min_size=1, max_size=12), st.lists(NODES, min_size=1, max_size=40))
def test_sql_means_what_python_means(made: list[Job], nodes: list[Anything]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Home(f"{folder}/h"))
        for job in made:
            store.database.execute(_INSERT_JOB, [None, *row_of_job(job)[1:]])
        kept = store.select("1")
        for node in nodes:
            plain = [job for job in kept if "op='~'" not in repr(node) or not not_utf8(job)]
            numbers = {job.id for job in plain}
            expected = [job.id for job in plain if means(node, job, AT)]
            found = [job.id for job in listing(store, Filter(where=node, sort=("id",)), AT)[0] if job.id in numbers]
            assert expected == found, node
            for half in ({"active": False}, {"ended": False}):
                wanted = Filter(where=node, sort=("id",), **half)
                expected = [job.id for job in plain if _fits(job, wanted, AT)]
                assert expected == [job.id for job in listing(store, wanted, AT)[0] if job.id in numbers], (node, half)
        store.close()


def test_words_of_status_and_outcome_in_every_form(store: Store) -> None:
    """Some of these become what an index serves: with the same meaning, what is unknown included."""
    from store.making import ended, submit

    ended(store, name="a")
    ended(store, "failed", name="b")
    submit(store, name="c")
    for field, words in (("status", ("ended", "queued")), ("outcome", ("failed", "succeeded"))):
        for text in (f"{field} = {words[0]}", f"{field} != {words[0]}", f"{field} in ({words[0]}, {words[1]})", f"{field} = none"):
            for form in (
                text,
                f"not {text}",
                f"not not {text}",
                f"{text} and id > 1",
                f"not {text} and {text}",
                f"{text} and {field} != {words[1]}",
            ):
                node = resolved(parse(form), AT)
                for half in ({}, {"active": False}, {"ended": False}):
                    wanted = Filter(where=node, sort=("id",), **half)
                    expected = [job.id for job in store.select("1") if _fits(job, wanted, AT)]
                    assert expected == [job.id for job in listing(store, wanted, AT)[0]], (form, half)


def test_a_selector_means_what_the_filter_means(store: Store) -> None:
    from store.making import ended, submit

    ended(store, name="a", params={"region": "EU"})
    ended(store, name="b", params={"region": "US"})
    submit(store, name="a")
    words = parse_selectors(["where:name = a and ended > '2020-01-01'", "where:param.region = US"])
    assert [1, 2] == [job.id for job in find(store, words)]
    assert [1, 2] == [job.id for job in listing(store, Filter(among=tuple(words)), AT)[0]]
    node = resolved(parse("name = b or not status = ended"), AT)
    assert [2, 3] == [job.id for job in listing(store, Filter(where=node), AT)[0]]
