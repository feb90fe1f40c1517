"""Names and numbers of signals."""

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core.errors import UsageError
from outlast.core.signals import parse_signal, signal_name


@pytest.mark.parametrize("item", signal.Signals, ids=lambda item: item.name)
def test_every_signal_has_its_name(item):
    assert item.value == parse_signal(item.name) == parse_signal(item.name[3:].lower())
    assert item.value == parse_signal(str(item.value)) == parse_signal(item)
    assert item.value == parse_signal(signal_name(item.value))
    assert item.name == signal_name(item.value) or item.name == "SIGRTMAX"


def test_real_time_signals():
    assert signal.SIGRTMIN + 3 == parse_signal("SIGRTMIN+3")
    assert "SIGRTMIN+3" == signal_name(signal.SIGRTMIN + 3)


@pytest.mark.parametrize("text", ["", "SIG", "TERMM", "0", "-1", "999", "SIGRTMIN+99", "SIGRTMIN+x", "SIG_IGN", True, 10**9])
def test_refused(text):
    with pytest.raises(UsageError):
        parse_signal(text)


def test_the_nearest_is_named():
    with pytest.raises(UsageError, match="`SIGTERM`"):
        parse_signal("TREM")


@given(st.text(st.characters()) | st.integers())
def test_nothing_but_a_signal_or_a_usage_error(text):
    try:
        assert 1 <= parse_signal(text) < signal.NSIG
    except UsageError:
        pass


def test_what_has_no_name_is_read_as_it_is_written():
    assert all(number == parse_signal(signal_name(number)) for number in range(1, 65))
