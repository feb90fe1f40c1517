"""Those who submit and wish: through the real client, at random, and some of them are killed in the middle of it."""

from collections.abc import Callable
from random import Random
from typing import Any

from outlast.client.again import resubmission
from outlast.client.ending import request, send_signal
from outlast.client.holding import approve, hold, pause, pending_with, release, resume
from outlast.client.jobs import Jobs
from outlast.core import events as e
from outlast.core.disabling import Rule
from outlast.core.errors import NotFound, OutlastError, Refused, UsageError
from outlast.core.job import ENDED, RUNNING, Job
from outlast.core.needs import needs_of
from outlast.core.options import settle, stored
from outlast.home import Home
from outlast.store.grouping import pause_group
from outlast.store.store import Environment, Front, Submission
from simulation.checker import Checker
from simulation.machine import MS, SECOND, Machine, Proc
from simulation.supervising import Records

ENVIRONMENT = Environment(hash="e", variables=b"", surroundings='{"umask": 18, "rlimits": {}, "nice": 0, "affinity": null}')
NAMES = ("ann", "bob", "cid", "dot")
KEYS = ("k1", "k2", "k3")
GROUPS = ("g1", "g2", "g3")
WORDS = ("tape", "net", "disk", "bus", "key")
OUTCOMES = ("succeeded", "failed", "neutral", "stopped", "skipped")
TIDY = ("stop", "interrupt", "kill")


class Household(Home):
    """The home; a supervisor lives in it or not as the story says."""

    __slots__ = ("supervised",)
    supervised: Callable[[], bool]

    def is_supervised(self) -> bool:
        return self.supervised()


class Client(Jobs):
    """The real client. Whoever it wakes is told by the story."""

    def __init__(self, home: Home, store: Records, wake: Callable[[], None]) -> None:
        super().__init__(home.path)
        self.home = home
        self._store = store
        self.wake = wake  # type: ignore[method-assign]


class Habits:
    """What people do in this episode, and how often. Many episodes have none of a thing."""

    def __init__(self, rng: Random) -> None:
        some = lambda most: rng.choice((0.0, most / 4, most))
        self.named, self.keyed, self.grouped = some(0.6), some(0.4), some(0.8)
        self.overlap, self.fresh = some(0.8), some(0.2)
        self.ordered, self.beside, self.delayed = some(0.4), some(0.1), some(0.3)
        self.held, self.approval, self.mutex = some(0.1), some(0.05), some(0.3)
        self.retried, self.limited, self.aborted = some(0.6), some(0.3), some(0.1)
        self.fronted, self.reserved = some(0.1), some(0.2)
        self.wishes = rng.choice((0.1, 0.2, 0.4))  # of all that they do
        self.crowd = rng.choice((10, 60, 200))  # jobs that are active at most
        self.burst = rng.choice((2, 10, 40))
        self.haste = rng.choice((10 * MS, 200 * MS, 3 * SECOND))  # between two doings, about


def _is_contested(submission: Submission) -> bool:
    """Tell whether it may well be refused, for what is there already."""
    job = submission.job
    return (job.key is not None and "overlap" not in job.spec) or job.spec.get("overlap") == "join" or "slots" in job.spec


