"""What is left of an environment once its values may not be kept: its names, and of each value a hash under the home's own key.

Two values can be told apart, or found to be the same, but not be found out without the key.
"""

HASH_DIGITS = 16


def masked_value(value: bytes, key: bytes) -> str:
    """Return the keyed hash (HMAC-SHA-256) of a value, its first 16 hexadecimal digits."""
    import hmac

    return hmac.digest(key, value, "sha256").hex()[:HASH_DIGITS]


def masked(variables: bytes, key: bytes) -> dict[str, str]:
    """Return name -> keyed hash of `variables` (NAME=VALUE, each ended by NUL), by name."""
    pairs = [pair.partition(b"=") for pair in variables.split(b"\0") if pair]
    return {name.decode("utf-8", "surrogateescape"): masked_value(value, key) for name, _, value in sorted(pairs)}
