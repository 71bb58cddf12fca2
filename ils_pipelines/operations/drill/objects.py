"""Kubernetes objects of a set, brought back into a namespace of their own, where nothing of them runs."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.backup.details import KubernetesObjects, PieceKind
from ils_pipelines.operations.drill.choose import piece_of
from ils_pipelines.operations.drill.models import Check, check
from ils_pipelines.operations.drill.session import Session
from ils_pipelines.operations.drill.verify.surroundings import certificate_checks, secret_checks
from ils_pipelines.operations.restore.errors import RestoreFailed
from ils_pipelines.operations.restore.namespaces import MANAGER, cluster_of, make_namespace
from ils_pipelines.operations.restore.place import DRILL
from ils_pipelines.release.errors import ReleaseError
from ils_pipelines.release.history.store import HISTORY_LABEL
from ils_pipelines.release.objects import (
    AUTOSCALER,
    DEPLOYMENT,
    NAMESPACE,
    RELEASED,
    SECRET,
    TARGET_GROUP_BINDING,
    Manifest,
    kind_of,
    ref_at,
)
from ils_pipelines.release.validation.schema import schema_mistakes

if TYPE_CHECKING:
    from ils_pipelines.release.cluster import Cluster

_RUNS = frozenset({AUTOSCALER.kind, TARGET_GROUP_BINDING.kind})
"""Would start pods, or give the load balancer addresses: the API server is asked whether it would take them."""
_KNOWN = {(kind.api_version, kind.kind) for step in RELEASED for kind in step}
_OF_THE_CLUSTER = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "ownerReferences")


def restore_objects(session: Session) -> None:
    """Apply what the application consists of, without pods; what it is made of is in the checks."""
    cluster = cluster_of(session.target)
    if cluster is None:
        raise RestoreFailed(
            f"expected environment {session.target.environment.name} to have a cluster to restore into, found none. "
            f"Provision it: ils up {session.target.environment.name}"
        )
    make_namespace(cluster, session.place)
    for body in _kept(session):
        session.record(_apply(cluster, body))


def _apply(cluster: Cluster, body: dict[str, Any]) -> Iterator[Check]:
    ref = ref_at(body)
    dry_run = body["kind"] in _RUNS
    try:
        cluster.apply(ref, body, force=True, manager=MANAGER, dry_run=dry_run)
        yield check(str(ref), "is taken by the API server", "taken", "taken")
    except ReleaseError as error:
        yield check(str(ref), "is taken by the API server", "taken", error, passed=False)


def _kept(session: Session) -> Iterator[dict[str, Any]]:
    """The application's objects as they are applied: in the drill's namespace, with no pod and no secret."""
    for body in sorted(objects_of(session), key=order_of):
        if body["kind"] in (SECRET.kind, NAMESPACE.kind):
            continue
        if HISTORY_LABEL in (body["metadata"].get("labels") or {}):
            continue
        moved = {key: value for key, value in body.items() if key not in ("status", "metadata")}
        # By its labels a release knows its objects, wherever they are: these are not to be taken for the live ones.
        moved["metadata"] = {
            "name": body["metadata"]["name"],
            "namespace": session.place.name,
            "labels": {DRILL: session.place.tags[DRILL]},
        }
        if body["kind"] == DEPLOYMENT.kind:
            moved["spec"] = {**body["spec"], "replicas": 0}
        if body["kind"] == "Service":
            # Addresses are the cluster's to give.
            moved["spec"] = {key: value for key, value in body["spec"].items() if not key.startswith("clusterIP")}
        yield moved


def order_of(body: dict[str, Any]) -> int:
    kinds = [(kind.api_version, kind.kind) for step in RELEASED for kind in step]
    return kinds.index((body["apiVersion"], body["kind"]))


def objects_of(session: Session) -> list[dict[str, Any]]:
    """Of the application's namespace, of the kinds that a release holds. Raises `RestoreFailed`, `NoSuchSet`."""
    piece = piece_of(session.of, PieceKind.KUBERNETES_OBJECTS)
    assert isinstance(piece.details, KubernetesObjects)  # noqa: S101
    assert piece.object is not None  # noqa: S101 it is an object of the bucket
    namespace = piece.details.namespace
    try:
        text = gzip.decompress(b"".join(session.bucket.chunks(piece.object))).decode()
        found = [json.loads(line) for line in text.splitlines()]
    except (OSError, EOFError, ValueError) as error:
        raise RestoreFailed(
            f"expected Kubernetes objects in {session.bucket.place(piece.object.key)}, found something else ({error}). It "
            "was cut off or changed. Use the copy in the other region, or another set."
        ) from error
    return [
        body
        for body in found
        if (body["apiVersion"], body["kind"]) in _KNOWN
        and (body["metadata"].get("namespace") or body["metadata"]["name"]) == namespace
        and body["metadata"].get("name") not in ("kube-root-ca.crt", "default")
    ]


def verify_objects(session: Session) -> None:
    """What was kept is still a release that a cluster of the environment's version takes, and what it needs is there."""
    bodies = objects_of(session)
    session.record([check("Kubernetes objects", "are there", "at least one", len(bodies), passed=bool(bodies))])
    session.record(release_checks(session, bodies))
    session.record(secret_checks(session.target))
    session.record(certificate_checks(session.target))


def release_checks(session: Session, bodies: list[dict[str, Any]]) -> Iterator[Check]:
    environment = session.target.environment
    manifests = [
        Manifest(kind_of(ref_at(body)), without_status(body))
        for body in bodies
        if HISTORY_LABEL not in (body["metadata"].get("labels") or {})
        and body["kind"] not in (SECRET.kind, NAMESPACE.kind)
    ]
    deployments = [each for each in manifests if each.kind is DEPLOYMENT]
    yield check("release", "has a deployment", "at least one", len(deployments), passed=bool(deployments))
    version = environment.cluster.version
    mistakes = [str(mistake) for mistake in schema_mistakes(manifests, version)]
    yield check("release", f"is valid for Kubernetes {version}", "no mistake", "; ".join(mistakes) or "no mistake")


def without_status(body: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in body["metadata"].items() if key not in _OF_THE_CLUSTER}
    return {**{key: value for key, value in body.items() if key != "status"}, "metadata": metadata}
