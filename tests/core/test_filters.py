"""The filter language: what is read, what is refused and where, and that no text makes it fail or take long."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from outlast.core import fields
from outlast.core.errors import UsageError
from outlast.core.fields import FIELDS, NAMED, Term
from outlast.core.filters import DEEPEST, LONGEST, MOST, All, Any, Not, Text, means, parse, parts_of, resolved, with_all
from outlast.core.globs import matches
from outlast.core.job import ENDED, FAILED, RUNNING, Job
from outlast.core.times import SECOND
from outlast.core.verb_texts import FILTERS
from support import CHECKOUT

AT = 1_800_000_000 * SECOND


def term(field: str, op: str, value: object, name: str = "") -> Term:
    return Term(field=field, name=name, op=op, value=value)


NAME, HELD = term("name", "=", "a"), term("held", "=", True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name = a", NAME),
        ("NAME==a", NAME),
        ("name = 'a'", NAME),
        ('name="a"', NAME),
        ("held", HELD),
        ("held = yes", HELD),
        ("not held", Not(part=HELD)),
        ("NOT not held", Not(part=Not(part=HELD))),
        ("name = a and held", All(parts=(NAME, HELD))),
        ("name = a or held and rsync", Any(parts=(NAME, All(parts=(HELD, Text(text="rsync")))))),
        ("(name = a or held) and rsync", All(parts=(Any(parts=(NAME, HELD)), Text(text="rsync")))),
        ("name = a AND held And name = a", All(parts=(NAME, HELD, NAME))),
        ("rsync", Text(text="rsync")),
        ("'held'", Text(text="held")),
        ('"a \\"b\\" \\\\ \\d"', Text(text='a "b" \\ \\d')),
        ("'and'", Text(text="and")),
        ("name in (a, b)", term("name", "in", ("a", "b"))),
        ("name not in (a)", Not(part=term("name", "in", ("a",)))),
        ("group in (a, none)", Any(parts=(term("group", "=", "a"), term("group", "=", None)))),
        ("group = none", term("group", "=", None)),
        ("group = 'none'", term("group", "=", "none")),
        ("group != NONE", term("group", "!=", None)),
        ("name ~ back*[0-9]", term("name", "~", "back*[0-9]")),
        ("name =~ '^(a|b)$'", term("name", "=~", "^(a|b)$")),
        ("exit_code >= 3", term("exit_code", ">=", 3)),
        ("priority<-2", term("priority", "<", -2)),
        ("signal = SEGV", term("signal", "=", 11)),
        ("outcome = timed-out", term("outcome", "=", "timed_out")),
        ("duration > 1h 30m", term("duration", ">", 5400 * SECOND)),
        ("duration > 90", term("duration", ">", 90 * SECOND)),
        ("ended > 2h ago and held", All(parts=(term("ended", ">", AT - 7200 * SECOND), HELD))),
        ("ended>@5", term("ended", ">", 5 * SECOND)),
        ("ended = '2026-11..2026-12'", None),
        ("param.region = EU", term("param", "=", "EU", "region")),
        ("Param.Region.x = EU", term("param", "=", "EU", "Region.x")),
        ("feedback.phase ~ c*", term("feedback", "~", "c*", "phase")),
        ("warnings > 0", term("warnings", ">", 0)),
    ],
)
def test_read(text: str, expected: object) -> None:
    if expected is None:
        with pytest.raises(UsageError):
            parse(text)
    else:
        assert expected == resolved(parse(text), AT)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("", 1, "a comparison, a text or `(` is expected"),
        ("name =", 7, "a value is expected after `=`"),
        ("name = and", 8, "a value is expected"),
        ("name = a b", 10, "`and` or `or` is expected"),
        ("name a", 6, "an operator is expected after the field `name`; to look for the word put it in quotes"),
        ("(held", 6, "`)` is expected"),
        ("held)", 5, "`and` or `or` is expected"),
        ("held and", 9, "a comparison"),
        ("or held", 1, "a comparison"),
        ("name in a", 9, "`(` is expected"),
        ("name in (a b)", 12, "`,` or `)` is expected"),
        ("name not a", 10, "`in` is expected"),
        ("name = 'a", 8, "the quote ' is not closed"),
        ("nme = a", 1, "did you mean `name`"),
        ("x and stauts = ended", 7, "did you mean `status`"),
        ("param = a", 1, "write `param.NAME`"),
        ("param. = a", 1, "write `param.NAME`"),
        ("name.x = a", 1, "there is no field `name.x`"),
        ("status = runing", 10, "did you mean `running`"),
        ("status < ended", 10, "has no order"),
        ("id ~ 3", 6, "no text"),
        ("id = x", 6, "not a whole number"),
        ("id = 99999999999999999999", 6, "not a whole number"),
        ("duration > soon", 12, "not a duration"),
        ("duration > none", 12, "nothing is > `none`"),
        ("ended > whenever", 9, "is not a time"),
        ("ended = 8am", 9, "stretch of time"),
        ("name =~ '('", 9, "no regular expression"),
        ("name =~ '(a+)+b'", 9, "could take for ever"),
        ("held = perhaps", 8, "neither true nor false"),
        ("signal = BANG", 10, "BANG"),
        ("not " * DEEPEST + "held", 4 * DEEPEST + 1, f"no deeper than {DEEPEST}"),
        ("(" * 5000, DEEPEST + 1, f"no deeper than {DEEPEST}") if LONGEST >= 5000 else ("(" * 99, DEEPEST + 1, "no deeper"),
        ("a or " * MOST + "a", 5 * MOST + 1, f"{MOST} comparisons are the most"),
        (f"id in ({'1,' * MOST}1)", 8 + 2 * MOST, f"{MOST} comparisons are the most"),
    ],
)
def test_wrong_and_where(text: str, place: int, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(text)
    assert f"letter {place}" in str(raised.value)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_is_too_long_is_not_even_read() -> None:
    with pytest.raises(UsageError, match=f"{LONGEST} is the most"):
        parse("a" * (LONGEST + 1))
    with pytest.raises(UsageError, match="is no filter"):
        parse(5)  # type: ignore[arg-type]


WORDS = st.sampled_from(
    [*FIELDS, "param.x", "and", "or", "not", "in", "(", ")", ",", "=", "!=", "<", ">=", "~", "=~", "'", '"', "a", "*", "10m", "ended",
     "yesterday", "2h", "ago", "\\", "5", "[", "\udcff", "ä"]
)  # fmt: skip


@given(st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=40).map(" ".join), st.lists(WORDS, max_size=40).map("".join)))
@example("!")
@example("a!=b")
@example("=" * 100)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        node = parse(text)
    except UsageError as error:
        assert "\n" not in error.what.replace(text[:64], "")  # noqa: PT017  # both ends are fine
        return
    job = Job(id=1, name="a", command=["b"], cwd="/", created_at=AT)
    assert isinstance(means(resolved(node, AT), job, AT), bool)


JOB = Job(
    id=7, name="backup-9", group="g", command=["rsync", "-a b"], cwd="/srv", user="me", created_at=AT - 10 * SECOND, status=ENDED,
    started_at=AT - 9 * SECOND, ended_at=AT - 4 * SECOND, outcome=FAILED, reason="exit code 3", exit_code=3, run=2, info=["x", "", "Y"],
    params={"region": "EU"}, feedback={"phase": "copy"}, warnings=[{"warning": "output", "text": "t"}],
)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "id = 7", "id in (5, 7)", "name ~ back*", "name =~ 'up.[0-9]$'", "group = g", "key = none", "not key = x", "not key != x",
        "command = 'rsync -a b'", "command ~ *sync*", "cwd != /", "description = none", "description = ''", "status != running",
        "outcome in (failed, lost)", "reason ~ '*code 3'", "exit_code > 0", "signal = none", "run >= 2", "queued = none",
        "created < now", "ended > '5s ago'", "not ended > 3s ago", "ended = 'last 5 seconds'", "ended != tomorrow", "duration = 5s",
        "duration < 6", "priority = 0", "not held", "paused = no", "warnings = 1", "warning = output", "info = Y", "info != z",
        "rerun_of = none", "schedule = none", "param.region = EU", "param.x = none", "not param.x != y", "feedback.phase = copy",
        "RSYNC", "'-a b'", "region", "eu", "x or held", "not (held or paused)",
    ],
)  # fmt: skip
def test_what_fits(text: str) -> None:
    assert means(resolved(parse(text), AT), JOB, AT)
    assert not means(resolved(parse(f"not ({text})"), AT), JOB, AT)


@pytest.mark.parametrize("text", ["warning = warn.output", "warning ~ '*: ERROR'", "warning in (x, warn.output)", "warning =~ ^warn"])
def test_a_warning_is_found_by_its_kind_and_by_its_whole_name(text: str) -> None:
    warned = JOB.replace(warnings=[{"warning": "warn.output: ERROR", "text": "t"}])
    assert means(resolved(parse(text), AT), warned, AT)
    assert not means(resolved(parse("warning != warn.output"), AT), warned, AT)
    assert means(resolved(parse("warnings = 1"), AT), warned, AT)


def test_what_is_unknown_fits_no_comparison() -> None:
    young = Job(id=1, name="n", command=["a"], cwd="/", created_at=AT, status=RUNNING)
    for text in ("exit_code = 0", "exit_code != 0", "ended < tomorrow", "duration >= 0", "group ~ *", "group =~ ''", "outcome != failed",
                 "param.a != b", "info != a", "feedback.x ~ *", "rerun_of > 0"):  # fmt: skip
        assert not means(resolved(parse(text), AT), young, AT), text
        assert means(resolved(parse(f"not {text}"), AT), young, AT), text


def test_parts() -> None:
    assert () == parts_of(None)
    assert (NAME,) == parts_of(NAME)
    assert (NAME, HELD, NAME) == parts_of(All(parts=(NAME, All(parts=(HELD, NAME)))))
    assert with_all(None, None) is None
    assert with_all(NAME, None) == NAME
    assert All(parts=(NAME, HELD, NAME)) == with_all(All(parts=(NAME, HELD)), NAME)


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("", "", True), ("", "a", False), ("*", "", True), ("a*", "abc", True), ("a*c", "abcbc", True), ("a*c", "abcb", False),
        ("?", "", False), ("?", "ä", True), ("[a-c]", "b", True), ("[a-c]", "d", False), ("[^a-c]", "d", True), ("[]x]", "]", True),
        ("[^]x]", "]", False), ("[a-]", "-", True), ("[-a]", "-", True), ("[a", "a", False), ("[", "[", False), ("*[b]*", "abc", True),
        ("**b**", "abc", True), ("[!a]", "!", True), ("A", "a", False),
    ],
)  # fmt: skip
def test_globs(pattern: str, text: str, fits: bool) -> None:
    assert fits == matches(pattern, text)


def test_a_glob_of_many_stars_takes_no_longer_than_its_size() -> None:
    assert not matches("*a" * 200 + "b", "a" * 5000)


LETTERS = st.text(st.sampled_from("ab-]^[*?Z\u00e4"), max_size=8)


@given(LETTERS, LETTERS)
def test_a_glob_means_what_sqlite_means(pattern: str, text: str) -> None:
    import sqlite3

    with sqlite3.connect(":memory:") as connection:
        (expected,) = connection.execute("SELECT ? GLOB ?", (text, pattern)).fetchone()
    connection.close()
    assert bool(expected) == matches(pattern, text)


def test_every_field_has_a_reader() -> None:
    assert {field.kind for field in FIELDS.values()} == {fields.TEXT, *fields._READERS}


def test_every_field_is_told_of() -> None:
    page = (CHECKOUT / "docs" / "how-to" / "history.md").read_text()
    for field in FIELDS:
        word = f"{field}.NAME" if field in NAMED else field
        assert f"`{word}`" in page, word
        assert f" {word}" in FILTERS, word
