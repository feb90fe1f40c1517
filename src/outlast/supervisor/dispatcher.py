"""Starting what may start: pending jobs whose time has come are queued, queued ones are claimed while there are slots.

A claim is durable before its run is started: whoever dies in between leaves a run that provably never began.
"""

import errno
import os
from _functools import partial  # type: ignore[import-not-found]  # `functools` costs 2 ms

from outlast.core import events as e
from outlast.core.errors import Bug
from outlast.core.job import INTERRUPTED, NOT_STARTED, Ending
from outlast.core.options import value
from outlast.executors import local, state
from outlast.executors.lender import PASSING
from outlast.seams import failpoint, now
from outlast.supervisor.context import Context, LiveRun
from outlast.supervisor.fronts import AWAITED, GONE, SERVED, Fronts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from outlast.core.job import Job
    from outlast.store.reading import Outlook
    from outlast.supervisor.guard import Guard
    from outlast.supervisor.watcher import Watcher

AT_ONCE = 500  # claims of one commit, if we may have eight times as many descriptors
RETRY = 1_000_000_000
LOOK_AGAIN = 200_000_000
SOON = 20_000_000
CLIENT_GONE = "the client in front was killed before the command could start"


class Dispatcher:
    """Queues, claims and starts."""

    __slots__ = ("_alone", "_at_once", "_context", "_environments", "_fronts", "_full", "_guard", "_own", "_watcher")

    def __init__(self, context: Context, fronts: Fronts, watcher: "Watcher", guard: "Guard", own: "Mapping[str, Any]") -> None:
        """`watcher` watches what was started, `guard` forks shims; `own`: the supervisor's own surroundings, which shims inherit."""
        self._context = context
        self._fronts = fronts
        self._watcher = watcher
        self._guard = guard
        self._own = own
        self._environments: dict[str, tuple[bytes, list[str], dict[str, list[str]]]] = {}
        self._at_once = max(min(AT_ONCE, os.sysconf("SC_OPEN_MAX") // 8), 1)
        self._full = False  # in this cycle no state file could be had
        self._alone: set[int] = set()  # claimed when there was no client in front of any job: none can come later

    def run_once(self, at: int, outlook: "Outlook") -> int:
        """Queue and claim what may be, within the current transaction; starting follows the commit. Returns the number of claims."""
        store = self._context.store
        self._full = False
        due = store.due(at) if outlook.next_due is not None and outlook.next_due <= at else []
        for number in due:
            job = store.job(number)
            if job is not None and not job.paused and not job.held:
                store.record(job, e.Queued(because="its time has come"), at)
        ready = store.ready(None, self._at_once) if outlook.ungrouped or due else []
        if len(ready) == self._at_once:
            self._context.touch()  # the rest follows in the next commit
        claimed = sum([self._claim(job, at) for job in ready])
        for group, slots, paused in store.queued_groups():
            claimed += 0 if paused else self._claim_in_group(group, slots, at)
        return claimed

    def _claim_in_group(self, group: str, slots: int | None, at: int) -> int:
        store = self._context.store
        used = sum(1 for live in self._context.runs.values() if live.job.group == group and not live.borrowed)
        free = self._at_once if slots is None else max(slots - used, 0)
        claimed = 0
        for job in store.ready(group, free) if free else ():
            claimed += self._claim(job, at)
        if free == claimed and store.any_front():
            for job in store.jobs(store.borrowers(group)):
                claimed += self._claim(job, at, borrowed=True)
        return claimed

    def _claim(self, job: "Job", at: int, *, borrowed: bool = False) -> int:
        context = self._context
        standing, token = self._fronts.standing(job.id)
        if standing == AWAITED:
            context.loop.call_after(LOOK_AGAIN, context.touch)
            return 0
        if standing == GONE:
            context.store.record(job, e.Ended(outcome=INTERRUPTED, reason=CLIENT_GONE), at)
            context.store.forget_front(job.id)
            return 0
        failpoint("claim.before")
        live = self._lend(job, at)
        if live is None:
            return 0
        live.borrowed = borrowed
        context.runs[job.id] = live
        context.claimed.append(live)
        if token is None:
            self._alone.add(job.id)
        return 1

    def _lend(self, job: "Job", at: int) -> LiveRun | None:
        """Lend a state file to the next run of the job and record the claim; None: there is none to be had now."""
        context, facts = self._context, self._context.facts
        if self._full:
            return None
        try:
            number, lock = context.lender.lend()
        except OSError as error:
            self._full = True
            context.log(f"job {job.id}: cannot start yet: no state file: {os.strerror(error.errno or 0)}")
            context.loop.call_after(RETRY, context.touch)
            return None
        try:
            job = context.store.record(job, e.Claimed(run=job.run + 1, host=facts.host, boot=facts.boot, state_file=number), at)
            run = context.store.current_run(job)
            if run is None:
                raise Bug(f"job {job.id}: its claim made no run")
        except BaseException:
            os.close(lock)
            context.lender.give_back(number)
            raise
        live = LiveRun(job, run, context.home.run_path(job.id, job.run))
        live.lock = lock
        return live

    def start(self, live: LiveRun) -> None:
        """Start the claimed run. What passes is tried again; what does not is the run's ending."""
        context, job = self._context, live.job
        alone = job.id in self._alone
        self._alone.discard(job.id)
        if live.over or context.runs.get(live.id) is not live:
            return  # it was stopped, or everything was found out anew, before this call was due
        standing, token = (SERVED, None) if alone else self._fronts.standing(job.id)
        if standing == AWAITED:
            self._fronts.ask_again(token)
            context.loop.call_after(LOOK_AGAIN, lambda: self.start(live))
            return
        if standing == GONE:
            self._end(live, Ending(outcome=INTERRUPTED, reason=CLIENT_GONE, ended_at=now()))
            return
        if live.lock < 0 and not self._take_again(live):
            return
        front = self._fronts.get(token)
        streams = front.descriptors if front is not None else (context.facts.null,) * 3
        try:
            wanted = self._wanted(live, streams, front=front is not None)
            lock, live.lock = live.lock, -1
            pid = local.start(wanted, lock, partial(self._guard.fork, heard=partial(self._forked, live)))
        except (OSError, ValueError) as error:
            self._failed(live, (error.errno or 0) if isinstance(error, OSError) else errno.EINVAL)
            return
        if token is not None and value(job.spec, "retries.num-runs") == 1:
            self._fronts.drop(token)  # else the next run needs them, too: they stay as long as the client does
        if pid is not None:
            self._started(live, pid)

    def _take_again(self, live: LiveRun) -> bool:
        """Have the state file of a run that is started once more. False: not now; it is tried again."""
        try:
            live.lock = state.take(self._context.home.state_path(live.run.state_file))
        except BlockingIOError:
            self._context.loop.call_after(SOON, lambda: self._watcher.adopt(live))  # somebody is just reading it
        except OSError as error:
            self._failed(live, error.errno or 0)
        return live.lock >= 0

    def _wanted(self, live: LiveRun, streams: "tuple[int, int, int]", *, front: bool) -> local.Start:
        job, home, facts = live.job, self._context.home, self._context.facts
        from_submitter, words = self._like(job, front=front)
        _have_folder(os.path.dirname(live.path))
        return local.Start(
            shim=facts.shim, words=[*local.own_words(job, live.path), *words], command=job.command,
            environment=local.command_environment(home, facts.home_id, job, job.run, from_submitter),
            streams=streams, lifeline=facts.lifeline,
        )  # fmt: skip

    def _started(self, live: LiveRun, pid: int) -> None:
        """Watch a shim that is our own child: nobody else can have its pid before we reap it."""
        try:
            pidfd = os.pidfd_open(pid)
        except OSError:  # no descriptor to be had
            self._context.loop.call_after(RETRY, lambda: self._watcher.adopt(live))
        else:
            self._watcher.started(live, pid, pidfd)

    def _forked(self, live: LiveRun, answer: int, pidfd: int) -> None:
        """Go on where the guard has answered: see `Guard.fork`."""
        if self._context.runs.get(live.id) is not live:
            if pidfd >= 0:
                os.close(pidfd)  # everything was found out anew meanwhile, this run too
        elif answer > 0 and pidfd >= 0:
            self._watcher.started(live, answer, pidfd)
        elif answer > 0:  # there was no descriptor to be had for it
            self._context.loop.call_after(RETRY, lambda: self._watcher.adopt(live))
        elif answer < 0:
            self._failed(live, -answer)
        else:
            self._watcher.adopt(live)

    def _failed(self, live: LiveRun, number: int) -> None:
        """No shim could be started for this reason (errno)."""
        if number in PASSING:
            self._context.log(f"job {live.id}: cannot start yet: {os.strerror(number)}")
            self._context.loop.call_after(RETRY, lambda: self.start(live))
            return
        reason = f"not started: {live.job.command[0][:200]}: {os.strerror(number)}"
        code = 127 if number == errno.ENOENT else 126
        self._end(live, Ending(outcome=NOT_STARTED, reason=reason, exit_code=code, ended_at=now()))

    def _end(self, live: LiveRun, ending: Ending) -> None:
        live.ending = ending
        live.over = True
        self._context.touch()

    def _like(self, job: "Job", *, front: bool) -> "tuple[bytes, list[str]]":
        """Return what a job has in common with many: (its submitter's environment, words for its shim)."""
        digest = job.environment or ""
        if digest not in self._environments:
            if len(self._environments) > 100:  # a cache, no more
                self._environments.clear()
            found = self._context.store.environment(digest)
            variables, surroundings = found or (b"", {"umask": 0o077, "rlimits": {}, "nice": 0, "affinity": None})
            self._environments[digest] = local.inherited(variables), local.restored(surroundings, self._own), {}
        variables, restoring, by_folder = self._environments[digest]
        words = None if job.spec or front else by_folder.get(job.cwd)
        if words is None:
            words = local.options(self._context.home, job, restoring, self._context.facts.keep_free, front=front)
            if not job.spec and not front and len(by_folder) < 100:
                by_folder[job.cwd] = words
        return variables, words


def _have_folder(path: str) -> None:
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    except FileNotFoundError:
        os.makedirs(path, 0o700, exist_ok=True)
