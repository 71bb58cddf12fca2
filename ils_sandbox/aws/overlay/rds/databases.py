"""The real databases behind clusters: what is done to a cluster is done to its data.

A cluster or snapshot remembers, as `data`, the id that the data plane knows it by. Without a data plane, when the AWS
server runs alone, there is none, and all this is bookkeeping.
"""

from __future__ import annotations

import json
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.world import MotoRefusedError, Result, World
from ils_sandbox.data.postgres.scram import scram_verifier
from ils_sandbox.data.records import ClusterChange, ClusterOrder, Login, Origin, SnapshotOrder

FORCE_SSL = "rds.force_ssl"
_FORCED_SINCE_MAJOR = 17
"""Aurora PostgreSQL's default of rds.force_ssl is 1 from this version on."""
_RESTORE_FAILED = "incompatible-restore"


def make_database(call: Call, world: World, extras: dict[str, Any], cluster: Result, origin: Origin) -> None:
    """Have a database for a new cluster; `extras` is what is remembered of it."""
    if world.data is None or (origin.kind != "empty" and not origin.source):
        return
    empty = origin.kind == "empty"
    identifier = world.data.new_id()
    order = ClusterOrder(
        name=cluster["DBClusterIdentifier"],
        port=cluster["Port"],
        database=cluster.get("DatabaseName") if empty else None,
        login=Login(user=cluster["MasterUsername"], verifier=_verifier(call, world, cluster)) if empty else None,
        force_ssl=forces_ssl(call, world, cluster),
        retention_days=cluster.get("BackupRetentionPeriod") or 1,
        origin=origin,
    )
    world.data.make_cluster(identifier, order)
    extras["data"] = identifier


def with_endpoints(world: World, cluster: Result) -> Result:
    """A described cluster with the endpoints that can be connected to, and what its data are busy with."""
    identifier = cluster.pop("data", None)
    if world.data is None or identifier is None:
        return cluster
    state = world.data.cluster(identifier)
    if state.writer is not None and state.reader is not None:
        cluster["Endpoint"], cluster["Port"] = state.writer.address, state.writer.port
        cluster["ReaderEndpoint"] = state.reader.address
    if cluster["Status"] == "available" and state.state != "ready":
        cluster["Status"] = "creating" if state.state == "working" else _RESTORE_FAILED
    return cluster


def change_login(call: Call, world: World, extras: dict[str, Any], cluster: Result) -> None:
    """Give the administrator the password that the call names, or that the managed secret now holds."""
    if world.data is not None and "data" in extras:
        login = Login(user=cluster["MasterUsername"], verifier=_verifier(call, world, cluster))
        world.data.change_cluster(extras["data"], ClusterChange(login=login))


def change_database(world: World, extras: dict[str, Any], change: ClusterChange) -> None:
    if world.data is not None and "data" in extras:
        world.data.change_cluster(extras["data"], change)


def take_snapshot(world: World, extras: dict[str, Any]) -> dict[str, Any]:
    """Begin a snapshot of a cluster's data; what is to be remembered of the snapshot."""
    if world.data is None or "data" not in extras:
        return {}
    identifier = world.data.new_id()
    world.data.make_snapshot(identifier, SnapshotOrder(source=extras["data"]))
    return {"data": identifier}


def delete_database(world: World, extras: dict[str, Any]) -> None:
    if world.data is not None and "data" in extras:
        world.data.delete_cluster(extras["data"])


def fail_over(world: World, extras: dict[str, Any]) -> None:
    if world.data is not None and "data" in extras:
        world.data.fail_over_cluster(extras["data"])


def forces_ssl(call: Call, world: World, cluster: Result) -> bool:
    """Whether the cluster's parameter group lets nobody in without TLS."""
    major = int(str(cluster["EngineVersion"]).partition(".")[0])
    default = major >= _FORCED_SINCE_MAJOR
    group = cluster.get("DBClusterParameterGroup") or ""
    try:
        found = world.invoke(call, "rds", "DescribeDBClusterParameters", DBClusterParameterGroupName=group)
    except MotoRefusedError:
        return default
    values = {each["ParameterName"]: each.get("ParameterValue") for each in found.get("Parameters", [])}
    return values[FORCE_SSL] in ("1", "on", "true") if values.get(FORCE_SSL) else default


def _verifier(call: Call, world: World, cluster: Result) -> str:
    password = call.params.get("MasterUserPassword")
    secret = cluster.get("MasterUserSecret")
    if password is None and secret is not None:
        stored = world.backend(call, "secretsmanager").secrets[secret["SecretArn"]]
        password = json.loads(stored.versions[stored.default_version_id]["secret_string"])["password"]
    # Without a password nobody can log in.
    return scram_verifier(password) if password else ""
