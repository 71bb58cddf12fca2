"""Everything that the data plane has: clusters, caches and snapshots, by the ids that the AWS server gives them.

<directory>/
  clusters/<id>/  caches/<id>/  snapshots/<id>/    each with a record.json
  template/                                        the files of an empty PostgreSQL server
  certificates/                                    of the endpoints
  sockets                                          names the folder of this run's sockets
"""

from __future__ import annotations

import asyncio
import logging
import re
import shutil
import socket
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from ils_sandbox.data.addresses import reserve
from ils_sandbox.data.certificates import EndpointCertificates
from ils_sandbox.data.postgres.cluster import Cluster
from ils_sandbox.data.postgres.storage import Storage
from ils_sandbox.data.records import (
    CacheOrder,
    CacheRecord,
    ClusterOrder,
    ClusterRecord,
    Endpoint,
    SnapshotOrder,
    load,
    save,
)
from ils_sandbox.data.snapshots import Snapshot
from ils_sandbox.data.valkey.cache import Cache
from ils_sandbox.data.valkey.server import ValkeyServer
from ils_sandbox.state import write_atomically

log = logging.getLogger(__name__)

Kind = TypeVar("Kind")
_ID = re.compile(r"^[0-9a-f]{32}$")


class UnknownError(LookupError):
    """There is no such cluster, cache or snapshot."""


