"""A replication group: one server, its endpoints, its snapshots.

The reader's endpoint leads to the same server as the primary's: replicas of their own, which refuse writes, are not
emulated.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import socket
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ils_sandbox.data.jobs import Jobs
from ils_sandbox.data.listeners import CHUNK_BYTES, Listener, Stream, opened, relay
from ils_sandbox.data.owned import DataServerError
from ils_sandbox.data.records import CacheChange, CacheRecord, SnapshotRecord, State, save
from ils_sandbox.data.valkey.server import ValkeyServer

if TYPE_CHECKING:
    from ils_sandbox.data.certificates import EndpointCertificates
    from ils_sandbox.data.snapshots import Snapshot

log = logging.getLogger(__name__)

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
        self.jobs = Jobs(f"cache {record.name}")
        self._listeners = [
            Listener(endpoint, partial(self._visit, address=endpoint.address))
            for endpoint in (record.writer, record.reader)
        ]

    def open(self, sockets: tuple[socket.socket, ...] = ()) -> None:
        """Listen at the endpoints."""
        for number, listener in enumerate(self._listeners):
            try:
                listener.open(sockets[number] if sockets else None)
            except OSError as error:
                where = f"{listener.endpoint.address}:{listener.endpoint.port}"
                log.error("cache %s cannot listen at %s: %s", self.record.name, where, error)  # noqa: TRY400
                self.jobs.failure = f"{where} is taken by another process"

    async def close(self) -> None:
        """Let nobody in, and end the server, which saves. What is under way is finished first."""
        for listener in self._listeners:
            await listener.close()
        await self.jobs.finish()
        await asyncio.to_thread(self._server.stop)

    @property
    def state(self) -> State:
        failure = self.jobs.failure
        return State(
            state="failed" if failure else "working" if self.jobs.busy else "ready",
            reason=failure,
            writer=self.record.writer,
            reader=self.record.reader,
        )

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
            self._require_sound()
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
            await asyncio.gather(*(listener.cut() for listener in self._listeners))
            await asyncio.to_thread(self._server.stop)

        await self.jobs.do(work)

    async def delete(self) -> None:
        """Remove everything, after what was begun before."""

        async def work() -> None:
            await asyncio.to_thread(self._server.stop)
            for folder in (self._folder, self._server.socket_folder):
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

        for listener in self._listeners:
            await listener.close()
        await self.jobs.do(work)

    async def _visit(self, connection: socket.socket, address: str) -> None:
        tls = self._certificates.context(address) if self.record.tls else None
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
        self._require_sound()
        record = self.record
        await asyncio.to_thread(self._server.start, record.tokens, record.maxmemory_policy)

    def _save(self, record: CacheRecord) -> None:
        save(record, self._folder)
        self.record = record

    def _require_sound(self) -> None:
        if self.jobs.failure:
            raise DataServerError(self.jobs.failure)
