"""The Python API. The command line and the web use nothing else. `Jobs` is in `client.jobs`."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outlast.client.jobs import Jobs

__all__ = ["Jobs"]


def __getattr__(name: str) -> object:
    """Import `Jobs` when it is first asked for (PEP 562)."""
    if name == "Jobs":
        from outlast.client.jobs import Jobs

        return Jobs
    raise AttributeError(f"module `outlast.client` has no `{name}`")
