"""Our JSON is that of `json`, with and without the C pieces."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core import jsontext

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=30,
)
WAYS = [jsontext._light(), jsontext._heavy()]


@pytest.mark.parametrize("way", WAYS, ids=["light", "heavy"])
@given(VALUES)
def test_both_ways_are_json(way, value):
    write, read = way
    text = write(value)
    assert json.dumps(value) == text
    assert text.isascii()
    assert value == read(text)
    assert value == read(f" \r\n\t{text} \n")


@given(VALUES)
def test_pretty_is_json_with_indent(value):
    assert json.dumps(value, indent=2) == jsontext.dumps(value, pretty=True)


@pytest.mark.parametrize("way", WAYS, ids=["light", "heavy"])
@given(st.text(st.characters()) | st.text('{}[]",:0123456789eE+-.truefalsnN \\u', max_size=25))
def test_what_is_no_json_is_a_value_error(way, text):
    try:
        wanted = json.loads(text, parse_constant=jsontext._Context.parse_constant)
    except ValueError:
        with pytest.raises(ValueError):  # noqa: PT011  # json.JSONDecodeError, and ours for NaN
            way[1](text)
    else:
        assert wanted == way[1](text)


@pytest.mark.parametrize("way", WAYS, ids=["light", "heavy"])
def test_what_json_cannot_hold(way):
    write, _ = way
    with pytest.raises(TypeError):
        write({"x": b"bytes"})
    with pytest.raises(ValueError, match="JSON"):
        write([float("nan")])


def test_without_the_c_pieces_json_does_the_work():
    code = """import sys; sys.modules['_json'] = None
from outlast.core.jsontext import dumps, loads
print(dumps(loads('[1, "\\\\ud800"]')))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert '[1, "\\ud800"]\n' == done.stdout


@given(VALUES)
def test_what_is_written_by_hand_is_json(value):
    text = jsontext._by_hand(value)
    assert text is None or json.dumps(value) == text


@pytest.mark.parametrize("value", [{}, [], "", {"a": [1, -2, None, True, False, "b c"]}, ["x", ["y"]], ("x",), {"~": 2**70}])
def test_plain_values_are_written_by_hand(value):
    assert json.dumps(value) == jsontext._by_hand(value)


@pytest.mark.parametrize("value", [1.5, 'a"b', "a\\b", "é", "\n", "\x7f", {"é": 1}, {1: 1}, {"a": [{"b": 1.0}]}, b"", {1, 2}])
def test_all_others_are_not(value):
    assert jsontext._by_hand(value) is None


@pytest.mark.parametrize(
    ("words", "loaded"),
    [
        ("j.dumps({'a': [1, 'b']})", ""),
        ("j.dumps(['é'])", "_json"),
        ("j.loads(j.dumps([1]))", "_json"),
    ],
)
def test_it_is_light(words, loaded):
    code = f"import sys; import outlast.core.jsontext as j; {words}; print(*{{'_json', 'json'}} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert f"{loaded}\n" == done.stdout
