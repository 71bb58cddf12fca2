"""The objects of the cluster, as JSON lines: what runs, and how it is configured."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.backup.context import SetContext, Task, utc_now
from ils_pipelines.operations.backup.details import KubernetesObjects, Piece, PieceKind
from ils_pipelines.operations.backup.pieces.in_bucket import keep
from ils_pipelines.release.cluster import Cluster
from ils_pipelines.release.objects import Kind
from ils_pipelines.settings.layers import Layer

if TYPE_CHECKING:
    from ils_pipelines.release.cluster import Object

NAME = "kubernetes-objects"
_PASSING = frozenset(
    {
        *("ComponentStatus", "ControllerRevision", "EndpointSlice", "Endpoints", "Event", "Lease", "Node", "Pod"),
        *("NodeMetrics", "PodMetrics", "ReplicaSet", "CSINode", "VolumeAttachment", "Job"),
    }
)
"""What the cluster makes by itself from the rest, or what holds for this cluster alone."""


def tasks(_context: SetContext) -> Iterator[Task]:
    yield Task(NAME, PieceKind.KUBERNETES_OBJECTS, _take)


def _take(context: SetContext) -> Piece:
    started = utc_now()
    name = context.output(Layer.CLUSTER, "cluster_name")
    api = context.target.kubernetes(name)
    cluster, counts, lines = Cluster(api), Counter[str](), []
    for kind in listable_kinds(api):
        for found in cluster.find(kind, {}):
            counts[kind.kind] += 1
            lines.append(json.dumps(without_secrets(found), sort_keys=True))
    return keep(
        context,
        NAME,
        ".jsonl.gz",
        "".join(f"{line}\n" for line in sorted(lines)).encode(),
        KubernetesObjects(
            cluster=name,
            namespace=str(context.target.environment.app.namespace),
            counts=tuple(sorted(counts.items())),
        ),
        started=started,
        at=started,
    )


def listable_kinds(api: Any) -> tuple[Kind, ...]:
    """Every kind that the cluster lists, custom ones included, each in the version that it prefers."""
    versions = ["v1", *(each["preferredVersion"]["groupVersion"] for each in _read(api, "/apis")["groups"])]
    found = []
    for version in versions:
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        found += [
            Kind(version, each["kind"], each["name"], each["namespaced"])
            for each in _read(api, root)["resources"]
            if "/" not in each["name"] and "list" in each["verbs"] and each["kind"] not in _PASSING
        ]
    return tuple(found)


def without_secrets(found: Object) -> Object:
    """Without what is secret (the names of a Secret's keys stay), and without who set which field when."""
    metadata = {key: value for key, value in found["metadata"].items() if key != "managedFields"}
    kept = {**found, "metadata": metadata}
    if found["kind"] == "Secret":
        kept["data"] = dict.fromkeys(found.get("data") or {}, "")
        kept.pop("stringData", None)
        annotations = metadata.get("annotations") or {}
        if "kubectl.kubernetes.io/last-applied-configuration" in annotations:
            metadata["annotations"] = {
                key: value for key, value in annotations.items() if "last-applied-configuration" not in key
            }
    return kept


def _read(api: Any, path: str) -> dict[str, Any]:
    response = api.call_api(
        path,
        "GET",
        header_params={"Accept": "application/json"},
        auth_settings=["BearerToken"],
        _preload_content=False,
        _return_http_data_only=True,
        _request_timeout=(5, 30),
    )
    found: dict[str, Any] = json.loads(response.data)
    return found
