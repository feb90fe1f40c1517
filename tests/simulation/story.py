"""One episode: a home, a machine, people and mischief, all drawn from one seed; then nothing is submitted any more, and all must end."""

import math
import re
import shutil
import tempfile
from collections import Counter, deque
from pathlib import Path
from random import Random
from typing import Any

from outlast.client.ending import request
from outlast.client.holding import approve, release, resume
from outlast.client.reasons import why
from outlast.core.errors import OutlastError, SystemFault
from outlast.supervisor.fronts import AWAITED
from simulation.checker import Checker
from simulation.machine import MS, SECOND, Machine, Odds, Violation
from simulation.people import EXPECTED, GROUPS, Household, People
from simulation.supervising import Crash, Doom, Records, Simulated, installed

TOLD = 30  # steps that are told when something is violated
EVERY = 1000  # steps between two looks at everything
OFTEN = 5  # cycles between two looks at what is due
LATE = 60 * SECOND  # so long after its time a run may still be looked at, by a supervisor that lives as long
FAR = 2 * 86_400 * SECOND
MOST_STEPS = 100_000  # of the end of an episode


OUR_FAULT = re.compile(r"^log: (?:cycle failed|job \d+ is left alone from now on): (?!SystemFault)[A-Z]\w+: ")


class Mischief:
    """How often what goes wrong, per step."""

    def __init__(self, rng: Random) -> None:
        some = lambda most: rng.choice((0.0, most / 5, most))
        self.crash = some(0.02)
        self.disk = some(0.004)
        self.client_crash = some(0.02)
        self.jump = some(0.005)
        self.reboot = some(0.001)
        self.leave = some(0.002)
        self.lag = rng.choice((0.0, 2.0, 10.0, 10.0, 40.0, 40.0))  # how long a cycle takes, at most: so many doings of people


class Broken(AssertionError):
    """What was violated, where, and the last steps."""

    def __init__(self, seed: int, step: int, what: str, steps: "list[str]") -> None:
        self.seed, self.step, self.what, self.steps = seed, step, what, steps
        lines = "\n".join(steps)
        super().__init__(f"seed {seed}, step {step}: {what}\nThe last {len(steps)} steps:\n{lines}")


