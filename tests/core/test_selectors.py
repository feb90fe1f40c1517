"""Selectors are values; the store resolves them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core import selectors as s
from outlast.core.errors import UsageError
from outlast.core.selectors import parse_selector, parse_selectors


@pytest.mark.parametrize(
    ("text", "kind", "value", "single"),
    [
        ("42", s.IDS, ((42, 42),), True),
        ("1-5", s.IDS, ((1, 5),), False),
        ("42,43,50-60", s.IDS, ((42, 42), (43, 43), (50, 60)), False),
        ("last", s.LAST, 0, True),
        ("last~1", s.LAST, 1, True),
        ("backup", s.WORD, "backup", True),
        ("rsync -a x y", s.WORD, "rsync -a x y", True),
        ("2-fast", s.WORD, "2-fast", True),
        ("1,x", s.WORD, "1,x", True),
        ("http://x", s.WORD, "http://x", True),
        ("name:back*", s.NAME_GLOB, "back*", False),
        ("name:/^b/", s.NAME_REGEX, "^b", False),
        ("name:/srv/*", s.NAME_GLOB, "/srv/*", False),
        ("name:42", s.NAME_GLOB, "42", False),
        ("group:G", s.GROUP, "G", False),
        ("group:a:b", s.GROUP, "a:b", False),
        ("status:running", s.STATUS, ("running",), False),
        ("status:Running,queued", s.STATUS, ("running", "queued"), False),
        ("outcome:timed-out", s.OUTCOME, ("timed_out",), False),
        ("9" * 30, s.IDS, ((2**63 - 1, 2**63 - 1),), True),
        ("9" * 9000, s.IDS, ((2**63 - 1, 2**63 - 1),), True),
    ],
)
def test_accepted(text, kind, value, single):
    selector = parse_selector(text)
    assert (kind, value, single, text) == (selector.kind, selector.value, selector.single, selector.text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "id"),
        ("5-1", "1-5"),
        ("last~", "last~1"),
        ("last~x", "last~1"),
        ("name:", "GLOB"),
        ("group:", "GROUP"),
        ("status:runing", "`running`"),
        ("status:running,", "choose from"),
        ("outcome:suceeded", "`succeeded`"),
        ("outcome:zzz", "succeeded, failed"),
    ],
)
def test_refused_with_the_nearest(text, hint):
    with pytest.raises(UsageError) as caught:
        parse_selector(text)
    assert hint in caught.value.hint


def test_a_regular_expression_is_compiled_when_it_is_needed():
    assert parse_selector("name:/a+/").pattern().search("xaa")
    with pytest.raises(UsageError):
        parse_selector("name:/(/").pattern()


@given(st.text(st.characters()) | st.text("0123456789-,~last:name/group", max_size=15))
def test_nothing_but_a_selector_or_a_usage_error(text):
    try:
        selector = parse_selector(text)
    except UsageError:
        return
    assert selector.kind in s.KINDS
    if selector.kind == s.NAME_REGEX:
        try:
            selector.pattern()
        except UsageError:
            pass


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), min_size=1, max_size=4))
def test_ids_are_those_that_are_written(spans):
    text = ",".join(f"{first}-{first + more}" if more else str(first) for first, more in spans)
    [selector] = parse_selectors([text])
    assert [n for first, more in spans for n in range(first, first + more + 1)] == list(selector.ids())
