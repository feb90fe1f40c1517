"""What follows from what: overlap, how a run ended, whether another one follows."""

import errno
import signal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.samples import ENDING, NOW, RUN, job_in
from outlast.core import job as j
from outlast.core.errors import Refused
from outlast.core.events import Ended, Retried
from outlast.core.job import Ending
from outlast.core.lifecycle import after
from outlast.core.overlap import ACCEPT, SKIP, Others, overlap
from outlast.core.policies import judge, lost, machine_ended, of_status, without_run
from outlast.core.retries import after_run
from outlast.core.times import LATEST

SECOND = 1_000_000_000
KINDS = {"key": "k", None: None}


@pytest.mark.parametrize(
    ("active", "key", "rule", "expected"),
    [
        (None, None, None, ACCEPT),
        (None, "k", None, ACCEPT),
        (None, None, "skip", ACCEPT),
        (None, "k", "skip", ACCEPT),
        (7, None, None, ACCEPT),  # names may repeat
        (7, None, "allow", ACCEPT),
        (7, "k", "allow", ACCEPT),
        (7, None, "skip", SKIP),
        (7, "k", "skip", SKIP),
        (7, "k", None, Refused),
    ],
)
def test_overlap(active: int | None, key: str | None, rule: str | None, expected: Any) -> None:
    others = Others() if active is None else Others(active=1, newest=active)
    if expected is Refused:
        with pytest.raises(Refused, match=r"^key `k` is in use by job 7: .*outlast wait 7.*outlast stop 7.*--overlap"):
            overlap(others, key=key, rule=rule, name="n")
        return
    decision, reason = overlap(others, key=key, rule=rule, name="n")
    assert expected == decision
    assert reason == ("" if expected == ACCEPT else f"job 7 with the same {'key `k`' if key else 'name `n`'} is active")


def exited(code: int) -> int:
    return code << 8


LISTS = {"retries.success-codes": [0, 3], "retries.failure-codes": [1, 255]}


@pytest.mark.parametrize(
    ("status", "spec", "expected"),
    [
        (exited(0), {}, (j.SUCCEEDED, "exit code 0", 0, None)),
        (exited(1), {}, (j.FAILED, "exit code 1", 1, None)),
        (exited(255), {}, (j.FAILED, "exit code 255", 255, None)),
        (exited(3), {"retries.success-codes": [3]}, (j.SUCCEEDED, "exit code 3", 3, None)),
        (exited(0), {"retries.success-codes": [3]}, (j.FAILED, "exit code 0", 0, None)),
        (exited(3), LISTS, (j.SUCCEEDED, "exit code 3", 3, None)),
        (exited(255), LISTS, (j.FAILED, "exit code 255", 255, None)),
        (exited(2), LISTS, (j.NEUTRAL, "exit code 2", 2, None)),
        (exited(0), {"retries.failure-codes": [1]}, (j.SUCCEEDED, "exit code 0", 0, None)),
        (exited(9), {"retries.failure-codes": [1]}, (j.NEUTRAL, "exit code 9", 9, None)),
        (signal.SIGSEGV, {}, (j.FAILED, "ended by SIGSEGV", None, 11)),
        (signal.SIGSEGV | 0x80, {}, (j.FAILED, "ended by SIGSEGV", None, 11)),  # with a core file
        (signal.SIGKILL, LISTS, (j.FAILED, "ended by SIGKILL", None, 9)),
        (signal.SIGRTMIN + 3, {}, (j.FAILED, "ended by SIGRTMIN+3", None, signal.SIGRTMIN + 3)),
    ],
)
def test_how_a_run_ended_by_itself(status: int, spec: dict[str, Any], expected: tuple[Any, ...]) -> None:
    for job in (job_in(j.RUNNING, spec=spec), job_in(j.RUNNING, spec=spec, stop_requested={"verb": j.STOP, "scope": "job"})):
        ending = of_status(job, status, stopped_by_us=False, ended_at=NOW)  # a wish that came too late changes nothing
        assert expected == (ending.outcome, ending.reason, ending.exit_code, ending.signal)


@pytest.mark.parametrize(
    ("verb", "outcome", "word"),
    [(j.STOP, j.STOPPED, "stopped"), (j.KILL, j.STOPPED, "killed"), (j.INTERRUPT, j.INTERRUPTED, "interrupted")],
)
@pytest.mark.parametrize(("status", "told"), [(exited(0), "exit code 0"), (exited(3), "exit code 3"), (15, "ended by SIGTERM")])
def test_how_a_run_ended_that_we_stopped(verb: str, outcome: str, word: str, status: int, told: str) -> None:
    job = job_in(j.RUNNING, stop_requested={"verb": verb, "scope": "job"})
    ending = of_status(job, status, stopped_by_us=True, ended_at=NOW)
    assert (outcome, f"{word}, {told}") == (ending.outcome, ending.reason)


