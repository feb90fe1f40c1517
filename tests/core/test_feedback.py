"""The feedback file as taskwatcher defined it, and our limits on it: whatever comes, no exception, no more memory, no more time."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core import feedback
from outlast.core.errors import UsageError
from outlast.core.feedback import KEY, KEYS, VALUE, Parser, activity, lines, path_of, progress

# of the page that defines it
EXAMPLE = b"""[info]Starting test
[playbook]myPlaybook
[info]
[heartbeat]
[testcase_id]001
[testcase_name]Initialization
[progress]12
[progress]15
[testcase_id]002
[testcase_name]Setting up topology
[progress]10
"""
LINE = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([b"[]", b"[] ", b"[]x", b"# c", b"", b"[a]", b"[a b]1", b"[1a]2", b"\r", b"  x", b"[" + b"k" * 300 + b"]v"]),
    st.builds(lambda key, value: b"[%s]%s" % (key, value), st.sampled_from([b"a", b"b", b"c", b"\xff"]), st.binary(max_size=8)),
    st.builds(lambda size: b"[v]" + b"x" * size, st.integers(VALUE - 2, VALUE + 2)),
)
CONTENT = st.lists(LINE, max_size=30).map(b"\n".join)


def parsed(content: bytes, *, end: bool = True) -> Parser:
    parser = Parser()
    parser.feed(content)
    if end:
        parser.finish()
    return parser


def facts(content: bytes) -> "dict[str, str]":
    return parsed(content).facts


def everything(parser: Parser) -> object:
    return parser.facts, parser.faults, parser.skipped, parser.more_faults


def test_the_example_of_its_definition() -> None:
    expected = {"playbook": "myPlaybook", "testcase_id": "002", "testcase_name": "Setting up topology", "progress": "10"}
    assert expected == facts(EXAMPLE)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", {}),
        (b"[a]1", {"a": "1"}),
        (b"[a]1\n[a]2\n", {"a": "2"}),
        (b"[a]1\n[a]\n", {}),
        (b"[a]1\n[a]  \r\n", {}),
        (b"[a]\n[a]1\n", {"a": "1"}),
        (b"[a]1\n[]\n[b]2\n", {"b": "2"}),
        (b"[a]1\n[]\r\n", {}),
        (b"# [a]1\n\n \n[b]x # y\n", {"b": "x # y"}),
        (b"[a] 1 \r\n", {"a": " 1"}),
        (b"[a][b]c\n", {"a": "[b]c"}),
        (b"[a]=\xc3\xa9\xff\n", {"a": "=é�"}),
        (b"x[a]1\n [b]2\n[c\n", {}),
        (b"[a\n]1\n", {}),
    ],
)
def test_lines(content: bytes, expected: "dict[str, str]") -> None:
    assert expected == facts(content)


def test_what_is_wrong_is_told_once_and_skipped() -> None:
    parser = parsed(b"[a b]1\n[a b]2\n[1x]3\n[]4\nhello\nhello\n[ok]5\n# comment\n")
    assert {"ok": "5"} == parser.facts
    assert {"a b": "a key has no spaces", "1x": "a key begins with no digit", "": "a value needs a key"} == parser.faults
    assert 2 == parser.skipped
    assert "`a b` (a key has no spaces), `1x` (a key begins with no digit), `` (a value needs a key)" == feedback.sentence(parser.faults)
    assert "" == feedback.sentence({})


def test_a_last_line_without_its_end_is_not_read_before_it_is_the_last() -> None:
    parser = parsed(b"[a]1\n[a]2", end=False)
    assert {"a": "1"} == parser.facts
    parser.feed(b"3\n")
    assert {"a": "23"} == parser.facts


def test_limits() -> None:
    many = b"".join(b"[k%d]%d\n" % (n, n) for n in range(KEYS + 5))
    parser = parsed(many + b"[k0]\n[k%d]x\n" % (KEYS + 1))
    assert KEYS == len(parser.facts)
    assert "x" == parser.facts[f"k{KEYS + 1}"]
    assert dict.fromkeys((f"k{n}" for n in range(KEYS, KEYS + 5) if n != KEYS + 1), "there are more than 1,000 keys") == parser.faults
    parser.feed(b"[]\n")
    assert ({}, {}) == (parser.facts, parser.faults)
    parser = parsed(b"[v]" + b"x" * 10_000 + b"\n[" + b"k" * (KEY + 1) + b"]1\n[" + b"k" * KEY + b"]1\n")
    assert {"v": "x" * VALUE, "k" * KEY: "1"} == parser.facts
    assert ["v"] == [*parser.faults]
    assert 1 == parser.skipped
    parser = parsed(b"".join(b"[%d]\n" % n for n in range(500)))
    assert (100, True) == (len(parser.faults), parser.more_faults)
    assert feedback.sentence(parser.faults, more=True).endswith(", more")


@given(CONTENT, st.data())
def test_cut_anywhere_it_is_the_same(content: bytes, data: st.DataObject) -> None:
    whole, pieces = parsed(content), Parser()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=10)))
    for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True):
        pieces.feed(content[start:end])
        if data.draw(st.booleans()):
            pieces = Parser.again(json.loads(json.dumps(pieces.kept())))
    pieces.finish()
    assert everything(whole) == everything(pieces)


@given(CONTENT)
def test_it_is_what_one_line_after_the_other_says(content: bytes) -> None:
    """The definition again, without any of the ways by which the parser is fast."""
    held: dict[str, str] = {}
    for line in content.split(b"\n"):
        if not line.startswith(b"[") or b"]" not in line:
            continue
        key, _, value = line[1:].partition(b"]")
        text = value[: VALUE + 1].rstrip()[:VALUE].decode(errors="replace")
        name = key.decode(errors="replace")
        if not key and not value.strip():
            held.clear()
        elif key and len(key) <= KEY and key.split() == [key] and not key[:1].isdigit():
            held.pop(name, None)
            if text:
                held[name] = text
    assert held == facts(content)


@given(st.binary(max_size=2000))
def test_no_bytes_are_too_strange(content: bytes) -> None:
    parser = parsed(content)
    json.dumps(parser.facts)
    progress(parser.facts)
    lines({key: text for key, text in parser.facts.items() if "\r" not in text and "�" not in key + text})


@given(CONTENT, CONTENT)
def test_what_the_end_of_a_file_says_is_true(before: bytes, after: bytes) -> None:
    behind = parsed(before + b"\n", end=False)
    told = behind.over(b"half a line\n" + after + b"\n").facts
    truth = facts(before + b"\nhalf a line\n" + after + b"\n")
    assert truth == told
    assert facts(before) == behind.facts


@pytest.mark.parametrize(
    "unit",
    [
        b"[progress]12\n",
        b"[k",
        b"[]\n",
        b"[a b]\n",
        b"x",
        b" ",
        b"\n",
        b"[1]\n",
        b"[a]1\n[]x\n",
        b"]",
        b"[" + b"a " * 50,
        b"[a]" + b" " * 50,
    ],
    ids=repr,
)
def test_time_grows_with_size_and_no_faster(unit: bytes) -> None:
    def least(size: int) -> float:
        content = unit * (size // len(unit))
        took = []
        for _ in range(5):
            start = time.process_time()
            parser = Parser()
            for at in range(0, len(content), 1 << 16):
                parser.feed(content[at : at + (1 << 16)])
            took.append(time.process_time() - start)
        return min(took)

    assert least(1 << 21) < 16 * 8 * max(least(1 << 17), 0.0002)  # 16 times as much; quadratic would be 256


def test_an_endless_line_takes_no_memory() -> None:
    parser = Parser()
    for _ in range(1000):
        parser.feed(b"[a]" * 10_000)
    assert len(json.dumps(parser.kept())) < 20_000
    parser.finish()
    assert VALUE == len(parser.facts["a"])


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=20) | st.none(), max_size=5), st.booleans())
def test_what_is_reported_is_what_is_read(told: "dict[str, str | None]", clear: bool) -> None:
    try:
        made = lines(told, clear=clear)
    except UsageError:
        return
    expected = {key: text.rstrip("\t\n\x0b\x0c\r ") for key, text in told.items() if text and text.rstrip("\t\n\x0b\x0c\r ")}
    assert expected == facts((b"[old]1\n" if clear else b"") + made)


@pytest.mark.parametrize("key", ["", "a b", "1a", "a]", "a\nb", "k" * (KEY + 1), "\ud800"])
def test_keys_that_cannot_be(key: str) -> None:
    with pytest.raises(UsageError):
        lines({key: "1"})


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "x" * (VALUE + 1)])
def test_values_that_cannot_be(text: str) -> None:
    with pytest.raises(UsageError):
        lines({"a": text})


@pytest.mark.parametrize(
    ("text", "percent", "done", "total", "unit"),
    [
        ("12", 12, None, None, None),
        ("12.5%", 12.5, None, None, None),
        ("3/10 files", 30, 3, 10, "files"),
        (" 1 / 3 ", 33.33, 1, 3, None),
        ("0/0", None, 0, 0, None),
    ],
)
def test_progress(text: str, percent: float | None, done: int | None, total: int | None, unit: str | None) -> None:
    expected = {"percent": percent, "done": done, "total": total, "unit": unit, "text": text.strip(), "from": "feedback"}
    assert expected == progress({"progress": text})


@pytest.mark.parametrize("text", ["", "soon", "1/", "/", "-1", "1e9", "٣", "nan", "250", "100.5%", "9" * 400])
def test_no_progress(text: str) -> None:
    assert progress({"progress": text}) is None
    assert progress({}) is None


@pytest.mark.parametrize(
    ("silence", "word"), [(0, "active"), (24, "active"), (25, "silent"), (49, "silent"), (50, "stalled"), (500, "stalled")]
)
def test_activity(silence: int, word: str) -> None:
    assert word == activity(silence, 100)


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({}, "/own/path"),
        ({"feedback": "f.log"}, "/srv/f.log"),
        ({"feedback": "./f.log"}, "/srv/f.log"),
        ({"feedback": "/tmp/f"}, "/tmp/f"),
        ({"feedpath": "d/"}, "/srv/d/feedback_7.log"),
        ({"feedpath": "."}, "/srv/feedback_7.log"),
        ({"feedpath": "/"}, "/feedback_7.log"),
    ],
)
def test_where_it_is(spec: "dict[str, str]", path: str) -> None:
    assert path == path_of(spec, "/srv", 7, "/own/path")


@given(CONTENT, st.lists(st.integers(0, 400), max_size=10))
def test_cut_anywhere_it_is_the_same_when_there_are_too_many_keys(content: bytes, cuts: "list[int]") -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feedback, "KEYS", 2)
        whole, pieces = parsed(content), Parser()
        cuts = sorted(min(cut, len(content)) for cut in cuts)
        for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True):
            pieces.feed(content[start:end])
        pieces.finish()
        assert everything(whole) == everything(pieces)
        assert len(whole.facts) <= 2
