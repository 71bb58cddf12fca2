"""A cluster made anew, and the set's release rolled out in it, until its service has somebody to answer."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.backup.details import KubernetesObjects, PieceKind
from ils_pipelines.operations.drill import objects
from ils_pipelines.operations.drill.choose import piece_of
from ils_pipelines.operations.drill.models import Check, check
from ils_pipelines.operations.drill.scenario import Side
from ils_pipelines.operations.drill.verify.surroundings import certificate_checks, secret_checks
from ils_pipelines.operations.restore.cluster_ground import ClusterGround, lay_cluster_ground
from ils_pipelines.operations.restore.errors import RestoreFailed
from ils_pipelines.operations.restore.ground import isolation_flaws
from ils_pipelines.operations.restore.namespaces import MANAGER
from ils_pipelines.operations.restore.rebuild import add_nodes, make_control_plane, rebuilt_flaws
from ils_pipelines.release.errors import ReleaseError
from ils_pipelines.release.history.store import HISTORY_LABEL
from ils_pipelines.release.objects import (
    DEPLOYMENT,
    NAMESPACE,
    SECRET,
    SERVICE,
    TARGET_GROUP_BINDING,
    Kind,
    Ref,
    ref_at,
)
from ils_pipelines.release.rollout.wait import wait_for_rollout
from ils_pipelines.release.settings import RolloutLimits

if TYPE_CHECKING:
    from ils_pipelines.operations.drill.session import Session
    from ils_pipelines.release.cluster import Cluster

NODE = Kind("v1", "Node", "nodes", namespaced=False)
ENDPOINTS = Kind("discovery.k8s.io/v1", "EndpointSlice", "endpointslices")
_SERVICE_NAME = "kubernetes.io/service-name"
_NO_SECRET = base64.b64encode(b"none: this is a drill").decode()

Step = tuple[str, Callable[[], None]]


def steps(session: Session, serve: str) -> list[Step]:
    """After the ground is laid, in this order; `serve` is the name of the last."""
    return [
        ("make a control plane", lambda: make_control_plane(session.target, session.place, _ground(session))),
        ("add nodes", lambda: add_nodes(session.target, session.place, _ground(session))),
        ("restore objects into it", lambda: _restore(session)),
        ("roll out the release", lambda: _roll_out(session)),
        ("verify the cluster", lambda: _verify(session)),
        (serve, lambda: session.record(_answers(session))),
    ]


def lay_ground(session: Session) -> None:
    """Raises `RestoreFailed`, also where something that is live is let in."""
    session.cluster_ground = lay_cluster_ground(session.target, session.place)
    flaws = list(isolation_flaws(session.target, session.cluster_ground))
    if flaws:
        raise RestoreFailed(f"expected no way from what is live to the cluster's API, found: {'; '.join(flaws)}")


def _ground(session: Session) -> ClusterGround:
    assert session.cluster_ground is not None  # noqa: S101 it is laid before anything is made
    return session.cluster_ground


def _cluster(session: Session) -> Cluster:
    from ils_pipelines.release.cluster import Cluster

    return Cluster(session.target.kubernetes(session.place.name, region=session.place.region))


def _restore(session: Session) -> None:
    """Apply what the application consists of, as it was but for what `_as_it_runs_here` says."""
    cluster = _cluster(session)
    for body in sorted(_released(session), key=objects.order_of):
        session.record(_apply(cluster, _as_it_runs_here(body)))


def _apply(cluster: Cluster, body: dict[str, Any]) -> Iterator[Check]:
    ref = ref_at(body)
    try:
        cluster.apply(ref, body, force=True, manager=MANAGER)
        yield check(str(ref), "is taken by the new cluster", "taken", "taken")
    except ReleaseError as error:
        yield check(str(ref), "is taken by the new cluster", "taken", error, passed=False)


def _released(session: Session) -> list[dict[str, Any]]:
    """Without the history of releases, and without what binds pods to the load balancer, which is the live one's."""
    return [
        body
        for body in objects.objects_of(session)
        if HISTORY_LABEL not in (body["metadata"].get("labels") or {}) and body["kind"] != TARGET_GROUP_BINDING.kind
    ]


