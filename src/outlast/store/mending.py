"""What our own rules say about the rows of a database, and making it true again: the one place that writes a job's state past `record`.

Nothing is thrown away unseen: `keep(line)` gets every row or value that is taken out. What is lost of an active job ends that job
rather than let it run by half of what was asked for. Run on a copy it is a check.
"""

from outlast.core import job as j
from outlast.core.errors import OutlastError
from outlast.core.jsontext import dumps
from outlast.store.recovering import raise_sequence
from outlast.store.rows import JOB_COLUMNS, JOB_FIELDS, RUN_COLUMNS, RUN_FIELDS, as_json, column, job_of, run_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from outlast.store.store import Store

DAMAGED = "its record was damaged"
CHUNK = 1000
_EMPTY = {
    "command": '["?"]', "mutex": None, "stop_requested": None, "warnings": "[]", "info": '["", "", ""]', "params": "{}", "spec": "{}",
    "feedback": None, "progress": None,
}  # fmt: skip
_LISTS = frozenset({"command", "mutex", "warnings", "info"})
_DECIDING = frozenset({"command", "spec", "mutex", "cwd"})  # without which nobody knows what was to be run
_TEXTS = frozenset({"name", "description", "cwd", "user"})
_NUMBERS = {
    "version": 1, "run": 0, "created_at": 0, "priority": 0, "waits": 0, "successes": 0, "failures": 0, "uncharged": 0, "paused": 0,
    "paused_for": 0, "held": 0, "automatic": 0, "exit_code": None, "signal": None, "pid": None, "queued_at": None, "started_at": None,
    "ended_at": None, "next_run_at": None, "deadline": None, "paused_at": None, "rerun_of": None, "trigger": None,
}  # fmt: skip
_RUN_NUMBERS = frozenset(RUN_FIELDS) - {"job", "run", "status", "outcome", "reason", "host", "boot", "limits", "fingerprint"}
_RUN_LEAST = {"claimed_at": 0, "state_file": 0}


