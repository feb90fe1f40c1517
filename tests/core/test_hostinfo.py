"""A person's own constants of a host."""

from hypothesis import given
from hypothesis import strategies as st

from outlast.core.hostinfo import parse_constants


def test_lines():
    told = parse_constants("# site\nsite = Oslo, level 2\n\nrack=7\n empty =\nrack = 8\nurl = http://x/?a=b\n", "f")
    assert ({"site": "Oslo, level 2", "rack": "8", "empty": "", "url": "http://x/?a=b"}, []) == told


def test_what_is_wrong_is_said_with_its_line_and_the_rest_holds():
    told, complaints = parse_constants("a = 1\nno sign\nb c = 2\n= 3\nd = 4", "f")
    assert {"a": "1", "d": "4"} == told
    assert ["f:2: no `=`: write `name = value`", "f:3: `b c` is no name: letters, digits, `.`, `_` and `-`",
            "f:4: `` is no name: letters, digits, `.`, `_` and `-`"] == complaints  # fmt: skip


@given(st.text())
def test_any_text_is_read(text):
    told, complaints = parse_constants(text, "f")
    assert len(told) + len(complaints) <= text.count("\n") + 1
