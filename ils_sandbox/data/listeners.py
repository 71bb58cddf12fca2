"""What stands at an endpoint: takes connections, ends TLS and passes on what is said."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from ils_sandbox.data.addresses import listen
from ils_sandbox.data.records import Endpoint

log = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 18

Visit = Callable[[socket.socket], Awaitable[None]]
"""Serves one connection, whose socket does not block."""


@dataclass(frozen=True)
class Stream:
    """Both directions of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


async def opened(connection: socket.socket, tls: ssl.SSLContext | None) -> Stream:
    """The connection as a stream, after the TLS handshake if there is to be one. Raises OSError (ssl.SSLError is one)."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=CHUNK_BYTES, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection, ssl=tls)
    return Stream(reader, asyncio.StreamWriter(transport, protocol, reader, loop))


async def relay(one: Stream, other: Stream) -> None:
    """Pass on what each says to the other, until one of them has said its last word."""
    pumps = [asyncio.create_task(_pump(one, other)), asyncio.create_task(_pump(other, one))]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for pump in pumps:
            pump.cancel()
        for stream in (one, other):
            stream.writer.close()


async def _pump(source: Stream, sink: Stream) -> None:
    with suppress(OSError):  # whoever went away has said its last word
        while data := await source.reader.read(CHUNK_BYTES):
            sink.writer.write(data)
            await sink.writer.drain()


class Listener:
    """Takes connections at one endpoint."""

    def __init__(self, endpoint: Endpoint, visit: Visit) -> None:
        self.endpoint = endpoint
        self._visit = visit
        self._socket: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._visits: set[asyncio.Task[None]] = set()

    def open(self, listener: socket.socket | None = None) -> None:
        """Begin to listen, with a socket that does so already if there is one. Raises OSError."""
        if self._socket is not None:
            return
        self._socket = listener or listen(self.endpoint)
        self._accepting = asyncio.get_running_loop().create_task(self._accept(self._socket))

    async def close(self) -> None:
        """Listen no longer, and cut off whoever is connected."""
        if self._socket is None or self._accepting is None:
            return
        self._accepting.cancel()
        with suppress(asyncio.CancelledError):
            await self._accepting
        self._socket.close()
        self._socket = None
        await self.cut()

    async def cut(self) -> None:
        """Cut off whoever is connected."""
        visits = list(self._visits)
        for visit in visits:
            visit.cancel()
        await asyncio.gather(*visits, return_exceptions=True)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(listener)
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    await asyncio.sleep(0.1)  # too many open files: some will be closed
                continue
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            visit = loop.create_task(self._serve(connection))
            self._visits.add(visit)
            visit.add_done_callback(self._visits.discard)

    async def _serve(self, connection: socket.socket) -> None:
        try:
            await self._visit(connection)
        except (OSError, asyncio.IncompleteReadError) as error:
            # Nothing is wrong here: a client that speaks no TLS, does not trust us, or left.
            log.info("connection at %s:%d ended: %s", self.endpoint.address, self.endpoint.port, error)
        except Exception:
            log.exception("connection at %s:%d broke", self.endpoint.address, self.endpoint.port)
        finally:
            connection.close()
