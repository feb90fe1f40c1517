"""What runs ran with, as the store keeps it: fingerprints by content, environments whole or masked, and which run worked last."""

from outlast.store.rows import as_json, as_stored_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from outlast.core.job import Job
    from outlast.store.reading import Reading
    from outlast.store.store import Store


def put(store: "Store", digest: str, facts: str, now: int) -> None:
    """Keep a fingerprint, if it is not there yet, within the present transaction."""
    store.database.execute(store.database.queries["insert-fingerprint"], (digest, facts, now))


def facts_of(reading: "Reading", digest: str | None) -> "dict[str, Any] | None":
    """Return the facts of a fingerprint; None if there is none of that hash."""
    row = reading.database.one("fingerprint", digest) if digest else None
    return as_json(row[0], "facts") if row else None


def masked_environment(reading: "Reading", digest: str | None) -> "tuple[dict[str, str], dict[str, Any]] | None":
    """Return (name -> keyed hash, surroundings) of an environment of which only that is left; None if there is none of that hash."""
    row = reading.database.one("masked-environment", digest) if digest else None
    return (as_json(row[0], "names"), as_json(row[1], "surroundings")) if row else None


def mask_key(reading: "Reading") -> bytes:
    """Return the home's own key, with which values of environments are hashed."""
    row = reading.database.one("meta", "mask_key")
    return bytes.fromhex(row[0]) if row else b""


def last_good(reading: "Reading", job: "Job", before: int) -> "tuple[int, int] | None":
    """Return (job, run) of the last run that succeeded of the jobs with the same key, else name, that was claimed before that instant (ns).

    None: there is none.
    """
    which, word = ("name", job.name) if job.key is None else ("key", job.key)
    row: tuple[int, int] | None = reading.database.one(f"good-{which}", as_stored_text(word), before)
    return row
