"""EKS: clusters and managed node groups."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ils_sandbox.provider.fields import MemberStyle, block, collection, flag, listing, mapping, number, text
from ils_sandbox.provider.resource import AutoName, Call, Custom, FindNamed, ResourceType, Scope, Update, Wait
from ils_sandbox.provider.tagging import map_tags
from ils_sandbox.provider.values import Plain

_NOT_FOUND = frozenset({"ResourceNotFoundException"})


def timestamp(value: Any) -> str | None:
    """A time as Pulumi's provider writes it."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if value is not None else None


def _log_types(types: list[str]) -> dict[str, Any]:
    """All types are listed when some are turned on: the others are turned off."""
    off = sorted(_ALL_LOG_TYPES - set(types))
    groups = [{"types": sorted(types), "enabled": True}, {"types": off, "enabled": False}]
    return {"clusterLogging": [group for group in groups if group["types"]]}


def _enabled_log_types(logging: Mapping[str, Any] | None) -> list[str] | None:
    groups = (logging or {}).get("clusterLogging") or ()
    return sorted(kind for group in groups if group.get("enabled") for kind in group["types"])


_ALL_LOG_TYPES = frozenset({"api", "audit", "authenticator", "controllerManager", "scheduler"})


def _encryption(value: Plain) -> list[Plain]:
    return [{"provider": {"keyArn": value["provider"]["keyArn"]}, "resources": list(value["resources"])}]


def _first(value: list[Plain] | None) -> Plain | None:
    return value[0] if value else None


def _identities(issuer: str | None) -> list[Plain] | None:
    return [{"oidcs": [{"issuer": issuer}]}] if issuer else None


def _without_reach(value: Plain) -> Plain:
    """The part of a VPC configuration that can change together with the endpoints' reach."""
    members = {
        "endpointPublicAccess": value.get("endpointPublicAccess"),
        "endpointPrivateAccess": value.get("endpointPrivateAccess"),
        "publicAccessCidrs": value.get("publicAccessCidrs"),
    }
    return {member: setting for member, setting in members.items() if setting is not None}


def _change_network(scope: Scope, name: str, old: Plain, new: Plain) -> None:
    """EKS changes the reach of the endpoints and the placement in two calls, one at a time."""
    before, after = old.get("vpcConfig", {}), new["vpcConfig"]
    if _without_reach(before) | _without_reach(after) != _without_reach(before):
        scope.call("update_cluster_config", name=name, resourcesVpcConfig=_without_reach(after))
    placement = {
        member: sorted(after.get(member, ()))
        for member in ("subnetIds", "securityGroupIds")
        if set(after.get(member, ())) != set(before.get(member, ()))
    }
    if placement:
        if _without_reach(before) | _without_reach(after) != _without_reach(before):
            _wait_active(scope, name)
        scope.call("update_cluster_config", name=name, resourcesVpcConfig=placement)


def _wait_active(scope: Scope, name: str) -> None:
    scope.wait(
        lambda: True if scope.call("describe_cluster", name=name)["cluster"]["status"] == "ACTIVE" else None,
        f"cluster {name} to become ACTIVE",
        _CLUSTER_READY.timeout,
    )


_CLUSTER_READY = Wait("status", frozenset({"ACTIVE"}), frozenset({"FAILED", "DELETING"}), timedelta(minutes=60))


def _upgrade(scope: Scope, id_: str, _old: Plain, new: Plain) -> None:
    """AWS may have taken it already, before a run that was killed could record it."""
    if scope.call("describe_cluster", name=id_)["cluster"]["version"] != new["version"]:
        scope.call("update_cluster_version", name=id_, version=new["version"])


