"""The guard: while jobs wait and no run lives, no shim would notice our death. So one shim is kept in guard mode."""

import os

from outlast.executors import local
from outlast.processes.pidfd import send
from outlast.supervisor.context import Context

SIGTERM = 15


class Guard:
    """At most one guard; once there, it stays until we leave."""

    __slots__ = ("_context", "_fd")

    def __init__(self, context: Context) -> None:
        """No guard yet."""
        self._context = context
        self._fd = -1

    def run_once(self) -> bool:
        """Start the guard if jobs wait, no shim lives and there is none. Tells whether there is one."""
        context = self._context
        if self._fd < 0 and not any(live.shim_fd >= 0 for live in context.runs.values()) and context.store.any_active():
            try:
                pid = local.start_guard(context.facts.shim, context.home, context.facts.lifeline, context.facts.null)
                self._fd = os.pidfd_open(pid)
            except OSError as error:
                context.log(f"no guard: {error.strerror}")
                return False
            context.loop.watch(self._fd, self._ended)
        return self._fd >= 0

    def _ended(self, fd: int) -> None:
        """Let the next round start another if one is needed."""
        self._context.loop.forget(fd)
        os.close(fd)
        self._fd = -1
        self._context.touch()

    def dismiss(self) -> None:
        """End the guard: we leave on purpose."""
        if self._fd >= 0:
            self._context.loop.forget(self._fd)
            send(self._fd, SIGTERM)
            os.close(self._fd)
            self._fd = -1
