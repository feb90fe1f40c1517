"""Order: how fast jobs go that wait for each other, against as many that wait for a slot only.

All are submitted before the first may start; what is measured is from that moment to the end of the last one.
"""

import os
import sys
import time
from typing import TYPE_CHECKING

from sidebyside import Row, alternate, arguments, fresh_home, ratios, tell

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from outlast import Jobs
    from outlast.store.store import Submission

    Make = Callable[[Jobs, int], None]

SLOTS = 4
GROUP = "g"


def made(after: list[int], around: object, group: str | None = GROUP) -> "Submission":
    from outlast.client.submitting import submission

    options: dict[str, object] = {"after.ended": after} if after else {}
    if group is not None:
        options["group"] = group
    return submission(["/bin/true"], options, shell=False, around=around)


def submitted(jobs: "Jobs", needed: "list[list[int]]", around: object) -> list[int]:
    """Submit one job for each list of jobs that it needs; returns their ids."""
    return [job.id for job in jobs.submit([made(after, around) for after in needed], wake=False)]


def root(jobs: "Jobs", around: object) -> int:
    """Submit the job that all wait for: it needs no slot, and is held."""
    from outlast.client.submitting import submission

    return jobs.submit([submission(["/bin/true"], {"hold": True}, shell=False, around=around)], wake=False)[0].id


def fan(jobs: "Jobs", count: int, around: object) -> None:
    submitted(jobs, [[root(jobs, around)]] * count, around)


def diamonds(jobs: "Jobs", count: int, around: object) -> None:
    """Each of a tip, two sides and a foot; all tips wait for one job."""
    first = root(jobs, around)
    tips = submitted(jobs, [[first]] * (count // 4), around)
    sides = submitted(jobs, [[tip] for tip in tips for _ in range(2)], around)
    submitted(jobs, [[sides[2 * place], sides[2 * place + 1]] for place in range(len(tips))], around)


def chain(jobs: "Jobs", count: int, around: object) -> None:
    last = root(jobs, around)
    with jobs.store.batch():
        for _ in range(count):
            (last,) = submitted(jobs, [[last]], around)


def independent(jobs: "Jobs", count: int, around: object) -> None:
    submitted(jobs, [[]] * count, around)


def rate(options: "argparse.Namespace", count: int, slots: int, make: "Callable[..., None]") -> float:
    """Jobs per second of `count` jobs that `make` submits, in a group of so many slots, once they may start."""
    with fresh_home(options, keep=True) as home:
        os.environ.update(home.environment())
        from outlast import Jobs
        from outlast.client.submitting import environment

        with Jobs(home.path) as jobs:
            jobs.set_group(GROUP, slots)
            jobs.pause_group(GROUP)
            make(jobs, count, environment({}, ()))
            held = [job.id for job in jobs.list(status="queued") if job.held]
            jobs.rouse()
            time.sleep(1)  # it has read what there is by then
            began = time.perf_counter()
            jobs.resume_group(GROUP)
            if held:
                jobs.release(held)
            jobs.wait_ids(range(1, count + len(held) + 1))
            took = time.perf_counter() - began
            wrong = [job.id for job in jobs.list() if job.outcome != "succeeded"]
        if wrong:
            sys.exit(f"{len(wrong)} jobs did not succeed")
        return count / took


def main() -> None:
    options = arguments("order", count=10_000, rounds=3)
    count = options.count - options.count % 4
    shapes: dict[str, Callable[[], float]] = {
        "independent": lambda: rate(options, count, SLOTS, independent),
        "fan": lambda: rate(options, count, SLOTS, fan),
        "diamonds": lambda: rate(options, count, SLOTS, diamonds),
    }
    told = alternate(shapes, options.rounds)
    rows = []
    for shape in ("fan", "diamonds"):
        note = f"{median(told[shape]):.0f}/s, {median(told['independent']):.0f}/s"
        what = f"{count:,} x `/bin/true`, {shape}, {SLOTS} slots"
        compared = ratios(told[shape], told["independent"])
        rows.append(Row(what, "as many independent jobs", compared, reach="≥ 0.8", note=note))
    fewer = count // 5
    chains: dict[str, Callable[[], float]] = {
        "one slot": lambda: rate(options, fewer, 1, independent),
        "chain": lambda: rate(options, fewer, 1, chain),
    }
    told = alternate(chains, options.rounds)
    note = f"{median(told['chain']):.0f}/s, {median(told['one slot']):.0f}/s"
    rows.append(Row(f"{fewer:,} x `/bin/true`, a chain", "as many through one slot", ratios(told["chain"], told["one slot"]), reach="≥ 0.5",
                    note=note))  # fmt: skip
    tell(rows, options)


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    main()
