"""EKS pod identity associations."""

from __future__ import annotations

import secrets
import string
import uuid
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.eks.records import ASSOCIATIONS, Record, arn, find_cluster
from ils_sandbox.aws.overlay.world import MotoRefusedError, Result, World
from ils_sandbox.aws.responses import AwsError

_LETTERS = string.ascii_lowercase + string.digits
_SHOWN_IN_LISTS = ("clusterName", "namespace", "serviceAccount", "associationArn", "associationId", "ownerArn")


def check_role(call: Call, world: World, role: str) -> None:
    """Raises InvalidParameterException unless the role exists."""
    try:
        world.invoke(call, "iam", "GetRole", RoleName=role.rpartition("/")[2])
    except MotoRefusedError as refused:
        raise AwsError("InvalidParameterException", f"The role {role} does not exist") from refused


def new_association(call: Call, world: World, params: dict[str, Any]) -> Record:
    """Keep an association. Raises ResourceInUseException when the service account has one."""
    associations = world.table(ASSOCIATIONS, call)
    cluster = params["clusterName"]
    place = (cluster, params["namespace"], params["serviceAccount"])
    for other in associations.values():
        if (other["clusterName"], other["namespace"], other["serviceAccount"]) == place:
            if params.get("clientRequestToken") and other["clientRequestToken"] == params["clientRequestToken"]:
                return other  # type: ignore[no-any-return]
            raise AwsError("ResourceInUseException", f"Association already exists: {other['associationId']}")
    check_role(call, world, params["roleArn"])
    id_ = "a-" + "".join(secrets.choice(_LETTERS) for _ in range(17))
    now = datetime.now(UTC)
    record = {
        "clusterName": cluster,
        "namespace": params["namespace"],
        "serviceAccount": params["serviceAccount"],
        "roleArn": params["roleArn"],
        "associationArn": arn(call, f"podidentityassociation/{cluster}/{id_}"),
        "associationId": id_,
        "tags": dict(params.get("tags") or {}),
        "createdAt": now,
        "modifiedAt": now,
        "ownerArn": params.get("ownerArn"),
        "disableSessionTags": bool(params.get("disableSessionTags")),
        "targetRoleArn": params.get("targetRoleArn"),
        "externalId": str(uuid.uuid4()) if params.get("targetRoleArn") else None,
        "policy": params.get("policy"),
        "clientRequestToken": params.get("clientRequestToken"),
    }
    associations[f"{cluster}/{id_}"] = record
    return record


def create_pod_identity_association(call: Call, world: World) -> Result:
    find_cluster(call, world, call.params["clusterName"])
    return {"association": deepcopy(new_association(call, world, call.params))}


def describe_pod_identity_association(call: Call, world: World) -> Result:
    return {"association": deepcopy(_named(call, world))}


def list_pod_identity_associations(call: Call, world: World) -> Result:
    params = call.params
    cluster = find_cluster(call, world, params["clusterName"])["name"]
    wanted = {key: params[key] for key in ("namespace", "serviceAccount") if params.get(key)}
    found = [
        {key: record[key] for key in _SHOWN_IN_LISTS}
        for record in world.table(ASSOCIATIONS, call).values()
        if record["clusterName"] == cluster and all(record[key] == value for key, value in wanted.items())
    ]
    return {"associations": found}


def update_pod_identity_association(call: Call, world: World) -> Result:
    record: Record = _named(call, world)
    params: dict[str, Any] = call.params
    if params.get("roleArn"):
        check_role(call, world, params["roleArn"])
    for key in ("roleArn", "disableSessionTags", "targetRoleArn", "policy"):
        if key in params:
            record[key] = params[key]
    record["modifiedAt"] = datetime.now(UTC)
    if record["targetRoleArn"] and not record["externalId"]:
        record["externalId"] = str(uuid.uuid4())
    return {"association": deepcopy(record)}


def delete_pod_identity_association(call: Call, world: World) -> Result:
    record = _named(call, world)
    if record.get("ownerArn"):
        message = f"Association {record['associationId']} belongs to {record['ownerArn']}: change it there"
        raise AwsError("InvalidRequestException", message)
    del world.table(ASSOCIATIONS, call)[f"{record['clusterName']}/{record['associationId']}"]
    return {"association": deepcopy(record)}


def _named(call: Call, world: World) -> Record:
    cluster = find_cluster(call, world, call.params["clusterName"])["name"]
    record: Record | None = world.table(ASSOCIATIONS, call).get(f"{cluster}/{call.params['associationId']}")
    if record is None:
        raise AwsError("ResourceNotFoundException", f"Association {call.params['associationId']} does not exist")
    return record
