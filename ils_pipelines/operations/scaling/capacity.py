"""How many pods of the application the nodes have room for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ils_pipelines.release.cluster import Cluster, Object
from ils_pipelines.release.names import all_pods
from ils_pipelines.release.objects import POD, Kind
from ils_pipelines.settings.workload import PodResources

NODE = Kind("v1", "Node", "nodes", namespaced=False)
NODE_GROUP = "eks.amazonaws.com/nodegroup"


@dataclass(frozen=True)
class Room:
    """Of one node that takes pods."""

    node: str
    group: str
    pods: int
    """Of the application, those that are on it included."""


def rooms(cluster: Cluster, environment: str, resources: PodResources) -> tuple[Room, ...]:
    """Every node that is ready and may be scheduled on."""
    taken: dict[str, list[Object]] = {}
    own = all_pods(environment).items()
    for pod in cluster.find(POD, {}):
        ended = pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
        if not ended and not own <= pod["metadata"].get("labels", {}).items():
            taken.setdefault(pod["spec"].get("nodeName", ""), []).append(pod)
    found = []
    for node in cluster.find(NODE, {}):
        metadata = node["metadata"]
        if _takes_pods(node):
            others = taken.get(metadata["name"], [])
            group = metadata.get("labels", {}).get(NODE_GROUP, "")
            found.append(Room(metadata["name"], group, _fitting(node, others, resources)))
    return tuple(found)


def _takes_pods(node: Object) -> bool:
    conditions = node.get("status", {}).get("conditions", ())
    ready = any(found["type"] == "Ready" and found["status"] == "True" for found in conditions)
    return ready and not node.get("spec", {}).get("unschedulable")


def _fitting(node: Object, others: list[Object], resources: PodResources) -> int:
    allocatable = node["status"]["allocatable"]
    counts = [_amount(allocatable["pods"]) - len(others)]
    for name, request in (("cpu", resources.cpu_request), ("memory", resources.memory_request)):
        left = _amount(allocatable[name]) - sum((each for pod in others for each in _requests(pod, name)), Decimal(0))
        if _amount(request) > 0:
            counts.append(left / _amount(request))
    return max(0, int(min(counts)))


def _requests(pod: Object, name: str) -> Iterator[Decimal]:
    for container in pod["spec"]["containers"]:
        requests: Mapping[str, Any] = container.get("resources", {}).get("requests", {})
        yield _amount(requests.get(name, 0))


def _amount(quantity: Any) -> Decimal:
    from kubernetes.utils.quantity import parse_quantity

    return Decimal(parse_quantity(quantity))
