"""Idle: what a supervisor costs that has 10,000 jobs to wait for and nothing to do.

A third of them is queued behind a sleeping job, a third waits for tomorrow, the others for that job's end, for an approval or to be
released. A wake-up is a voluntary context switch (proc(5)).
"""

import os
import sys
import time

from sidebyside import Row, arguments, fresh_home, progress, tell, warm

SETTLING = 8
DAY = 86_400_000_000_000


def ticks(pid: int) -> int:
    """Return utime + stime of a process, in clock ticks."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def wake_ups(pid: int) -> int:
    """Return how often a process slept and was woken."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches"))


def main() -> None:
    options = arguments("idle", jobs=10_000, seconds=60)
    with fresh_home(options) as home:
        os.environ.update(home.environment())
        home("group", "set", "g", "--slots", "1")
        warm(home)
        home("run", "--group", "g", "--", "sleep", "1000")
        from outlast import Jobs
        from outlast.client.submitting import environment, submission

        jobs = Jobs(home.path)
        around = environment({}, ())
        tomorrow = time.time_ns() + DAY
        sleeping = jobs.one("last").id
        waits: list[dict[str, object]] = [{"after.ended": [sleeping]}, {"approval": True}, {"hold": True}]
        kinds: list[dict[str, object]] = [{"group": "g"}, {"wait.datetime": tomorrow}, *waits]
        share = [options.jobs // 3, options.jobs // 3, *[options.jobs // 9] * 3]
        for given, count in zip(kinds, share, strict=True):
            jobs.submit([submission(["/bin/true"], given, shell=False, around=around) for _ in range(count)])
        if jobs.store.next_due() != tomorrow:
            sys.exit("no job is pending until tomorrow")
        counts = jobs.store.count_active()
        jobs.close()
        progress(f"{counts}; settling for {SETTLING} s, then {options.seconds} s")
        pid = home.supervisor()
        time.sleep(SETTLING)
        before = ticks(pid), wake_ups(pid)
        time.sleep(options.seconds)
        used, woken = ticks(pid) - before[0], wake_ups(pid) - before[1]
    what = f"idle supervisor, {counts.get('queued', 0):,} queued and {counts.get('pending', 0):,} pending jobs, {options.seconds} s"
    note = f"a tick is 1/{os.sysconf('SC_CLK_TCK')} s"
    tell([Row(f"{what}: clock ticks", "", [used], "", "≤ 2", note), Row(f"{what}: wake-ups", "", [woken], "", "≤ 5")], options)


if __name__ == "__main__":
    main()