class Mending:
    """Makes one database whole, within a transaction of `store`. `said`: what was done, or would be."""

    __slots__ = ("_keep", "_now", "_store", "said")

    def __init__(self, store: "Store", keep: "Callable[[str], None]", now: int) -> None:
        """`keep`: called with each thing that is taken out, as a line of JSON."""
        self._store, self._keep, self._now = store, keep, now
        self.said: list[str] = []

    def mend(self, least_id: int = 0) -> "list[str]":
        """Mend everything. `least_id`: the highest id that files on the disk are named after. Returns what was done."""
        ((named,),) = self._rows(
            "SELECT max(coalesce((SELECT max(job) FROM runs), 0), coalesce((SELECT max(job) FROM events), 0),"
            " coalesce((SELECT max(last) FROM removed), 0))"
        )
        for step in (
            self._jobs, self._runs, self._events, self._orphans, self._ends, self._versions, self._half_running, self._environments,
            self._needs, self._settings, self._counts,
        ):  # fmt: skip
            step()
        if raise_sequence(self._store.database.connection, least := max(least_id, named)):
            self.said.append(f"ids go on after {least}, which has been given out")
        return self.said

    def _rows(self, sql: str, *values: object) -> "list[Any]":
        return self._store.database.rows(sql, values)

    def _do(self, sql: str, *values: object) -> int:
        return self._store.database.execute(sql, values).rowcount

    def _take(self, table: str, names: "Sequence[str]", row: "Sequence[Any]", why: str) -> None:
        plain = {name: value.hex() if isinstance(value, bytes) else value for name, value in zip(names, row, strict=True)}
        self._keep(dumps({"table": table, "why": why, "row": plain}))

    def _jobs(self) -> None:
        """Give values that cannot be read a value that says nothing."""
        for number, row in self._each("jobs", JOB_COLUMNS):
            bad = {**_bad_numbers(JOB_FIELDS, row, _NUMBERS), **_bad_json(row)}
            bad |= {f: "?" for f, v in zip(JOB_FIELDS, row, strict=True) if f in _TEXTS and not isinstance(v, str | bytes)}
            if not bad:
                try:
                    job_of(row)
                    continue
                except (OutlastError, ValueError, TypeError):
                    bad = dict(_EMPTY)
            self._take("jobs", JOB_FIELDS, row, DAMAGED)
            self._do(f"UPDATE jobs SET {', '.join(f'{column(name)} = ?' for name in bad)} WHERE id = ?", *bad.values(), number)  # noqa: S608
            self.said.append(f"job {number}: {', '.join(bad)} could not be read and {'are' if len(bad) > 1 else 'is'} empty now")
            if row[JOB_FIELDS.index("status")] in (j.RESERVED, j.PENDING, j.QUEUED) and not _DECIDING.isdisjoint(bad):
                self._end(number, j.ABORTED, DAMAGED)

    def _each(self, table: str, columns: str) -> "Iterator[tuple[int, Any]]":
        """Yield (id, row) of all rows of a table with an id, a chunk at a time."""
        last = -1
        while True:
            found = self._rows(f"SELECT id, {columns} FROM {table} WHERE id > ? ORDER BY id LIMIT {CHUNK:d}", last)  # noqa: S608
            for row in found:
                yield row[0], row[1:]
            if len(found) < CHUNK:
                return
            last = found[-1][0]

    def _runs(self) -> None:
        place = (-1, -1)
        while True:
            found = self._rows(
                f"SELECT {RUN_COLUMNS} FROM runs WHERE (job, run) > (?, ?) ORDER BY job, run LIMIT {CHUNK:d}",  # noqa: S608
                *place,
            )
            for row in found:
                bad = _bad_numbers(RUN_FIELDS, row, dict.fromkeys(_RUN_NUMBERS) | _RUN_LEAST)
                try:
                    run_of(row)
                except (OutlastError, ValueError, TypeError):
                    bad["limits"] = None
                if bad:
                    self._take("runs", RUN_FIELDS, row, DAMAGED)
                    sets = ", ".join(f"{name} = ?" for name in bad)
                    self._do(f"UPDATE runs SET {sets} WHERE job = ? AND run = ?", *bad.values(), row[0], row[1])  # noqa: S608
                    self.said.append(f"run {row[1]} of job {row[0]}: {', '.join(bad)} could not be read")
            if len(found) < CHUNK:
                return
            place = found[-1][:2]

    def _events(self) -> None:
        for number, row in self._each("events", "job, version, kind, at, data"):
            try:
                good = isinstance(as_json(row[4], "data"), dict)
            except (OutlastError, ValueError, TypeError, AttributeError):
                good = False
            if not good or not isinstance(row[3], int):
                self._take("events", ("job", "version", "kind", "at", "data"), row, DAMAGED)
                at = row[3] if isinstance(row[3], int) else 0
                self._do("UPDATE events SET data = '{}', at = ? WHERE id = ?", at, number)
                self.said.append(f"event {row[1]} of job {row[0]}: what it tells could not be read")

    def _orphans(self) -> None:
        """Take out what belongs to jobs that are not there."""
        missing = "job <> 0 AND job NOT IN (SELECT id FROM jobs)"  # 0: see `keeping`
        for table, names in (
            ("runs", RUN_FIELDS), ("events", ("job", "version", "kind", "at", "data")),
            ("needs", ("job", "need", "other", "outcomes", "due")), ("fronts", ("job", "token")),
        ):  # fmt: skip
            found = self._rows(f"SELECT {', '.join(names)} FROM {table} WHERE {missing}")  # noqa: S608
            for row in found:
                self._take(table, names, row, "its job is not there")
            if found:
                jobs = sorted({row[0] for row in found})
                self._do(f"DELETE FROM {table} WHERE {missing}")  # noqa: S608
                self.said.append(f"{table}: {len(found)} rows belong to jobs that are not there ({', '.join(map(str, jobs[:10]))})")
                for number in jobs if table == "runs" else ():
                    self._do("INSERT OR IGNORE INTO removed (first, last, reason, at) VALUES (?1, ?1, 'damage', ?2)", number, self._now)

    def _ends(self) -> None:
        """An end has a time and an outcome, and nobody else has."""
        count = self._do(
            "UPDATE jobs SET ended_at = coalesce(ended_at, started_at, created_at), outcome = coalesce(outcome, 'lost')"
            " WHERE status = 'ended' AND (ended_at IS NULL OR outcome IS NULL)"
        )
        count += self._do("UPDATE jobs SET ended_at = NULL, outcome = NULL WHERE status <> 'ended' AND ended_at IS NOT NULL")
        if count:
            self.said.append(f"{count} jobs had half an end")

    def _versions(self) -> None:
        """Let the number of a job's events be its version: events that are lost leave a word in their place."""
        for number, version, created in self._rows(
            "SELECT id, version, created_at FROM jobs WHERE version <> (SELECT count(*) FROM events WHERE job = jobs.id)"
            " OR version <> coalesce((SELECT max(version) FROM events WHERE job = jobs.id), 0)"
        ):
            there = {told for (told,) in self._rows("SELECT version FROM events WHERE job = ?", number)}
            for odd in [told for told in there if told < 1]:
                self._do("DELETE FROM events WHERE job = ? AND version = ?", number, odd)
            last = max(version, *there, 1)
            for missing in sorted(set(range(1, last + 1)) - there):
                self._event(number, missing, "noted", {"text": "what happened here was lost: the database was damaged"}, created)
            self._do("UPDATE jobs SET version = ? WHERE id = ?", last, number)
            self.said.append(f"job {number} had {len(there)} events at version {version}")

    def _event(self, job: int, version: int, kind: str, data: "dict[str, Any]", at: int) -> None:
        self._do("INSERT INTO events (job, version, kind, at, data) VALUES (?, ?, ?, ?, ?)", job, version, kind, at, dumps(data))

    def _half_running(self) -> None:
        """A running job has a running run, and nobody else has."""
        for (number,) in self._rows(
            "SELECT id FROM jobs WHERE status = 'running' AND NOT EXISTS"
            " (SELECT 1 FROM runs WHERE job = jobs.id AND run = jobs.run AND status = 'running')"
        ):
            self._end(number, j.LOST, f"{DAMAGED}: nothing is known of its run")
        count = self._do(
            "UPDATE runs SET status = 'ended', outcome = 'lost', reason = ?, ended_at = coalesce(ended_at, started_at, claimed_at)"
            " WHERE status <> 'ended' AND NOT EXISTS (SELECT 1 FROM jobs WHERE id = job AND jobs.run = runs.run AND status = 'running')",
            DAMAGED,
        )
        if count:
            self.said.append(f"{count} runs were running of jobs that were not")

    def _environments(self) -> None:
        self._do("UPDATE environments SET used_at = created_at WHERE used_at IS NULL")
        for name, surroundings in self._rows("SELECT hash, surroundings FROM environments"):
            try:
                good = isinstance(as_json(surroundings, "surroundings"), dict)
            except (OutlastError, ValueError, TypeError, AttributeError):
                good = False
            if not good:
                self._take("environments", ("hash", "surroundings"), (name, surroundings), DAMAGED)
                self._do("DELETE FROM environments WHERE hash = ?", name)
                self.said.append(f"the environment {name} could not be read and is no more")
        for (number,) in self._rows(
            "SELECT id FROM jobs WHERE status IN ('pending', 'queued') AND environment IS NOT NULL"
            " AND environment NOT IN (SELECT hash FROM environments)"
        ):
            self._end(number, j.ABORTED, f"{DAMAGED}: its environment is lost")

    def _needs(self) -> None:
        for number, status, waits, there in self._rows(
            "SELECT id, status, waits, (SELECT count(*) FROM needs WHERE job = jobs.id) AS n FROM jobs WHERE waits <> n"
        ):
            if status == j.PENDING and there < waits:
                self._end(number, j.ABORTED, f"{DAMAGED}: what it waited for is lost")
            else:
                self._do("UPDATE jobs SET waits = ? WHERE id = ?", there, number)
                self.said.append(f"job {number} waited for {there} things and counted {waits}")

    def _end(self, job: int, outcome: str, reason: str) -> None:
        """Let a job be over."""
        ((version, run),) = self._rows("SELECT version, run FROM jobs WHERE id = ?", job)
        self._do("UPDATE runs SET status = 'ended', outcome = 'lost', reason = ?, ended_at = ? WHERE job = ? AND status <> 'ended'",
                 reason, self._now, job)  # fmt: skip
        self._do(
            "UPDATE jobs SET status = 'ended', outcome = ?, reason = ?, ended_at = ?, version = version + 1, pid = NULL,"
            " next_run_at = NULL, waits = 0, deadline = NULL, paused = 0, paused_at = NULL, held = 0 WHERE id = ?",
            outcome, reason, self._now, job,
        )  # fmt: skip
        ((after,),) = self._rows("SELECT max(coalesce(max(version), 0), ?) + 1 FROM events WHERE job = ?", version, job)
        self._do("UPDATE jobs SET version = ? WHERE id = ?", after, job)
        told = {"outcome": outcome, "reason": reason, "run": run or None, "ending": None, "stopped": None, "left": None}
        self._event(job, after, "ended", told, self._now)
        self._do("DELETE FROM needs WHERE job = ?", job)
        self._do("UPDATE needs SET due = 1 WHERE other = ?", job)
        self.said.append(f"job {job} is {outcome}: {reason}")

    def _settings(self) -> None:
        for scope, name, value in self._rows("SELECT scope, name, value FROM settings"):
            try:
                as_json(value, "value")
            except (OutlastError, ValueError, TypeError, AttributeError):
                self._take("settings", ("scope", "name", "value"), (scope, name, value), DAMAGED)
                self._do("DELETE FROM settings WHERE scope = ? AND name = ?", scope, name)
                self.said.append(f"the setting {name} could not be read and is no more")

    def _counts(self) -> None:
        """Count again what is only counted on."""
        counted = {"ended": self._rows("SELECT count(*) FROM jobs WHERE ended_at IS NOT NULL")[0][0],
                   "kept": self._rows("SELECT coalesce(sum(kept), 0) FROM runs")[0][0]}  # fmt: skip
        by_group = self._rows(
            """SELECT CASE typeof(j."group") WHEN 'blob' THEN CAST('kept:' || j."group" AS BLOB) ELSE 'kept:' || j."group" END, sum(r.kept)
            FROM runs AS r JOIN jobs AS j ON j.id = r.job WHERE r.kept > 0 AND j."group" IS NOT NULL GROUP BY j."group" """
        )
        counted |= dict(by_group)
        held = dict(self._rows("SELECT name, value FROM meta WHERE name IN ('ended', 'kept') OR name LIKE 'kept:%'"))
        for name, value in counted.items():
            if held.get(name) != value:
                self._store.database.execute(self._store.database.queries["set-meta"], (name, value))
                self.said.append(f"the count `{name}` was {held.get(name)} and is {value}")
        for name in held.keys() - counted.keys():
            self._do("DELETE FROM meta WHERE name = ?", name)
            if held[name]:
                self.said.append(f"the count `{name}` was {held[name]} and is 0")


def _bad_numbers(fields: "Sequence[str]", row: "Sequence[Any]", numbers: "dict[str, Any]") -> "dict[str, Any]":
    """Return the fields of a row that should be numbers and are none, each with a value in its place."""
    return {
        field: numbers[field]
        for field, value in zip(fields, row, strict=True)
        if field in numbers and not (isinstance(value, int) or (value is None and numbers[field] is None))
    }


def _bad_json(row: "Sequence[Any]") -> "dict[str, Any]":
    """Return the fields of a job's row that should be JSON and are none, each with a value in its place."""
    bad: dict[str, Any] = {}
    for field, value in zip(JOB_FIELDS, row, strict=True):
        if field not in _EMPTY or (value is None and _EMPTY[field] is None):
            continue
        try:
            read = as_json(value, field)
            if not isinstance(read, list if field in _LISTS else dict):
                raise TypeError(field)
            if field == "info" and (len(read) != 3 or not all(isinstance(word, str) for word in read)):
                raise ValueError(field)
            if field == "warnings" and not all(isinstance(warning, dict) and "warning" in warning for warning in read):
                raise ValueError(field)
        except (OutlastError, ValueError, TypeError, AttributeError):
            bad[field] = _EMPTY[field]
    return bad
