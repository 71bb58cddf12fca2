"""The scheduler: which node a pod runs on, or why it cannot run anywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ils_sandbox.kubernetes import quantities
from ils_sandbox.kubernetes.controllers.ownership import condition
from ils_sandbox.kubernetes.kinds import NODE, POD
from ils_sandbox.kubernetes.pod_resources import REQUESTS, totals
from ils_sandbox.kubernetes.store import Cluster, Object, name_of

RESOURCES = ("cpu", "memory")


def choose_node(cluster: Cluster, pod: Object) -> tuple[str, str]:
    """The node's name and an empty string, or an empty string and the reason, worded as the scheduler words it."""
    nodes = cluster.objects(NODE)
    running = [other for other in cluster.objects(POD) if other["spec"].get("nodeName") and not _finished(other)]
    reasons: Counter[str] = Counter()
    fitting: list[tuple[int, int, str]] = []
    for node in nodes:
        name = name_of(node)
        here = [other for other in running if other["spec"]["nodeName"] == name]
        reason = _unfit(node, pod, here)
        if reason:
            reasons[reason] += 1
        else:
            siblings = sum(_owner(other) == _owner(pod) for other in here)
            fitting.append((siblings, len(here), name))
    if fitting:
        return min(fitting)[2], ""
    why = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items())) or "no nodes are registered"
    return "", f"0/{len(nodes)} nodes are available: {why}."


def _unfit(node: Object, pod: Object, here: list[Object]) -> str:
    """Why the pod cannot run on the node; empty when it can."""
    ready = condition(node, "Ready")
    if ready is None or ready["status"] != "True" or node["spec"].get("unschedulable"):
        return "node(s) were unschedulable"
    labels = node["metadata"].get("labels", {})
    if any(labels.get(key) != value for key, value in pod["spec"].get("nodeSelector", {}).items()):
        return "node(s) didn't match Pod's node affinity/selector"
    if not all(_tolerated(taint, pod["spec"].get("tolerations", ())) for taint in node["spec"].get("taints", ())):
        return "node(s) had untolerated taint(s)"
    allocatable = node["status"]["allocatable"]
    if len(here) + 1 > quantities.parse(allocatable["pods"]):
        return "Too many pods"
    for resource in RESOURCES:
        used = sum((totals(other, REQUESTS).get(resource, Decimal(0)) for other in [*here, pod]), Decimal(0))
        if used > quantities.parse(allocatable[resource]):
            return f"Insufficient {resource}"
    return ""


def _tolerated(taint: Mapping[str, Any], tolerations: Any) -> bool:
    if taint["effect"] == "PreferNoSchedule":
        return True
    return any(
        toleration.get("key") in (None, taint["key"])
        and toleration.get("effect") in (None, taint["effect"])
        and (toleration.get("operator") == "Exists" or toleration.get("value", "") == taint.get("value", ""))
        for toleration in tolerations
    )


def _owner(pod: Object) -> str:
    owners = pod["metadata"].get("ownerReferences", ())
    return str(owners[0]["uid"]) if owners else ""


def _finished(pod: Object) -> bool:
    return pod["status"]["phase"] in ("Succeeded", "Failed")
