"""SQLite's driver for the price of its C part (docs/decisions/0002): `sqlite` is `_sqlite3`, or `sqlite3` where that cannot be.

`_sqlite3` asks `functools` for `lru_cache` alone and nothing else of it (Modules/_sqlite/module.c, CPython 3.11 to 3.14); that import,
with `collections` behind it, costs as much as all of our own code. So it is given just that, made of the same C part.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _lru_cache(maxsize: int) -> "Callable[[Callable[..., Any]], Callable[..., Any]]":
    """`functools.lru_cache(maxsize)`, without what it tells about itself."""
    from _functools import _lru_cache_wrapper  # type: ignore[import-not-found]

    return lambda function: _lru_cache_wrapper(function, maxsize, False, tuple)


def _load() -> "Any":
    if "functools" in sys.modules or "_sqlite3" in sys.modules or sys.implementation.name != "cpython":
        import sqlite3

        return sqlite3
    return _with_stand_in()


def _with_stand_in() -> "Any":
    stand_in: Any = type(sys)("functools")
    stand_in.lru_cache = _lru_cache
    sys.modules["functools"] = stand_in
    try:
        import _sqlite3

        _sqlite3.connect(":memory:").close()
    except Exception:  # noqa: BLE001  # whatever a later CPython wants more of
        sys.modules.pop("_sqlite3", None)
    finally:
        del sys.modules["functools"]
    if "_sqlite3" in sys.modules:
        return sys.modules["_sqlite3"]
    import sqlite3

    return sqlite3


sqlite = _load()