def result(**told: Any) -> dict[str, Any]:
    given = {"at": NOW, "status": 0, "error": 0, "stage": "", "utime": 1_500_000, "stime": 250_000, "max_rss": 9 << 20}
    return {**given, "stdout": 10, "stderr": 20, "log": 99, "missing": 1, "leftovers": 2, **told}


def test_a_result_is_judged_with_its_facts() -> None:
    ending = judge(job_in(j.RUNNING), result(status=exited(4)), stopped_by_us=False)
    facts = {"cpu": 1_750_000_000, "max_rss": 9 << 20, "stdout": 10, "stderr": 20, "log": 99, "missing": 1, "leftovers": 2}
    assert Ending(outcome=j.FAILED, reason="exit code 4", exit_code=4, ended_at=NOW, **facts) == ending
    assert j.STOPPED == judge(job_in(j.RUNNING), result(status=15), stopped_by_us=True).outcome


@pytest.mark.parametrize(
    ("stage", "error", "code", "names"),
    [
        ("exec", errno.ENOENT, 127, "true: No such file or directory"),
        ("exec", errno.EACCES, 126, "true: Permission denied"),
        ("exec", errno.ENOEXEC, 126, "true: Exec format error"),
        ("cwd", errno.ENOENT, 126, "the directory /: No such file or directory"),  # there is such a command
        ("cwd", errno.EACCES, 126, "the directory /: Permission denied"),
        ("stdin", errno.ENOENT, 126, "the standard input /in: No such file or directory"),
        ("fork", errno.EAGAIN, 126, "a process for it: Resource temporarily unavailable"),
    ],
)
def test_what_could_not_be_started(stage: str, error: int, code: int, names: str) -> None:
    for stopped in (False, True):
        ending = judge(job_in(j.RUNNING, spec={"stdin": "/in"}), result(status=None, stage=stage, error=error), stopped_by_us=stopped)
        assert (j.NOT_STARTED, f"not started: {names}", code, None) == (ending.outcome, ending.reason, ending.exit_code, ending.signal)


def test_a_long_command_makes_no_long_reason() -> None:
    ending = judge(job_in(j.RUNNING, command=["x" * 100_000]), result(status=None, stage="exec", error=errno.ENOENT), stopped_by_us=False)
    assert 300 > len(ending.reason)


WISH = {"verb": j.STOP, "scope": "job"}
RUN_WISH = {"verb": j.STOP, "scope": "run"}


@pytest.mark.parametrize(
    ("outcome", "runs", "wish", "again"),
    [
        # one run only
        (j.FAILED, 1, None, False), (j.SUCCEEDED, 1, None, False),
        # there is one more to be had: RUN is 3
        (j.FAILED, 4, None, True), (j.NEUTRAL, 4, None, True), (j.NOT_STARTED, 4, None, True), (j.TIMED_OUT, 4, None, True),
        (j.SUCCEEDED, 4, None, False), (j.LOST, 4, None, False), (j.INTERRUPTED, 4, None, False),
        # that was the last one
        (j.FAILED, 3, None, False), (j.FAILED, 2, None, False),
        # without limit
        (j.FAILED, None, None, True), (j.SUCCEEDED, None, None, False), (j.LOST, None, None, False), (j.INTERRUPTED, None, None, False),
        # somebody wants the job to end, however the run ended
        (j.STOPPED, None, WISH, False), (j.FAILED, None, WISH, False), (j.FAILED, 4, WISH, False),
        (j.INTERRUPTED, None, {**WISH, "verb": j.INTERRUPT}, False), (j.STOPPED, None, {**WISH, "verb": j.KILL}, False),
        # somebody wants only the run to end: the retries go on as far as they do
        (j.STOPPED, 4, RUN_WISH, True), (j.INTERRUPTED, None, {**RUN_WISH, "verb": j.INTERRUPT}, True), (j.STOPPED, 3, RUN_WISH, False),
        (j.SUCCEEDED, 4, RUN_WISH, False), (j.LOST, 4, RUN_WISH, False),
    ],
)  # fmt: skip
def test_what_follows_a_run(outcome: str, runs: int | None, wish: dict[str, Any] | None, again: bool) -> None:
    spec = {"retries.num-runs": runs, "retries.delay": 2 * SECOND}
    job = job_in(j.RUNNING, spec=spec, stop_requested=wish)
    ending = ENDING.replace(outcome=outcome)
    event = after_run(job, ending, NOW, stopped=5, left=1)
    if again:
        assert Retried(run=RUN, ending=ending, next_run_at=NOW + 2 * SECOND) == event
    else:
        assert isinstance(event, Ended)
        assert (outcome, RUN, ending, 5, 1) == (event.outcome, event.run, event.ending, event.stopped, event.left)
    assert after(job, event, NOW).status == (j.PENDING if again else j.ENDED)


