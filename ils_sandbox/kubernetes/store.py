"""The objects of all clusters: in memory for reading, in SQLite so that they outlive the process.

Objects in the store are never changed in place: a write puts a new object there, so whoever holds one may keep it.
"""

from __future__ import annotations

import json
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ils_sandbox.kubernetes.kinds import BY_NAME, Kind

Object = dict[str, Any]

HISTORY = 1000
"""Events a watch can go back; an older resource version is answered with 410."""

_TABLES = """
CREATE TABLE IF NOT EXISTS clusters (
    name TEXT PRIMARY KEY, version TEXT NOT NULL, revision INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    cluster TEXT NOT NULL, api_version TEXT NOT NULL, kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    body TEXT NOT NULL, PRIMARY KEY (cluster, api_version, kind, namespace, name)
) WITHOUT ROWID;
"""


class EventType(StrEnum):
    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


@dataclass(frozen=True)
class Change:
    """One write. `previous` is the object before it, None for a creation."""

    type: EventType
    kind: Kind
    obj: Object
    previous: Object | None
    revision: int


Listener = Callable[[Change], None]


def namespace_of(obj: Object) -> str:
    return str(obj["metadata"].get("namespace", ""))


def name_of(obj: Object) -> str:
    return str(obj["metadata"]["name"])


class Cluster:
    """The objects of one cluster."""

    def __init__(self, database: Database, name: str, version: str, revision: int) -> None:
        self.name = name
        self.version = version
        self.revision = revision
        self.oldest_revision = revision
        """The state before this revision cannot be watched from any more."""
        self.listeners: list[Listener] = []
        self.history: deque[Change] = deque(maxlen=HISTORY)
        self._database = database
        self._objects: dict[Kind, dict[tuple[str, str], Object]] = {}

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        return self._objects.get(kind, {}).get((namespace, name))

    def objects(self, kind: Kind, namespace: str = "") -> list[Object]:
        """Objects of a kind, of one namespace or of all, in the order of namespace and name."""
        found = self._objects.get(kind, {})
        if namespace:
            return [found[key] for key in sorted(found) if key[0] == namespace]
        return [found[key] for key in sorted(found)]

    def contents(self, namespace: str) -> Iterator[tuple[Kind, Object]]:
        """Everything in a namespace."""
        for kind in list(self._objects):
            for obj in self.objects(kind, namespace):
                yield kind, obj

    def everything(self) -> Iterator[tuple[Kind, Object]]:
        for kind in list(self._objects):
            for obj in self.objects(kind):
                yield kind, obj

    def put(self, kind: Kind, obj: Object) -> Object:
        """Store `obj` under a new resource version and return it as stored."""
        key = (namespace_of(obj), name_of(obj))
        previous = self.get(kind, *key)
        stored = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.revision + 1)}}
        self._database.write(self, kind, key, json.dumps(stored, separators=(",", ":")))
        self._objects.setdefault(kind, {})[key] = stored
        self._changed(EventType.MODIFIED if previous else EventType.ADDED, kind, stored, previous)
        return stored

    def remove(self, kind: Kind, obj: Object) -> Object:
        """Remove an object and return its last state."""
        key = (namespace_of(obj), name_of(obj))
        self._database.write(self, kind, key, None)
        previous = self._objects[kind].pop(key)
        last = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.revision + 1)}}
        self._changed(EventType.DELETED, kind, last, previous)
        return last

    def restore(self, kind: Kind, obj: Object) -> None:
        """Take over an object that is in the database already."""
        self._objects.setdefault(kind, {})[namespace_of(obj), name_of(obj)] = obj

    def _changed(self, event: EventType, kind: Kind, obj: Object, previous: Object | None) -> None:
        self.revision += 1
        if len(self.history) == HISTORY:
            self.oldest_revision = self.history[0].revision
        change = Change(event, kind, obj, previous, self.revision)
        self.history.append(change)
        for listener in tuple(self.listeners):
            listener(change)


class Database:
    """The SQLite file. Every write is committed before it is answered; a killed process loses nothing answered."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(_TABLES)

    def load(self) -> dict[str, Cluster]:
        from ils_sandbox.kubernetes import custom_kinds  # which reads what is stored here

        clusters = {
            name: Cluster(self, name, version, revision)
            for name, version, revision in self._connection.execute("SELECT name, version, revision FROM clusters")
        }
        rows = self._connection.execute("SELECT cluster, api_version, kind, body FROM objects")
        custom = []
        for cluster, api_version, kind, body in rows:
            known = BY_NAME.get((api_version, kind))
            if known is None:
                custom.append((clusters[cluster], api_version, kind, json.loads(body)))
            else:
                clusters[cluster].restore(known, json.loads(body))
        for found, api_version, kind, obj in custom:  # their definitions are there now
            brought = custom_kinds.named(found, api_version, kind)
            if brought is not None:
                found.restore(brought, obj)
        return clusters

    def create_cluster(self, name: str, version: str) -> Cluster:
        self._connection.execute("INSERT INTO clusters VALUES (?, ?, 0)", (name, version))
        return Cluster(self, name, version, 0)

    def set_version(self, cluster: Cluster, version: str) -> None:
        self._connection.execute("UPDATE clusters SET version = ? WHERE name = ?", (version, cluster.name))
        cluster.version = version

    def delete_cluster(self, name: str) -> None:
        with self._connection:
            self._connection.execute("BEGIN")
            self._connection.execute("DELETE FROM objects WHERE cluster = ?", (name,))
            self._connection.execute("DELETE FROM clusters WHERE name = ?", (name,))

    def write(self, cluster: Cluster, kind: Kind, key: tuple[str, str], body: str | None) -> None:
        """Store an object's JSON (None: delete it) together with the cluster's next revision."""
        identity = (cluster.name, kind.api_version, kind.kind, *key)
        with self._connection:
            self._connection.execute("BEGIN")
            if body is None:
                self._connection.execute(
                    "DELETE FROM objects WHERE cluster=? AND api_version=? AND kind=? AND namespace=? AND name=?",
                    identity,
                )
            else:
                self._connection.execute("INSERT OR REPLACE INTO objects VALUES (?,?,?,?,?,?)", (*identity, body))
            self._connection.execute(
                "UPDATE clusters SET revision=? WHERE name=?", (cluster.revision + 1, cluster.name)
            )

    def close(self) -> None:
        self._connection.close()
