"""Snapshots: files that never change, complete or on their way."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ils_sandbox.data.jobs import Jobs
from ils_sandbox.data.owned import DataServerError
from ils_sandbox.data.records import SnapshotRecord, State, load, save
from ils_sandbox.data.trees import link_tree
from ils_sandbox.data.valkey import rdb

if TYPE_CHECKING:
    from ils_sandbox.data.postgres.cluster import Cluster
    from ils_sandbox.data.valkey.cache import Cache


class Snapshot:
    """One snapshot of a cluster or of a cache."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._jobs = Jobs(f"snapshot {folder.name}")
        self._record: SnapshotRecord | None = None
        self._size_bytes = 0

    @property
    def files(self) -> Path:
        """What was copied: the files of a database server, or the one file of a cache."""
        return self._folder / "files"

    def load(self) -> None:
        """Read what is on disk. A snapshot that was not completed never will be."""
        try:
            self._record = load(SnapshotRecord, self._folder)
        except FileNotFoundError:
            self._jobs.failure = "the sandbox was stopped before the snapshot was complete"
        self._size_bytes = _size_bytes(self.files)

    def take(self, source: Cluster | Cache) -> None:
        """Begin to copy what the source holds."""

        async def work() -> None:
            self._complete(await source.copy_files(self.files))

        self._begin("taking the snapshot", work)

    def copy(self, source: Snapshot) -> None:
        """Begin to copy another snapshot."""

        async def work() -> None:
            record = await source.complete()
            if record.populated:
                await asyncio.to_thread(_link, source.files, self.files)
            self._complete(record)

        self._begin("copying the snapshot", work)

    def keep(self, content: bytes) -> None:
        """Begin to keep the content of an RDB file as a cache's snapshot. What is none fails it."""

        async def work() -> None:
            if not rdb.is_dump(content):
                raise DataServerError("what was given is no RDB file")
            await asyncio.to_thread(self.files.write_bytes, content)
            self._complete(SnapshotRecord(populated=True))

        self._begin("keeping the file", work)

    async def content(self) -> bytes:
        """The RDB file of a cache's snapshot. Raises `DataServerError` when it never will be complete."""
        kept = await self.complete()
        return await asyncio.to_thread(self.files.read_bytes) if kept.populated else rdb.EMPTY

    def _begin(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        self._folder.mkdir(parents=True)
        self._jobs.begin(name, work)

    def _complete(self, record: SnapshotRecord) -> None:
        self._size_bytes = _size_bytes(self.files)
        save(record, self._folder)
        self._record = record

    async def complete(self) -> SnapshotRecord:
        """Its record, once it is complete. Raises `DataServerError` when it never will be."""
        await self._jobs.finish()
        if self._record is None:
            raise DataServerError(self._jobs.failure or "the snapshot is not complete")
        return self._record

    @property
    def state(self) -> State:
        failure = self._jobs.failure
        return State(
            state="failed" if failure else "working" if self._jobs.busy else "ready",
            reason=failure,
            size_bytes=self._size_bytes,
        )

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._jobs.finish()

    async def delete(self) -> None:
        await self._jobs.finish()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)


def _link(source: Path, destination: Path) -> None:
    """A copy made of links, which will do: neither of the two ever changes."""
    if source.is_dir():
        link_tree(source, destination)
    else:
        os.link(source, destination)


def _size_bytes(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(entry.stat().st_size for entry in path.rglob("*") if entry.is_file())
