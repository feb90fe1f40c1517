"""What must always hold. After every step the new events and the changed rows are looked at; now and then everything is.

It keeps a picture of its own of every job that has not ended, made of the events alone, and compares the record with that.
"""

import hashlib
import json
import re
from collections import Counter
from typing import Any

from outlast.core.job import OUTCOMES
from outlast.core.options import value
from simulation.audit import EVERYTHING, STUCK
from simulation.machine import SECOND, Machine, Violation
from simulation.rules import Tally, is_over, pause_between

RESERVED, PENDING, QUEUED, RUNNING, ENDED, NEW = "reserved", "pending", "queued", "running", "ended", "new"
GRACE_OF_CLOCK = 31 * SECOND  # a deadline on the wall clock is looked at so often at least, should the clock have jumped
_WAITS_FOR = """WITH RECURSIVE above (id) AS
    (VALUES (?) UNION SELECT n.other FROM needs AS n JOIN above AS a ON n.job = a.id WHERE n.other IS NOT NULL)
SELECT 1 FROM above WHERE id = ?"""
_ROW = (
    "SELECT id, version, status, outcome, reason, run, waits, successes, failures, uncharged, paused, held, "
    "next_run_at, deadline, ended_at, (SELECT count(*) FROM needs WHERE job = jobs.id) FROM jobs "
    "WHERE id IN (SELECT value FROM json_each(?))"
)
_DATA = frozenset({"submitted", "claimed", "retried", "ended", "postponed", "stop_requested"})  # of these kinds it is read
_BEFORE = {
    "submitted": (NEW, RESERVED), "reserved": (NEW,), "met": (PENDING,), "queued": (PENDING,), "postponed": (QUEUED,), "claimed": (QUEUED,),
    "started": (RUNNING,), "signalled": (RUNNING,), "retried": (RUNNING,), "ended": (RESERVED, PENDING, QUEUED, RUNNING),
    "noted": (RESERVED, PENDING, QUEUED, RUNNING, ENDED),
    **dict.fromkeys(
        ("stop_requested", "paused", "resumed", "held", "released", "warned", "warning_over"), (RESERVED, PENDING, QUEUED, RUNNING),
    ),
}  # fmt: skip


class Seen:
    """A job as its events tell it."""

    __slots__ = (
        "behind", "borrowed", "claimed_at", "created_at", "due", "group", "held", "id", "key", "left", "name", "next_run_at", "order",
        "paused", "paused_at", "priority", "queued_event", "rule", "run", "slots", "spec", "started", "status", "tally", "version",
        "waits", "wish", "words",
    )  # fmt: skip

    def __init__(self, number: int) -> None:
        self.id = number
        self.version = self.run = self.waits = self.queued_event = self.claimed_at = self.created_at = 0
        self.status = NEW
        self.paused = self.held = self.borrowed = self.started = False
        self.wish: dict[str, Any] | None = None
        self.next_run_at: int | None = None
        self.due: tuple[int, int] | None = None  # when its next run is to be, and since when that is known
        self.paused_at = 0
        self.order = 0, 0  # events since which it has its name, and its key
        self.behind: tuple[int, ...] = ()  # of a reserved id: jobs like it that were before it when its command came
        self.left: tuple[int, int] | None = None  # when it was resumed, and how long it had still to wait then
        self.tally = Tally()
        self.name, self.key, self.group, self.rule = "", None, None, ""
        self.priority, self.slots = 0, 1
        self.spec: dict[str, Any] = {}
        self.words: tuple[str, ...] = ()


