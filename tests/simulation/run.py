"""Run the simulation: `python tests/simulation/run.py --seed N --lives N [--minutes M]`. One line per violation; exit status 1 if any."""

import argparse
import gc
import sys
import time
from collections import Counter
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from simulation.coverage import coverage, table
from simulation.story import Broken, Episode

LEAST = 0.95
MOST = 20  # violations that --keep-going counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the first episode; the next ones count up")
    parser.add_argument("--lives", type=int, default=20_000, help="jobs that are brought to their ends")
    parser.add_argument("--minutes", type=float, help="go on for so long, whatever --lives says")
    parser.add_argument("--without", default="", help="habits, odds and mischief that are left out, comma-separated")
    parser.add_argument("--shrink", action="store_true", help="on a violation, find what can be left out")
    parser.add_argument("--keep-going", action="store_true", help="count violations instead of stopping at the first")
    args = parser.parse_args()
    gc.set_threshold(50_000)  # as a supervisor does
    cells: Counter[tuple[str, str, str]] = Counter()
    totals: Counter[str] = Counter()
    broken: list[Broken] = []
    without = frozenset(filter(None, args.without.split(",")))
    began, lives, steps, seed = time.perf_counter(), 0, 0, args.seed
    while (time.perf_counter() - began < args.minutes * 60) if args.minutes else lives < args.lives:
        size = Episode.size(seed) if args.minutes else min(Episode.size(seed), args.lives - lives)
        episode = Episode(seed, size, cells, without, size // 2)  # who takes more steps for a life teaches little by it
        try:
            episode.run()
        except Broken as error:
            broken.append(error)
            print(f"VIOLATION {error}\nAgain: python {sys.argv[0]} --seed {seed} --lives {size}", flush=True)
            if args.shrink:
                from simulation.shrink import shrink

                print(f"Still so --without {','.join(shrink(error, size))}")
            if not args.keep_going or len(broken) >= MOST:
                return 1
        lives += episode.checker.lives
        steps += episode.step
        totals += episode.counts
        totals += episode.checker.endings
        seed += 1
    took, cpu = time.perf_counter() - began, time.process_time()
    share, missing = coverage(cells)
    print(table(cells))
    print(f"{lives} lives in {seed - args.seed} episodes, {steps} steps, {took:.1f} s")
    print(f"{lives / took:.0f} lives/s, {lives / cpu:.0f} per second of one core")
    print(", ".join(f"{name} {count}" for name, count in sorted(totals.items())))
    print(f"{share:.1%} of the cells of the lifecycle's table were visited{f'; not {missing}' if missing else ''}")
    for error in broken:
        print(f"seed {error.seed}, step {error.step}: {error.what[:300]}")
    return 1 if broken or share < LEAST else 0


if __name__ == "__main__":
    sys.exit(main())
