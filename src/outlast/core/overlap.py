"""The decision whether a job may be submitted beside others. A room of its own: every submission pays for what it imports."""

from outlast.core.errors import Refused
from outlast.core.value import Value

ACCEPT = "accept"
SKIP = "skip"
QUEUE = "queue"  # it waits for its turn
REPLACE = "replace"  # likewise, and those that are active are asked to end
JOIN = "join"  # no job is made: the newest active one is the answer


class Others(Value):
    """Who has the same key, else name, and has not ended: how many, the newest, and how many of them wait for their turn."""

    _fields = ("active", "newest", "waiting")
    active: int
    newest: int | None
    waiting: int
    _defaults = {"active": 0, "newest": None, "waiting": 0}


def overlap(others: Others, *, key: str | None, rule: str | None, name: str) -> "tuple[str, str]":
    """Decide what becomes of a submission while there are `others`: (what, the reason).

    Raises Refused where a key is active and no rule was given.
    """
    word, _, number = (rule or "").partition("=")
    if not others.active or (word == "allow" and not number):
        return ACCEPT, ""
    what = f"key `{key}`" if key is not None else f"name `{name}`"
    if word == "skip":
        return SKIP, f"job {others.newest} with the same {what} is active"
    if word == "allow":
        full = others.active >= int(number)
        are = f"1 job with the same {what} is" if others.active == 1 else f"{others.active} jobs with the same {what} are"
        return (SKIP, f"{are} active, and no more are allowed") if full else (ACCEPT, "")
    if word == "queue" and number and others.waiting >= int(number):
        waiting = f"{others.waiting} job waits" if others.waiting == 1 else f"{others.waiting} jobs wait"
        return SKIP, f"{waiting} already behind the active one with the same {what}, the last is job {others.newest}"
    if word in {QUEUE, REPLACE, JOIN}:
        return word, ""
    if key is None:
        return ACCEPT, ""
    raise Refused(
        f"key `{key}` is in use by job {others.newest}",
        f"wait for it (`outlast wait {others.newest}`), end it (`outlast stop {others.newest}`), or say what to do with `--overlap`",
    )
