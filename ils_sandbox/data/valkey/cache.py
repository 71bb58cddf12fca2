"""A replication group: one server, its endpoints, its snapshots.

The reader's endpoint leads to the same server as the primary's: replicas of their own, which refuse writes, are not
emulated.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from ils_sandbox.data.doors import Doors
from ils_sandbox.data.listeners import CHUNK_BYTES, Stream, opened, relay
from ils_sandbox.data.owned import DataServerError
from ils_sandbox.data.records import CacheChange, CacheRecord, Endpoint, SnapshotRecord, State, save
from ils_sandbox.data.valkey.server import ValkeyServer

if TYPE_CHECKING:
    from ils_sandbox.data.certificates import EndpointCertificates
    from ils_sandbox.data.snapshots import Snapshot

_SECONDS_TO_SHAKE_HANDS = 30


class Cache:
    """Lives on the event loop; what takes time is done in threads, one piece at a time."""

    def __init__(
        self, record: CacheRecord, folder: Path, server: ValkeyServer, certificates: EndpointCertificates
    ) -> None:
        self.record = record
        self._folder = folder
        self._server = server
        self._certificates = certificates
        self._doors = Doors(f"cache {record.name}", record.writer, record.reader, self._welcome)
        self.jobs = self._doors.jobs

    def open(self, sockets: tuple[socket.socket, socket.socket] | None = None) -> None:
        """Listen at the endpoints."""
        self._doors.open(sockets)

    async def close(self) -> None:
        """Let nobody in, and end the server, which saves. What is under way is finished first."""
        await self._doors.close()
        await self.jobs.finish()
        await asyncio.to_thread(self._server.stop)

    @property
    def state(self) -> State:
        return self._doors.state

    def restore(self, snapshot: Snapshot) -> None:
        """Begin with what a snapshot holds."""

        async def work() -> None:
            kept = await snapshot.complete()
            if kept.populated:
                await asyncio.to_thread(shutil.copyfile, snapshot.files, self._server.dump)
            self._save(self.record.model_copy(update={"snapshot": ""}))

        self.jobs.begin("restoring from a snapshot", work)

    async def copy_files(self, destination: Path) -> SnapshotRecord:
        """Write what it holds now; the record says whether there is anything."""

        async def work() -> None:
            self._doors.require_sound()
            if self._server.running:
                await asyncio.to_thread(self._server.save_to, destination)
            elif self._server.dump.exists():
                await asyncio.to_thread(shutil.copyfile, self._server.dump, destination)

        await self.jobs.do(work)
        return SnapshotRecord(populated=destination.exists())

    async def change(self, change: CacheChange) -> None:
        """Make the changes named, and wait until they are in force."""

        async def work() -> None:
            given = {name: value for name, value in change if value is not None}
            self._save(self.record.model_copy(update=given))
            if self._server.running and change.tokens is not None:
                await asyncio.to_thread(self._server.set_tokens, change.tokens)
            if self._server.running and change.maxmemory_policy is not None:
                await asyncio.to_thread(self._server.set_maxmemory_policy, change.maxmemory_policy)

        await self.jobs.do(work)

    async def fail_over(self) -> None:
        """Cut off everybody and start the server anew: who connects next finds the one that took over."""

        async def work() -> None:
            await self._doors.cut()
            await asyncio.to_thread(self._server.stop)

        await self.jobs.do(work)

    async def delete(self) -> None:
        """Remove everything, after what was begun before."""

        async def work() -> None:
            await asyncio.to_thread(self._server.stop)
            for folder in (self._folder, self._server.socket_folder):
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

        await self._doors.close()
        await self.jobs.do(work)

    async def _welcome(self, connection: socket.socket, endpoint: Endpoint) -> None:
        tls = self._certificates.context(endpoint.address) if self.record.tls else None
        async with asyncio.timeout(_SECONDS_TO_SHAKE_HANDS):
            client = await opened(connection, tls)
        try:
            if not self._server.running:
                await self.jobs.do(self._start)
            backend = Stream(*await asyncio.open_unix_connection(str(self._server.socket), limit=CHUNK_BYTES))
            await self._introduce(backend)
        except DataServerError as error:
            client.writer.write(f"-ERR the cache is not available: {error}\r\n".encode())
            await client.writer.drain()
            return
        await relay(client, backend)

    async def _introduce(self, backend: Stream) -> None:
        words = self._server.introduction(self.record.tokens)
        if not words:
            return
        backend.writer.write(words)
        answer = await backend.reader.readline()
        if not answer.startswith(b"+OK"):
            message = f"Valkey does not take visitors: {answer.decode(errors='replace').strip()}"
            raise DataServerError(message)

    async def _start(self) -> None:
        self._doors.require_sound()
        record = self.record
        await asyncio.to_thread(self._server.start, record.tokens, record.maxmemory_policy)

    def _save(self, record: CacheRecord) -> None:
        save(record, self._folder)
        self.record = record
