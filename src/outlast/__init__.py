"""outlast turns any command into a tracked job that outlasts the terminal, the supervisor, the disk space and the machine.

    from outlast import Jobs
    jobs = Jobs()
    job = jobs.run(["rsync", "-a", "x", "y"], name="backup")

Names are imported on first use, so that the command line pays for none of them.
"""

__version__ = "0.1.0"
__all__ = ["Job", "Jobs", "NotFound", "OutlastError", "Refused", "Run", "SystemFault", "UsageError", "__version__", "current"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.client import Jobs
    from outlast.client.reporting import current
    from outlast.core.errors import NotFound, OutlastError, Refused, SystemFault, UsageError
    from outlast.core.job import Job, Run


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for (PEP 562)."""
    if name == "Jobs":
        from outlast import client as source
    elif name == "current":
        from outlast.client import reporting as source  # type: ignore[no-redef]
    elif name in ("Job", "Run"):
        from outlast.core import job as source  # type: ignore[no-redef]
    elif name in __all__:
        from outlast.core import errors as source  # type: ignore[no-redef]
    else:
        raise AttributeError(f"module `outlast` has no `{name}`")
    return getattr(source, name)