CLUSTER = ResourceType(
    name="aws:eks/cluster:Cluster",
    service="eks",
    style=MemberStyle.CAMEL,
    inputs=(
        text("name", replace=True),
        text("roleArn", required=True, replace=True),
        text("version", computed=True),
        block(
            "vpcConfig",
            collection("subnetIds", required=True),
            collection("securityGroupIds"),
            flag("endpointPrivateAccess", default=False),
            flag("endpointPublicAccess", default=True),
            collection("publicAccessCidrs", computed=True),
            text("clusterSecurityGroupId", computed=True, sent=False),
            text("vpcId", computed=True, sent=False),
            member="resourcesVpcConfig",
            required=True,
        ),
        block(
            "kubernetesNetworkConfig",
            text("ipFamily", computed=True, replace=True),
            text("serviceIpv4Cidr", computed=True, replace=True),
            text("serviceIpv6Cidr", computed=True, replace=True),
            computed=True,
        ),
        block(
            "accessConfig",
            text("authenticationMode", computed=True, choices=("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")),
            flag("bootstrapClusterCreatorAdminPermissions", replace=True, computed=True),
            computed=True,
        ),
        block("upgradePolicy", text("supportType", computed=True, choices=("STANDARD", "EXTENDED")), computed=True),
        block("zonalShiftConfig", flag("enabled")),
        block(
            "encryptionConfig",
            block("provider", text("keyArn", required=True), required=True),
            collection("resources", required=True),
            replace=True,
            encode=_encryption,
            decode=_first,
        ),
        collection("enabledClusterLogTypes", member="logging", encode=_log_types, decode=_enabled_log_types),
        flag("bootstrapSelfManagedAddons", default=True, replace=True, returned=False),
        flag("deletionProtection", computed=True),
        flag("forceUpdateVersion", sent=False, returned=False),
    ),
    outputs=(
        text("arn"),
        text("endpoint"),
        text("status"),
        text("platformVersion"),
        text("createdAt", decode=timestamp),
        block("certificateAuthority", text("data")),
        listing("identities", source="identity.oidc.issuer", decode=_identities),
    ),
    naming=AutoName(longest=100),
    tagging=map_tags("resourceArn"),
    create=Call("create_cluster", result="cluster"),
    idempotency_member="clientRequestToken",
    id="name",
    ready=_CLUSTER_READY,
    read=Call("describe_cluster", {"name": "$id"}, "cluster"),
    missing=_NOT_FOUND,
    updates=(
        Custom(frozenset({"version"}), _upgrade),
        Custom(frozenset({"vpcConfig"}), _change_network),
        Update(frozenset({"enabledClusterLogTypes"}), Call("update_cluster_config", {"name": "$id"})),
        Update(
            frozenset({"accessConfig"}),
            Call("update_cluster_config", {"name": "$id"}),
            encode={"accessConfig": lambda value: {"authenticationMode": value["authenticationMode"]}},
        ),
        Update(frozenset({"upgradePolicy"}), Call("update_cluster_config", {"name": "$id"})),
        Update(frozenset({"zonalShiftConfig"}), Call("update_cluster_config", {"name": "$id"})),
        Update(frozenset({"deletionProtection"}), Call("update_cluster_config", {"name": "$id"})),
    ),
    updated=_CLUSTER_READY,
    delete=Call("delete_cluster", {"name": "$id"}),
    gone=True,
    find=FindNamed(lambda _scope, inputs: inputs.get("name")),
)


def _node_group_id(_scope: Scope, inputs: Plain, _described: Plain) -> str:
    return f"{inputs['clusterName']}:{inputs['nodeGroupName']}"


def _names(id_: str) -> dict[str, str]:
    cluster, _, group = id_.partition(":")
    return {"clusterName": cluster, "nodegroupName": group}


def _changed_labels(old: Mapping[str, str], new: Mapping[str, str]) -> Plain:
    changed = {key: value for key, value in new.items() if old.get(key) != value}
    return {"addOrUpdateLabels": changed, "removeLabels": sorted(old.keys() - new.keys())}


def _changed_taints(old: list[Plain], new: list[Plain]) -> Plain:
    """A taint is known by its key and effect."""
    kept = {(taint["key"], taint["effect"]) for taint in new}
    return {
        "addOrUpdateTaints": [taint for taint in new if taint not in old],
        "removeTaints": [taint for taint in old if (taint["key"], taint["effect"]) not in kept],
    }


def _configure_nodes(scope: Scope, id_: str, old: Plain, new: Plain) -> None:
    changes: Plain = {}
    if old.get("labels", {}) != new.get("labels", {}):
        changes["labels"] = _changed_labels(old.get("labels", {}), new.get("labels", {}))
    if old.get("taints", []) != new.get("taints", []):
        changes["taints"] = _changed_taints(old.get("taints", []), new.get("taints", []))
    for member in ("scalingConfig", "updateConfig", "nodeRepairConfig"):
        if new.get(member) is not None and old.get(member) != new[member]:
            changes[member] = new[member]
    if changes:
        scope.call("update_nodegroup_config", **_names(id_), **changes)


