"""What the words of a command mean."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core.command import LONGEST_NAME, as_argv, command_line, default_name, quote
from outlast.core.errors import UsageError


def nowhere(name):
    return False


def everywhere(name):
    return True


@pytest.mark.parametrize(
    ("words", "shell", "exists", "argv"),
    [
        (["rsync", "-a", "x y"], None, nowhere, ["rsync", "-a", "x y"]),
        (["echo hello"], None, nowhere, ["/bin/sh", "-c", "echo hello"]),
        (["a|b"], None, nowhere, ["/bin/sh", "-c", "a|b"]),
        (["~/bin/x"], None, nowhere, ["/bin/sh", "-c", "~/bin/x"]),
        (["my script"], None, everywhere, ["my script"]),
        (["true"], None, nowhere, ["true"]),
        (["true"], True, nowhere, ["/bin/sh", "-c", "true"]),
        (["echo", "$HOME"], True, nowhere, ["/bin/sh", "-c", "echo $HOME"]),
        (["echo hello"], False, nowhere, ["echo hello"]),
        (["x", ""], None, nowhere, ["x", ""]),
        (["x\udcff"], None, nowhere, ["x\udcff"]),
    ],
)
def test_argv(words, shell, exists, argv):
    assert argv == as_argv(words, shell, exists)


@pytest.mark.parametrize("words", [[], [""], ["  "], ["", "x"], ["x", "a\0b"], ["a\0b c"]])
def test_refused(words):
    with pytest.raises(UsageError):
        as_argv(words, None, nowhere)


@given(st.text())
def test_quoting_is_that_of_shlex(word):
    assert shlex.split(quote(word)) == [word]


def test_default_names():
    assert "rsync -a 'x y'" == default_name(["rsync", "-a", "x y"])
    assert "make && make install" == default_name(["/bin/sh", "-c", "make && make install"])
    assert "/bin/sh -c x y" == command_line(["/bin/sh", "-c", "x", "y"])
    long = default_name(["x" * 5000])
    assert LONGEST_NAME == len(long)
    assert long.endswith("…")


def test_an_argument_that_is_no_text_is_refused():
    for strange in (5, b"x", None):
        with pytest.raises(UsageError, match=f"is of type {type(strange).__name__}"):
            as_argv(["echo", strange], None, nowhere)
