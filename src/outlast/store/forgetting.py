"""Environments that no job needs any more: what is left of each are names and keyed hashes.

An environment is needed by active jobs, and as long as any output is kept of a job that ran with it; and for as long as output is kept
at all after a job was last submitted with it, since a job that writes nothing may be run again, too.
"""

from outlast.core import retention as r
from outlast.core.jsontext import dumps
from outlast.core.masking import masked
from outlast.seams import failpoint
from outlast.store import keeping as k

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.store.store import Store

READ = 2000
_DAY = 86_400_000_000_000


class Forgetting:
    """Looks through what is kept, slice by slice, and then forgets the environments that were not met."""

    __slots__ = ("_before", "_place", "_policy", "_stale", "_store")

    def __init__(self, store: "Store", policy: r.Policy) -> None:
        """By the limits of `policy`."""
        self._store, self._policy = store, policy
        self._stale: set[str] | None = None
        self._before = 0
        self._place: tuple[int, ...] = k.BEGIN

    def step(self, now: int) -> bool:
        """Do one slice. False: it is done."""
        if self._stale is None:
            age = self._policy.longest(r.LOG_AGE)
            self._before = 0 if age is None else now - age - _DAY
            self._stale = {name for (name,) in self._store.database.all("stale-environments", self._before)}
            return bool(self._stale)
        found = self._store.database.all("environments-of-kept", *self._place, READ)
        self._stale.difference_update(row[3] for row in found)
        if len(found) == READ and self._stale:
            self._place = found[-1][:3]
            return True
        self._store.database.execute("PRAGMA secure_delete=ON")  # what was in the rows is overwritten
        for name in self._stale:
            self._forget(name, now)
        self._store.database.execute("PRAGMA secure_delete=OFF")
        return False

    def _forget(self, name: str, now: int) -> None:
        failpoint("forget.before")
        queries, execute = self._store.database.queries, self._store.database.execute
        with self._store.batch() as store:
            row = store.database.one("environment-stale", name, self._before)
            if row is None or store.database.one("environment-active", name) is not None:
                return
            key = store.database.one("meta", "mask_key")[0]
            execute(queries["mask-environment"], (name, dumps(masked(bytes(row[0]), bytes.fromhex(key))), row[1], now))
            execute(queries["delete-environment"], (name,))
        failpoint("forget.after-commit")