def _as_it_runs_here(body: dict[str, Any]) -> dict[str, Any]:
    """Secrets have no values, and readiness is told by life: what the application asks for to be ready is shut off."""
    body = objects.without_status(body)
    if body["kind"] == SECRET.kind:
        return {**body, "data": dict.fromkeys(body.get("data") or {}, _NO_SECRET)}
    if body["kind"] == SERVICE.kind:
        # Addresses are the cluster's to give.
        return {**body, "spec": {key: value for key, value in body["spec"].items() if not key.startswith("clusterIP")}}
    if body["kind"] == DEPLOYMENT.kind:
        template = body["spec"]["template"]
        containers = [
            {**each, "readinessProbe": each["livenessProbe"]} if "livenessProbe" in each else each
            for each in template["spec"]["containers"]
        ]
        spec = {**template["spec"], "containers": containers}
        return {**body, "spec": {**body["spec"], "template": {**template, "spec": spec}}}
    return body


def _refs(session: Session, kind: Kind) -> list[Ref]:
    return [ref_at(body) for body in _released(session) if body["kind"] == kind.kind]


def _roll_out(session: Session) -> None:
    """Raises `RolloutFailed` with what is wrong with the pods."""
    cluster, environment = _cluster(session), session.target.environment
    for ref in _refs(session, DEPLOYMENT):
        done = wait_for_rollout(
            cluster,
            ref,
            ref.urn(environment.name),
            RolloutLimits.of(environment.app),
            note=lambda _text: None,
            mask=lambda text: text,  # there is no secret in this cluster
            cancel=threading.Event(),
        )
        ready, wanted = done["status"].get("readyReplicas", 0), done["spec"]["replicas"]
        # Its autoscaler may have asked for more meanwhile.
        session.record([check(str(ref), "pods are ready", wanted, ready, passed=ready >= wanted > 0)])


def _verify(session: Session) -> None:
    flaws = "; ".join(rebuilt_flaws(session.target, session.place, _ground(session)))
    session.record([check("cluster", "is as the file says", "no difference", flaws or "no difference")])
    session.record(_node_checks(session))
    session.record(objects.release_checks(session, objects.objects_of(session)))
    if session.recipe.region is Side.HOME:
        session.record(secret_checks(session.target))
        session.record(certificate_checks(session.target))


def _node_checks(session: Session) -> Iterator[Check]:
    wanted = sum(group.desired_size for group in session.target.environment.cluster.node_groups)
    ready = sum(
        any(each["type"] == "Ready" and each["status"] == "True" for each in node["status"].get("conditions", ()))
        for node in _cluster(session).find(NODE, {})
    )
    yield check("nodes", "are ready", wanted, ready, passed=ready >= wanted > 0)


def _answers(session: Session) -> Iterator[Check]:
    """Each service has pods behind it, one of which is asked, through the API server."""
    cluster, path = _cluster(session), session.target.environment.app.liveness.path
    piece = piece_of(session.of, PieceKind.KUBERNETES_OBJECTS)
    assert isinstance(piece.details, KubernetesObjects)  # noqa: S101
    space = Ref(NAMESPACE.api_version, NAMESPACE.kind, "", piece.details.namespace)
    yield check(str(space), "is there", "a namespace", "a namespace" if cluster.get(space) else "none")
    services = _refs(session, SERVICE)
    yield check("release", "has a service", "at least one", len(services), passed=bool(services))
    for ref in services:
        slices = cluster.find(ENDPOINTS, {_SERVICE_NAME: ref.name}, ref.namespace)
        ready = sum(
            len(each["addresses"])
            for found in slices
            for each in found.get("endpoints") or ()
            if (each.get("conditions") or {}).get("ready")
        )
        yield check(str(ref), "has pods that answer", "at least one", ready, passed=ready > 0)
        yield check(str(ref), f"answers {path}", "an answer", _asked(cluster, ref, path))


def _asked(cluster: Cluster, service: Ref, path: str) -> str:
    try:
        cluster.ask(service, path)
    except ReleaseError as error:
        return str(error)
    return "an answer"
