"""What is known of a piece beyond what all pieces have, by kind: what a restore and its verification need."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


def _is_none(value: object) -> bool:
    """Left out, where older sets do not have it: their manifests are signed as they are."""
    return value is None


class PieceKind(StrEnum):
    """What a set is made of."""

    DATABASE_SNAPSHOT = "database-snapshot"
    DATABASE_SNAPSHOT_COPY = "database-snapshot-copy"
    DATABASE_DUMP = "database-dump"
    TABLE_BACKUP = "table-backup"
    TABLE_EXPORT = "table-export"
    CACHE_SNAPSHOT = "cache-snapshot"
    CACHE_EXPORT = "cache-export"
    KUBERNETES_OBJECTS = "kubernetes-objects"
    STACK_STATE = "stack-state"


class Record(BaseModel):
    """A frozen part of a manifest; what it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseSnapshot(Record):
    """An Aurora cluster snapshot."""

    kind: Literal[PieceKind.DATABASE_SNAPSHOT] = PieceKind.DATABASE_SNAPSHOT
    snapshot: str
    cluster: str
    engine: str
    engine_version: str
    key_arn: str


class DatabaseSnapshotCopy(Record):
    """The copy of the snapshot in the other region, under that region's key."""

    kind: Literal[PieceKind.DATABASE_SNAPSHOT_COPY] = PieceKind.DATABASE_SNAPSHOT_COPY
    snapshot: str
    source_arn: str
    engine: str
    engine_version: str
    key_arn: str


class TableState(Record):
    """The rows of one database table, whatever order they are in."""

    name: str
    """With its schema, e.g. `ils.orders`, quoted where SQL would ask for it."""
    rows: int
    checksum: str
    """See `fingerprint`."""


class DatabaseState(Record):
    """What a database held at one moment: `fingerprint` of a restored one gives the same."""

    schema_sha256: str
    """Of every schema, table, column, constraint, index, view, function, trigger and type."""
    tables: tuple[TableState, ...]
    sequences: tuple[tuple[str, int | None], ...]
    """Name and last value. Sequences are in no transaction: a restored one may be ahead of this, never behind."""
    extensions: tuple[tuple[str, str], ...]
    """Name and version."""


class DatabaseDump(Record):
    """A `pg_dump` in custom format, and the database's state in the snapshot that the dump saw."""

    kind: Literal[PieceKind.DATABASE_DUMP] = PieceKind.DATABASE_DUMP
    database: str
    server_version: str
    dump_version: str
    """Of pg_dump."""
    position: str
    """In the write-ahead log, at or just after the snapshot."""
    state: DatabaseState


class IndexShape(Record):
    """A global secondary index."""

    name: str
    keys: tuple[str, ...]
    projection: str


class KeptTable(Record):
    """A DynamoDB table beside its items: what a table that is restored has lost."""

    table: str
    table_arn: str
    key_arn: str | None
    ttl_attribute: str | None
    indexes: tuple[IndexShape, ...]
    point_in_time_recovery: bool
    recovery_days: int | None
    deletion_protection: bool
    stream: str | None
    """StreamViewType."""
    table_tags: tuple[tuple[str, str], ...]


class TableBackup(KeptTable):
    """A DynamoDB on-demand backup."""

    kind: Literal[PieceKind.TABLE_BACKUP] = PieceKind.TABLE_BACKUP
    items: int
    """As DynamoDB counts them, about every six hours."""


class ObjectRef(Record):
    """One version of one object in the bucket. The copy in the other region has the same key and version."""

    bucket: str
    key: str
    version: str


class KeptFile(Record):
    """One of several objects that a piece is made of."""

    object: ObjectRef
    size: int
    sha256: str


class TableExport(KeptTable):
    """A DynamoDB export of a table, gzipped DynamoDB JSON as AWS lays it out, of which a table is made in any region."""

    kind: Literal[PieceKind.TABLE_EXPORT] = PieceKind.TABLE_EXPORT
    keys: tuple[str, ...]
    """Of the table, e.g. `sessionId HASH`."""
    attributes: tuple[tuple[str, str], ...]
    """Name and type of whatever is part of a key of the table or of an index."""
    data: str
    """Key prefix of the files that hold items, and of nothing else."""
    files: tuple[KeptFile, ...]
    """Those, and the lists that AWS wrote of them."""
    items: int
    checksum: str
    """Of all items; see `items`."""


class CacheSnapshot(Record):
    """An ElastiCache snapshot of one node of each shard."""

    kind: Literal[PieceKind.CACHE_SNAPSHOT] = PieceKind.CACHE_SNAPSHOT
    snapshot: str
    replication_group: str
    engine: str
    engine_version: str
    node_type: str
    key_arn: str | None


class CacheKeys(Record):
    """Those keys of a cache that go within one stretch of time."""

    begin: datetime | None
    """Until then all of them are there; None for those that stay."""
    count: int
    """Keys; a field of a hash that has a time of its own counts as one."""
    checksum: str
    """Of key, type, value and end of each; see `cache_state`."""


class CacheState(Record):
    """What a cache held at one moment: `read_cache` of a restored one gives the same, but for keys that have run out."""

    at: datetime
    keys: tuple[CacheKeys, ...]


class CacheExport(Record):
    """An ElastiCache snapshot as an RDB file, with which a cache begins in any region."""

    kind: Literal[PieceKind.CACHE_EXPORT] = PieceKind.CACHE_EXPORT
    snapshot: str
    replication_group: str
    engine: str
    engine_version: str
    node_type: str
    state: CacheState | None = Field(default=None, exclude_if=_is_none)
    """Of the file, read back from the set; None when it has what only the engine can read, and in sets of before."""


class KubernetesObjects(Record):
    """The objects of the application's namespace and those of the cluster that concern it, gzipped JSON lines.

    Secrets are listed with the names of their keys, never with values: those come from Secrets Manager.
    """

    kind: Literal[PieceKind.KUBERNETES_OBJECTS] = PieceKind.KUBERNETES_OBJECTS
    cluster: str
    namespace: str
    counts: tuple[tuple[str, int], ...]
    """By kind, e.g. `Deployment`."""


class StackState(Record):
    """The checkpoint of one stack, gzipped JSON, its secrets encrypted as Pulumi keeps them."""

    kind: Literal[PieceKind.STACK_STATE] = PieceKind.STACK_STATE
    layer: str
    stack: str
    resources: int


Details = Annotated[
    DatabaseSnapshot
    | DatabaseSnapshotCopy
    | DatabaseDump
    | TableBackup
    | TableExport
    | CacheSnapshot
    | CacheExport
    | KubernetesObjects
    | StackState,
    Field(discriminator="kind"),
]


class Piece(Record):
    """One thing that a set is made of."""

    name: str
    """In the set, e.g. `database-dump` or `table-backup-sessions`."""
    region: str
    arn: str | None = None
    """Of what an AWS service keeps, or wrote into files; either this or `object` is there."""
    object: ObjectRef | None = None
    size: int
    """Bytes; what the service says for what it keeps itself."""
    sha256: str | None = None
    """Of the object."""
    started: datetime
    finished: datetime
    consistency_point: datetime
    """The moment whose state the piece holds."""
    details: Details

    @property
    def kind(self) -> PieceKind:
        return self.details.kind
