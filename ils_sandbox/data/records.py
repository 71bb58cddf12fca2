"""What the data plane keeps of each cluster, cache and snapshot, and what the control API takes and gives."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from ils_sandbox.state import write_atomically


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Endpoint(Record):
    """Where something listens: always a loopback address."""

    address: str
    port: int


class Login(Record):
    """The administrator of a database. The password itself is kept nowhere here."""

    user: str
    verifier: str
    """What PostgreSQL stores for SCRAM-SHA-256."""


class Origin(Record):
    """What a new cluster begins with."""

    kind: Literal["empty", "snapshot", "time"] = "empty"
    source: str = ""
    """Id of the snapshot, or of the cluster."""
    time: datetime | None = None
    """The moment to go back to; None is the latest there is."""


class ClusterOrder(Record):
    """A cluster to be made. What an origin other than `empty` brings along may be left out."""

    name: str
    port: int
    database: str | None = None
    login: Login | None = None
    force_ssl: bool = False
    retention_days: int = 1
    """How far back anybody may go in time."""
    origin: Origin = Origin()


class ClusterRecord(Record):
    """A cluster that exists."""

    id: str
    name: str
    created: datetime
    writer: Endpoint
    reader: Endpoint
    database: str | None
    login: Login | None
    """None until the cluster that it comes from is known to be complete."""
    force_ssl: bool
    retention_days: int = 35
    """The longest that RDS knows, where a record of before does not say."""
    stopped: bool = False
    populated: bool = False
    """Whether there are files. Until the first connection there are none."""
    origin: Origin = Origin()
    """What it is still to begin with."""


class ClusterChange(Record):
    name: str | None = None
    login: Login | None = None
    force_ssl: bool | None = None
    retention_days: int | None = None
    stopped: bool | None = None


class SnapshotOrder(Record):
    """A snapshot to be taken of a cluster or cache, or to be copied from another."""

    source: str = ""
    copy_of: str = ""


class SnapshotRecord(Record):
    """A snapshot that is complete."""

    populated: bool
    """False: of a cluster or cache that nobody had connected to yet, so that there is nothing to keep."""
    database: str | None = None
    login: Login | None = None
    """Both of a cluster."""


class Tokens(Record):
    """Who may enter a cache."""

    hashes: tuple[str, ...] = ()
    """SHA-256 of each auth token that is accepted, in hexadecimal."""
    open: bool = False
    """Whether clients without a token are let in (too)."""


class CacheOrder(Record):
    """A cache to be made."""

    name: str
    port: int
    tls: bool
    tokens: Tokens
    maxmemory_policy: str = "volatile-lru"
    snapshot: str = ""
    """Id of the snapshot whose contents it begins with."""


class CacheRecord(Record):
    """A cache that exists."""

    id: str
    name: str
    writer: Endpoint
    reader: Endpoint
    tls: bool
    tokens: Tokens
    maxmemory_policy: str
    snapshot: str = ""
    """What it is still to begin with."""


class CacheChange(Record):
    tokens: Tokens | None = None
    tls: bool | None = None
    maxmemory_policy: str | None = None


class State(Record):
    """How it stands with a cluster, cache or snapshot."""

    state: Literal["working", "ready", "failed"]
    reason: str = ""
    writer: Endpoint | None = None
    reader: Endpoint | None = None
    size_bytes: int = 0


AnyRecord = TypeVar("AnyRecord", bound=Record)


def load(kind: type[AnyRecord], folder: Path) -> AnyRecord:
    """The record in a folder. Raises FileNotFoundError and pydantic's ValidationError."""
    return kind.model_validate_json((folder / "record.json").read_bytes())


def save(record: Record, folder: Path) -> None:
    write_atomically(folder / "record.json", record.model_dump_json(indent=1).encode())
