"""Restoring for real: beside what is live, under a name that people choose, to stay. Switching over is a step of its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from ils_pipelines.engine.models import Change, DiffKind, Operation, Plan, PropertyDiff
from ils_pipelines.operations.backup.bucket import SetBucket
from ils_pipelines.operations.backup.details import CacheSnapshot, DatabaseSnapshot, KeptTable, Piece, PieceKind
from ils_pipelines.operations.backup.manifest import Manifest
from ils_pipelines.operations.backup.pieces import cache_snapshot, table_backup
from ils_pipelines.operations.backup.places import find_places
from ils_pipelines.operations.backup.set_id import SetId
from ils_pipelines.operations.restore.cache import begin_cache, cache_flaws, cache_is_there, finish_cache
from ils_pipelines.operations.restore.database import (
    FromMoment,
    FromSnapshot,
    begin_cluster,
    cluster_flaws,
    cluster_is_there,
    finish_cluster,
)
from ils_pipelines.operations.restore.errors import RestoreFailed, restoring
from ils_pipelines.operations.restore.exports import begin_transfer, end_transfer, export_of
from ils_pipelines.operations.restore.ground import isolation_flaws, lay_ground, output
from ils_pipelines.operations.restore.place import Place, restore_place
from ils_pipelines.operations.restore.shapes import shape_of
from ils_pipelines.operations.restore.tables import (
    FromBackup,
    FromExport,
    FromTable,
    TableShape,
    begin_table,
    finish_import,
    finish_table,
    read_shape,
    shape_flaws,
    table_is_there,
)
from ils_pipelines.settings.layers import Layer

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target

PROJECT = "ils-restore"
TABLES = ("sessions", "analytics")
OnItem = Callable[[str, str], None]
"""Told what is restored, and `started` or `done`."""


class Store(StrEnum):
    DATABASE = "database"
    TABLES = "tables"
    CACHE = "cache"


@dataclass(frozen=True)
class Request:
    """What somebody wants back: a set, or what there was at a moment."""

    into: str
    set: str = ""
    moment: datetime | None = None
    stores: frozenset[Store] = frozenset(Store)


@dataclass(frozen=True)
class Item:
    """One thing that is restored."""

    store: Store
    name: str
    source: FromSnapshot | FromMoment | FromBackup | FromTable | FromExport | KeptExport
    shape: TableShape | None = None
    """Of a table."""


@dataclass(frozen=True)
class KeptExport:
    """The file of a cache in the set's bucket, from where it is put where ElastiCache reads it."""

    bucket: SetBucket
    piece: Piece

    def __str__(self) -> str:
        return f"file {self.bucket.place(self.piece.object.key if self.piece.object else '')}"


@dataclass(frozen=True)
class RestorePlan:
    """What a restore would make. Nothing that is there is changed."""

    environment: str
    place: Place
    items: tuple[Item, ...]
    manifest_sha256: str
    """Of the set; empty for a moment."""
    left_out: tuple[str, ...]
    """What was asked for and cannot be had, with the reason."""

    def as_plan(self) -> Plan:
        """As plans are approved."""
        changes = tuple(
            Change(
                urn=f"urn:restore:{self.environment}::{item.store.value}::{item.name}",
                type=f"restore:{item.store.value}",
                name=item.name,
                operation=Operation.CREATE,
                diffs=(PropertyDiff(path="source", kind=DiffKind.ADD, new=str(item.source)),),
            )
            for item in self.items
        )
        return Plan(project=PROJECT, stack=self.environment, changes=changes, unchanged=0)

    @property
    def digest(self) -> str:
        """Of everything that is said here."""
        said = [self.environment, self.place.name, self.manifest_sha256, [(i.name, str(i.source)) for i in self.items]]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def plan_restore(target: Target, request: Request) -> RestorePlan:
    """Look at what is to be restored. Changes nothing. Raises `RestoreFailed`, `BadName`, `NoSuchSet`, `SignatureInvalid`."""
    environment = target.environment
    place = restore_place(environment, request.into, region=environment.aws.region)
    if (request.moment is None) == (not request.set):
        raise RestoreFailed("expected a backup set (--set) or a moment (--to-time) to restore, and not both.")
    left_out: list[str] = []
    digest = ""
    if request.set:
        bucket = SetBucket(target, find_places(target).here)
        manifest = bucket.manifest(SetId.parse(environment.name, request.set))
        digest = manifest.digest
        items = tuple(_of_set(target, place, request, bucket, manifest))
        missing = request.stores - {item.store for item in items}
        left_out += [f"{store.value}: the set holds none" for store in sorted(missing)]
    else:
        items = tuple(_of_moment(target, place, request, left_out))
    if not items:
        raise RestoreFailed(f"expected something to restore, found nothing: {'; '.join(left_out)}")
    for item in items:
        with restoring(f"{item.store.value} {item.name}", str(item.source)):
            _is_there(target, place, item)
    return RestorePlan(environment.name, place, items, digest, tuple(left_out))


def _is_there(target: Target, place: Place, item: Item) -> bool:
    """Whether an earlier run made it. Raises `RestoreFailed` where the name is taken by anything else."""
    if isinstance(item.source, FromBackup | FromTable | FromExport):
        return table_is_there(target, place, item.name, item.source)
    if item.store is Store.DATABASE:
        return cluster_is_there(target, place, item.name, item.source)
    return cache_is_there(target, place, item.source)


