"""The verbs of the store that write about groups: functions, since most commands do without them."""

from outlast.core.errors import NotFound, Refused
from outlast.store.rows import as_stored_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.store.store import Store


def set_group(store: "Store", name: str, slots: int | None, now: int) -> None:
    """Make the group or change its slots (None = no limit)."""
    with store.batch():
        store.database.execute(store.database.queries["set-group"], (as_stored_text(name), slots, now))


def pause_group(store: "Store", name: str, now: int, *, paused: bool | None, draining: bool | None) -> None:
    """Let no job of the group start (`paused`), or take no new ones (`draining`); None: as it was."""
    with store.batch():
        store.database.execute(store.database.queries["pause-group"], (as_stored_text(name), paused, draining, now))


def remove_group(store: "Store", name: str) -> None:
    """Forget the group's settings. Raises NotFound, or Refused while jobs of it are active."""
    stored_name = as_stored_text(name)
    with store.batch():
        (active,) = store.database.one("group-active", stored_name)
        if active:
            raise Refused(f"group `{name}` has {active} active jobs", f"end them first: `outlast stop group:{name}`")
        if store.database.one("group", stored_name) is None:
            raise NotFound(f"no group `{name}`", "`outlast group list` shows what there is")
        store.database.execute(store.database.queries["remove-group"], (stored_name,))
        store.database.execute(store.database.queries["delete-setting"], (as_stored_text(f"group:{name}"), None))
