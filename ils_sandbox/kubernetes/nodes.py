"""Nodes of a cluster's node groups: what EKS's managed node groups would register."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from ils_sandbox.kubernetes import clock
from ils_sandbox.kubernetes.kinds import NODE
from ils_sandbox.kubernetes.registry import Deletion, Registry, Write
from ils_sandbox.kubernetes.store import Object, name_of

UNREACHABLE = "node.kubernetes.io/unreachable"
NODEGROUP_LABEL = "eks.amazonaws.com/nodegroup"
REPLACED = "sandbox.ils/replaced"
MOST_NODES = 100

# vCPUs, memory in MiB, most pods (network interfaces x addresses, as the VPC CNI counts them).
INSTANCE_TYPES: Mapping[str, tuple[int, int, int]] = {
    "t3.small": (2, 2048, 11),
    "t3.medium": (2, 4096, 17),
    "t3.large": (2, 8192, 35),
    "t3.xlarge": (4, 16384, 58),
    "m5.large": (2, 8192, 29),
    "m5.xlarge": (4, 16384, 58),
    "m5.2xlarge": (8, 32768, 58),
    "m6i.large": (2, 8192, 29),
    "m6i.xlarge": (4, 16384, 58),
    "c5.large": (2, 4096, 29),
    "c5.xlarge": (4, 8192, 58),
    "r5.large": (2, 16384, 29),
}
_UNKNOWN_TYPE = (2, 8192, 29)


class NodeGroup(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    nodes: int = Field(ge=0, le=MOST_NODES)
    instance_type: str = "t3.medium"
    release: str = "0.0.0-sandbox"
    """Of the node image, which names the version of the kubelet: `1.35.4-20261109`."""
    labels: dict[str, str] = {}
    zones: tuple[str, ...] = Field(default=("us-east-1a", "us-east-1b"), min_length=1)


def set_node_group(registry: Registry, name: str, group: NodeGroup) -> None:
    """Register or remove nodes until the group has as many as asked for, of the type asked for.

    Nodes of another release are left to be drained: others come first, then their pods are evicted, then they go.
    """
    for node in nodes_of(registry, name):
        if node["metadata"]["labels"]["node.kubernetes.io/instance-type"] != group.instance_type:
            _remove(registry, node)
        elif node["status"]["nodeInfo"]["kubeletVersion"] != _kubelet(group) and not replaced(node):
            marked = {"metadata": {"annotations": {REPLACED: "true"}}, "spec": {"unschedulable": True}}
            registry.change(NODE, node, marked)
    present = [node for node in nodes_of(registry, name) if not replaced(node)]
    for node in present[group.nodes :]:
        _remove(registry, node)
    taken = {name_of(node) for node in registry.cluster.objects(NODE)}
    missing = group.nodes - len(present)
    index = 0
    while missing > 0:
        body = _node(registry.cluster.name, name, group, index)
        if name_of(body) not in taken:
            created = registry.create(NODE, "", body, Write(manager="kubelet"))
            registry.set_status(NODE, created, body["status"])
            missing -= 1
        index += 1


def replaced(node: Object) -> bool:
    """Whether another node has come in its place."""
    return REPLACED in node["metadata"].get("annotations", {})


def _kubelet(group: NodeGroup) -> str:
    return f"v{group.release}"


def delete_node_group(registry: Registry, name: str) -> None:
    for node in nodes_of(registry, name):
        _remove(registry, node)


def nodes_of(registry: Registry, group: str) -> list[Object]:
    nodes = registry.cluster.objects(NODE)
    return [node for node in nodes if node["metadata"].get("labels", {}).get(NODEGROUP_LABEL) == group]


def set_answering(registry: Registry, name: str, *, answering: bool) -> None:
    """Let a node fall silent, as one that lost its network or power, or answer again. Raises a 404."""
    node = registry.get(NODE, "", name)
    others = [taint for taint in node["spec"].get("taints", ()) if taint["key"] != UNREACHABLE]
    silent = [{"key": UNREACHABLE, "effect": effect} for effect in ("NoSchedule", "NoExecute")]
    node = registry.change(NODE, node, {"spec": {"taints": others if answering else [*others, *silent]}})
    ready = (
        _ready()
        if answering
        else {
            "type": "Ready",
            "status": "Unknown",
            "reason": "NodeStatusUnknown",
            "message": "Kubelet stopped posting node status.",
            "lastHeartbeatTime": clock.now(),
            "lastTransitionTime": clock.now(),
        }
    )
    conditions = [found for found in node["status"]["conditions"] if found["type"] != "Ready"]
    registry.set_status(NODE, node, {**node["status"], "conditions": [*conditions, ready]})


def _remove(registry: Registry, node: Object) -> None:
    registry.delete(NODE, "", name_of(node), Deletion())


def _node(cluster: str, group_name: str, group: NodeGroup, index: int) -> Object:
    digest = hashlib.sha256(f"{cluster}/{group_name}/{index}".encode()).digest()
    address = f"10.0.{11 + index % 2}.{4 + digest[0] % 120 + index}"
    name = f"ip-{address.replace('.', '-')}.ec2.internal"
    zone = group.zones[index % len(group.zones)]
    cpus, memory, pods = INSTANCE_TYPES.get(group.instance_type, _UNKNOWN_TYPE)
    labels = {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux",
        "kubernetes.io/hostname": name,
        "node.kubernetes.io/instance-type": group.instance_type,
        "topology.kubernetes.io/zone": zone,
        "topology.kubernetes.io/region": zone.rstrip("abcdef"),
        NODEGROUP_LABEL: group_name,
        **group.labels,
    }
    status = {
        "capacity": {"cpu": str(cpus), "memory": f"{memory}Mi", "pods": str(pods)},
        "allocatable": {"cpu": f"{cpus * 1000 - 70}m", "memory": f"{memory * 9 // 10}Mi", "pods": str(pods)},
        "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
        "conditions": [_ready()],
        "nodeInfo": {
            "architecture": "amd64",
            "bootID": digest.hex()[:32],
            "containerRuntimeVersion": "containerd://2.1.4",
            "kernelVersion": "6.12.0",
            "kubeProxyVersion": "",
            "kubeletVersion": _kubelet(group),
            "machineID": digest.hex()[:32],
            "operatingSystem": "linux",
            "osImage": "ILS sandbox",
            "systemUUID": digest.hex()[:32],
        },
    }
    provider_id = f"aws:///{zone}/i-{digest.hex()[:17]}"
    return {"metadata": {"name": name, "labels": labels}, "spec": {"providerID": provider_id}, "status": status}


def _ready() -> Object:
    return {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "kubelet is posting ready status",
        "lastHeartbeatTime": clock.now(),
        "lastTransitionTime": clock.now(),
    }
