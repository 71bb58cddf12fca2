"""A cluster: its files and server, its two endpoints, and what is done to it."""

from __future__ import annotations

import asyncio
import logging
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ils_sandbox.data.doors import Doors
from ils_sandbox.data.owned import DataServerError
from ils_sandbox.data.postgres.front import Way, visit
from ils_sandbox.data.postgres.roles import set_password
from ils_sandbox.data.records import ClusterChange, ClusterRecord, Endpoint, Login, Origin, SnapshotRecord, State, save

if TYPE_CHECKING:
    from ils_sandbox.data.certificates import EndpointCertificates
    from ils_sandbox.data.postgres.storage import Storage
    from ils_sandbox.data.snapshots import Snapshot

log = logging.getLogger(__name__)

_BETWEEN_BASES = timedelta(hours=6)


class Cluster:
    """Lives on the event loop; what takes time is done in threads, one piece at a time."""

    def __init__(
        self, record: ClusterRecord, folder: Path, storage: Storage, certificates: EndpointCertificates
    ) -> None:
        self._folder = folder
        self._storage = storage
        self._certificates = certificates
        self.record = record
        self._doors = Doors(f"cluster {record.name}", record.writer, record.reader, self._welcome)
        self.jobs = self._doors.jobs

    def open(self, sockets: tuple[socket.socket, socket.socket] | None = None) -> None:
        """Listen at the endpoints, unless the cluster is stopped."""
        if not self.record.stopped:
            self._doors.open(sockets)

    async def close(self) -> None:
        """Let nobody in, and end the server. What is under way is finished first."""
        await self._doors.close()
        await self.jobs.finish()
        await asyncio.to_thread(self._storage.stop)

    @property
    def state(self) -> State:
        return self._doors.state

    def restore(self, snapshot: Snapshot, login: Login | None) -> None:
        """Begin with what a snapshot holds; with another password of the administrator if one is given."""

        async def work() -> None:
            kept = await snapshot.complete()
            if kept.populated:
                await asyncio.to_thread(self._storage.make_from_copy, snapshot.files)
            await self._settle(kept, login)

        self.jobs.begin("restoring from a snapshot", work)

    def go_back(self, source: Cluster, moment: datetime | None, login: Login | None) -> None:
        """Begin with what another cluster held at a moment; None is now."""

        async def work() -> None:
            async def copy() -> None:
                if source.record.populated:
                    await asyncio.to_thread(self._storage.make_from_past, source._storage, moment)

            await source.jobs.do(copy)
            await self._settle(source.record, login)

        self.jobs.begin("restoring to a point in time", work)

    async def _settle(self, source: ClusterRecord | SnapshotRecord, login: Login | None) -> None:
        changes = {
            "login": login or source.login,
            "database": source.database,
            "populated": source.populated,
            "origin": Origin(),
        }
        self._save(self.record.model_copy(update=changes))
        if login is not None and source.populated:
            await self._give_password(login)

    async def copy_files(self, destination: Path) -> SnapshotRecord:
        """Write a copy of what there is now; the record says whether there is anything."""
        taken: list[SnapshotRecord] = []

        async def work() -> None:
            self._doors.require_sound()
            if self.record.populated:
                await asyncio.to_thread(self._storage.back_up, destination)
                await asyncio.to_thread(self._keep_base, destination)
                await asyncio.to_thread(self._prune)
            record = self.record
            taken.append(SnapshotRecord(database=record.database, login=record.login, populated=record.populated))

        await self.jobs.do(work)
        return taken[0]

    async def change(self, change: ClusterChange) -> None:
        """Make the changes named, and wait until they are in force."""

        async def work() -> None:
            given = {name: value for name, value in change if value is not None}
            self._save(self.record.model_copy(update=given))
            if change.login is not None and self.record.populated:
                await self._give_password(change.login)
            if change.stopped is True:
                await self._doors.close()
                await asyncio.to_thread(self._storage.stop)
            elif change.stopped is False:
                self.open()

        await self.jobs.do(work)

    async def fail_over(self) -> None:
        """Cut off everybody and end the server: who connects next finds the one that took over."""

        async def work() -> None:
            await self._doors.cut()
            await asyncio.to_thread(self._storage.stop)

        await self.jobs.do(work)

    async def delete(self) -> None:
        """Remove everything, after what was begun before."""
        await self._doors.close()
        await self.jobs.do(self._delete_files)

    async def _delete_files(self) -> None:
        await asyncio.to_thread(self._storage.delete)

    async def _give_password(self, login: Login) -> None:
        await asyncio.to_thread(self._storage.start)
        await asyncio.to_thread(set_password, self._storage.server, login)

    async def _welcome(self, connection: socket.socket, endpoint: Endpoint) -> None:
        tls = self._certificates.context(endpoint.address)
        read_only = endpoint == self.record.reader
        await visit(connection, Way(tls, self.record.force_ssl, read_only, self._backend))

    async def _backend(self) -> Path:
        server = self._storage.server
        if not (self.record.populated and server.running):
            await self.jobs.do(self._start)
        return server.socket

    async def _start(self) -> None:
        self._doors.require_sound()
        if self.record.populated:
            await asyncio.to_thread(self._storage.start)
            await asyncio.to_thread(self._prune)
            return
        login = self.record.login
        if login is None:
            message = f"cluster {self.record.name} has no administrator"
            raise DataServerError(message)
        await asyncio.to_thread(self._storage.make_empty, login, self.record.database)
        self._save(self.record.model_copy(update={"populated": True}))

    def _keep_base(self, copy: Path) -> None:
        """Now and then: a base keeps what has changed since from being given back to the disk."""
        newest = self._storage.newest_base
        if newest is not None and datetime.now(UTC) - newest > _BETWEEN_BASES:
            self._storage.keep_base(copy)

    def _prune(self) -> None:
        self._storage.prune(timedelta(days=self.record.retention_days))

    def _save(self, record: ClusterRecord) -> None:
        save(record, self._folder)
        self.record = record
