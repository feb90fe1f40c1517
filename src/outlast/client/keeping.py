"""What is kept how long: telling the limits, setting them, and taking away by hand what they, or somebody, let go."""

import os

from outlast.core import retention as r
from outlast.core.errors import Refused, SystemFault, UsageError
from outlast.core.job import ENDED
from outlast.core.value import Value
from outlast.logs.removing import measure, remove
from outlast.seams import now
from outlast.store import keeping as k
from outlast.store.pruning import Pass, doomed, remove_now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from outlast.client.jobs import Jobs, Selected
    from outlast.core.job import Job
    from outlast.store.keeping import Item

BY_HAND = "clean"  # the reason, where somebody named the jobs
MOST = 1_000_000_000


class Cleaned(Value):
    """What goes, or (`done`) went: `going`, each the output of a run or (run 0) a whole record; `problems`: what was passed by."""

    _fields = ("going", "problems", "done")
    going: "list[Item]"
    problems: "list[str]"
    done: bool

    @property
    def bytes(self) -> int:
        """How much output that is."""
        return sum(item.size for item in self.going)

    @property
    def records(self) -> int:
        """How many records of jobs that are."""
        return sum(not item.run for item in self.going)

    @property
    def outputs(self) -> int:
        """How many runs' output that is beside those of whole records."""
        return sum(bool(item.run) for item in self.going)


def limits(jobs: "Jobs") -> "list[dict[str, Any]]":
    """Return all limits: name, group (None: of everybody else), value (ns, bytes, a number; None: no limit), text, origin."""
    policy = r.Policy(k.settings(jobs.reading) if jobs.reading is not None else {})
    found = []
    for name in r.NAMES:
        for group in (None, *sorted(policy.groups(name))):
            limit = policy.limit(name, group)
            found.append({"name": name, "group": group, "value": limit.value, "text": limit.text, "origin": limit.origin})
    return found


def set_limits(jobs: "Jobs", group: str | None, values: "Mapping[str, Any]", unset: "Iterable[str]" = ()) -> None:
    """Keep limits for the home, or for a group, durably; `unset`: names of those that are taken back. Raises UsageError."""
    given, back = r.given(values), [*unset]
    for name in back:
        if name not in r.BY_NAME:
            r.given({name: None})
    if not given and not back:
        raise UsageError("nothing is to be set", f"name a limit: {', '.join(r.NAMES)}")
    with jobs.store.batch():
        if group is not None and jobs.store.group(group) is None:
            from outlast.store.grouping import set_group

            set_group(jobs.store, group, None, now())
        k.put_settings(jobs.store, group, given, back)


def clean(
    jobs: "Jobs", selected: "Selected" = (), *, force: bool = False, logs: bool = True, records: bool = True,
    limits: "Mapping[str, Any] | None" = None,
) -> Cleaned:  # fmt: skip
    """Tell what goes by the limits (`limits`: these in place of those that are set, for this time), or of the jobs that are named.

    With `force` it is taken away. `logs`, `records`: whether output alone, and whole records, are meant. Raises UsageError, NotFound,
    Refused (a job that is named has not ended).
    """
    given = r.given(limits or {})
    named = not (isinstance(selected, list | tuple) and not selected)
    if named and given:
        raise UsageError("selected jobs and limits exclude each other", "limits are for all that have ended; leave one of them out")
    if jobs.reading is None and not named:
        return Cleaned(going=[], problems=[], done=force)
    if named:
        return _clean_named(jobs, jobs.find(selected), force=force, records=records)
    assert jobs.reading is not None  # noqa: S101  # for mypy: seen above
    policy = k.policy(jobs.reading, given)
    if not force:
        return Cleaned(going=[*doomed(jobs.reading, policy, now(), logs=logs, records=records)], problems=[], done=False)
    problems: list[str] = []
    items: list[Item] = []
    whole = Pass(jobs.store, remove, measure, problems.append, policy, logs=logs, records=records, settled=0, runs=True)
    more = True
    while more:
        more = whole.step(now())
        items += whole.removed
    return Cleaned(going=items, problems=problems, done=True)


