"""A fault that only a search that sees where it has been can find."""


def planted(data: bytes) -> None:
    """Break when four bytes follow each other."""
    if data[:1] != b"4":  # step by step, so that each can be seen
        return
    if data[1:2] != b".":
        return
    if data[2:3] != b"2":
        return
    assert data[3:4] != b"w", "found"
