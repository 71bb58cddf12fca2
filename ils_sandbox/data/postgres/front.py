"""The way into a cluster: the beginning of PostgreSQL's protocol, in which TLS is agreed upon and the user is named.

PostgreSQL itself is behind it, on a socket of its own. Here TLS ends, `rds.force_ssl` is enforced, and readers' sessions
become read-only. See "Message Flow" and "Message Formats" in PostgreSQL's documentation of the protocol.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from ils_sandbox.data.listeners import CHUNK_BYTES, Stream, opened, relay
from ils_sandbox.data.owned import DataServerError
from ils_sandbox.data.postgres.template import ADMINISTRATOR

_CANCEL_REQUEST, _SSL_REQUEST, _GSS_REQUEST = 80877102, 80877103, 80877104
_LONGEST_STARTUP = 10_000
"""Bytes; PostgreSQL's own limit."""
_SECONDS_TO_BEGIN = 60

_REFUSED = "28000"  # invalid_authorization_specification
_UNAVAILABLE = "57P03"  # cannot_connect_now


@dataclass(frozen=True)
class Way:
    """How clients are let in."""

    tls: ssl.SSLContext
    force_ssl: bool
    read_only: bool
    backend: Callable[[], Awaitable[Path]]
    """Has the server run; its socket. Raises `DataServerError`."""


@dataclass(frozen=True)
class _Beginning:
    """What a client says first."""

    code: int
    """The protocol's version, or what else is asked for."""
    body: bytes

    @property
    def parameters(self) -> dict[str, str]:
        words = [word.decode(errors="replace") for word in self.body.split(b"\0")]
        return {name: value for name, value in zip(words[::2], words[1::2], strict=False) if name}

    def encoded(self) -> bytes:
        return struct.pack("!II", 8 + len(self.body), self.code) + self.body


async def visit(connection: socket.socket, way: Way) -> None:
    """Serve one connection. Raises OSError and asyncio.IncompleteReadError when the client goes away."""
    async with asyncio.timeout(_SECONDS_TO_BEGIN):
        first = await _read_beginning(lambda size: _receive(connection, size))
        while first.code in (_GSS_REQUEST, _SSL_REQUEST):
            await asyncio.get_running_loop().sock_sendall(connection, b"S" if first.code == _SSL_REQUEST else b"N")
            if first.code == _SSL_REQUEST:
                break
            first = await _read_beginning(lambda size: _receive(connection, size))
        encrypted = first.code == _SSL_REQUEST
        client = await opened(connection, way.tls if encrypted else None)
        if encrypted:
            first = await _read_beginning(client.reader.readexactly)
    try:
        await _serve(client, first, way, encrypted=encrypted)
    finally:
        client.writer.close()


async def _serve(client: Stream, first: _Beginning, way: Way, *, encrypted: bool) -> None:
    if first.code != _CANCEL_REQUEST:
        refusal = _refusal(client, first, way, encrypted=encrypted)
        if refusal:
            await _refuse(client, _REFUSED, refusal)
            return
        if way.read_only:
            first = _read_only(first)
    try:
        path = await way.backend()
        backend = Stream(*await asyncio.open_unix_connection(str(path), limit=CHUNK_BYTES))
    except (DataServerError, OSError) as error:
        await _refuse(client, _UNAVAILABLE, f"the database system is not available: {error}")
        return
    backend.writer.write(first.encoded())
    await relay(client, backend)


def _refusal(client: Stream, first: _Beginning, way: Way, *, encrypted: bool) -> str:
    """Why the client is not let in; empty when it is. In PostgreSQL's own words."""
    named = first.parameters
    user = named.get("user", "")
    peer = client.writer.get_extra_info("peername")
    who = f'host "{peer[0]}", user "{user}", database "{named.get("database", user)}"'
    if way.force_ssl and not encrypted:
        return f"no pg_hba.conf entry for {who}, no encryption"
    if user == ADMINISTRATOR or "replication" in named:
        return f"pg_hba.conf rejects connection for {who}, {'SSL encryption' if encrypted else 'no encryption'}"
    return ""


def _read_only(first: _Beginning) -> _Beginning:
    parameters = first.parameters
    parameters["options"] = f"{parameters.get('options', '')} -c default_transaction_read_only=on".strip()
    words = "".join(f"{name}\0{value}\0" for name, value in parameters.items())
    return _Beginning(first.code, words.encode() + b"\0")


async def _refuse(client: Stream, code: str, message: str) -> None:
    fields = f"SFATAL\0VFATAL\0C{code}\0M{message}\0\0".encode()
    client.writer.write(b"E" + struct.pack("!I", 4 + len(fields)) + fields)
    await client.writer.drain()


async def _read_beginning(read: Callable[[int], Awaitable[bytes]]) -> _Beginning:
    size, code = struct.unpack("!II", await read(8))
    if not 8 <= size <= _LONGEST_STARTUP:
        message = f"a client began with a message of {size} bytes, which is not PostgreSQL's protocol"
        raise ConnectionError(message)
    return _Beginning(code, await read(size - 8))


async def _receive(connection: socket.socket, size: int) -> bytes:
    """Exactly `size` bytes, and not one more: what follows may be TLS."""
    received = b""
    while len(received) < size:
        part = await asyncio.get_running_loop().sock_recv(connection, size - len(received))
        if not part:
            raise asyncio.IncompleteReadError(received, size)
        received += part
    return received