class People:
    """All of them."""

    def __init__(self, machine: Machine, checker: Checker, home: Home, store: Records, wake: Callable[[], None], rng: Random) -> None:
        self.machine = machine
        self.checker = checker
        self.store = store
        self.rng = rng
        self.client = Client(home, store, wake)
        self.habits = Habits(rng)
        self.clients: dict[str, Proc] = {}  # in front, by their token
        self.refused = 0
        self._serial = 0
        self._recent: list[int] = []
        self._handed: Callable[[str], None] = lambda _: None

    # Submitting

    def submit(self, most: int) -> None:
        """Submit a few jobs in one commit: unrelated ones, or a chain, a fan, a diamond."""
        rng = self.rng
        if rng.random() < self.habits.reserved:
            rng.choice((self._reserve, self._fill))()
            return
        count = min(1 + rng.randrange(self.habits.burst), most)
        if rng.random() < self.habits.ordered / 2:
            self._shape(rng.choice(("chain", "fan", "diamond")), min(count + 2, 8))
            return
        made = [submission for submission in (self.submission() for _ in range(count)) if submission is not None]
        # One that is refused takes all that came with it along: seldom enough is enough.
        safe = made if rng.random() < 0.1 else [submission for submission in made if not _is_contested(submission)]
        self._put(safe or made[:1])

    def _put(self, made: "list[Submission]") -> list[Job]:
        jobs = self.client.submit(made)
        for job in jobs:
            if job.status != "ended":
                self.checker.expected.add(job.id)
            self._recent.append(job.id)
        del self._recent[:-40]
        return jobs

    def _shape(self, shape: str, count: int) -> None:
        rng, before, first = self.rng, [], 0
        for place in range(count):
            if shape == "chain" or not place:
                after = before[-1:]
            elif shape == "diamond" and place == count - 1:
                after = before[1:]
            else:
                after = [first]
            how = rng.choice(("after.succeeded", "after.succeeded", "after.ended", "after.failed"))
            made = self.submission({how: after} if after else {})
            if made is None:
                return
            number = self._put([made])[0].id
            first = first or number
            before.append(number)

    def submission(self, order: "dict[str, Any] | None" = None) -> Submission | None:
        """Return one, or None: its options do not fit together, and it would be refused."""
        rng, now = self.rng, self.machine.clock.now()
        spec = self._options(now) if order is None else {**self._options(now, ordered=False), **order}
        try:
            options = settle(spec, now)
            needs = tuple(needs_of(options))
        except UsageError:
            self.refused += 1
            return None
        self._serial += 1
        name = options.get("name") or f"n{self._serial}"
        front = self._front() if rng.random() < self.habits.fronted else None
        key = options.get("key") or (name if options.get("unique") else None)
        job = Job(
            id=0, name=name, group=options.get("group"), key=key,
            command=["true"], cwd="/", user="me", created_at=0, info=["", "", ""], spec=stored(options), environment="e",
            priority=options.get("priority") or 0, mutex=options.get("mutex"),
        )  # fmt: skip
        held = bool(options.get("hold") or options.get("pending"))
        return Submission(job=job, environment=ENVIRONMENT, needs=needs, front=front, held=held)

    def _options(self, now: int, *, ordered: bool = True) -> "dict[str, Any]":
        rng, habits = self.rng, self.habits
        chance, choice = rng.random, rng.choice
        spec: dict[str, Any] = {}
        if chance() < habits.named:
            spec["name"] = choice(NAMES)
        if chance() < habits.keyed:
            spec |= {"key": choice(KEYS)} if chance() < 0.7 or "name" not in spec else {"unique": True}
        if chance() < habits.overlap and ("key" in spec or "name" in spec):
            spec["overlap"] = choice(("skip", "queue", "queue=1", "queue=2", "replace", "allow", "allow=2", "join"))
        if chance() < habits.fresh:
            spec["unless-fresh"] = choice((SECOND, 60 * SECOND))
        if chance() < habits.grouped:
            spec["group"] = choice(GROUPS)
            if chance() < 0.2:
                spec["slots"] = choice((2, 3))
        if chance() < 0.2:
            spec["priority"] = rng.randrange(-2, 3)
        if chance() < habits.delayed:
            spec |= choice(({"wait.timedelta": rng.randrange(5 * SECOND)}, {"wait.datetime": now + rng.randrange(-SECOND, 60 * SECOND)}))
            if chance() < 0.2:
                spec["wait.extra-delay"] = SECOND
        if chance() < habits.mutex:
            spec["mutex"] = rng.sample(WORDS, choice((1, 1, 2)))
        if chance() < habits.held:
            spec |= {"hold": True} if chance() < 0.5 else {"pending": choice("ab")}
        if chance() < habits.approval:
            spec["approval"] = True
        if ordered and chance() < habits.ordered and self._recent:
            spec |= self._order()
        if chance() < habits.beside and self._running():
            spec["while-running"] = [choice(self._running())]
        if chance() < habits.retried:
            spec |= self._retries(now)
        if chance() < habits.limited:
            spec |= self._limits()
        if chance() < habits.aborted:
            spec["wait.abort-datetime"] = now + choice((SECOND, 20 * SECOND, 300 * SECOND))
        if chance() < 0.1:
            spec["leftovers.action"] = "stop"
        if chance() < 0.2:
            spec["stop.grace"] = choice((0, SECOND, 30 * SECOND))
        return spec

    def _running(self) -> list[int]:
        return [seen.id for seen in self.checker.active.values() if seen.status == "running"]

    def _order(self) -> "dict[str, Any]":
        rng, order = self.rng, {}
        for _ in range(rng.choice((1, 1, 2))):
            other = rng.choice(self._recent)
            how = rng.choice(("after.succeeded", "after.failed", "after.ended", "after.outcome"))
            if how == "after.outcome":
                order[how] = {str(other): ",".join(rng.sample(OUTCOMES, 2))}
            else:
                order[how] = [other]
        return order

    def _retries(self, now: int) -> "dict[str, Any]":
        rng, choice = self.rng, self.rng.choice
        spec: dict[str, Any] = {"retries.num-runs": choice((2, 3, 5, None))}
        for name, odds, values in (
            ("retries.delay", 0.7, (0, 100 * MS, SECOND, 30 * SECOND)), ("retries.exponential-backoff-base", 0.3, (0.5, 1.5, 2.0, 10.0)),
            ("retries.max-delay", 0.2, (5 * SECOND, None)), ("retries.jitter-range", 0.2, (SECOND, 20 * SECOND)),
            ("retries.success-delay", 0.2, (0, 2 * SECOND)), ("retries.num-successes", 0.2, (2, 3, None)),
            ("retries.num-failures", 0.3, (1, 2, 4)), ("retries.after-interrupt", 0.4, (True,)), ("retries.success-codes", 0.2, ([0, 3],)),
            ("retries.failure-codes", 0.2, ([1, 2],)),
            ("retries.abort-datetime", 0.15, (now + 5 * SECOND, now + 120 * SECOND)),
        ):  # fmt: skip
            if rng.random() < odds:
                spec[name] = choice(values)
        if spec["retries.num-runs"] is None and spec.get("retries.num-successes", 1) is None:
            spec["retries.num-runs"] = 4  # else it would never end
        return spec

    def _limits(self) -> "dict[str, Any]":
        rng, choice = self.rng, self.rng.choice
        spec: dict[str, Any] = {}
        spans = (50 * MS, SECOND, 10 * SECOND, 200 * SECOND)
        for name, odds, values in (
            ("timeout.run", 0.5, (*spans, "300%")), ("timeout.job", 0.3, spans), ("timeout.heartbeat", 0.1, spans),
            ("timeout.output", 0.1, spans), ("timeout.soft.run", 0.2, (*spans, "150%")), ("timeout.soft.job", 0.2, spans),
            ("timeout.soft.output", 0.1, spans), ("timeout.warn-signal", 0.2, (10,)), ("timeout.warn-before", 0.2, (SECOND,)),
        ):  # fmt: skip
            if rng.random() < odds:
                spec[name] = choice(values)
        return spec

    def _front(self) -> Front:
        """Return a client in front, which hands its descriptors over before it submits; most of the time it is heard."""
        rng, client = self.rng, self.machine.proc()
        self._serial += 1
        token = f"t{self._serial}"
        self.clients[token] = client
        running = self._running()
        parent = rng.choice(running) if running and rng.random() < 0.5 else None
        if rng.random() < 0.8:
            self._handed(token)
        else:
            self.machine.after(rng.choice((MS, 100 * MS, 2 * SECOND)), lambda: self.hand_over(token))
        if rng.random() < 0.3:
            self.machine.after(rng.randrange(5 * SECOND), lambda: self.end_client(token))
        return Front(token=token, pid=client.pid, pid_start=client.start, parent=parent)

    def hand_over(self, token: str) -> None:
        """Let a client hand its descriptors over (again)."""
        if token in self.clients:
            self._handed(token)

    def end_client(self, token: str) -> None:
        """Let a client in front be killed."""
        client = self.clients.pop(token, None)
        if client is not None:
            client.alive = False
            self.machine.procs.pop(client.pid, None)
            self.left(token)

    left: Callable[[str], None] = staticmethod(lambda _: None)

    # Wishing

    def wish(self) -> str:
        """Do one thing to jobs that are there, or to groups or names. Returns what."""
        what = self.rng.choice(_WISHES)
        getattr(self, what)()
        return what.strip("_")

    def _one(self) -> list[Job]:
        active = self.checker.active
        if not active:
            return []
        job = self.store.job(self.rng.choice(list(active)))
        return [] if job is None else [job]

    def _stop(self) -> None:
        jobs, rng = self._one(), self.rng
        scope = "run" if jobs and jobs[0].status == RUNNING and rng.random() < 0.4 else "job"
        signal, grace = rng.choice((None, None, 2)), rng.choice((None, None, 1))
        request(self.client, rng.choice(TIDY), jobs, signal=signal, grace=grace, scope=scope)

    def _pause(self) -> None:
        pause(self.client, self._one(), wait=False)

    def _resume(self) -> None:
        paused = [seen.id for seen in self.checker.active.values() if seen.paused]
        if paused:
            resume(self.client, self.store.jobs([self.rng.choice(paused)]), wait=False)

    def _hold(self) -> None:
        hold(self.client, self._one())

    def _release(self) -> None:
        held = [seen.id for seen in self.checker.active.values() if seen.held]
        if held:
            release(self.client, self.store.jobs([self.rng.choice(held)]))

    def _release_pending(self) -> None:
        release(self.client, pending_with(self.client, self.rng.choice("ab")))

    def _hold_running(self) -> None:
        """Hold a job whatever it does: the client refuses that for one that runs, others may not."""
        active = self.checker.active
        if active:
            job = self.rng.choice(list(active))
            self.store.request(job, self.rng.choice((e.Held(by="me"), e.Released(by="me"))), self.machine.clock.now())
            self.client.wake()

    def _remark(self) -> None:
        """Note something on any job, also an ended one, and warn of one: services that look after logs and conditions do so."""
        reserved = [seen.id for seen in self.checker.active.values() if seen.status == "reserved"]
        known = reserved if reserved and self.rng.random() < 0.2 else [*self._recent, *self.checker.active]
        job = self.store.job(self.rng.choice(known)) if known else None
        if job is not None:
            event: e.Noted | e.Warned | e.WarningOver = e.Noted(text="n")
            if self.rng.random() >= 0.5 and job.status != ENDED:
                event = (e.WarningOver if job.version % 2 else e.Warned)(warning="w", text="t")
            self.store.record(job, event, self.machine.clock.now())

    def _approve(self) -> None:
        waiting = self.store.waiting_for("approval")
        if waiting:
            approve(self.client, self.store.jobs([self.rng.choice(waiting)]), "fine")

    def _signal(self) -> None:
        running = self._running()
        if running:
            send_signal(self.client, self.rng.choice((10, 15, 1)), self.store.jobs([self.rng.choice(running)]))

    def _rerun(self) -> None:
        if self._recent:
            job = self.store.job(self.rng.choice(self._recent))
            if job is not None and job.status != "reserved":
                self._put([resubmission(self.store, job).replace(environment=ENVIRONMENT)])

    def _reserve(self) -> None:
        rng, now = self.rng, self.machine.clock.now()
        job = Job(id=0, name=rng.choice(("", *NAMES)), command=[], cwd="", user="me", created_at=0, key=rng.choice((None, *KEYS)))
        made = self.store.reserve(job, rng.choice((None, now + SECOND, now + 60 * SECOND)), now)
        self.checker.expected.add(made.id)
        self.client.wake()

    def _fill(self) -> None:
        reserved = [seen for seen in self.checker.active.values() if seen.status == "reserved"]
        if not reserved:
            return
        seen = self.rng.choice(reserved)
        order = {"name": seen.name or self.rng.choice(NAMES), "overlap": self.rng.choice(("queue", "replace"))}
        made = self.submission(order if self.rng.random() < 0.5 else None)
        if made is None or made.job.spec.get("overlap") == "join":
            return
        keep = self.rng.random() < 0.7
        job = made.job.replace(id=seen.id, name=(keep and seen.name) or made.job.name, key=(keep and seen.key) or made.job.key)
        self._put([made.replace(job=job)])

    def _group(self) -> None:
        rng, checker, rules = self.rng, self.checker, self.client
        group = rng.choice(GROUPS)
        match rng.choice(("set", "set", "pause", "drain", "resume", "resume")):
            case "set":
                slots = rng.choice((1, 2, 3, 5, None))
                rules.set_group(group, slots)
                checker.slots[group] = slots
            case "pause":
                rules.pause_group(group)
                checker.paused_groups.add(group)
            case "drain":
                rules.drain_group(group)
            case _:
                self.resume_group(group)

    def look_again(self) -> None:
        """Tell the checker what is wished of groups and names: whoever wished it was killed, it is unknown when."""
        found = {told["name"]: told for told in self.store.groups()}
        self.checker.slots = {group: told["slots"] for group, told in found.items()}
        self.checker.paused_groups = {group for group, told in found.items() if told["paused"]}
        self.checker.disabled = [(rule.pattern, rule.regex, rule.until) for rule in self.store.disabled()]

    def resume_group(self, group: str) -> None:
        """As `Jobs.resume_group`, which first looks at the real machine to tell whether there is such a group."""
        pause_group(self.store, group, self.machine.clock.now(), paused=False, draining=False)
        self.checker.paused_groups.discard(group)
        self.client.wake()

    def _disable(self) -> None:
        rng, now = self.rng, self.machine.clock.now()
        pattern, regex = rng.choice(((rng.choice(NAMES), False), ("[ab].*", True)))
        until = rng.choice((None, now + SECOND, now + 30 * SECOND))
        with self.store.batch():
            self.store.disable(Rule(pattern=pattern, regex=regex, note="", until=until, by="me", at=now))
        self.checker.disabled = [rule for rule in self.checker.disabled if rule[:2] != (pattern, regex)] + [(pattern, regex, until)]

    def _enable(self) -> None:
        if self.checker.disabled:
            pattern = self.rng.choice(self.checker.disabled)[0]
            self.client.enable(pattern)
            self.checker.disabled = [rule for rule in self.checker.disabled if rule[0] != pattern]


_WISHES = (
    "_stop", "_stop", "_stop", "_pause", "_resume", "_resume", "_hold", "_release", "_release", "_release_pending", "_approve", "_approve",
    "_signal", "_rerun", "_hold_running", "_remark", "_reserve", "_fill", "_fill", "_group", "_group", "_disable", "_enable", "_enable",
)  # fmt: skip
EXPECTED = (Refused, NotFound, UsageError)
__all__ = ["EXPECTED", "OutlastError", "People"]