class Checker:
    """Of one episode."""

    def __init__(self, machine: Machine, cells: "Counter[tuple[str, str, str]]") -> None:
        self.machine = machine
        self.cells = cells
        self.active: dict[int, Seen] = {}
        self.queued: dict[str | None, dict[int, Seen]] = {}
        self.used: Counter[str] = Counter()  # slots that running jobs of a group take
        self.mutexes: dict[str, int] = {}
        self.slots: dict[str, int | None] = {}  # of groups, as they were set
        self.paused_groups: set[str] = set()
        self.disabled: list[tuple[str, bool, int | None]] = []
        self.lives = 0
        self.expected: set[int] = set()  # ids that were accepted
        self.steady = False  # the wall clock does not jump in this episode
        self.trace = hashlib.blake2b(digest_size=16)
        self.endings: Counter[str] = Counter()
        self._last = 0
        self._execute: Any = None
        self._taken: list[int] = []  # jobs that were claimed in the last commit
        self._freed: set[str] = set()  # mutexes that were given back in the last commit

    # After every step

    def look(self, database: Any, runs: "dict[int, Any]") -> None:
        """Look at what was committed since the last look. `runs`: those that the supervisor has in hand."""
        execute = self._execute = database.connection.execute
        events = execute("SELECT id, job, version, kind, at, data FROM events WHERE id > ? ORDER BY id", (self._last,)).fetchall()
        if not events:
            return
        self._last = events[-1][0]
        changed: dict[int, Seen] = {}
        claims: list[tuple[Seen, int]] = []
        self._freed.clear()
        self._taken.clear()
        update = self.trace.update
        for number, job, version, kind, at, data in events:
            update(f"{job} {version} {kind} {at} {data}".encode())
            seen = self.active.get(job)
            if seen is None:
                seen = self._new(execute, job, version, kind, number)
                if seen is None:
                    continue
            changed[job] = seen
            if version != seen.version + 1:
                self._fail(f"job {job} has event {version} after {seen.version}")
            seen.version = version
            before = seen.status
            if before not in _BEFORE[kind]:
                self._fail(f"job {job} is {before} and {kind} happens to it")
            told = json.loads(data) if kind in _DATA else {}
            if before == RESERVED and kind == "submitted":
                name, key = seen.name, seen.key
                self._read(execute, seen)  # it has a command now
                seen.order = (seen.order[0] if name == seen.name else number, seen.order[1] if key == seen.key else number)
                seen.behind = tuple(
                    other.id for other in self.active.values() if other.status in (QUEUED, RUNNING) and self._alike(seen, other)
                )
            if kind == "claimed":
                live = runs.get(job)
                seen.borrowed = live is not None and live.borrowed
                claims.append((seen, number))
                self._taken.append(job)
            getattr(self, f"_{kind}")(seen, told, at, number)
            self.cells[before, kind, seen.status] += 1
        self._compare(execute, changed)
        if claims:
            self._check_order(claims)

    def _new(self, execute: Any, job: int, version: int, kind: str, number: int) -> Seen | None:
        if version != 1:
            if kind != "noted":
                self._fail(f"job {job} has ended and {kind} happens to it")
            self.cells[ENDED, kind, ENDED] += 1
            return None
        seen = self.active[job] = Seen(job)
        seen.order = number, number
        self._read(execute, seen)
        return seen

    def _read(self, execute: Any, seen: Seen) -> None:
        row = execute('SELECT name, key, "group", priority, spec, created_at, mutex FROM jobs WHERE id = ?', (seen.id,)).fetchone()
        seen.name, seen.key, seen.group, seen.priority, spec, seen.created_at, words = row
        seen.spec = json.loads(spec) if spec != "{}" else {}
        seen.slots = seen.spec.get("slots", 1)
        seen.words = tuple(dict.fromkeys(json.loads(words))) if words else ()
        seen.rule = seen.spec.get("overlap", "")

    def _compare(self, execute: Any, changed: "dict[int, Seen]") -> None:
        """Compare the rows of the jobs that changed with what their events said."""
        ids = json.dumps([*changed])
        rows = execute(_ROW, (ids,)).fetchall()
        if len(rows) != len(changed):
            self._fail(f"of the jobs {ids} some are gone")
        for (
            number, version, status, outcome, reason, run, waits, successes, failures, uncharged, paused, held, next_run_at, deadline,
            ended_at, needs,
        ) in rows:  # fmt: skip
            seen = changed[number]
            tally = seen.tally
            if (version, status, run) != (seen.version, seen.status, seen.run):
                self._fail(f"job {number}: row {(version, status, run)}, events {(seen.version, seen.status, seen.run)}")
            if (successes, failures, uncharged) != (tally.successes, tally.failures, tally.uncharged):
                told = (tally.successes, tally.failures, tally.uncharged)
                self._fail(f"job {number}: counters {(successes, failures, uncharged)}, its runs {told}")
            if waits != needs or (status == PENDING and waits != seen.waits):
                self._fail(f"job {number} waits for {waits} and has {needs} needs; its events say {seen.waits}")
            if bool(paused) != seen.paused or bool(held) != seen.held:
                self._fail(f"job {number}: paused {paused}, held {held}; its events say {seen.paused}, {seen.held}")
            if (status == ENDED) != (outcome is not None) or (ended_at is None) != (outcome is None):
                self._fail(f"job {number} is {status} with outcome {outcome}, ended at {ended_at}")
            if status == ENDED:
                if outcome not in OUTCOMES or not reason:
                    self._fail(f"job {number} ended as {outcome} without a reason ({reason!r})")
                if waits or paused or held or next_run_at is not None or deadline is not None:
                    self._fail(f"job {number} has ended and still waits: {(waits, paused, held, next_run_at, deadline)}")
                del self.active[number]
                self.expected.discard(number)
                self.lives += 1
                self.endings[outcome] += 1
            elif status == PENDING:
                if not waits and next_run_at is None:
                    self._fail(f"job {number} is pending and waits for nothing")
                if seen.left is not None and self.steady and not waits and next_run_at - seen.left[0] > seen.left[1]:
                    wait, left = next_run_at - seen.left[0], seen.left[1]
                    self._fail(f"job {number} was paused, had {left} ns left to wait, and waits {wait} ns since it goes on")
                seen.left = None
                seen.next_run_at = next_run_at

    # What each event means

    def _reserved(self, seen: Seen, _: Any, __: int, ___: int) -> None:
        seen.status = RESERVED

    def _submitted(self, seen: Seen, told: Any, at: int, number: int) -> None:
        seen.due = None if told["until"] is None else (told["until"], at)
        seen.waits = told["waits"]
        self._enter(seen, PENDING if told["waits"] or told["until"] is not None else QUEUED, number)

    def _enter(self, seen: Seen, status: str, number: int) -> None:
        if seen.status == QUEUED:
            del self.queued[seen.group][seen.id]
        if seen.status == RUNNING:
            self._leave_running(seen)
        seen.status, seen.left = status, None
        if status == QUEUED:
            self.queued.setdefault(seen.group, {})[seen.id] = seen
            seen.queued_event = number

    def _leave_running(self, seen: Seen) -> None:
        seen.started = False
        if seen.group is not None and not seen.borrowed:
            self.used[seen.group] -= seen.slots
        for word in seen.words:
            del self.mutexes[word]
            self._freed.add(word)

    def _met(self, seen: Seen, _: Any, at: int, __: int) -> None:
        seen.waits -= 1
        if not seen.waits:
            seen.due = seen.due or (at, at)

    def _queued(self, seen: Seen, _: Any, at: int, number: int) -> None:
        if seen.paused or seen.held:
            self._fail(f"job {seen.id} is queued though it is {'paused' if seen.paused else 'held'}")
        self._enter(seen, QUEUED, number)

    def _postponed(self, seen: Seen, told: Any, _: int, number: int) -> None:
        if not told["needs"] and told["until"] is None:
            self._fail(f"job {seen.id} is postponed for nothing")
        self._enter(seen, PENDING, number)
        seen.due, seen.waits = None, len(told["needs"])

    def _claimed(self, seen: Seen, told: Any, at: int, number: int) -> None:
        what = f"job {seen.id}, run {told['run']}:"
        if told["run"] != seen.run + 1:
            self._fail(f"{what} claimed after run {seen.run}")
        if seen.paused or seen.held:
            self._fail(f"{what} claimed though it is {'paused' if seen.paused else 'held'}")
        if seen.wish is not None:
            self._fail(f"{what} claimed though its end is wished")
        limit = value(seen.spec, "retries.num-runs")
        if limit is not None and seen.tally.charged >= limit:
            self._fail(f"{what} {seen.tally.charged} runs are charged already, of {limit}")
        if not seen.run and self._is_disabled(seen.name, at):
            self._fail(f"{what} claimed though `{seen.name}` is disabled")
        for option in ("wait.abort-datetime",) if not seen.run else ("retries.abort-datetime",):
            abort = seen.spec.get(option)
            if abort is not None and at > abort:
                self._fail(f"{what} claimed after {option}")
        if seen.group is not None and not seen.borrowed:
            slots = self.slots.get(seen.group)
            self.used[seen.group] += seen.slots
            if slots is not None and self.used[seen.group] > slots:
                self._fail(f"{what} group {seen.group} has {slots} slots, and {self.used[seen.group]} are taken")
            if seen.group in self.paused_groups:
                self._fail(f"{what} claimed though its group is paused")
        for word in seen.words:
            if word in self.mutexes:
                self._fail(f"{what} mutex {word} is job {self.mutexes[word]}'s")
            self.mutexes[word] = seen.id
        if not seen.run:
            self._check_overlap(seen)
            for other in seen.spec.get("while-running", ()):
                beside = self.active.get(other)
                if beside is None or beside.status != RUNNING:
                    self._fail(f"{what} claimed though job {other} does not run")
        self._enter(seen, RUNNING, number)
        seen.run = told["run"]
        seen.claimed_at = self.machine.clock.mono

    def _check_overlap(self, seen: Seen) -> None:
        """Fail if a job starts beside others that its rule does not allow."""
        rule, _, number = seen.rule.partition("=")
        if (rule == "allow" and not number) or (not rule and seen.key is None) or rule == "join":
            return
        like = [other for other in self.active.values() if other is not seen and other.status != ENDED and self._alike(seen, other)]
        if rule in ("queue", "replace"):
            by = seen.key is not None
            # Who waits for its turn has waited for all lower ids since a reservation took this name: that goes first, or nobody would.
            turns = {other.id for other in like if other.id > seen.id and other.status == PENDING and other.rule[:5] in ("queue", "repla")}
            before = [other.id for other in like if (other.order[by] < seen.order[by] and other.id not in turns) or other.id in seen.behind]
            if before and not all(self._waits_for(other, seen.id) for other in before):
                self._fail(f"job {seen.id} ({seen.rule}) starts while {before} with the same key or name are active")

    def _waits_for(self, job: int, other: int) -> bool:
        """Tell whether `job` waits for `other`, or for one that does: whoever waits for a reserved id goes after it."""
        return self._execute(_WAITS_FOR, (job, other)).fetchone() is not None

    @staticmethod
    def _alike(seen: Seen, other: Seen) -> bool:
        return other.name == seen.name if seen.key is None else other.key == seen.key

    def _is_disabled(self, name: str, at: int) -> bool:
        return any(
            (until is None or at < until) and (re.fullmatch(pattern, name) is not None if regex else pattern == name)
            for pattern, regex, until in self.disabled
        )

    def _started(self, seen: Seen, _: Any, __: int, ___: int) -> None:
        if seen.started:
            self._fail(f"job {seen.id}, run {seen.run}: started twice")
        seen.started = True

    def _retried(self, seen: Seen, told: Any, at: int, number: int) -> None:
        outcome = told["ending"]["outcome"]
        self._run_over(seen, told)
        if is_over(seen.spec, seen.tally, outcome, seen.wish):
            self._fail(f"job {seen.id}: run {seen.run} ended as {outcome} and another follows: {seen.spec}")
        shortest, longest = pause_between(seen.spec, seen.tally, outcome)
        if not shortest <= told["next_run_at"] - at <= longest:
            self._fail(f"job {seen.id}: a delay of {told['next_run_at'] - at}, not of {shortest} to {longest}: {seen.spec}")
        for limit in (seen.spec.get("retries.abort-datetime"),):
            if limit is not None and told["next_run_at"] > limit:
                self._fail(f"job {seen.id}: its next run would be after retries.abort-datetime")
        self._enter(seen, PENDING, number)
        seen.wish, seen.due = None, (told["next_run_at"], at)

    def _run_over(self, seen: Seen, told: Any) -> None:
        ending = told["ending"]
        if told["run"] != seen.run:
            self._fail(f"job {seen.id}: run {told['run']} ends, and {seen.run} runs")
        if not ending["reason"]:
            self._fail(f"job {seen.id}: run {seen.run} ended without a reason")
        seen.tally.add(ending["outcome"])
        self._check_truth(seen, ending)

    def _check_truth(self, seen: Seen, ending: Any) -> None:
        """Fail if what is recorded of a run's end is not how it ended."""
        tried = self.machine.tried.pop(f"{seen.id}.{seen.run}", None)
        if ending["exit_code"] is None and ending["signal"] is None:
            return
        began = self.machine.begun.get(f"{seen.id}.{seen.run}", 0)
        if ending["outcome"] == "not_started":
            if began:
                self._fail(f"job {seen.id}: run {seen.run} began and is recorded as not started")
            return
        if tried is None or tried.status is None:
            self._fail(f"job {seen.id}: run {seen.run} has an end that was never told: {ending}")
            return
        signal = tried.status & 0x7F
        if (ending["signal"] or 0) != signal or (not signal and ending["exit_code"] != tried.status >> 8):
            self._fail(f"job {seen.id}: run {seen.run} ended with status {tried.status}, and is recorded as {ending}")

    def _ended(self, seen: Seen, told: Any, at: int, number: int) -> None:
        if seen.status == RUNNING:
            if told["ending"] is None:
                self._fail(f"job {seen.id} ended while it ran, without the end of its run")
            self._run_over(seen, told)
            outcome = told["ending"]["outcome"]
            late = told["outcome"] == "timed_out" and "timeout.job" in seen.spec  # the next run would start after it
            if told["outcome"] == outcome and not late and not is_over(seen.spec, seen.tally, outcome, seen.wish):
                self._fail(f"job {seen.id} ended with run {seen.run} ({outcome}), and another should follow: {seen.spec}, {vars_of(seen)}")
            if told["outcome"] != outcome and told["outcome"] not in ("aborted", "timed_out"):
                self._fail(f"job {seen.id} ended as {told['outcome']}, its run as {outcome}")
        self._enter(seen, ENDED, number)
        seen.paused = seen.held = False

    def _stop_requested(self, seen: Seen, told: Any, _: int, __: int) -> None:
        if seen.wish is None or seen.wish["scope"] == "run":
            seen.wish = told
        else:
            seen.wish = {**told, "scope": seen.wish["scope"]}

    def _signalled(self, seen: Seen, told: Any, _: int, __: int) -> None:
        pass

    def _warned(self, seen: Seen, told: Any, _: int, __: int) -> None:
        pass

    def _warning_over(self, seen: Seen, told: Any, _: int, __: int) -> None:
        pass

    def _noted(self, seen: Seen, told: Any, _: int, __: int) -> None:
        pass

    def _paused(self, seen: Seen, _: Any, at: int, __: int) -> None:
        if not seen.paused:
            seen.paused_at = at
        seen.paused = True

    def _resumed(self, seen: Seen, _: Any, at: int, __: int) -> None:
        seen.paused = False
        if seen.status == PENDING and seen.due is not None:
            left = max(seen.due[0] - max(seen.paused_at, seen.due[1]), 0)
            seen.left, seen.due = (at, left), (at + left, at)

    def _held(self, seen: Seen, *_: Any) -> None:
        seen.held = True

    def _released(self, seen: Seen, *_: Any) -> None:
        seen.held = False

    # Order, and that nothing is left undone

    def _check_order(self, claims: "list[tuple[Seen, int]]") -> None:
        """Fail if somebody was claimed though another one was before it in its group's order and could have started."""
        worst: dict[str | None, tuple[tuple[int, int], int, Seen]] = {}
        for seen, number in claims:
            place = (-seen.priority, seen.id)
            if not seen.borrowed and (seen.group not in worst or place > worst[seen.group][0]):
                worst[seen.group] = (place, number, seen)
        for group, (place, number, claimed) in worst.items():
            slots = self.slots.get(group) if group is not None else None
            for other in self.queued.get(group, {}).values():
                if slots is not None and other.slots > slots:
                    continue
                if (-other.priority, other.id) < place and other.queued_event < number and self._could_start(other, self._freed):
                    self._fail(f"job {claimed.id} is claimed, and job {other.id} was before it")

    def _was_in_the_way(self, seen: Seen) -> bool:
        """Tell whether who needs more slots than there are held up those behind it; only after that its mutex may have been taken."""
        if seen.paused or seen.held or seen.wish is not None:
            return False
        return all(self.mutexes.get(word) in (None, *self._taken) for word in seen.words)

    def _could_start(self, seen: Seen, freed: "frozenset[str] | set[str]" = frozenset()) -> bool:
        """Tell whether a queued job could start but for room. `freed`: mutexes of which it is not known whether they were free."""
        if seen.paused or seen.held or seen.wish is not None or self.awaited(seen.id):
            return False
        return not any(word in self.mutexes or word in freed for word in seen.words)

    def awaited(self, job: int) -> bool:
        """Tell whether a client in front of the job still has to hand its descriptors over; set by whoever knows."""
        return False

    def check_settled(self, *, room: bool) -> None:
        """Fail if a cycle has left something undone that it could have done. `room`: there was a state file for everybody."""
        for group, queued in self.queued.items():
            if not queued or group in self.paused_groups or not room:
                continue
            slots = self.slots.get(group) if group is not None else None
            free = 1_000_000 if slots is None or group is None else slots - self.used[group]
            for seen in sorted(queued.values(), key=lambda seen: (-seen.priority, seen.id)):
                if slots is not None and seen.slots > slots:
                    continue  # it cannot start, whoever ends
                if not self._could_start(seen):
                    if seen.slots > free and self._was_in_the_way(seen):
                        break
                    continue
                if seen.slots <= free:
                    self._fail(f"job {seen.id} could start, and is left queued ({free} slots are free)")
                break

    def check_due(self, database: Any, at: int) -> None:
        """Fail if a cycle that has just been has left something undone whose time had come."""
        execute = database.connection.execute
        late = execute(
            "SELECT id FROM jobs WHERE status = 'pending' AND waits = 0 AND paused = 0 AND held = 0 AND next_run_at <= ?", (at,)
        ).fetchall()
        if late:
            self._fail(f"the time of jobs {late} has come, and they are left pending")
        late = execute("SELECT id FROM jobs WHERE status <> 'ended' AND deadline <= ?", (at,)).fetchall()
        if late:
            self._fail(f"deadlines of {late} have passed, and nothing happened")

    def check_all(self, database: Any, at: int, *, supervised: bool) -> None:
        """Look at everything there is in the record."""
        execute = database.connection.execute
        for what, sql in EVERYTHING.items():
            found = execute(sql).fetchall()
            if found:
                self._fail(f"{what}: {found[:5]}")
        rows = dict(execute("SELECT id, status FROM jobs WHERE status <> 'ended'").fetchall())
        if rows != {number: seen.status for number, seen in self.active.items()}:
            self._fail("the jobs that have not ended are not those that the events tell of")
        lost = self.expected - rows.keys()
        if lost:
            self._fail(f"jobs {sorted(lost)} were accepted, and are gone without an end")
        if supervised:
            late = execute("SELECT id FROM jobs WHERE status <> 'ended' AND deadline <= ?", (at - GRACE_OF_CLOCK,)).fetchall()
            if late:
                self._fail(f"deadlines of {late} passed long ago")
            stuck = [row for row in execute(STUCK).fetchall() if not self._just_claimed(row[2])]
            if stuck:
                self._fail(f"needs are met, and nobody has seen it: {stuck[:5]}")

    def _just_claimed(self, job: int | None) -> bool:
        seen = self.active.get(job or 0)
        return seen is not None and self.machine.clock.mono - seen.claimed_at < 5 * SECOND

    def _fail(self, what: str) -> None:
        raise Violation(what)


def vars_of(seen: Seen) -> dict[str, Any]:
    """Return what counts of a job, for a message."""
    tally = seen.tally
    return {"wish": seen.wish, "runs": tally.runs, "charged": tally.charged, "successes": tally.successes, "failures": tally.failures}
