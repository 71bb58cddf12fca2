"""Work on one cluster or cache: one piece after the other, in the order asked for, and how it went."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)


class Jobs:
    """What is under way for one thing. Lives on the event loop."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._lock = asyncio.Lock()
        self._under_way: set[asyncio.Task[None]] = set()
        self.failure = ""
        """Why the last piece of work that failed did; empty when none has."""

    @property
    def busy(self) -> bool:
        return bool(self._under_way)

    def begin(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Have it done after what was begun before."""

        async def run() -> None:
            async with self._lock:
                try:
                    await work()
                except Exception as error:
                    log.exception("%s of %s failed", name, self._what)
                    self.failure = f"{name} failed: {error}"

        task = asyncio.get_running_loop().create_task(run())
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def do(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do it after what was begun before, and wait for it. Raises what it raises."""
        async with self._lock:
            await work()

    async def finish(self) -> None:
        """Wait for everything that was begun."""
        while self._under_way:
            await asyncio.gather(*self._under_way)
