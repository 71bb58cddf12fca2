"""EKS add-ons: CREATING, then ACTIVE by the sandbox's clock."""

from __future__ import annotations

import uuid
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay import durations
from ils_sandbox.aws.overlay.eks.addon_versions import BY_ADDON
from ils_sandbox.aws.overlay.eks.pod_identities import check_role, new_association
from ils_sandbox.aws.overlay.eks.records import ADDONS, ASSOCIATIONS, Record, arn, find_cluster
from ils_sandbox.aws.overlay.eks.updates import begin_update, changeable
from ils_sandbox.aws.overlay.world import Result, World
from ils_sandbox.aws.responses import AwsError


def find_addon(call: Call, world: World, cluster: str, name: str) -> Record:
    """The add-on as it is kept, its status brought up to date. Raises ResourceNotFoundException."""
    addons = world.table(ADDONS, call)
    record: Record | None = addons.get(f"{cluster}/{name}")
    if record is not None and world.lifecycles.phase(record["addonArn"]) is None:
        if record["status"] == "DELETING":
            del addons[f"{cluster}/{name}"]
            record = None
        else:
            record["status"] = "ACTIVE"
    if record is None:
        raise AwsError("ResourceNotFoundException", f"No addon: {name} found in cluster: {cluster}")
    return record


def create_addon(call: Call, world: World) -> Result:
    params = call.params
    cluster = find_cluster(call, world, params["clusterName"])
    if cluster["status"] not in ("ACTIVE", "UPDATING"):
        raise AwsError("InvalidRequestException", f"Cluster '{cluster['name']}' is not in ACTIVE status")
    name, key = params["addonName"], f"{cluster['name']}/{params['addonName']}"
    version = _version(name, cluster["version"], params.get("addonVersion"))
    existing = world.table(ADDONS, call).get(key)
    if existing is not None:
        if params.get("clientRequestToken") and existing["clientRequestToken"] == params["clientRequestToken"]:
            return {"addon": deepcopy(existing)}
        raise AwsError("ResourceInUseException", f"Addon already exists: {name}")
    if params.get("serviceAccountRoleArn"):
        check_role(call, world, params["serviceAccountRoleArn"])
    now = datetime.now(UTC)
    record = {
        "addonName": name,
        "clusterName": cluster["name"],
        "status": "CREATING",
        "addonVersion": version,
        "health": {"issues": []},
        "addonArn": arn(call, f"addon/{cluster['name']}/{name}/{uuid.uuid4()}"),
        "createdAt": now,
        "modifiedAt": now,
        "serviceAccountRoleArn": params.get("serviceAccountRoleArn"),
        "tags": dict(params.get("tags") or {}),
        "configurationValues": params.get("configurationValues"),
        "namespaceConfig": params.get("namespaceConfig") or {"namespace": BY_ADDON[name].namespace},
        "publisher": BY_ADDON[name].publisher,
        "owner": "aws",
        "clientRequestToken": params.get("clientRequestToken"),
    }
    _own(call, world, record, params.get("podIdentityAssociations") or [])
    world.table(ADDONS, call)[key] = record
    world.lifecycles.begin(record["addonArn"], "CREATING", durations.EKS_ADDON_CREATE)
    return {"addon": deepcopy(record)}


def describe_addon(call: Call, world: World) -> Result:
    return {"addon": deepcopy(_named(call, world))}


def list_addons(call: Call, world: World) -> Result:
    cluster = find_cluster(call, world, call.params["clusterName"])["name"]
    return {"addons": sorted(record["addonName"] for record in addons_of(call, world, cluster))}


def addons_of(call: Call, world: World, cluster: str) -> list[Record]:
    found = []
    for key in [key for key in world.table(ADDONS, call) if key.startswith(f"{cluster}/")]:
        try:
            found.append(find_addon(call, world, cluster, key.partition("/")[2]))
        except AwsError:
            continue  # its deletion is over by now
    return found


def update_addon(call: Call, world: World) -> Result:
    params = call.params
    record = changeable(_named(call, world))
    cluster = find_cluster(call, world, params["clusterName"])
    changed: dict[str, Any] = {
        key: params[key] or None for key in ("serviceAccountRoleArn", "configurationValues") if key in params
    }
    if changed.get("serviceAccountRoleArn"):
        check_role(call, world, changed["serviceAccountRoleArn"])
    if params.get("addonVersion"):
        changed["addonVersion"] = _version(record["addonName"], cluster["version"], params["addonVersion"])
    record.update(changed, modifiedAt=datetime.now(UTC))
    if "podIdentityAssociations" in params:
        _disown(call, world, record)
        _own(call, world, record, params["podIdentityAssociations"])
    return begin_update(call, world, record, "AddonUpdate", changed.items(), durations.EKS_ADDON_UPDATE)


def delete_addon(call: Call, world: World) -> Result:
    record = _named(call, world)
    if record["status"] != "DELETING":
        record["status"] = "DELETING"
        _disown(call, world, record)
        world.lifecycles.begin(record["addonArn"], "DELETING", durations.EKS_ADDON_DELETE)
    return {"addon": deepcopy(record)}


def _named(call: Call, world: World) -> Record:
    """The add-on that the call names."""
    cluster = find_cluster(call, world, call.params["clusterName"])
    return find_addon(call, world, cluster["name"], call.params["addonName"])


def _version(name: str, kubernetes: str, wanted: str | None) -> str:
    addon = BY_ADDON.get(name)
    offered = addon.versions(kubernetes) if addon else ()
    if not offered:
        raise AwsError("InvalidParameterException", f"Addon {name} specified is not supported in {kubernetes}")
    if wanted and wanted not in offered:
        raise AwsError("InvalidParameterException", f"Addon version specified is not supported: {name} {wanted}")
    return wanted or offered[0]


def _own(call: Call, world: World, record: Record, wanted: list[dict[str, str]]) -> None:
    """Make the pod identity associations that belong to the add-on."""
    made = [
        new_association(
            call,
            world,
            {
                "clusterName": record["clusterName"],
                "namespace": record["namespaceConfig"]["namespace"],
                "ownerArn": record["addonArn"],
                **each,
            },
        )
        for each in wanted
    ]
    record["podIdentityAssociations"] = [association["associationArn"] for association in made]


def _disown(call: Call, world: World, record: Record) -> None:
    associations = world.table(ASSOCIATIONS, call)
    for key in [key for key, each in associations.items() if each.get("ownerArn") == record["addonArn"]]:
        del associations[key]
    record["podIdentityAssociations"] = []
