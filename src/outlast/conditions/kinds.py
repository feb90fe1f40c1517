"""Which kinds of conditions there are. Each is loaded when somebody asks for it: most jobs wait for nothing.

The built-in ones are known by this table alone, so that a supervisor needs neither site-packages nor `importlib.metadata`.
"""

from outlast.core.errors import UsageError
from outlast.core.ports import CONDITIONS, EXISTENCE, NOTHING, USE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.core.ports import Condition

FILE, NONOPEN_FILE, SCRIPT, HTTP, S3 = BUILT_IN = ("file", "nonopen-file", "script", "http", "s3")
_WATCHES = {FILE: EXISTENCE, NONOPEN_FILE: USE}


def is_fast(name: str) -> bool:
    """Tell whether the supervisor may look itself."""
    return name == FILE


def watch_of(name: str) -> str:
    """Return what tells when to look: NOTHING, EXISTENCE or USE of `core.ports`."""
    return _WATCHES.get(name, NOTHING)


def find(name: str) -> "Condition":
    """Return the kind of that name. Raises UsageError if there is none, or its package cannot be loaded."""
    if name == FILE:
        from outlast.conditions.existing import File

        return File()
    if name == NONOPEN_FILE:
        from outlast.conditions.unopened import NonopenFile

        return NonopenFile()
    if name == SCRIPT:
        from outlast.conditions.script import Script

        return Script()
    if name == HTTP:
        from outlast.conditions.http import Http

        return Http()
    if name == S3:
        from outlast.conditions.s3 import S3Object

        return S3Object()
    return _installed(name)


def _installed(name: str) -> "Condition":
    """Return a kind that another package brings. The entry point may be the kind or its class."""
    from importlib.metadata import entry_points

    for entry in entry_points(group=CONDITIONS, name=name):
        try:
            loaded = entry.load()
            kind: Condition = loaded() if isinstance(loaded, type) else loaded
        except Exception as error:
            where = f" of {entry.dist.name}" if entry.dist is not None else ""
            raise UsageError(f"the condition `{name}`{where} cannot be loaded ({type(error).__name__}: {error})") from error
        return kind
    others = sorted({entry.name for entry in entry_points(group=CONDITIONS)} - {*BUILT_IN})
    raise UsageError(f"there is no condition `{name}`", f"there are {', '.join((*BUILT_IN, *others))}")
