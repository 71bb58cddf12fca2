"""The Redis or Valkey replication group of an environment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ils_pipelines.settings.problems import Finding
from ils_pipelines.settings.rules import rule
from ils_pipelines.settings.section import DailyWindow, Flag, Section, WeeklyWindow, text
from ils_pipelines.settings.version_rules import version_findings
from ils_pipelines.settings.versions import Product, parameter_group_family
from ils_pipelines.settings.windows import clash


class CacheEngine(StrEnum):
    """What answers the Redis protocol."""

    REDIS = "redis"
    VALKEY = "valkey"
    """The open successor: what ElastiCache goes on with after Redis OSS 7.1."""

    @property
    def product(self) -> Product:
        """The product whose versions count."""
        return {CacheEngine.REDIS: Product.REDIS, CacheEngine.VALKEY: Product.VALKEY}[self]


class Cache(Section):
    """ElastiCache, always with TLS, encryption at rest and an auth token."""

    engine: CacheEngine = Field(default=CacheEngine.REDIS, description="What answers the Redis protocol.")
    engine_version: str = Field(default="7.1", description="Major and minor version, in quotes.")
    node_type: Annotated[
        str, text(r"cache\.[a-z0-9]+\.[a-z0-9]+", "is not a cache node type", 'Write for example "cache.t4g.micro".')
    ] = Field(default="cache.t4g.micro", description="Size of every node.")
    nodes: Annotated[int, Field(strict=True, ge=1, le=6)] = Field(
        default=1,
        description="One primary and, from 2 on, replicas that take over, spread over the availability zones.",
    )
    port: Annotated[int, Field(strict=True, ge=1024, le=65535)] = Field(default=6379, description="Port it listens on.")
    snapshot_retention_days: Annotated[int, Field(strict=True, ge=0, le=35)] = Field(
        default=1, description="Days of daily snapshots; 0 takes none."
    )
    snapshot_window: DailyWindow = Field(default="03:00-04:00", description="When the daily snapshot is taken, UTC.")
    maintenance_window: WeeklyWindow = Field(
        default="sun:05:00-sun:06:00", description="When AWS patches, UTC; must not overlap the snapshot window."
    )
    final_snapshot: Flag = Field(default=False, description="Whether deleting the group leaves a last snapshot.")
    apply_immediately: Flag = Field(
        default=True, description="Whether changes that restart nodes come at once or in the maintenance window."
    )

    @property
    def parameter_group_family(self) -> str:
        """The family that goes with engine and version, e.g. `redis7`."""
        return parameter_group_family(self.engine.product, self.engine_version)


@rule(Cache, "engine", "engine_version")
def _known_version(cache: Cache, today: date) -> Iterator[Finding]:
    yield from version_findings(cache.engine.product, cache.engine_version, ("engine_version",), today)


@rule(Cache, "snapshot_window", "maintenance_window")
def _windows_apart(cache: Cache, _today: date) -> Iterator[Finding]:
    yield from clash("maintenance_window", cache.maintenance_window, "snapshot_window", cache.snapshot_window)
