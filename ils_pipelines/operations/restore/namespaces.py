"""A namespace of its own for Kubernetes objects that are restored for a drill."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from ils_pipelines.operations.restore.errors import RestoreFailed
from ils_pipelines.operations.restore.kinds import Kind, Made
from ils_pipelines.operations.restore.place import DRILL, HOLDER, STARTED, Place
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.release.objects import NAMESPACE, Ref
from ils_pipelines.settings.layers import Layer

if TYPE_CHECKING:
    from ils_pipelines.release.cluster import Cluster
    from ils_pipelines.targets.protocol import Target

MANAGER = "ils-drill"
_ANNOTATED = (STARTED, HOLDER)
"""A label takes no colons."""


def cluster_of(target: Target) -> Cluster | None:
    """The environment's cluster; None where it has none."""
    from ils_pipelines.release.cluster import Cluster

    outputs = layer_work(target, Layer.CLUSTER).outputs()
    if not outputs:
        return None
    return Cluster(target.kubernetes(str(outputs["cluster_name"].value)))


def make_namespace(cluster: Cluster, place: Place) -> None:
    """Made with the strictest pod security: nothing is to run in it. Raises `ReleaseError`."""
    body = {
        "apiVersion": NAMESPACE.api_version,
        "kind": NAMESPACE.kind,
        "metadata": {
            "name": place.name,
            "labels": {DRILL: place.tags[DRILL], "pod-security.kubernetes.io/enforce": "restricted"},
            "annotations": {f"ils-pipelines/{name}": place.tags[name] for name in _ANNOTATED},
        },
    }
    cluster.apply(_ref(place.name), body, force=True, manager=MANAGER)


def _list(target: Target, region: str, prefix: str) -> Iterator[Made]:
    cluster = cluster_of(target)
    for each in () if cluster is None else cluster.find(NAMESPACE, {}):
        metadata = each["metadata"]
        if metadata["name"].startswith(prefix) and not metadata.get("deletionTimestamp"):
            notes = metadata.get("annotations") or {}
            tags = {name: notes[f"ils-pipelines/{name}"] for name in _ANNOTATED if f"ils-pipelines/{name}" in notes}
            created = datetime.fromisoformat(metadata["creationTimestamp"])
            yield Made(NAMESPACES.name, metadata["name"], metadata["name"], region, created, tags)


def _delete(target: Target, made: Made) -> None:
    cluster = cluster_of(target)
    if cluster is not None:
        cluster.delete(_ref(made.id))


def _await_gone(target: Target, made: Made) -> None:
    """Once it is asked for, a namespace goes by itself; one that does not hangs on a finalizer of what is in it."""
    cluster = cluster_of(target)
    deadline = time.monotonic() + _SECONDS_TO_GO
    while cluster is not None and cluster.get(_ref(made.id)) is not None:
        if time.monotonic() > deadline:
            raise RestoreFailed(
                f"expected the namespace {made.id} to be gone after {_SECONDS_TO_GO} seconds, found it going. "
                f"What holds it: kubectl get namespace {made.id} -o yaml"
            )
        time.sleep(_SECONDS_BETWEEN_LOOKS)


_SECONDS_TO_GO, _SECONDS_BETWEEN_LOOKS = 300, 0.2


def _ref(name: str) -> Ref:
    return Ref(NAMESPACE.api_version, NAMESPACE.kind, "", name)


NAMESPACES = Kind("namespace", 0, _list, _delete, _await_gone)
