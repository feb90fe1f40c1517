"""Starting what may start: pending jobs whose time has come are queued, queued ones are claimed while there are slots.

A claim is durable before its run is started: whoever dies in between leaves a run that provably never began.
"""

import errno
import os
from _functools import partial  # type: ignore[import-not-found]  # `functools` costs 2 ms

from outlast.core import events as e
from outlast.core.errors import Bug, Damaged
from outlast.core.feedback import is_elsewhere
from outlast.core.job import ABORTED, DISABLED, INTERRUPTED, NOT_STARTED, Ending
from outlast.core.options import value
from outlast.core.timeouts import TIMES, has_percentage, limits_of
from outlast.executors import local, state
from outlast.executors.lender import PASSING
from outlast.seams import failpoint, now
from outlast.supervisor.context import Context, LiveRun, said
from outlast.supervisor.enforcer import Enforcer, is_limited
from outlast.supervisor.fingerprints import Fingerprints
from outlast.supervisor.fronts import AWAITED, GONE, SERVED, Fronts
from outlast.supervisor.reports import Reports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from outlast.core.disabling import Rule
    from outlast.core.job import Job
    from outlast.store.reading import Outlook
    from outlast.supervisor.guard import Guard
    from outlast.supervisor.observer import Observer
    from outlast.supervisor.watcher import Watcher

AT_ONCE = 500  # claims of one commit, if we may have eight times as many descriptors
RETRY = 1_000_000_000
LOOK_AGAIN = 200_000_000
SOON = 20_000_000
CLAIMED, PASSED = "claimed", "passed"
MOST_PASSED = 10_000  # jobs that are passed over in one cycle
CLIENT_GONE = "the client in front was killed before the command could start"


