"""What one drill works with, from the place it restores to up to what it found."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from ils_pipelines.operations.backup.bucket import SetBucket
from ils_pipelines.operations.backup.details import DatabaseState
from ils_pipelines.operations.backup.items import ItemsDigest
from ils_pipelines.operations.backup.manifest import Manifest
from ils_pipelines.operations.drill.models import Check
from ils_pipelines.operations.drill.scenario import Recipe
from ils_pipelines.operations.drill.timeline import Timeline
from ils_pipelines.operations.restore.cluster_ground import ClusterGround
from ils_pipelines.operations.restore.ground import Ground
from ils_pipelines.operations.restore.place import Place

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target


@dataclass
class Session:
    """Filled step by step; what is not there yet is None."""

    target: Target
    recipe: Recipe
    place: Place
    bucket: SetBucket
    timeline: Timeline
    detected: datetime
    manifest: Manifest | None = None
    ground: Ground | None = None
    cluster_ground: ClusterGround | None = None
    newest_live: datetime | None = None
    newest_restored: datetime | None = None
    restored_state: DatabaseState | None = None
    """What the database from the snapshot held before the application was tried on it."""
    damaged: datetime | None = None
    """When rows were damaged on purpose, in a copy."""
    restored_items: dict[str, ItemsDigest] = field(default_factory=dict)
    """By name of a table that was made of an export: what it held before time to live was put on."""
    not_restored: list[str] = field(default_factory=list)
    """What the set cannot bring back after this loss; stands in the evidence."""
    cache_token: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    _checks: list[Check] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def checks(self) -> tuple[Check, ...]:
        with self._lock:
            return tuple(self._checks)

    def record(self, checks: Iterable[Check]) -> None:
        for found in checks:
            with self._lock:
                self._checks.append(found)

    @property
    def on(self) -> Ground:
        """The ground, which is laid before anything is restored."""
        assert self.ground is not None  # noqa: S101
        return self.ground

    @property
    def of(self) -> Manifest:
        """The manifest, which is read before anything is restored."""
        assert self.manifest is not None  # noqa: S101
        return self.manifest

    def side_by_side(self, work: Mapping[str, Callable[[], None]]) -> None:
        """Each as a step of that name; all are waited for, and the first error is raised."""

        def do(name: str, task: Callable[[], None]) -> None:
            with self.timeline.step(name):
                task()

        with ThreadPoolExecutor(max(1, len(work)), thread_name_prefix="drill") as pool:
            for running in [pool.submit(do, name, task) for name, task in work.items()]:
                running.result()
