"""Latency: from the commit of a submission to the first instruction of its command, minus the same of a bare posix_spawn.

The command's first act is to read the clock. The instant of the commit is taken in this process, where `Store.submit` returns;
what follows belongs to the latency: waking the supervisor, its claim (a durable commit), the shim, the command.
"""

import os
import shutil
import sys
import time
from pathlib import Path

from sidebyside import NULL, Row, alternate, arguments, compiled, fresh_home, tell, warm

CLOCK = """
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
int main(int argc, char **argv) {
    struct timespec now;
    char text[40];
    clock_gettime(CLOCK_REALTIME, &now);
    int length = snprintf(text, sizeof text, "%lld%09ld\\n", (long long)now.tv_sec, now.tv_nsec);
    int fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0600);
    return write(fd, text, length) != length;
}
"""


def main() -> None:
    options = arguments("latency", rounds=150)
    from outlast import Jobs
    from outlast.store.store import Store

    committed = 0
    original = Store.submit

    def submit(store: Store, submissions: object, now: int) -> object:
        nonlocal committed
        made = original(store, submissions, now)
        committed = time.time_ns()
        return made

    Store.submit = submit  # here only: the supervisor is a process of its own
    with fresh_home(options) as home:
        clock = compiled(CLOCK, home.folder, "clock")
        told_at = f"{home.folder}/told"
        command = [clock, told_at] if clock else [shutil.which("sh") or "/bin/sh", "-c", 'date +%s%N > "$0"', told_at]
        os.environ.update(home.environment())
        warm(home)
        jobs = Jobs(home.path)

        def told_after(start: int) -> float:
            return (int(Path(told_at).read_text()) - start) / 1_000_000

        def as_job() -> float:
            job = jobs.run(command, log={"stdout": True})
            ended = jobs.wait(job)[0]
            if ended.outcome != "succeeded":
                sys.exit(f"the job {ended.outcome}: {ended.reason}")
            return told_after(committed)

        def bare() -> float:
            actions = [(os.POSIX_SPAWN_DUP2, NULL, fd) for fd in range(3)]
            start = time.time_ns()
            os.waitpid(os.posix_spawn(command[0], command, os.environ, file_actions=actions), 0)
            return told_after(start)

        as_job()
        told = alternate({"job": as_job, "bare": bare}, options.rounds)
        jobs.close()
    over = [a - b for a, b in zip(told["job"], told["bare"], strict=True)]
    note = f"{Row('', '', told['job']).median:.2f} ms, bare {Row('', '', told['bare']).median:.2f} ms"
    if clock is None:
        note += "; no C compiler, so the clock is `date`"
    tell([Row("commit of a submission to the command's first instruction", "minus bare `posix_spawn`", over, "ms", "≤ 10", note)], options)


if __name__ == "__main__":
    main()