def _of_set(target: Target, place: Place, request: Request, bucket: SetBucket, manifest: Manifest) -> Iterator[Item]:
    """What the services keep comes first; where that is gone, the exports of the set do."""
    if Store.DATABASE in request.stores:
        for piece in manifest.of_kind(PieceKind.DATABASE_SNAPSHOT):
            assert isinstance(piece.details, DatabaseSnapshot)  # noqa: S101
            yield Item(Store.DATABASE, place.name, FromSnapshot(piece.details.snapshot))
    if Store.TABLES in request.stores:
        for table in TABLES:
            backup, export = (manifest.piece(f"{kind.value}-{table}") for kind in _KINDS_OF_TABLES)
            source = _source_of_table(target, bucket, backup, export)
            kept = (backup or export) and (backup or export).details  # type: ignore[union-attr]
            if source is not None and isinstance(kept, KeptTable):
                yield Item(Store.TABLES, place.named(table), source, shape_of(kept))
    if Store.CACHE in request.stores:
        snapshot, file = (manifest.piece(kind.value) for kind in (PieceKind.CACHE_SNAPSHOT, PieceKind.CACHE_EXPORT))
        if snapshot is not None and (file is None or _has_snapshot(target, snapshot)):
            assert isinstance(snapshot.details, CacheSnapshot)  # noqa: S101
            yield Item(Store.CACHE, place.name, FromSnapshot(snapshot.details.snapshot))
        elif file is not None:
            yield Item(Store.CACHE, place.name, KeptExport(bucket, file))


_KINDS_OF_TABLES = (PieceKind.TABLE_BACKUP, PieceKind.TABLE_EXPORT)


def _source_of_table(
    target: Target, bucket: SetBucket, backup: Piece | None, export: Piece | None
) -> FromBackup | FromExport | None:
    if backup is not None and (
        export is None or table_backup.describe(target.client("dynamodb"), str(backup.arn)) is not None
    ):
        return FromBackup(str(backup.arn))
    return None if export is None else export_of(bucket, export)


def _has_snapshot(target: Target, piece: Piece) -> bool:
    assert isinstance(piece.details, CacheSnapshot)  # noqa: S101
    return cache_snapshot.describe(target.client("elasticache"), piece.details.snapshot) is not None


def _of_moment(target: Target, place: Place, request: Request, left_out: list[str]) -> Iterator[Item]:
    if Store.DATABASE in request.stores:
        cluster = str(output(target, Layer.DATABASE, "cluster_identifier"))
        yield Item(Store.DATABASE, place.name, FromMoment(cluster, request.moment))
    if Store.TABLES in request.stores:
        dynamodb = target.client("dynamodb")
        for table in TABLES:
            live = str(output(target, Layer.TABLES, f"{table}_table_name"))
            shape = read_shape(dynamodb, live)
            if shape.recovery_days is None:
                left_out.append(f"table {live}: point-in-time recovery is off (tables.recovery_days)")
            else:
                yield Item(Store.TABLES, place.named(table), FromTable(live, request.moment), shape)
    if Store.CACHE in request.stores:
        left_out.append("cache: ElastiCache goes back to snapshots, not to moments")


def carry_out(target: Target, plan: RestorePlan, *, on_item: OnItem = lambda _name, _what: None) -> None:
    """Restore everything, or what an interrupted run left undone, and look at it. Raises `RestoreFailed`."""
    ground = lay_ground(target, plan.place)
    flaws = list(isolation_flaws(target, ground))
    for item in plan.items:
        # All are begun before any is waited for.
        if isinstance(item.source, FromMoment) or (
            isinstance(item.source, FromSnapshot) and item.store is Store.DATABASE
        ):
            begin_cluster(target, plan.place, ground, item.source, item.name)
        elif isinstance(item.source, FromBackup | FromTable | FromExport):
            begin_table(target, plan.place, ground, item.name, item.source)
        elif isinstance(item.source, KeptExport):
            file = begin_transfer(target, plan.place, item.source.bucket, item.source.piece)
            begin_cache(target, plan.place, ground, file, _live_token(target))
        elif isinstance(item.source, FromSnapshot):
            begin_cache(target, plan.place, ground, item.source.snapshot, _live_token(target))
    for item in plan.items:
        on_item(f"{item.store.value} {item.name}", "started")
        if item.store is Store.DATABASE:
            finish_cluster(target, plan.place, ground, item.name)
            found = cluster_flaws(target, ground, item.name)
        elif item.shape is not None:
            if isinstance(item.source, FromExport):
                finish_import(target, plan.place, item.name)
            finish_table(target, plan.place, item.name, item.shape)
            found = list(shape_flaws(item.shape, read_shape(target.client("dynamodb"), item.name)))
        else:
            finish_cache(target, plan.place)
            found = cache_flaws(target, ground, item.name)
            if isinstance(item.source, KeptExport):
                end_transfer(target, plan.place)
        flaws += [f"{item.name}: {flaw}" for flaw in found]
        on_item(f"{item.store.value} {item.name}", "done")
    if flaws:
        raise RestoreFailed(f"what was restored is not as it should be: {'; '.join(flaws)}")


def _live_token(target: Target) -> str:
    """The application's own: after a switch-over it goes on with it."""
    secret = str(output(target, Layer.CACHE, "auth_token_secret_arn"))
    return str(target.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])
