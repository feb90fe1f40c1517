"""The decision whether a job may be submitted beside others. A room of its own: every submission pays for what it imports."""

from outlast.core.errors import Refused

ACCEPT = "accept"
SKIP = "skip"


def overlap(active: int | None, *, key: str | None, rule: str | None, name: str) -> "tuple[str, str]":
    """Decide whether a job may be submitted while `active` (an id, or None) has the same key, else the same name.

    Returns (ACCEPT or SKIP, the reason). Raises Refused where a key is active and no rule was given.
    """
    if active is None or rule == "allow":
        return ACCEPT, ""
    if rule == "skip":
        what = f"key `{key}`" if key is not None else f"name `{name}`"
        return SKIP, f"job {active} with the same {what} is active"
    if key is None:
        return ACCEPT, ""
    raise Refused(
        f"key `{key}` is in use by job {active}",
        f"wait for it (`outlast wait {active}`), end it (`outlast stop {active}`), or say what to do with `--overlap`",
    )