def _roll_nodes(scope: Scope, id_: str, old: Plain, new: Plain) -> None:
    """A new Kubernetes version, image or launch template replaces every node."""
    template = new.get("launchTemplate")
    request = {
        member: new.get(member) for member in ("version", "releaseVersion") if new.get(member) != old.get(member)
    }
    if template and template != old.get("launchTemplate"):
        key = "id" if template.get("id") else "name"
        request["launchTemplate"] = {key: template[key], "version": template["version"]}
    request = {member: value for member, value in request.items() if value}
    if request:
        scope.call("update_nodegroup_version", **_names(id_), force=bool(new.get("forceUpdateVersion")), **request)


_NODES_READY = Wait(
    "status", frozenset({"ACTIVE"}), frozenset({"CREATE_FAILED", "DELETE_FAILED", "DELETING"}), timedelta(minutes=60)
)

NODE_GROUP = ResourceType(
    name="aws:eks/nodeGroup:NodeGroup",
    service="eks",
    style=MemberStyle.CAMEL,
    inputs=(
        text("clusterName", required=True, replace=True),
        text("nodeGroupName", member="nodegroupName", replace=True),
        text("nodeGroupNamePrefix", replace=True, computed=True, sent=False, returned=False),
        text("nodeRoleArn", member="nodeRole", required=True, replace=True),
        collection("subnetIds", member="subnets", required=True, replace=True),
        block(
            "scalingConfig",
            number("desiredSize", required=True),
            number("maxSize", required=True),
            number("minSize", required=True),
            required=True,
        ),
        block(
            "updateConfig",
            number("maxUnavailable"),
            number("maxUnavailablePercentage"),
            text("updateStrategy", computed=True),
            computed=True,
        ),
        block("nodeRepairConfig", flag("enabled"), computed=True),
        text("amiType", computed=True, replace=True),
        text("capacityType", computed=True, replace=True, choices=("ON_DEMAND", "SPOT", "CAPACITY_BLOCK")),
        number("diskSize", computed=True, replace=True),
        listing("instanceTypes", computed=True, replace=True),
        mapping("labels"),
        collection(
            "taints",
            text("key", required=True),
            text("value"),
            text("effect", required=True, choices=("NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE")),
        ),
        block(
            "launchTemplate",
            text("id", computed=True, replace=True),
            text("name", computed=True, replace=True),
            text("version", required=True),
        ),
        block("remoteAccess", text("ec2SshKey"), collection("sourceSecurityGroupIds"), replace=True),
        text("version", computed=True),
        text("releaseVersion", computed=True),
        flag("forceUpdateVersion", sent=False, returned=False),
    ),
    outputs=(
        text("arn", source="nodegroupArn"),
        text("status"),
        listing(
            "resources",
            listing("autoscalingGroups", text("name"), source="autoScalingGroups"),
            text("remoteAccessSecurityGroupId", source="remoteAccessSecurityGroup"),
            source="resources && [resources]",
        ),
    ),
    naming=AutoName("nodeGroupName", "nodeGroupNamePrefix", longest=63),
    tagging=map_tags("resourceArn"),
    create=Call("create_nodegroup", result="nodegroup"),
    idempotency_member="clientRequestToken",
    id=_node_group_id,
    ready=_NODES_READY,
    read=lambda scope, id_, _known: dict(scope.call("describe_nodegroup", **_names(id_))["nodegroup"]),
    missing=_NOT_FOUND,
    updates=(
        Custom(frozenset({"labels", "taints", "scalingConfig", "updateConfig", "nodeRepairConfig"}), _configure_nodes),
        Custom(frozenset({"version", "releaseVersion", "launchTemplate"}), _roll_nodes),
    ),
    updated=_NODES_READY,
    delete=lambda scope, id_, _state: _delete_nodes(scope, id_),
    gone=True,
    find=FindNamed(lambda scope, inputs: _node_group_id(scope, inputs, {})),
)


def _delete_nodes(scope: Scope, id_: str) -> None:
    scope.call("delete_nodegroup", **_names(id_))


TYPES = (CLUSTER, NODE_GROUP)
