"""Changes of EKS clusters and node groups: each is an update that can be described until it is over."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay import durations
from ils_sandbox.aws.overlay.eks.clusters import logging_of
from ils_sandbox.aws.overlay.eks.nodegroups import check_scaling, launch_template
from ils_sandbox.aws.overlay.eks.records import UPDATES, Record, find_cluster, find_nodegroup
from ils_sandbox.aws.overlay.eks.versions import BY_NAME, creatable, node_release
from ils_sandbox.aws.overlay.world import Result, World
from ils_sandbox.aws.responses import AwsError

# Part of the cluster that the caller names -> type of the update.
CLUSTER_UPDATES = {
    "logging": "LoggingUpdate",
    "resourcesVpcConfig": "EndpointAccessUpdate",
    "accessConfig": "AccessConfigUpdate",
    "upgradePolicy": "UpgradePolicyUpdate",
    "zonalShiftConfig": "ZonalShiftConfigUpdate",
    "computeConfig": "AutoModeUpdate",
    "kubernetesNetworkConfig": "AutoModeUpdate",
    "storageConfig": "AutoModeUpdate",
    "remoteNetworkConfig": "RemoteNetworkConfigUpdate",
    "deletionProtection": "DeletionProtectionUpdate",
    "controlPlaneScalingConfig": "ControlPlaneScalingConfigUpdate",
}


def update_cluster_config(call: Call, world: World) -> Result:
    record = changeable(find_cluster(call, world, call.params["name"]))
    named = [key for key in CLUSTER_UPDATES if call.params.get(key) is not None]
    if not named:
        raise AwsError("InvalidParameterException", "The type for cluster update was not provided.")
    changed = {key: _changed(record, key, call.params[key]) for key in named}
    if all(record.get(key) == value for key, value in changed.items()):
        kind = "config" if len(named) > 1 else named[0]
        raise AwsError("InvalidParameterException", f"No changes needed for the {kind} provided")
    record.update(changed)
    return begin_update(
        call, world, record, CLUSTER_UPDATES[named[0]], changed.items(), durations.EKS_CLUSTER_UPDATE_CONFIG
    )


def update_cluster_version(call: Call, world: World) -> Result:
    record = changeable(find_cluster(call, world, call.params["name"]))
    version = creatable(call.params["version"])
    current, wanted = _minor(record["version"]), _minor(version.version)
    if wanted != current + 1:
        message = (
            f"Unsupported Kubernetes minor version update from {record['version']} to {version.version}"
            if wanted != current
            else f"Cluster is already at the desired configuration with version: {version.version}"
        )
        raise AwsError("InvalidParameterException", message)
    record.update(version=version.version, platformVersion=version.platform)
    changes = (("Version", version.version), ("PlatformVersion", version.platform))
    return begin_update(call, world, record, "VersionUpdate", changes, durations.EKS_CLUSTER_UPDATE_VERSION)


def update_nodegroup_config(call: Call, world: World) -> Result:
    params = call.params
    record = changeable(find_nodegroup(call, world, params["clusterName"], params["nodegroupName"]))
    changed: dict[str, Any] = {}
    if params.get("scalingConfig"):
        changed["scalingConfig"] = {**record["scalingConfig"], **params["scalingConfig"]}
        check_scaling(changed["scalingConfig"])
    if params.get("labels"):
        removed = params["labels"].get("removeLabels") or ()
        kept = {key: value for key, value in record["labels"].items() if key not in removed}
        changed["labels"] = {**kept, **(params["labels"].get("addOrUpdateLabels") or {})}
    if params.get("taints"):
        changed["taints"] = _taints(record.get("taints") or [], params["taints"])
    for key in ("updateConfig", "nodeRepairConfig", "warmPoolConfig"):
        if params.get(key):
            changed[key] = deepcopy(params[key])
    record.update(changed, modifiedAt=datetime.now(UTC))
    return begin_update(call, world, record, "ConfigUpdate", changed.items(), durations.EKS_NODEGROUP_UPDATE_CONFIG)


def update_nodegroup_version(call: Call, world: World) -> Result:
    params = call.params
    cluster = find_cluster(call, world, params["clusterName"])
    record = changeable(find_nodegroup(call, world, params["clusterName"], params["nodegroupName"]))
    version = params.get("version") or (record["version"] if params.get("launchTemplate") else cluster["version"])
    if version not in BY_NAME or _minor(version) > _minor(cluster["version"]):
        message = f"Node group version {version} must not be newer than the cluster's {cluster['version']}"
        raise AwsError("InvalidParameterException", message)
    changed = {"version": version, "releaseVersion": params.get("releaseVersion") or node_release(BY_NAME[version])}
    template = launch_template(call, world, params.get("launchTemplate"))
    if template is not None:
        changed["launchTemplate"] = template["reference"]
    record.update(changed, modifiedAt=datetime.now(UTC))
    return begin_update(call, world, record, "VersionUpdate", changed.items(), durations.EKS_NODEGROUP_UPDATE_VERSION)


def describe_update(call: Call, world: World) -> Result:
    params = call.params
    owner = _owner(call, world)
    update = world.table(UPDATES, call).get(f"{owner}/{params['updateId']}")
    if update is None:
        raise AwsError("ResourceNotFoundException", f"No update found for ID: {params['updateId']}")
    return {"update": _described(world, update)}


def list_updates(call: Call, world: World) -> Result:
    owner = _owner(call, world)
    updates = world.table(UPDATES, call).values()
    return {"updateIds": [update["id"] for update in updates if update["owner"] == owner]}


def _owner(call: Call, world: World) -> str:
    """The cluster or the node group that the call names, as updates are kept. Raises ResourceNotFoundException."""
    cluster = find_cluster(call, world, call.params["name"])["name"]
    if call.params.get("addonName"):
        return f"{cluster}/addons/{call.params['addonName']}"
    if not call.params.get("nodegroupName"):
        return str(cluster)
    nodegroup = find_nodegroup(call, world, cluster, call.params["nodegroupName"])
    return f"{cluster}/{nodegroup['nodegroupName']}"


def changeable(record: Record) -> Record:
    """The record itself. Raises ResourceInUseException unless it is ACTIVE."""
    if record["status"] != "ACTIVE":
        what = "Nodegroup" if "nodegroupName" in record else "Addon" if "addonName" in record else "Cluster"
        name = record.get("nodegroupName") or record.get("addonName") or record["name"]
        message = f"{what} '{name}' has status {record['status']}; it can be changed when it is ACTIVE"
        raise AwsError("ResourceInUseException", message)
    return record


def _changed(record: Record, key: str, given: Any) -> Any:
    """A part of a cluster after the change."""
    if key == "logging":
        return logging_of(given, record["logging"])
    if not isinstance(given, dict):
        return given
    changed = {**(record.get(key) or {}), **deepcopy(given)}
    if key == "resourcesVpcConfig" and changed["endpointPublicAccess"] and not changed["publicAccessCidrs"]:
        changed["publicAccessCidrs"] = ["0.0.0.0/0"]
    return changed


def _taints(current: list[dict[str, str]], change: dict[str, Any]) -> list[dict[str, str]]:
    kept = {(taint["key"], taint["effect"]): taint for taint in current}
    for taint in change.get("removeTaints") or ():
        kept.pop((taint["key"], taint["effect"]), None)
    for taint in change.get("addOrUpdateTaints") or ():
        kept[(taint["key"], taint["effect"])] = taint
    return list(kept.values())


def _minor(version: str) -> int:
    return int(version.rpartition(".")[2])


def begin_update(
    call: Call, world: World, record: Record, kind: str, changes: Iterable[tuple[str, Any]], minutes: float
) -> Result:
    """Let a change begin that takes so many AWS minutes; the answer to the call that asked for it."""
    key = record.get("arn") or record.get("nodegroupArn") or record["addonArn"]
    owner = record.get("name", "")
    if "nodegroupName" in record:
        owner = f"{record['clusterName']}/{record['nodegroupName']}"
    elif "addonName" in record:
        owner = f"{record['clusterName']}/addons/{record['addonName']}"
    update = {
        "id": str(uuid.uuid4()),
        "owner": owner,
        "key": key,
        "type": kind,
        "params": [
            {"type": name[:1].upper() + name[1:], "value": value if isinstance(value, str) else json.dumps(value)}
            for name, value in changes
        ],
        "createdAt": datetime.now(UTC),
        "status": "InProgress",
        "errors": [],
    }
    # The one before is over, or the record could not be changed now.
    for earlier in world.table(UPDATES, call).values():
        if earlier["key"] == key:
            earlier["status"] = "Successful"
    world.table(UPDATES, call)[f"{owner}/{update['id']}"] = update
    record["status"] = "UPDATING"
    world.lifecycles.begin(key, "UPDATING", minutes)
    return {"update": _described(world, update)}


def _described(world: World, update: Record) -> Result:
    if update["status"] == "InProgress" and world.lifecycles.phase(update["key"]) is None:
        update["status"] = "Successful"
    return {key: deepcopy(value) for key, value in update.items() if key not in ("owner", "key")}
