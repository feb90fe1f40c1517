"""Feedback files that have done their work: noted in the commit that records what they said, forgotten when they are removed."""

from outlast.core.value import Value
from outlast.store.rows import as_stored_text, as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from outlast.store.store import Store


class Spent(Value):
    """A file that is to be removed. `identity`: DEVICE:INODE:SIZE:CHANGED, as it was when it was read last."""

    _fields = ("path", "job", "run", "identity")
    path: str
    job: int
    run: int
    identity: str


def spend(store: "Store", file: Spent) -> None:
    """Note, within the present transaction, that the file is to be removed once this is durable."""
    store.database.execute(store.database.queries["spend-file"], (as_stored_text(file.path), file.job, file.run, file.identity))


def forget(store: "Store", paths: "Iterable[str]") -> None:
    """Forget files that are removed, within the present transaction."""
    for path in paths:
        store.database.execute(store.database.queries["forget-spent-file"], (as_stored_text(path),))


def spent(store: "Store") -> "list[Spent]":
    """Return the files that are to be removed."""
    rows = store.database.all("spent-files")
    return [Spent(path=as_text(path), job=job, run=run, identity=identity) for path, job, run, identity in rows]
