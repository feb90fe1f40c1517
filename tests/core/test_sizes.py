"""Sizes as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core.errors import UsageError
from outlast.core.sizes import LARGEST, exact_size, format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("10485760", 10485760),
        ("32MiB", 32 << 20),
        ("32 mib", 32 << 20),
        ("32M", 32 << 20),
        ("1GB", 10**9),
        ("1.5KiB", 1536),
        ("7B", 7),
        ("0", 0),
        ("none", None),
        ("-1", None),
        (-1, None),
        (None, None),
        (4096, 4096),
    ],
)
def test_accepted(text, size):
    assert size == parse_size(text)


@pytest.mark.parametrize("text", ["", "x", "MiB", "-5", "1.2.3M", "1XB", "1 2", "99999EiB", True, 1.5, [], "1" * 5000, "٣M"])
def test_refused(text):
    with pytest.raises(UsageError):
        parse_size(text)


@given(st.text(st.characters()) | st.text("0123456789.kMGiB -", max_size=20) | st.integers())
def test_nothing_but_a_size_or_a_usage_error(text):
    try:
        size = parse_size(text)
    except UsageError:
        return
    assert size is None or 0 <= size <= LARGEST


@given(st.integers(0, LARGEST) | st.integers(0, 2**20).map(lambda n: n << 20) | st.none())
def test_the_exact_form_is_read_back(size):
    assert size == parse_size(exact_size(size))


@pytest.mark.parametrize(
    ("size", "text"),
    [(None, "none"), (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (41_000_000, "39.1 MiB"), (2**20 - 1, "1.0 MiB"), (2**62, "4.0 EiB")],
)
def test_shown_for_people(size, text):
    assert text == format_size(size)
