"""EKS: the control plane, its add-ons, the node groups and their nodes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ils_pipelines.operations.health.judging import States, judged, share
from ils_pipelines.operations.health.models import HealthFinding
from ils_pipelines.operations.live import Record
from ils_pipelines.operations.view import View
from ils_pipelines.release.objects import Kind

NODE = Kind("v1", "Node", "nodes", namespaced=False)
GROUP_LABEL = "eks.amazonaws.com/nodegroup"

_CLUSTER_STATES = States("ACTIVE", frozenset({"UPDATING"}))
_GROUP_STATES = States("ACTIVE", frozenset({"UPDATING", "CREATING", "DEGRADED"}))
_ADDON_STATES = States("ACTIVE", frozenset({"UPDATING", "CREATING", "DEGRADED", "UPDATE_FAILED"}))
_CLUSTER_REMEDY = "Look at the cluster's health issues in the EKS console; if it is gone, provision the layer again."
_GROUP_REMEDY = "Look at the group's health issues and its Auto Scaling activity; if it is gone, provision it again."
_ADDON_REMEDY = "Look at the add-on's health issues in the EKS console; if it is gone, provision the layer again."
_NODE_REMEDY = "kubectl describe node: a node that stays not ready is drained and terminated, its group starts another."


def control_plane(view: View) -> Iterator[HealthFinding]:
    name = view.output("cluster_name")
    cluster = view.described("eks", "describe_cluster", "cluster", name=name)
    yield judged(f"EKS cluster {name}", cluster, "status", _CLUSTER_STATES, _CLUSTER_REMEDY, _issues)


def node_groups(view: View) -> Iterator[HealthFinding]:
    for name, group in _groups(view):
        yield judged(f"node group {name}", group, "status", _GROUP_STATES, _GROUP_REMEDY, _issues)


def addons(view: View) -> Iterator[HealthFinding]:
    cluster = view.output("cluster_name")
    for name in view.output("addon_names"):
        addon = view.described("eks", "describe_addon", "addon", clusterName=cluster, addonName=name)
        yield judged(f"add-on {name}", addon, "status", _ADDON_STATES, _ADDON_REMEDY, _issues)


def nodes(view: View) -> Iterator[HealthFinding]:
    """Whether each group has as many ready nodes as it wants now, whoever set that number."""
    by_group: dict[str, list[Record]] = defaultdict(list)
    for node in view.live.objects(NODE):
        by_group[node["metadata"].get("labels", {}).get(GROUP_LABEL, "")].append(node)
    for name, group in _groups(view):
        if group is None:
            continue
        reasons = {node["metadata"]["name"]: _not_ready(node) for node in by_group[name]}
        ready = sum(not reason for reason in reasons.values())
        troubles = [f"{node}: {reason}" for node, reason in sorted(reasons.items()) if reason]
        wanted = int(group["scalingConfig"]["desiredSize"])
        yield share(f"nodes of group {name}", "nodes ready", ready, wanted, _NODE_REMEDY, troubles)


def _groups(view: View) -> Iterator[tuple[str, Record | None]]:
    cluster = view.output("cluster_name")
    for name in view.output("node_group_names"):
        yield name, view.described("eks", "describe_nodegroup", "nodegroup", clusterName=cluster, nodegroupName=name)


def _issues(record: Record) -> str:
    return "; ".join(str(issue.get("message") or issue["code"]) for issue in record.get("health", {}).get("issues", ()))


def _not_ready(node: Record) -> str:
    """Why a node takes no pods; empty when it does."""
    conditions = {each["type"]: each for each in node.get("status", {}).get("conditions", ())}
    ready = conditions.get("Ready")
    if ready is None:
        return "it says nothing of itself"
    if ready["status"] != "True":
        return str(ready.get("message") or ready.get("reason") or f"Ready is {ready['status']}")
    return ""