class Dispatcher:
    """Queues, claims and starts."""

    __slots__ = (
        "_alone", "_at_once", "_context", "_enforcer", "_environments", "_fingerprints", "_fronts", "_full", "_guard", "_mutexes",
        "_observer", "_own", "_reports", "_rules", "_watcher",
    )  # fmt: skip

    def __init__(
        self, context: Context, fronts: Fronts, watcher: "Watcher", guard: "Guard", enforcer: Enforcer, reports: Reports,
        observer: "Observer", own: "Mapping[str, Any]",
    ) -> None:  # fmt: skip
        """`watcher` watches what was started, `guard` forks shims, `enforcer` limits runs, `reports` knows where their feedback begins.

        `own`: our surroundings, which shims get.
        """
        self._context = context
        self._fronts = fronts
        self._watcher = watcher
        self._guard = guard
        self._enforcer = enforcer
        self._reports = reports
        self._observer = observer
        self._own = own
        self._fingerprints = Fingerprints(context.store)
        self._environments: dict[str, tuple[bytes, list[str], dict[str, list[str]], Mapping[str, Any]]] = {}
        self._at_once = max(min(AT_ONCE, os.sysconf("SC_OPEN_MAX") // 8), 1)
        self._full = False  # in this cycle no state file could be had
        self._rules: list[Rule] = []  # that disable jobs, in this cycle
        self._mutexes: set[str] = set()  # that running jobs have, in this cycle
        self._alone: set[int] = set()  # claimed when there was no client in front of any job: none can come later

    def run_once(self, at: int, outlook: "Outlook") -> int:
        """Queue and claim what may be, within the current transaction; starting follows the commit. Returns the number of claims."""
        store = self._context.store
        self._full = False
        self._fingerprints.begin(at)
        due = store.due(at) if outlook.next_due is not None and outlook.next_due <= at else []
        for number in due:
            if number not in self._context.bad:
                with self._context.of(number):
                    job = store.job(number)
                    if job is not None and not job.paused and not job.held:
                        store.record(job, e.Queued(because="its time has come"), at)
        self._rules = store.disabled() if store.any_rules() else []
        self._mutexes = {word for live in self._context.runs.values() for word in live.job.mutex or ()}
        claimed = 0
        if outlook.ungrouped or due:
            claimed, left = self._claim_ready(None, self._at_once, at, None)
            if not left:
                self._context.touch()  # the rest follows in the next commit
        for group, slots, paused in store.queued_groups():
            claimed += 0 if paused else self._claim_in_group(group, slots, at)
        return claimed

    def _claim_in_group(self, group: str, slots: int | None, at: int) -> int:
        store = self._context.store
        used = sum(_slots(live.job) for live in self._context.runs.values() if live.job.group == group and not live.borrowed)
        claimed, left = self._claim_ready(group, self._at_once if slots is None else max(slots - used, 0), at, slots)
        if slots is not None and not left and store.any_front():
            for job in store.jobs(store.borrowers(group)):
                claimed += not self._is_barred(job) and self._claim(job, at, borrowed=True) == CLAIMED
        return claimed

    def _claim_ready(self, group: str | None, free: int, at: int, slots: int | None) -> "tuple[int, int]":
        """Claim what is ready and finds room, in order. Returns (claims, slots that are left; without slots: claims).

        Who needs more slots than are left holds up all behind it: else it might never come to its turn. Who is barred for another
        reason, or takes more than the group has at all, is passed over.
        """
        store = self._context.store
        claimed = passed = 0
        last: Job | None = None
        while free > 0 and passed < MOST_PASSED and not self._full:
            asked = free + passed
            jobs = store.ready(group, asked, last, sorted(self._mutexes), self._context.bad)
            for job in jobs:
                last = job
                if not free or self._full:
                    break
                if self._is_barred(job):  # by one that was claimed since we asked
                    continue
                takes = 1 if slots is None else _slots(job)
                if slots is not None and takes > slots:
                    passed += 1
                    continue
                if takes > free:
                    return claimed, 0
                became = self._claim(job, at)
                if became == CLAIMED:
                    claimed += 1
                    free -= takes
                passed += became == PASSED
            if len(jobs) < asked:
                break
        return claimed, free

    def _is_barred(self, job: "Job") -> bool:
        """Tell whether a running job has a mutex of this one."""
        return bool(job.mutex) and not self._mutexes.isdisjoint(job.mutex or ())

    def _ends_first(self, job: "Job", at: int) -> "e.Ended | e.Postponed | None":
        """Return what happens to a job instead of its start: it is disabled, or those that it was to run beside do not run."""
        if self._rules and not job.run:
            from outlast.core.disabling import reason, rule_for

            rule = rule_for(self._rules, job.name, at)
            if rule is not None:
                return e.Ended(outcome=DISABLED, reason=reason(rule))
        beside = job.spec.get("while-running") if not job.run else None
        if beside:
            from outlast.core.needs import MET, NEVER, needs_of, verdict

            told = [(need, *verdict(need, *self._context.store.state(need.other))) for need in needs_of({"while-running": beside})]
            for _, what, text in told:
                if what == NEVER:
                    return e.Ended(outcome=ABORTED, reason=text)
            if any(what != MET for _, what, _ in told):
                names = [need.name for need, what, _ in told if what != MET]
                return e.Postponed(because=next(text for _, what, text in told if what != MET), needs=names)
        return None

    def _claim(self, job: "Job", at: int, *, borrowed: bool = False) -> str:
        """Claim the job's next run. Returns CLAIMED; PASSED: it cannot start now; or GONE: it is no longer queued."""
        with self._context.of(job.id):
            return self._try_to_claim(job, at, borrowed=borrowed)

    def _try_to_claim(self, job: "Job", at: int, *, borrowed: bool) -> str:
        context = self._context
        standing, token = self._fronts.standing(job.id)
        if standing == AWAITED:
            context.loop.call_after(LOOK_AGAIN, context.touch)
            return PASSED
        instead: e.Ended | e.Postponed | None = None
        if standing == GONE:
            instead = e.Ended(outcome=INTERRUPTED, reason=CLIENT_GONE)
        elif self._rules or "while-running" in job.spec:
            instead = self._ends_first(job, at)
        if instead is not None:
            context.store.record(job, instead, at)
            if isinstance(instead, e.Ended):
                context.store.forget_front(job.id)
            context.touch()  # others may have waited for that, and needs are looked at before claims
            return GONE
        failpoint("claim.before")
        live = self._lend(job, at, borrowed=borrowed)
        if live is None:
            return PASSED
        self._mutexes.update(job.mutex or ())
        context.runs[job.id] = live
        context.claimed.append(live)
        if token is None:
            self._alone.add(job.id)
        return CLAIMED

    def _fingerprint(self, job: "Job", at: int) -> str | None:
        """Return the hash of what the next run of the job runs with; None if its environment cannot be read, so that it will not start."""
        try:
            return self._fingerprints.of(job, self._environment(job)[0], at)
        except ValueError:
            return None

    def _lend(self, job: "Job", at: int, *, borrowed: bool) -> LiveRun | None:
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
            limits = self._limits(job) if job.spec else None
            if job.spec and is_elsewhere(job.spec):
                limits = {**(limits or {}), "feedback": self._reports.mark(job)}
            if borrowed:  # for the next supervisor, too
                limits = {**(limits or {}), "borrowed": True}
            claim = e.Claimed(
                run=job.run + 1, host=facts.host, boot=facts.boot, state_file=number, limits=limits, fingerprint=self._fingerprint(job, at)
            )  # fmt: skip
            job = context.store.record(job, claim, at)
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

    def _limits(self, job: "Job") -> "dict[str, Any] | None":
        """Return what holds for the next run of the job; None if nothing does."""
        by = self._enforcer.used(job, self._surroundings(job)) if is_limited(job.spec) else None
        if TIMES.isdisjoint(job.spec):
            return None if by is None else {"by": by}
        limits = limits_of(job, self._context.store.usual_duration(job.name) if has_percentage(job.spec) else None)
        return limits if by is None else {**limits, "by": by}

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
        if job.spec:
            self._observer.prepare(live)
        limiting = self._enforcer.words(live, self._surroundings(job)) if job.spec and is_limited(job.spec) else ()
        return local.Start(
            shim=facts.shim, words=[*local.own_words(job, live.path), *words, *limiting], command=job.command,
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
        variables, restoring, by_folder, _ = self._environment(job)
        words = None if job.spec or front else by_folder.get(job.cwd)
        if words is None:
            words = local.options(self._context.home, job, restoring, self._context.facts.keep_free, front=front)
            if not job.spec and not front and len(by_folder) < 100:
                by_folder[job.cwd] = words
        return variables, words

    def _surroundings(self, job: "Job") -> "Mapping[str, Any]":
        return self._environment(job)[3]

    def _environment(self, job: "Job") -> "tuple[bytes, list[str], dict[str, list[str]], Mapping[str, Any]]":
        """Return what a stored environment means for all jobs that share it, see `_like`; and the surroundings themselves."""
        digest = job.environment or ""
        if digest not in self._environments:
            if len(self._environments) > 100:  # a cache, no more
                self._environments.clear()
            try:
                found = self._context.store.environment(digest)
                variables, surroundings = found or (b"", {"umask": 0o077, "rlimits": {}, "nice": 0, "affinity": None})
                self._environments[digest] = local.inherited(variables), local.restored(surroundings, self._own), {}, surroundings
            except (Damaged, LookupError, TypeError, ValueError, AttributeError) as error:
                self._context.log(f"job {job.id}: its environment cannot be read: {said(error)}")
                raise ValueError(digest) from error  # this one is not started; the others are
        return self._environments[digest]


def _slots(job: "Job") -> int:
    slots: int = job.spec.get("slots", 1) if job.spec else 1
    return slots


def _have_folder(path: str) -> None:
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    except FileNotFoundError:
        os.makedirs(path, 0o700, exist_ok=True)
