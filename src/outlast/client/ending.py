"""Asking for the end of jobs, and sending signals: wishes go into the store, the supervisor does it."""

from outlast.core.errors import Refused
from outlast.core.events import Signalled, StopRequested
from outlast.core.job import ENDED, RUNNING, Job
from outlast.seams import failpoint, now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from outlast.client.jobs import Jobs


def request(
    jobs: "Jobs", verb: str, wanted: "Sequence[Job]", *, signal: "int | str | None", grace: "float | str | None", scope: str
) -> "list[Job]":
    """Record the wish on every job that has not ended, in one commit, and wake the supervisor. Returns those jobs."""
    from outlast.core import kinds

    number = None if signal is None else kinds.read(kinds.SIGNAL, signal, ())
    patience = None if grace is None else kinds.read(kinds.GRACE, grace, ())
    asked = []
    at = now()
    failpoint("request.before")
    with jobs.store.batch() as store:
        for job in wanted:
            found = store.job(job.id)
            if found is None or found.status == ENDED:
                continue
            if scope == "run" and found.status != RUNNING:
                raise Refused(f"job {job.id} has no run to {verb}", f"`outlast {verb} {job.id}` ends the job")
            event = StopRequested(verb=verb, signal=number, grace=patience, by=by(), scope=scope)
            asked.append(store.record(found, event, at))
    failpoint("request.after-commit")
    if asked:
        jobs.wake()
    return asked


def wait_for_end(jobs: "Jobs", asked: "Sequence[Job]", *, scope: str) -> None:
    """Wait until the record says that the jobs (`scope` run: the runs that were running) have ended: only it tells what was ended."""
    from outlast.client.waiting import until

    def reached() -> bool:
        return all(_has_ended(jobs.store.job(job.id), job, scope) for job in asked)

    until(jobs.home, [job.id for job in asked], reached, None)


def _has_ended(found: Job | None, asked: Job, scope: str) -> bool:
    if found is None or found.status == ENDED:
        return True
    return scope == "run" and (found.status != RUNNING or found.run > asked.run)


def send_signal(jobs: "Jobs", signal: "int | str", wanted: "Sequence[Job]") -> "dict[int, int]":
    """Send `signal` to every process of the jobs' trees, proved and through pidfds, and record it. Returns counts by job id."""
    from outlast.core import kinds
    from outlast.executors import state
    from outlast.executors.local import mark
    from outlast.processes.identity import Identity
    from outlast.processes.tree import Target, signal_members

    number = kinds.read(kinds.SIGNAL, signal, ())
    counts: dict[int, int] = {}
    store = jobs.store
    for job in wanted:
        run = store.current_run(job)
        told = state.of(jobs.home, run).started if run is not None else None
        if told is None:
            raise Refused(f"job {job.id} is not running ({job.status})", f"`outlast show {job.id}` says more")
        command = Identity(pid=told["pid"], start=told["start"])
        shim = Identity(pid=told["shim"], start=told["shim_start"])
        name = mark(store.home_id(), job.id, job.run).encode()
        target = Target(mark=name, session=command.pid, session_start=command.start, command=command, shim=shim)
        store.request(job.id, Signalled(signal=number, by="signal"), now())
        counts[job.id] = signal_members(target, spared_shims(jobs), number)
    return counts


def spared_shims(jobs: "Jobs") -> "set[int]":
    """Return the pids of the supervisor and of all shims: no signal of ours ever reaches them."""
    from outlast.executors import state

    spared = set()
    for job in jobs.store.running():
        run = jobs.store.current_run(job)
        told = state.of(jobs.home, run).started if run is not None else None
        if told is not None:
            spared.add(told["shim"])
    with open(jobs.home.at("supervisor.lock"), "rb", buffering=0) as file:
        word = file.read(100).split()[:1]
    if word and word[0].isdigit():
        spared.add(int(word[0]))
    return spared


def by() -> str:
    """Return who we are, for the record."""
    import os

    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return str(os.getuid())
