"""Tables as `kubectl get` prints them: the columns of each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ils_sandbox.kubernetes import clock
from ils_sandbox.kubernetes.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    EVENT,
    HORIZONTAL_POD_AUTOSCALER,
    INGRESS,
    JOB,
    NAMESPACE,
    NODE,
    POD,
    POD_DISRUPTION_BUDGET,
    REPLICA_SET,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    TARGET_GROUP_BINDING,
    Kind,
)
from ils_sandbox.kubernetes.store import Object

Cell = Callable[[Object], Any]


@dataclass(frozen=True)
class Column:
    name: str
    cell: Cell
    type: str = "string"
    wide: bool = False
    """Shown by `-o wide` alone."""

    def definition(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "type": self.type,
            "format": "name" if self.name == "Name" else "",
            "description": "",
            "priority": int(self.wide),
        }


def age(timestamp: str | None) -> str:
    """The time since then as kubectl writes it: `45s`, `12m`, `3h5m`, `2d`."""
    if not timestamp:
        return "<unknown>"
    seconds = max(0, int(clock.seconds_since(timestamp)))
    if seconds < 120:
        return f"{seconds}s"
    minutes = seconds // 60
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    hours = minutes // 60
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    return f"{hours}h" if hours < 48 else f"{hours // 24}d"


def _at(path: str, default: Any = "") -> Cell:
    parts = path.split(".")

    def cell(obj: Object) -> Any:
        value: Any = obj
        for part in parts:
            value = value.get(part) if isinstance(value, dict) else None
        return default if value is None else value

    return cell


def _pod_ready(pod: Object) -> str:
    statuses = pod["status"].get("containerStatuses", ())
    return f"{sum(status['ready'] for status in statuses)}/{len(pod['spec']['containers'])}"


def _pod_status(pod: Object) -> str:
    if "deletionTimestamp" in pod["metadata"]:
        return "Terminating"
    for status in pod["status"].get("containerStatuses", ()):
        if "waiting" in status["state"]:
            return str(status["state"]["waiting"]["reason"])
        if "terminated" in status["state"]:
            return str(status["state"]["terminated"]["reason"])
    return str(pod["status"].get("reason", pod["status"]["phase"]))


def _restarts(pod: Object) -> int:
    return sum(status["restartCount"] for status in pod["status"].get("containerStatuses", ()))


def _ports(service: Object) -> str:
    ports = service["spec"].get("ports", ())
    return ",".join(f"{port['port']}/{port['protocol']}" for port in ports) or "<none>"


def _node_status(node: Object) -> str:
    conditions = node["status"].get("conditions", ())
    ready = any(found["type"] == "Ready" and found["status"] == "True" for found in conditions)
    disabled = ",SchedulingDisabled" if node["spec"].get("unschedulable") else ""
    return ("Ready" if ready else "NotReady") + disabled


def _containers(field: str) -> Cell:
    return lambda obj: ",".join(item[field] for item in obj["spec"]["template"]["spec"]["containers"])


def _hosts(ingress: Object) -> str:
    return ",".join(rule.get("host", "*") for rule in ingress["spec"].get("rules", ())) or "*"


def _selector(obj: Object) -> str:
    labels = obj["spec"]["selector"].get("matchLabels", {})
    return ",".join(f"{key}={value}" for key, value in labels.items()) or "<none>"


_WORKLOAD_WIDE = (
    Column("Containers", _containers("name"), wide=True),
    Column("Images", _containers("image"), wide=True),
    Column("Selector", _selector, wide=True),
)
_INTEGER = "integer"

COLUMNS: Mapping[Kind, Sequence[Column]] = {
    NAMESPACE: (Column("Status", _at("status.phase")),),
    CONFIG_MAP: (Column("Data", lambda obj: len({**obj.get("data", {}), **obj.get("binaryData", {})}), _INTEGER),),
    SECRET: (Column("Type", _at("type")), Column("Data", lambda obj: len(obj.get("data", {})), _INTEGER)),
    SERVICE: (
        Column("Type", _at("spec.type")),
        Column("Cluster-IP", _at("spec.clusterIP", "<none>")),
        Column("External-IP", lambda _: "<none>"),
        Column("Port(s)", _ports),
    ),
    POD: (
        Column("Ready", _pod_ready),
        Column("Status", _pod_status),
        Column("Restarts", _restarts, _INTEGER),
        Column("IP", _at("status.podIP", "<none>"), wide=True),
        Column("Node", _at("spec.nodeName", "<none>"), wide=True),
    ),
    NODE: (
        Column("Status", _node_status),
        Column("Roles", lambda _: "<none>"),
        Column("Version", _at("status.nodeInfo.kubeletVersion")),
    ),
    DEPLOYMENT: (
        Column("Ready", lambda obj: f"{_at('status.readyReplicas', 0)(obj)}/{obj['spec']['replicas']}"),
        Column("Up-to-date", _at("status.updatedReplicas", 0), _INTEGER),
        Column("Available", _at("status.availableReplicas", 0), _INTEGER),
        *_WORKLOAD_WIDE,
    ),
    REPLICA_SET: (
        Column("Desired", _at("spec.replicas"), _INTEGER),
        Column("Current", _at("status.replicas", 0), _INTEGER),
        Column("Ready", _at("status.readyReplicas", 0), _INTEGER),
        *_WORKLOAD_WIDE,
    ),
    JOB: (Column("Completions", lambda obj: f"{_at('status.succeeded', 0)(obj)}/{obj['spec']['completions']}"),),
    HORIZONTAL_POD_AUTOSCALER: (
        Column("Reference", lambda obj: "{kind}/{name}".format(**obj["spec"]["scaleTargetRef"])),
        Column("Minpods", _at("spec.minReplicas"), _INTEGER),
        Column("Maxpods", _at("spec.maxReplicas"), _INTEGER),
        Column("Replicas", _at("status.currentReplicas", 0), _INTEGER),
    ),
    INGRESS: (
        Column("Class", _at("spec.ingressClassName", "<none>")),
        Column("Hosts", _hosts),
        Column("Address", lambda _: ""),
        Column("Ports", lambda obj: "80, 443" if obj["spec"].get("tls") else "80"),
    ),
    POD_DISRUPTION_BUDGET: (
        Column("Min Available", _at("spec.minAvailable", "N/A")),
        Column("Max Unavailable", _at("spec.maxUnavailable", "N/A")),
    ),
    ROLE_BINDING: (Column("Role", lambda obj: "{kind}/{name}".format(**obj["roleRef"])),),
    TARGET_GROUP_BINDING: (
        Column("Service-Name", _at("spec.serviceRef.name")),
        Column("Service-Port", _at("spec.serviceRef.port")),
        Column("Target-Type", _at("spec.targetType")),
        Column("ARN", _at("spec.targetGroupARN"), wide=True),
    ),
    EVENT: (
        Column("Last Seen", lambda obj: age(obj.get("lastTimestamp"))),
        Column("Type", _at("type")),
        Column("Reason", _at("reason")),
        Column("Object", lambda obj: "{kind}/{name}".format(**obj["involvedObject"]).lower()),
        Column("Message", _at("message")),
    ),
}
_NAME = Column("Name", _at("metadata.name"))
_AGE = Column("Age", lambda obj: age(obj["metadata"].get("creationTimestamp")))


def table(kind: Kind, objects: Sequence[Object], metadata: dict[str, Any], include: str) -> dict[str, Any]:
    """A `meta.k8s.io/v1` table. `include` is None, Metadata or Object: what each row carries along."""
    own = COLUMNS.get(kind, ())
    shown = [column for column in own if not column.wide]
    columns = [*([] if kind is EVENT else [_NAME]), *shown, *([] if kind is EVENT else [_AGE])]
    columns += [column for column in own if column.wide]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [column.definition() for column in columns],
        "rows": [
            {"cells": [column.cell(obj) for column in columns], "object": _carried(obj, include)} for obj in objects
        ],
    }


def _carried(obj: Object, include: str) -> dict[str, Any] | None:
    if include == "None":
        return None
    if include == "Object":
        return obj
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}
