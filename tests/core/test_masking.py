"""Names stay, values do not; equal values are seen to be equal."""

from outlast.core.masking import masked

KEY = bytes(range(32))


def test_names_and_keyed_hashes() -> None:
    told = masked(b"B=secret\0A=\0C=secret\0D=x=y\0\xff=z\0", KEY)
    assert ["A", "B", "C", "D", "\udcff"] == list(told)
    assert told["B"] == told["C"]
    assert 5 - 1 == len(set(told.values()))
    assert not any("secret" in text for text in told.values())
    assert told["B"] != masked(b"B=secret\0", KEY[::-1])["B"]