@pytest.mark.parametrize(
    ("outcome", "runs", "interrupted", "reason"),
    [
        # RUN is 3; of its runs so many were interrupted before
        (j.FAILED, 3, 0, "exit code 7 (run 3 of 3)"), (j.FAILED, 3, 1, None), (j.FAILED, 2, 1, "exit code 7 (run 3, 2 of 2 charged)"),
        (j.FAILED, 2, 2, None), (j.STOPPED, 2, 1, "exit code 7 (run 3, 2 of 2 charged)"), (j.STOPPED, 3, 0, "exit code 7 (run 3 of 3)"),
        # and this one is
        (j.INTERRUPTED, 3, 0, None), (j.INTERRUPTED, 2, 1, None), (j.INTERRUPTED, 2, 0, "exit code 7 (run 3, 2 of 2 charged)"),
        # without retries there is none to go on with
        (j.INTERRUPTED, 1, 0, "exit code 7"), (j.INTERRUPTED, 1, 2, "exit code 7"), (j.INTERRUPTED, None, 0, None),
    ],
)  # fmt: skip
def test_an_interrupted_run_is_not_charged(outcome: str, runs: int | None, interrupted: int, reason: str | None) -> None:
    wish = {**RUN_WISH, "verb": j.INTERRUPT if outcome == j.INTERRUPTED else j.STOP}
    job = job_in(j.RUNNING, spec={"retries.num-runs": runs}, stop_requested=wish, uncharged=interrupted)
    event = after_run(job, ENDING.replace(outcome=outcome), NOW)
    assert (reason, Retried if reason is None else Ended) == (getattr(event, "reason", None), type(event))


def test_the_reason_tells_of_several_runs() -> None:
    def reason(runs: int | None) -> str:
        event = after_run(job_in(j.RUNNING, spec={"retries.num-runs": runs}), ENDING, NOW)
        assert isinstance(event, Ended)
        return event.reason

    assert "exit code 7 (run 3 of 3)" == reason(3)
    assert "exit code 7" == reason(1)


def test_without_a_delay_the_next_run_is_due_at_once_and_the_longest_one_fits_into_the_store() -> None:
    for delay, expected in ((None, NOW), (0, NOW), (LATEST, LATEST)):
        event = after_run(job_in(j.RUNNING, spec={"retries.num-runs": None, "retries.delay": delay}), ENDING, NOW)
        assert isinstance(event, Retried)
        assert expected == event.next_run_at


def test_what_is_lost_is_called_lost_and_a_machine_that_ended_interrupted() -> None:
    assert (j.LOST, "gone", NOW, None, None) == tuple(
        getattr(lost(NOW, "gone"), name) for name in ("outcome", "reason", "ended_at", "exit_code", "signal")
    )
    for started, words in ((True, "while it ran"), (False, "while it was being started")):
        ending = machine_ended(NOW, started=started)
        assert (j.INTERRUPTED, NOW, None) == (ending.outcome, ending.ended_at, ending.exit_code)
        assert words in ending.reason


@pytest.mark.parametrize("verb", j.STOP_VERBS)
@pytest.mark.parametrize(
    ("status", "words"), [(j.PENDING, "while it waited"), (j.QUEUED, "before it started"), (j.RESERVED, "while it was reserved")]
)
def test_a_job_that_waits_ends_without_a_run(verb: str, status: str, words: str) -> None:
    event = without_run(job_in(status, stop_requested={"verb": verb}))
    done = {j.STOP: "stopped", j.KILL: "killed", j.INTERRUPT: "interrupted"}[verb]
    assert (j.INTERRUPTED if verb == j.INTERRUPT else j.STOPPED) == event.outcome
    assert f"{done} {words}" == event.reason
    assert j.ENDED == after(job_in(status), event, NOW).status


@given(st.integers(0, 0xFFFF), st.sets(st.integers(0, 255)), st.sets(st.integers(0, 255)), st.booleans(), st.sampled_from(j.STOP_VERBS))
def test_every_wait_status_has_an_outcome_and_a_reason(raw: int, good: set[int], bad: set[int], ours: bool, verb: str) -> None:
    spec = {"retries.success-codes": sorted(good), "retries.failure-codes": sorted(bad - good)}
    ending = of_status(job_in(j.RUNNING, spec=spec, stop_requested={"verb": verb}), raw, stopped_by_us=ours, ended_at=NOW)
    assert ending.outcome in j.OUTCOMES
    assert ending.reason
    assert (ending.signal is None) != (ending.exit_code is None)
