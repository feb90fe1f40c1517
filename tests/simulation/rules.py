"""What must follow a run, told a second time and in other words than `core.retries`: the checker compares the two."""

import math
from collections.abc import Mapping
from typing import Any

from outlast.core.options import value
from outlast.core.times import LATEST

UNCHARGED = ("interrupted", "lost")
FAILURES = ("failed", "interrupted", "timed_out", "aborted", "not_started", "lost")
AGE = 10**18  # 31 years: whatever is longer is as long as can be kept
LONGEST_USUAL = 600_000_000_000


class Tally:
    """How many runs of a job there were, by kind."""

    __slots__ = ("charged", "failures", "runs", "successes", "uncharged")

    def __init__(self) -> None:
        self.runs = self.charged = self.successes = self.failures = self.uncharged = 0

    def add(self, outcome: str) -> None:
        self.runs += 1
        if outcome in UNCHARGED:
            self.uncharged += 1
            return
        self.charged += 1
        self.successes += outcome == "succeeded"
        self.failures += outcome in FAILURES


def is_over(spec: Mapping[str, Any], tally: Tally, outcome: str, wish: "Mapping[str, Any] | None") -> bool:
    """Tell whether no run follows one that ended with `outcome`; `tally` counts it already. The deadlines are apart."""
    if wish is not None and wish["scope"] == "job":
        return True
    if outcome == "lost" or (outcome == "interrupted" and wish is None):
        if not value(spec, "retries.after-interrupt"):
            return True
    elif outcome == "interrupted" and value(spec, "retries.num-runs") == 1:
        return True
    if outcome in UNCHARGED and value(spec, "retries.num-runs") == 1 and wish is not None:
        return True
    limits = (
        (tally.successes, value(spec, "retries.num-successes")),
        (tally.failures, value(spec, "retries.num-failures")),
        (tally.charged, value(spec, "retries.num-runs")),
    )
    return any(limit is not None and count >= limit for count, limit in limits)


def pause_between(spec: Mapping[str, Any], tally: Tally, outcome: str) -> tuple[int, int]:
    """Return (the shortest, the longest) delay after that run."""
    first = value(spec, "retries.delay")
    if outcome == "succeeded" and spec.get("retries.success-delay") is not None:
        first = spec["retries.success-delay"]
    base = value(spec, "retries.exponential-backoff-base")
    try:
        grown = first and first * base ** max(tally.charged - 1, 0)
    except OverflowError:
        grown = math.inf
    if base > 1:
        most = spec.get("retries.max-delay", max(first, LONGEST_USUAL))
        if most is not None:
            grown = min(grown, most)
    half = value(spec, "retries.jitter-range") / 2
    if grown - half > AGE:
        return AGE, LATEST
    return max(0, int(grown - half) - 2), max(0, int(grown + half) + 2)
