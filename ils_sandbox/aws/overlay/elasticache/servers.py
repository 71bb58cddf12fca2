"""The real servers behind replication groups: what is done to a group is done to its data.

A group or snapshot remembers, as `data`, the id that the data plane knows it by. There is none without a data plane, nor
for groups in cluster mode, whose sharding is unsupported in the sandbox: those are bookkeeping alone.
"""

from __future__ import annotations

import hashlib
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.elasticache.parameter_groups import find_parameter_group
from ils_sandbox.aws.overlay.world import World
from ils_sandbox.aws.responses import AwsError
from ils_sandbox.data.records import CacheChange, CacheOrder, SnapshotOrder, State, Tokens

Record = dict[str, Any]

_POLICY = "maxmemory-policy"
_USUAL_POLICY = "volatile-lru"
_STATUS = {"working": "creating", "failed": "failed", "ready": "available"}


def make_server(call: Call, world: World, record: Record, token: str | None, snapshot: Record | None) -> None:
    """Have a server for a new group, with what a snapshot holds if one is named; keeps its endpoints in the record."""
    record["tokens"] = [_digest(token)] if token else []
    record["open"] = token is None
    if world.data is None or record["ClusterEnabled"]:
        return
    identifier = world.data.new_id()
    order = CacheOrder(
        name=record["ReplicationGroupId"],
        port=record["port"],
        tls=record["TransitEncryptionEnabled"],
        tokens=_tokens(record),
        maxmemory_policy=_policy(call, world, record),
        snapshot="" if snapshot is None else snapshot.get("data", ""),
    )
    state = world.data.make_cache(identifier, order)
    record["data"] = identifier
    record["restoring"] = bool(order.snapshot)
    for kind, endpoint in (("primary", state.writer), ("reader", state.reader)):
        if endpoint is not None:
            record[kind] = {"Address": endpoint.address, "Port": endpoint.port}


def change_token(world: World, record: Record, token: str | None, strategy: str | None) -> None:
    """Let in whom the group lets in after a change of its token.

    ROTATE adds a token beside the one in force; after the first one, clients without a token are still let in. SET leaves
    the newest alone.
    """
    if strategy == "DELETE":
        record.update(tokens=[], open=True)
    elif token is not None and strategy == "SET":
        record.update(tokens=[_digest(token)], open=False)
    elif token is not None:
        record["tokens"] = [*record["tokens"][-1:], _digest(token)]
    else:
        return
    record["token_since"] = world.lifecycles.now()
    pass_on_token(world, record)


def pass_on_token(world: World, record: Record) -> None:
    """Let the server know of a change of token whose time has come."""
    since = record.get("token_since")
    if since is not None and world.lifecycles.token_changed(since):
        del record["token_since"]
        change_server(world, record, CacheChange(tokens=_tokens(record)))


def change_server(world: World, record: Record, change: CacheChange) -> None:
    if world.data is not None and "data" in record:
        world.data.change_cache(record["data"], change)


def apply_parameters(call: Call, world: World, record: Record) -> None:
    """Let a change of the parameter group act on the group."""
    change_server(world, record, CacheChange(maxmemory_policy=_policy(call, world, record)))


def fail_over(world: World, record: Record) -> None:
    if world.data is not None and "data" in record:
        world.data.fail_over_cache(record["data"])


def delete_server(world: World, record: Record) -> None:
    if world.data is not None and "data" in record:
        world.data.delete_cache(record["data"])
    delete_data(world, record.pop("imported", {}))


def restoring(world: World, record: Record) -> str | None:
    """The status of a group whose data are being restored; None when they are there."""
    if not record.get("restoring") or world.data is None:
        return None
    state = world.data.cache(record["data"])
    if state.state == "ready":
        record["restoring"] = False
        delete_data(world, record.pop("imported", {}))
        return None
    return "creating" if state.state == "working" else "create-failed"


def copy_data(world: World, *, source: Record | None = None, copy_of: Record | None = None) -> Record:
    """Begin a snapshot of a group's data, or a copy of another snapshot; what is to be remembered of it."""
    origin = source or copy_of or {}
    if world.data is None or "data" not in origin:
        return {}
    identifier = world.data.new_id()
    order = SnapshotOrder(source=origin["data"]) if source else SnapshotOrder(copy_of=origin["data"])
    world.data.make_snapshot(identifier, order)
    return {"data": identifier}


def delete_data(world: World, snapshot: Record) -> None:
    if world.data is not None and "data" in snapshot:
        world.data.delete_snapshot(snapshot["data"])


def described_data(world: World, snapshot: Record) -> Record:
    """What a snapshot's description says of its data: how far it is, and how large."""
    state = _state(world, snapshot)
    if state is None:
        return {}
    megabytes = max(1, -(-state.size_bytes // 1_000_000))
    nodes = [{**node, "CacheSize": f"{megabytes} MB"} for node in snapshot["NodeSnapshots"]]
    return {"SnapshotStatus": _STATUS[state.state], "NodeSnapshots": nodes}


def require_complete(world: World, snapshot: Record) -> None:
    """Raises InvalidSnapshotState while a snapshot is incomplete."""
    state = _state(world, snapshot)
    if state is not None and state.state != "ready":
        message = f"Snapshot {snapshot['SnapshotName']} is not available: {state.reason or 'it is being created'}."
        raise AwsError("InvalidSnapshotState", message)


def _state(world: World, snapshot: Record) -> State | None:
    return None if world.data is None or "data" not in snapshot else world.data.snapshot(snapshot["data"])


def _tokens(record: Record) -> Tokens:
    return Tokens(hashes=tuple(record["tokens"]), open=record["open"])


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _policy(call: Call, world: World, record: Record) -> str:
    group = find_parameter_group(call, world, record["CacheParameterGroupName"])
    return str(group["parameters"].get(_POLICY) or _USUAL_POLICY)