def _clean_named(jobs: "Jobs", found: "list[Job]", *, force: bool, records: bool) -> Cleaned:
    active = [job for job in found if job.status != ENDED]
    if active:
        many = f"{len(active)} of these jobs have" if len(active) > 1 else f"job {active[0].id} has"
        raise Refused(f"{many} not ended", "end what has not, or name others: `outlast stop`", jobs=active)
    reading = jobs.reading
    items: list[Item] = []
    for job in found if reading is not None else ():
        kept = reading.database.all("kept-runs", job.id)  # type: ignore[union-attr]
        runs = [(0, sum(size for _, size in kept))] if records else kept[::-1]
        items += [_item(job, run, size) for run, size in runs]
    if not force:
        return Cleaned(going=items, problems=[], done=False)
    gone, problems = remove_now(jobs.store, items, now(), records=records)
    files = Pass(jobs.store, remove, measure, problems.append, logs=False, records=False)
    while files.step(now()):
        pass
    return Cleaned(going=gone, problems=problems, done=True)


def _item(job: "Job", run: int, size: int) -> "Item":
    return k.Item(job=job.id, run=run, ended_at=job.ended_at or 0, size=size, group=job.group, name=job.name, reason=BY_HAND)


# What outlast makes in its home, as docs/on-disk.md has it; everything else there is somebody else's.
_FILES = (
    "outlast.db", "outlast.db-wal", "outlast.db-shm", "outlast.db-journal", "write.lock", "supervisor.lock", "supervisor.sock", "bell",
    "supervisor.log", "supervisor.log.1", "lifeline", "start", "outlast.db.new",
)  # fmt: skip
_FOLDERS = ("states", "runs", "watched")
_TEMPORARY = ("before-repair-", "check-")


def everything(jobs: "Jobs", *, force: bool = False) -> "tuple[int, list[str]]":
    """Tell what is in the home, or (`force`) remove all of it. Returns (bytes, what is not ours and stays).

    Jobs that have not ended are ended by nobody: Refused. The supervisor is asked to leave. The directory goes if nothing is left in it.
    """
    from outlast.client.supervising import keep_out

    home = jobs.home
    if not os.path.isdir(home.path):
        return 0, []
    active = jobs.list(ended=False)
    if active and force:
        many, them = (f"{len(active)} jobs have", "them") if len(active) > 1 else ("1 job has", "it")
        raise Refused(f"{many} not ended", f"end {them} first: `outlast stop --all`", jobs=active[:20])
    ours = [name for name in os.listdir(home.path) if name in _FILES or name in _FOLDERS or name.startswith(_TEMPORARY)]
    foreign = sorted(set(os.listdir(home.path)).difference(ours))
    size = sum(_size(home.at(name)) for name in ours)
    if not force:
        return size, foreign
    lock = keep_out(jobs)
    try:
        with jobs.store.database.write():  # nobody submits while we look once more and take it away
            if jobs.store.any_active():
                raise Refused("jobs were submitted meanwhile", "end them first: `outlast stop --all`")
            for name in sorted(ours, key=lambda name: name.endswith(".lock")):
                _remove(home.at(name))
    finally:
        os.close(lock)
    if not foreign:
        os.rmdir(home.path)
    return size, foreign


def _size(path: str) -> int:
    if not os.path.isdir(path) or os.path.islink(path):
        return os.lstat(path).st_size
    return sum(os.lstat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(path) for name in names)


def _remove(path: str) -> None:
    """Remove a file or a folder of the home; a link is removed, and what it leads to is left alone. Raises SystemFault."""
    try:
        if os.path.isdir(path) and not os.path.islink(path):
            for entry in os.listdir(path):
                _remove(f"{path}/{entry}")
            os.rmdir(path)
        else:
            os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise SystemFault(f"cannot remove {path} ({error.strerror})", "set its permissions right and try again") from error