class DataService:
    """Lives on the event loop."""

    def __init__(self, directory: Path, authority: Path) -> None:
        """`directory` is where data are kept, `authority` the folder of the sandbox's certificate authority."""
        self._directory = directory
        self._certificates = EndpointCertificates(authority, directory / "certificates")
        self._sockets = Path()
        self.clusters: dict[str, Cluster] = {}
        self.caches: dict[str, Cache] = {}
        self.snapshots: dict[str, Snapshot] = {}

    def open(self) -> None:
        """Listen at the endpoints of everything that is there."""
        # Not below the state folder: a socket's path may have about 100 characters only.
        named = self._directory / "sockets"
        with suppress(FileNotFoundError):
            shutil.rmtree(named.read_text(), ignore_errors=True)
        self._sockets = Path(tempfile.mkdtemp(prefix="ils-"))
        write_atomically(named, str(self._sockets).encode())
        for folder in self._folders("snapshots"):
            self.snapshots[folder.name] = Snapshot(folder)
            self.snapshots[folder.name].load()
        for folder in self._folders("clusters"):
            self.clusters[folder.name] = self._cluster(load(ClusterRecord, folder))
        for folder in self._folders("caches"):
            self.caches[folder.name] = self._cache(load(CacheRecord, folder))
        for cluster in self.clusters.values():
            self._begin(cluster)
            cluster.open()
        for cache in self.caches.values():
            self._fill(cache)
            cache.open()

    async def close(self) -> None:
        """Let nobody in, finish what is under way, end every server."""
        everything: tuple[Cluster | Cache | Snapshot, ...] = (
            *self.clusters.values(),
            *self.caches.values(),
            *self.snapshots.values(),
        )
        for result in await asyncio.gather(*(each.close() for each in everything), return_exceptions=True):
            if isinstance(result, Exception):
                log.error("a server did not end as it should: %s", result)
        shutil.rmtree(self._sockets, ignore_errors=True)
        (self._directory / "sockets").unlink(missing_ok=True)

    def make_cluster(self, id_: str, order: ClusterOrder) -> Cluster:
        """Make a cluster, whose endpoints answer from now on. Raises UnknownError when its origin does not exist."""
        if order.origin.kind == "snapshot":
            _found(self.snapshots, order.origin.source)
        elif order.origin.kind == "time":
            _found(self.clusters, order.origin.source)
        endpoints, sockets = _two_endpoints(order.port)
        record = ClusterRecord(
            id=id_,
            name=order.name,
            created=datetime.now(UTC),
            writer=endpoints[0],
            reader=endpoints[1],
            database=order.database,
            login=order.login,
            force_ssl=order.force_ssl,
            retention_days=order.retention_days,
            origin=order.origin,
        )
        save(record, self._new_folder("clusters", id_))
        self.clusters[id_] = cluster = self._cluster(record)
        self._begin(cluster)
        cluster.open(sockets)
        return cluster

    def _begin(self, cluster: Cluster) -> None:
        """Let a cluster begin with what it is to begin with, unless it has already."""
        origin, login = cluster.record.origin, cluster.record.login
        try:
            if origin.kind == "snapshot":
                cluster.restore(_found(self.snapshots, origin.source), login)
            elif origin.kind == "time":
                cluster.go_back(_found(self.clusters, origin.source), origin.time, login)
        except UnknownError as gone:
            cluster.jobs.failure = f"what it was to be restored from is gone: {gone}"

    def make_cache(self, id_: str, order: CacheOrder) -> Cache:
        """Make a cache, whose endpoints answer from now on. Raises UnknownError when its snapshot does not exist."""
        if order.snapshot:
            _found(self.snapshots, order.snapshot)
        endpoints, sockets = _two_endpoints(order.port)
        record = CacheRecord(
            id=id_,
            name=order.name,
            writer=endpoints[0],
            reader=endpoints[1],
            tls=order.tls,
            tokens=order.tokens,
            maxmemory_policy=order.maxmemory_policy,
            snapshot=order.snapshot,
        )
        save(record, self._new_folder("caches", id_))
        self.caches[id_] = cache = self._cache(record)
        self._fill(cache)
        cache.open(sockets)
        return cache

    def _fill(self, cache: Cache) -> None:
        if not cache.record.snapshot:
            return
        try:
            cache.restore(_found(self.snapshots, cache.record.snapshot))
        except UnknownError as gone:
            cache.jobs.failure = f"what it was to be restored from is gone: {gone}"

    def make_snapshot(self, id_: str, order: SnapshotOrder) -> Snapshot:
        """Begin a snapshot. Raises UnknownError when what it is to be taken of does not exist."""
        made = Snapshot(self._directory / "snapshots" / _checked(id_))
        if order.copy_of:
            made.copy(_found(self.snapshots, order.copy_of))
        else:
            sources: dict[str, Cluster | Cache] = {**self.clusters, **self.caches}
            made.take(_found(sources, order.source))
        self.snapshots[id_] = made
        return made

    def keep_snapshot(self, id_: str, content: bytes) -> Snapshot:
        """Begin a snapshot that holds what an RDB file does."""
        made = Snapshot(self._directory / "snapshots" / _checked(id_))
        made.keep(content)
        self.snapshots[id_] = made
        return made

    async def delete(self, kind: str, id_: str) -> None:
        """Delete a cluster, cache or snapshot. Deleting what does not exist is no error."""
        kinds: dict[str, dict[str, Cluster] | dict[str, Cache] | dict[str, Snapshot]] = {
            "clusters": self.clusters,
            "caches": self.caches,
            "snapshots": self.snapshots,
        }
        found = kinds[kind].pop(id_, None)
        if found is not None:
            await found.delete()

    def _cluster(self, record: ClusterRecord) -> Cluster:
        folder = self._directory / "clusters" / record.id
        storage = Storage(folder, template=self._directory, socket_folder=self._sockets / record.id[:8])
        return Cluster(record, folder, storage, self._certificates)

    def _cache(self, record: CacheRecord) -> Cache:
        folder = self._directory / "caches" / record.id
        return Cache(record, folder, ValkeyServer(folder, self._sockets / record.id[:8]), self._certificates)

    def _folders(self, kind: str) -> list[Path]:
        folder = self._directory / kind
        return sorted(folder.iterdir()) if folder.is_dir() else []

    def _new_folder(self, kind: str, id_: str) -> Path:
        folder = self._directory / kind / _checked(id_)
        folder.mkdir(parents=True, mode=0o700)
        return folder


def _two_endpoints(port: int) -> tuple[tuple[Endpoint, Endpoint], tuple[socket.socket, socket.socket]]:
    (writer, one), (reader, other) = reserve(port), reserve(port)
    return (writer, reader), (one, other)


def _checked(id_: str) -> str:
    if not _ID.match(id_):
        message = f"{id_!r} is no id: 32 hexadecimal digits are expected"
        raise ValueError(message)
    return id_


def _found(kinds: Mapping[str, Kind], id_: str) -> Kind:
    if id_ not in kinds:
        raise UnknownError(id_)
    return kinds[id_]
