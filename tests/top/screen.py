"""The screen of `outlast top` without a terminal: plays a scene on it, reads what it shows, waits until it does."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from textual.pilot import Pilot

from outlast import Jobs
from outlast.cli.top.app import Top
from outlast.cli.top.seen import Wanted
from support import Outlast


class Screen:
    """A screen that is shown, and the hands on its keys."""

    def __init__(self, app: Top, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def lines(self) -> list[str]:
        """What is shown, line by line."""
        return ["".join(segment.text for segment in strip) for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def row(self, *words: str) -> str:
        """The first line with all these words; none: an assertion fails."""
        found = [line for line in self.lines if all(word in line for word in words)]
        assert found, f"no line with {words} in\n{self.text}"
        return found[0]

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Type a line and press Enter."""
        await self.pilot.press(*({" ": "space", "-": "minus"}.get(letter, letter) for letter in text), "enter")

    async def until(self, assertion: Callable[[], Any], within: float = 20.0) -> None:
        """What `support.eventually` is, beside a screen that goes on."""
        deadline = time.monotonic() + within
        while True:
            try:
                if assertion() is not False:
                    return
                assert time.monotonic() < deadline, f"still false after {within} s: {assertion}\n{self.text}"
            except Exception:
                if time.monotonic() > deadline:
                    raise
            await self.pilot.pause(0.02)

    async def shows(self, *words: str, within: float = 20.0) -> None:
        """Wait for a line with all these words."""
        await self.until(lambda: self.row(*words), within)

    async def choose(self, job: int) -> None:
        """Choose a job of the table."""
        await self.until(lambda: job in self.app.table.keys)
        await self.press("home")
        for _ in range(self.app.table.keys.index(job)):
            await self.press("down")
        await self.until(lambda: self.app.table.chosen == job)


def play(outlast: Outlast, scene: Callable[[Screen], Awaitable[None]], size: tuple[int, int] = (100, 30), **wanted: Any) -> None:
    """Show the home of `outlast` on a screen of that size and play the scene."""

    async def show() -> None:
        with Jobs(str(outlast.home)) as jobs:
            app = Top(jobs, Wanted(wanted, 50))
            async with app.run_test(size=size) as pilot:
                await scene(Screen(app, pilot))

    asyncio.run(show())