class Episode:
    """So many lives, or so many steps (`most`) and what they leave to be done, whichever comes first.

    `without`: names of habits, odds and mischief that are left out, whatever the seed says.
    """

    def __init__(
        self, seed: int, lives: int, cells: "Counter[tuple[str, str, str]]", without: "frozenset[str]" = frozenset(), most: float = math.inf
    ) -> None:
        self.seed = seed
        self.lives = lives
        self.rng = rng = Random(seed)
        self.step = 0
        self.steps: deque[str] = deque(maxlen=TOLD)
        self.machine = Machine(rng, Odds(rng), self.note)
        self.mischief = Mischief(rng)
        self.checker = Checker(self.machine, cells)
        self.checker.awaited = self._awaited  # type: ignore[method-assign]
        self.doom = Doom()
        self.counts: Counter[str] = Counter()
        self.supervisor: Simulated | None = None
        self._without = without
        self._most = most
        self._since = 0  # when the supervisor came up (monotonic)
        self._wake_at: int | None = None  # when the loop's patience ends (monotonic)
        self._fault = ""  # what the supervisor was kept from dying of, though the world is innocent of it
        self._failed = False  # the last cycle was not written
        self._full = False  # and there was no state file to be had

    def note(self, text: str) -> None:
        """Keep a line about the present step."""
        self.steps.append(f"  {self.step} {self.machine.clock.mono / SECOND:.6f} {text}")
        if text.startswith("log: cycle failed"):
            self._failed = True
        if OUR_FAULT.search(text):
            self._fault = text
        if text.endswith("no state file: No space left on device"):
            self._full = True

    def run(self) -> None:
        """Play it through. Raises Broken."""
        top = "/dev/shm" if Path("/dev/shm").is_dir() else tempfile.gettempdir()
        folder = Path(tempfile.mkdtemp(prefix="outlast-sim-", dir=top))
        store = None
        try:
            self.home = Household(str(folder / "h"))
            self.home.supervised = lambda: self.supervisor is not None
            with installed(self.machine, self.doom):
                store = self.store = Records(self.home, self.doom)
                self.people = People(self.machine, self.checker, self.home, store, self.wake, self.rng)
                self._leave_out()
                self._play()
        except (Violation, OutlastError, KeyError, AttributeError, TypeError, IndexError, ValueError) as error:
            what = str(error) if isinstance(error, Violation) else f"{type(error).__name__}: {error}"
            raise Broken(self.seed, self.step, what, [*self.steps, *self._record(store, what)]) from error
        finally:
            if self.supervisor is not None:
                self.machine.close_all()
                self.supervisor.die()
            if store is not None:
                store.database.end()  # type: ignore[attr-defined]
            shutil.rmtree(folder, ignore_errors=True)

    @staticmethod
    def _record(store: Records | None, what: str) -> list[str]:
        """Return the events of the job that a violation names, and the last ones of all."""
        if store is None:
            return []
        named = re.search(r"[Jj]obs? \[?\(?(\d+)", what)
        events = store.events_of(int(named[1])) if named is not None else []
        return [
            f"  event {event['job']} {event['version']} {event['kind']} {event['at']} {event['data']}"
            for event in [*events, *store.last_events(TOLD)]
        ]

    def _leave_out(self) -> None:
        for of in (self.machine.odds, self.mischief, self.people.habits):
            for name in self._without & of.__dict__.keys():
                setattr(of, name, type(getattr(of, name))(0) if name not in ("crowd", "burst", "haste", "slowly") else 1)
        self.people._handed = self._handed
        self.people.left = self._left  # type: ignore[method-assign]

    def _play(self) -> None:
        rng, checker = self.rng, self.checker
        checker.steady = not self.mischief.jump
        self._people_at: int | None = self.machine.clock.mono
        while checker.lives < self.lives and self.step < self._most:
            self._advance()
            if self._people_at is not None and self._people_at <= self.machine.clock.mono:
                self._people_act()
                self._people_at = self.machine.clock.mono + int(rng.expovariate(1 / self.people.habits.haste))
            self._make_mischief()
            self._supervise()
            if not self.step % EVERY:
                self._check_all()
        self._people_at = None
        self._end()

    @staticmethod
    def size(seed: int) -> int:
        """Return how many lives are worth an episode: those with many small cycles teach as much with fewer."""
        rng = Random(seed)
        Odds(rng)
        return 2000 if Mischief(rng).lag >= 10.0 else 600

    # Time

    def _advance(self) -> None:
        """Go to the next instant at which anything happens, and let the machine do what it does then."""
        self.step += 1
        clock, times = self.machine.clock, [self.machine.next_plan(), self._people_at]
        if self.supervisor is not None:
            if self.supervisor.context.dirty:
                times.append(max(clock.mono, self.supervisor._not_before))
            times += [self.supervisor.loop.next_at(), self._wake_at]  # type: ignore[attr-defined]
        until = min((at for at in times if at is not None), default=clock.mono + SECOND)
        clock.mono = max(clock.mono, until)
        if self.mischief.lag:
            clock.mono += int(self.rng.random() * self.mischief.lag * self.people.habits.haste)
        self.machine.happen()

    # People

    def _people_act(self) -> None:
        people, rng = self.people, self.rng
        room = people.habits.crowd - len(self.checker.active)
        if room <= 0 and rng.random() > people.habits.wishes:
            return
        doomed = rng.random() < self.mischief.client_crash
        if doomed:
            self.doom.passages, self.doom.statements = rng.choice(((rng.randrange(1, 5), 0), (0, rng.randrange(1, 40))))
        what = "submit"
        try:
            if rng.random() < people.habits.wishes:
                what = "wish"
                what = self._guarded(people.wish, doomed=doomed)
            elif room > 0:
                self._guarded(lambda: people.submit(room), doomed=doomed)
        except EXPECTED as error:
            what += f", refused: {error}"
            people.refused += 1
        except Crash as crash:
            what += f", killed at {crash}"
            people.look_again()
        self.doom.spare()
        self.note(f"people: {what}")
        if self.supervisor is None:
            self._look()  # else that follows its cycle

    def _guarded(self, act: Any, *, doomed: bool) -> Any:
        if not doomed:
            return act()
        with self.doom.at_statements():
            return act()

    def wake(self) -> None:
        """Be woken as a client wakes the supervisor: one that is not there is started."""
        if self.supervisor is None:
            self._start()
        if self.supervisor is not None:
            self.supervisor._wake("")

    def _handed(self, token: str) -> None:
        if self.supervisor is not None:
            machine = self.machine
            self.supervisor.fronts.put(token, (machine.open("stream"), machine.open("stream"), machine.open("stream")))
            self.supervisor._wake("")

    def _left(self, token: str) -> None:
        if self.supervisor is not None:
            self.supervisor.fronts.left(token)

    def _awaited(self, job: int) -> bool:
        """Tell whether a client in front has still to hand over; of a supervisor that has just left it is not known."""
        if not self.people.clients:
            return False
        if self.supervisor is None:
            return self.store.front(job) is not None
        return self.supervisor.fronts.standing(job)[0] == AWAITED

    # The supervisor

    def _start(self) -> None:
        if self.supervisor is not None:
            return
        self.counts["started"] += 1
        try:
            self.supervisor = Simulated(self.home, self.machine, self.doom, self.note)
        except Crash as crash:
            self.doom.spare()
            self._buried(f"killed while it came up, at {crash}")
            return
        self.note("supervisor started")
        self._since = self.machine.clock.mono
        self._wake_at = self.machine.clock.mono
        self.supervisor.fronts.ask_again = self._ask_again
        for token in self.people.clients:
            self._ask_again(token)

    def _ask_again(self, token: str | None) -> None:
        """Have a client in front hand its descriptors over, in its time."""
        if token is not None:
            self.machine.after(self.rng.choice((0, MS, SECOND)), lambda: self.people.hand_over(token))

    def _buried(self, text: str) -> None:
        """Be without a supervisor, until a shim, the guard or a client starts the next one."""
        self.note(f"supervisor {text}")
        self.counts["crashes"] += 1
        self.machine.close_all()
        if self.supervisor is not None:
            self.supervisor.die()
            self.supervisor = None
        self.machine.after(self.rng.choice((0, MS, SECOND, 20 * SECOND)), self._start)

    def _make_mischief(self) -> None:
        rng, mischief, machine, doom = self.rng, self.mischief, self.machine, self.doom
        if self.supervisor is None:
            return
        if mischief.jump and rng.random() < mischief.jump:
            by = rng.choice((-3600, -20, -1, 1, 20, 3600)) * SECOND
            machine.clock.offset += by
            self.note(f"the clock jumps by {by // SECOND} s")
            self.counts["jumps"] += 1
        if mischief.reboot and rng.random() < mischief.reboot:
            machine.end_all(container=rng.random() < 0.3)
            self.counts["reboots"] += 1
            for token in list(self.people.clients):
                self.people.clients.pop(token)
            self._buried("went with it")
            return
        if mischief.leave and rng.random() < mischief.leave:
            self.supervisor._leave()
        if mischief.crash and rng.random() < mischief.crash:
            kind = rng.choice(("passages", "statements", "statements", "commits"))
            setattr(doom, kind, rng.randrange(1, {"passages": 12, "statements": 80, "commits": 4}[kind]))
        elif mischief.disk and rng.random() < mischief.disk:
            doom.statements, doom.faulty = rng.randrange(1, 60), True

    def _supervise(self) -> None:
        supervisor, doom = self.supervisor, self.doom
        if supervisor is None:
            doom.spare()
            return
        cycles = supervisor.context.dirty
        if cycles:
            self._failed = self._full = False
        at, faulty = self.machine.clock.now(), doom.faulty
        try:
            stays = self._guarded(supervisor.turn, doomed=doom.statements > 0)
        except (Crash, SystemFault) as end:
            if isinstance(end, SystemFault) and not faulty:
                raise
            doom.spare()
            self._look()
            self._buried(f"killed at {end}" if isinstance(end, Crash) else f"died of {end}")
            return
        doom.spare()
        if not stays:
            self.supervisor = None
            supervisor.context.lives = False  # type: ignore[attr-defined]
            self.machine.close_all()  # its end does
            self.counts["left"] += 1
        if self._fault:
            raise Violation(self._fault)
        if cycles:
            self.checker.look(self.store.database, supervisor.context.runs)
        if not stays:
            if self.checker.active and self.rng.random() < 0.9:
                self.machine.after(self.rng.choice((MS, SECOND)), self._start)
            return
        patience = supervisor._patience()
        self._wake_at = None if patience is None else self.machine.clock.mono + patience
        if cycles and not supervisor.context.dirty and not self._failed:
            self.checker.check_settled(room=not self._full)
            self.counts["cycles"] += 1
            if not self.counts["cycles"] % OFTEN:
                self.checker.check_due(self.store.database, at)

    def _look(self) -> None:
        runs = self.supervisor.context.runs if self.supervisor is not None else {}
        self.checker.look(self.store.database, runs)

    def _check_all(self) -> None:
        self._look()
        supervised = self.supervisor is not None and not self._failed and not self.supervisor.context.dirty
        self.checker.check_all(self.store.database, self.machine.clock.now(), supervised=supervised)
        if self.checker.active:
            job = self.store.job(self.rng.choice(list(self.checker.active)))
            if job is not None and not why(self.people.client, job):
                raise Violation(f"nothing can be said of why job {job.id} is {job.status}")

        if supervised and self.machine.clock.mono - self._since > LATE:
            self._check_limits()

    def _check_limits(self) -> None:
        """Fail if a run lives on long after its time limit, and nobody has asked it to end."""
        machine = self.machine
        for live in self.supervisor.context.runs.values() if self.supervisor is not None else ():
            tried, limit = machine.tried.get(f"{live.id}.{live.run.run}"), (live.run.limits or {}).get("run")
            seen = self.checker.active.get(live.id)
            if limit is None or tried is None or tried.command is None or tried.frozen or seen is None or seen.paused or live.over:
                continue
            took = machine.clock.mono - tried.begun_at - tried.paused_for
            if tried.command.alive and took > limit + LATE and seen.wish is None:
                raise Violation(f"job {live.id}: its run takes {took} ns, and timeout.run is {limit}")

    # The end

    def _end(self) -> None:
        """Submit nothing more and do no mischief: all that can end ends, and what is left says why, and has a way out."""
        self.note("the end begins")
        for of in (self.mischief, self.machine.odds):
            for name in of.__dict__.keys() - {"slowly", "lag", "fails", "guarded"}:
                setattr(of, name, 0.0)
        self.wake()
        self._settle("what can end")
        for seen in list(self.checker.active.values()):
            self._check_reason(seen)
        self.note("ways out are taken")
        client = self.people.client
        for pattern in {rule[0] for rule in self.checker.disabled}:
            client.enable(pattern)
        self.checker.disabled.clear()
        for group in GROUPS:
            client.set_group(group, None)
            self.checker.slots[group] = None
            self.people.resume_group(group)
        jobs = self.store.jobs(list(self.checker.active))
        resume(client, jobs, wait=False)
        release(client, jobs)
        approve(client, [job for job in jobs if job.id in set(self.store.waiting_for("approval"))], "")
        self._look()
        self._settle("what waited for somebody")
        left = [seen for seen in self.checker.active.values() if seen.status != "reserved" and not self._is_far(seen)]
        left = [seen for seen in left if not self._waits_for_left(seen)]
        if left:
            raise Violation(f"job {left[0].id} is {left[0].status}, and nothing lets it go on: {self._why(left[0].id)}")
        request(client, "stop", self.store.jobs(list(self.checker.active)), signal=None, grace=None, scope="job")
        self._look()
        self._settle("what was stopped")
        if self.checker.active:
            number = next(iter(self.checker.active))
            raise Violation(f"job {number} does not end though it was stopped: {self._why(number)}")
        self._check_all()

    def _settle(self, what: str) -> None:
        """Go on until nothing happens any more, or only what is far."""
        start = self.step
        while True:
            self._advance()
            self._supervise()
            if self.supervisor is None:
                if not self.checker.active:
                    return
                self.wake()
            if self._is_quiet():
                return
            if self.step - start > MOST_STEPS:
                raise Violation(f"{what} does not come to rest")

    def _is_quiet(self) -> bool:
        supervisor, machine = self.supervisor, self.machine
        if supervisor is None or supervisor.context.dirty or machine.next_plan() is not None:
            return False
        if any(not live.frozen for live in supervisor.context.runs.values()):
            return False
        if supervisor.loop.next_at() is not None:  # type: ignore[attr-defined]
            return False
        due = supervisor.next_due
        if due is None or due > machine.clock.now() + FAR:
            return True
        machine.clock.mono += max(due - machine.clock.now(), 0)  # nothing else happens until then
        return False

    def _is_far(self, seen: Any) -> bool:
        return seen.next_run_at is not None and seen.status == "pending" and seen.next_run_at > self.machine.clock.now() + FAR // 2

    def _waits_for_left(self, seen: Any) -> bool:
        """Tell whether a job waits for another one that cannot end, or behind one."""
        if seen.status != "pending" or not seen.waits:
            return False
        needs = self.store.needs_of(seen.id)
        job = self.store.job(seen.id)
        return all(
            need.other in self.checker.active or (need.other is None and job is not None and self.store.before_in_turn(job) is not None)
            for need in needs
        )

    def _check_reason(self, seen: Any) -> None:
        """Fail if a job is left of which nobody could say why."""
        told = self._why(seen.id)
        if not told:
            raise Violation(f"nothing can be said of why job {seen.id} is {seen.status}")
        if seen.status == "reserved" or seen.paused or self._is_far(seen):
            return
        if seen.status == "running":
            raise Violation(f"job {seen.id} runs for ever: {told}")
        if seen.held:
            return
        if seen.status == "pending" and seen.waits:
            stuck = self.store.needs_of(seen.id)
            if any(need.name == "approval" or need.other in self.checker.active for need in stuck) or self._waits_for_left(seen):
                return
        if seen.status == "queued" and seen.group is not None:
            slots = self.checker.slots.get(seen.group)
            wide = slots is not None and seen.slots > slots
            if seen.group in self.checker.paused_groups or wide or self.checker.used[seen.group]:
                return
        if any(word in self.checker.mutexes for word in seen.words):
            return  # of one that is paused: whoever else runs has ended by now
        raise Violation(f"job {seen.id} is {seen.status} for ever, for no reason: {told}")

    def _why(self, number: int) -> str:
        job = self.store.job(number)
        return "" if job is None else why(self.people.client, job)
