"""EKS access entries, and the access policies associated with them."""

from __future__ import annotations

import uuid
from copy import deepcopy
from datetime import UTC, datetime

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.eks.pod_identities import check_role
from ils_sandbox.aws.overlay.eks.records import ACCESS_ENTRIES, Record, arn, find_cluster
from ils_sandbox.aws.overlay.world import Result, World
from ils_sandbox.aws.responses import AwsError

POLICY_ARN = "arn:aws:eks::aws:cluster-access-policy/"
POLICIES = (
    "AmazonEKSAdminPolicy",
    "AmazonEKSAdminViewPolicy",
    "AmazonEKSClusterAdminPolicy",
    "AmazonEKSEditPolicy",
    "AmazonEKSSecretReaderPolicy",
    "AmazonEKSViewPolicy",
)
"""Those for people; the ones for AWS's own services are left out."""
TYPES = ("STANDARD", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "EC2", "HYBRID_LINUX", "HYPERPOD_LINUX")


def create_access_entry(call: Call, world: World) -> Result:
    params = call.params
    cluster = _cluster(call, world)
    principal, kind = params["principalArn"], params.get("type") or "STANDARD"
    entries = world.table(ACCESS_ENTRIES, call)
    if f"{cluster}/{principal}" in entries:
        message = "The specified access entry resource is already in use on this cluster; it already exists."
        raise AwsError("ResourceInUseException", message)
    if kind not in TYPES:
        raise AwsError("InvalidParameterException", f"The specified type {kind} is none of {', '.join(TYPES)}")
    if ":role/" in principal:
        check_role(call, world, principal)
    groups = list(params.get("kubernetesGroups") or ())
    _check_groups(groups)
    now, name = datetime.now(UTC), principal.rpartition("/")[2]
    record = {
        "clusterName": cluster,
        "principalArn": principal,
        "kubernetesGroups": groups if kind == "STANDARD" else ["system:nodes"],
        "accessEntryArn": arn(call, f"access-entry/{cluster}/role/{call.account}/{name}/{uuid.uuid4()}"),
        "createdAt": now,
        "modifiedAt": now,
        "tags": dict(params.get("tags") or {}),
        "username": params.get("username") or _user_name(call, principal, kind),
        "type": kind,
        "policies": {},
    }
    entries[f"{cluster}/{principal}"] = record
    return {"accessEntry": _shown(record)}


def describe_access_entry(call: Call, world: World) -> Result:
    return {"accessEntry": _shown(_named(call, world))}


def list_access_entries(call: Call, world: World) -> Result:
    cluster, policy = _cluster(call, world), call.params.get("associatedPolicyArn")
    found = [
        record["principalArn"]
        for record in world.table(ACCESS_ENTRIES, call).values()
        if record["clusterName"] == cluster and (not policy or policy in record["policies"])
    ]
    return {"accessEntries": sorted(found)}


def update_access_entry(call: Call, world: World) -> Result:
    record, params = _named(call, world), call.params
    if "kubernetesGroups" in params:
        _check_groups(params["kubernetesGroups"])
        record["kubernetesGroups"] = list(params["kubernetesGroups"])
    if params.get("username"):
        record["username"] = params["username"]
    record["modifiedAt"] = datetime.now(UTC)
    return {"accessEntry": _shown(record)}


def delete_access_entry(call: Call, world: World) -> Result:
    record = _named(call, world)
    del world.table(ACCESS_ENTRIES, call)[f"{record['clusterName']}/{record['principalArn']}"]
    return {}


def associate_access_policy(call: Call, world: World) -> Result:
    record, params = _named(call, world), call.params
    policy, scope = params["policyArn"], params["accessScope"]
    if policy.removeprefix(POLICY_ARN) not in POLICIES:
        raise AwsError("InvalidParameterException", f"The policyArn {policy} is not valid")
    if record["type"] != "STANDARD":
        raise AwsError("InvalidRequestException", f"An entry of type {record['type']} takes no access policies")
    if (scope.get("type") == "namespace") != bool(scope.get("namespaces")):
        raise AwsError("InvalidParameterException", "A scope of type namespace, and no other, names its namespaces")
    now = datetime.now(UTC)
    before = record["policies"].get(policy)
    association = {
        "policyArn": policy,
        "accessScope": deepcopy(scope),
        "associatedAt": before["associatedAt"] if before else now,
        "modifiedAt": now,
    }
    record["policies"][policy] = association
    place = {"clusterName": record["clusterName"], "principalArn": record["principalArn"]}
    return {**place, "associatedAccessPolicy": deepcopy(association)}


def disassociate_access_policy(call: Call, world: World) -> Result:
    record, policy = _named(call, world), call.params["policyArn"]
    if policy not in record["policies"]:
        raise AwsError("ResourceNotFoundException", f"{policy} is not associated with {record['principalArn']}")
    del record["policies"][policy]
    return {}


def list_associated_access_policies(call: Call, world: World) -> Result:
    record = _named(call, world)
    place = {"clusterName": record["clusterName"], "principalArn": record["principalArn"]}
    return {**place, "associatedAccessPolicies": deepcopy(list(record["policies"].values()))}


def list_access_policies(_call: Call, _world: World) -> Result:
    return {"accessPolicies": [{"name": name, "arn": f"{POLICY_ARN}{name}"} for name in POLICIES]}


def _cluster(call: Call, world: World) -> str:
    """The cluster that the call names, if it has access entries."""
    cluster = find_cluster(call, world, call.params["clusterName"])
    if (cluster.get("accessConfig") or {}).get("authenticationMode") == "CONFIG_MAP":
        message = "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP]"
        raise AwsError("InvalidRequestException", f"{message} to perform this operation.")
    return str(cluster["name"])


def _named(call: Call, world: World) -> Record:
    cluster, principal = _cluster(call, world), call.params["principalArn"]
    record: Record | None = world.table(ACCESS_ENTRIES, call).get(f"{cluster}/{principal}")
    if record is None:
        message = (
            f"The specified principalArn could not be found. You can view your available access entries: {principal}"
        )
        raise AwsError("ResourceNotFoundException", message)
    return record


def _shown(record: Record) -> Result:
    return {key: deepcopy(value) for key, value in record.items() if key != "policies"}


def _check_groups(groups: list[str]) -> None:
    own = [group for group in groups if group.startswith("system:")]
    if own:
        raise AwsError("InvalidParameterException", f"The kubernetes group name {own[0]} must not start with system:")


def _user_name(call: Call, principal: str, kind: str) -> str:
    if kind != "STANDARD":
        return "system:node:{{EC2PrivateDNSName}}"
    if ":role/" in principal:
        return f"arn:aws:sts::{call.account}:assumed-role/{principal.rpartition('/')[2]}/{{{{SessionName}}}}"
    return principal
