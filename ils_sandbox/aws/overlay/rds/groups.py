"""Subnet groups and cluster parameter groups."""

from __future__ import annotations

from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.rds.clusters import CLUSTERS
from ils_sandbox.aws.overlay.rds.databases import change_database, forces_ssl
from ils_sandbox.aws.overlay.world import MotoRefusedError, Result, World
from ils_sandbox.aws.responses import AwsError
from ils_sandbox.data.records import ClusterChange


def create_db_subnet_group(call: Call, world: World) -> Result:
    name = call.params["DBSubnetGroupName"].lower()
    if name in world.backend(call, "rds").subnet_groups:
        raise AwsError("DBSubnetGroupAlreadyExistsFault", f"The DB subnet group {name} already exists.")
    # RDS keeps the name in lower case.
    return world.forward(call, {**call.params, "DBSubnetGroupName": name})


def modify_db_subnet_group(call: Call, world: World) -> Result:
    """moto takes the group out of its list to change it, and does not put it back."""
    groups = world.backend(call, "rds").subnet_groups
    name = call.params["DBSubnetGroupName"]
    if name not in groups:
        raise AwsError("DBSubnetGroupNotFoundFault", f"DB subnet group '{name}' does not exist.")
    group = groups[name]
    try:
        return world.forward(call)
    finally:
        groups[name] = group


def delete_db_subnet_group(call: Call, world: World) -> Result:
    name = call.params["DBSubnetGroupName"]
    users = [cluster["DBClusterIdentifier"] for cluster in _clusters(call, world) if cluster["DBSubnetGroup"] == name]
    if users:
        message = f"Cannot delete the subnet group '{name}' because {', '.join(users)} is still using it."
        raise AwsError("InvalidDBSubnetGroupStateFault", message)
    return world.forward(call)


def delete_db_cluster_parameter_group(call: Call, world: World) -> Result:
    name = call.params["DBClusterParameterGroupName"]
    clusters = _clusters(call, world)
    users = [each["DBClusterIdentifier"] for each in clusters if each.get("DBClusterParameterGroup") == name]
    if users:
        message = f"One or more DB clusters are still members of the parameter group {name}: {', '.join(users)}"
        raise AwsError("InvalidDBParameterGroupState", message)
    return world.forward(call)


def describe_db_cluster_parameters(call: Call, world: World) -> Result:
    """moto lists the parameters that were set, and no others."""
    name, source = call.params["DBClusterParameterGroupName"], call.params.get("Source")
    if name.startswith("default."):
        return {"Parameters": []}
    result = world.forward(call)
    parameters = [
        {"Source": "user", "ApplyType": "dynamic", "IsModifiable": True, "DataType": "string", **parameter}
        for parameter in result.get("Parameters", [])
        if source in (None, "user")
    ]
    return {**result, "Parameters": parameters}


def modify_db_cluster_parameter_group(call: Call, world: World) -> Result:
    result = world.forward(call)
    _let_databases_know(call, world)
    return result


def reset_db_cluster_parameter_group(call: Call, world: World) -> Result:
    name = call.params["DBClusterParameterGroupName"]
    group = world.backend(call, "rds").db_cluster_parameter_groups.get(name)
    if group is None:
        raise AwsError("DBParameterGroupNotFound", f"DBClusterParameterGroup not found: {name}")
    if call.params.get("ResetAllParameters"):
        group.parameters.clear()
    for parameter in call.params.get("Parameters") or ():
        group.parameters.pop(parameter["ParameterName"], None)
    _let_databases_know(call, world)
    return {"DBClusterParameterGroupName": name}


def _let_databases_know(call: Call, world: World) -> None:
    """A dynamic parameter acts at once on every cluster of its group."""
    name = call.params["DBClusterParameterGroupName"]
    for cluster in _clusters(call, world):
        if cluster.get("DBClusterParameterGroup") == name:
            extras = CLUSTERS.extras(call, world, cluster["DBClusterIdentifier"])
            change_database(world, extras, ClusterChange(force_ssl=forces_ssl(call, world, cluster)))


def _clusters(call: Call, world: World) -> list[dict[str, Any]]:
    """Every cluster, those that are being deleted included."""
    try:
        existing = world.invoke(call, "rds", "DescribeDBClusters").get("DBClusters", [])
    except MotoRefusedError:
        existing = []
    return [*existing, *CLUSTERS.ghosts.list(call, world).values()]
