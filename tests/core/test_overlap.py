"""What becomes of a submission while others with its key, else its name, are active."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core.errors import Refused
from outlast.core.overlap import ACCEPT, JOIN, QUEUE, REPLACE, SKIP, Others, overlap

NOBODY = Others()
ONE = Others(active=1, newest=7)
THREE = Others(active=3, newest=9, waiting=2)


@pytest.mark.parametrize("key", [None, "k"])
@pytest.mark.parametrize(
    ("rule", "others", "expected", "why"),
    [
        ("skip", NOBODY, ACCEPT, ""),
        ("queue", NOBODY, ACCEPT, ""),
        ("queue=1", NOBODY, ACCEPT, ""),
        ("replace", NOBODY, ACCEPT, ""),
        ("allow=1", NOBODY, ACCEPT, ""),
        ("join", NOBODY, ACCEPT, ""),
        (None, NOBODY, ACCEPT, ""),
        ("skip", ONE, SKIP, "job 7 with the same WHAT is active"),
        ("skip", THREE, SKIP, "job 9 with the same WHAT is active"),
        ("allow", THREE, ACCEPT, ""),
        ("allow=2", ONE, ACCEPT, ""),
        ("allow=1", ONE, SKIP, "1 job with the same WHAT is active, and no more are allowed"),
        ("allow=3", THREE, SKIP, "3 jobs with the same WHAT are active, and no more are allowed"),
        ("allow=4", THREE, ACCEPT, ""),
        ("queue", THREE, QUEUE, ""),
        ("queue=1", ONE, QUEUE, ""),
        ("queue=3", THREE, QUEUE, ""),
        ("queue=2", THREE, SKIP, "2 jobs wait already behind the active one with the same WHAT, the last is job 9"),
        ("queue=1", Others(active=2, newest=8, waiting=1), SKIP,
         "1 job waits already behind the active one with the same WHAT, the last is job 8"),
        ("replace", THREE, REPLACE, ""),
        ("join", ONE, JOIN, ""),
    ],
)  # fmt: skip
def test_every_rule(key: str | None, rule: str | None, others: Others, expected: str, why: str) -> None:
    what = "name `n`" if key is None else "key `k`"
    assert (expected, why.replace("WHAT", what)) == overlap(others, key=key, rule=rule, name="n")


def test_without_a_rule_names_repeat_and_keys_do_not() -> None:
    assert (ACCEPT, "") == overlap(THREE, key=None, rule=None, name="n")
    with pytest.raises(Refused, match=r"^key `k` is in use by job 9: .*outlast wait 9.*outlast stop 9.*--overlap"):
        overlap(THREE, key="k", rule=None, name="n")


RULES = st.none() | st.sampled_from(["skip", "queue", "replace", "allow", "join"]) | st.builds(
    "{}={}".format, st.sampled_from(["queue", "allow"]), st.integers(1, 9)
)  # fmt: skip
OTHERS = st.integers(0, 9).flatmap(
    lambda active: st.builds(
        Others, active=st.just(active), newest=st.just(7 if active else None), waiting=st.integers(0, max(active - 1, 0))
    )
)


@given(OTHERS, st.none() | st.text(min_size=1), RULES, st.text(min_size=1))
def test_there_is_always_a_decision_and_who_is_left_out_is_told_why(others: Others, key: str | None, rule: Any, name: str) -> None:
    try:
        what, why = overlap(others, key=key, rule=rule, name=name)
    except Refused:
        assert (True, True) == (key is not None and rule is None, others.active > 0)
        return
    assert bool(why) == (what == SKIP)
    assert what in {ACCEPT, SKIP, QUEUE, REPLACE, JOIN}
    assert others.active or what == ACCEPT
    if what == QUEUE and "=" in rule:
        assert others.waiting < int(rule.partition("=")[2])
    if what == ACCEPT and rule and rule.startswith("allow="):
        assert others.active < int(rule.partition("=")[2])
