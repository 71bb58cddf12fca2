"""The two endpoints of a cluster or cache, the writer's and the reader's, and how it stands with what is behind them."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable
from functools import partial
from typing import Protocol

from ils_sandbox.data.jobs import Jobs
from ils_sandbox.data.listeners import Listener
from ils_sandbox.data.owned import DataServerError
from ils_sandbox.data.records import Endpoint, State

log = logging.getLogger(__name__)


class Welcome(Protocol):
    """Serves one connection that came to an endpoint."""

    def __call__(self, connection: socket.socket, endpoint: Endpoint) -> Awaitable[None]: ...


class Doors:
    """Lives on the event loop."""

    def __init__(self, what: str, writer: Endpoint, reader: Endpoint, welcome: Welcome) -> None:
        """`what` they lead to, for people: `cache dev-redis`."""
        self._what = what
        self._writer, self._reader = writer, reader
        self._listeners = [Listener(each, partial(welcome, endpoint=each)) for each in (writer, reader)]
        self.jobs = Jobs(what)

    def open(self, sockets: tuple[socket.socket, socket.socket] | None = None) -> None:
        """Listen, with sockets that do so already if there are any. Where another process has the port, it has failed."""
        for number, listener in enumerate(self._listeners):
            try:
                listener.open(sockets[number] if sockets else None)
            except OSError as error:
                where = f"{listener.endpoint.address}:{listener.endpoint.port}"
                log.error("%s cannot listen at %s: %s", self._what, where, error)  # noqa: TRY400
                self.jobs.failure = f"{where} is taken by another process"

    async def close(self) -> None:
        """Let nobody in, and cut off whoever is connected."""
        for listener in self._listeners:
            await listener.close()

    async def cut(self) -> None:
        """Cut off whoever is connected."""
        await asyncio.gather(*(listener.cut() for listener in self._listeners))

    @property
    def state(self) -> State:
        failure = self.jobs.failure
        return State(
            state="failed" if failure else "working" if self.jobs.busy else "ready",
            reason=failure,
            writer=self._writer,
            reader=self._reader,
        )

    def require_sound(self) -> None:
        """Raises DataServerError where something failed before."""
        if self.jobs.failure:
            raise DataServerError(self.jobs.failure)
