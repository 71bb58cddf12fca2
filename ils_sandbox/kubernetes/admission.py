"""What an API server looks at or adds when an object is created, beyond the object itself."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from ils_sandbox.kubernetes.kinds import EVENT, JOB, NAMESPACE, POD, SERVICE, SERVICE_ACCOUNT, Kind
from ils_sandbox.kubernetes.limit_ranges import check_limit_ranges, give_defaults
from ils_sandbox.kubernetes.pod_security import check_pod_security
from ils_sandbox.kubernetes.quotas import check_quotas
from ils_sandbox.kubernetes.statuses import ApiError, forbidden, not_found, required_name
from ils_sandbox.kubernetes.store import Cluster, Object, name_of, namespace_of

SERVICE_NETWORK = ipaddress.ip_network("10.100.0.0/16")
"""Where EKS takes cluster IPs from."""

UNANSWERING = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
"""Taints of nodes whose kubelet is not well or does not answer."""
SECONDS_TOLERATED = 300


def admit(cluster: Cluster, kind: Kind, obj: Object) -> None:
    """Check and complete, in place, an object about to be created. Raises a 403 or 404."""
    if not obj["metadata"].get("name"):
        raise required_name(kind)
    if kind.namespaced:
        _namespace(cluster, kind, obj)
    for rule in RULES.get(kind, ()):
        rule(cluster, obj)


def check_admission(cluster: Cluster, kind: Kind, obj: Object) -> None:
    """What is looked at once an object is complete and known to be valid. Raises a 403."""
    if kind is POD:
        check_pod_security(cluster, obj)
        check_limit_ranges(cluster, obj)
    if kind.namespaced and kind is not EVENT:
        check_quotas(cluster, kind, obj)


def _namespace(cluster: Cluster, kind: Kind, obj: Object) -> None:
    name = namespace_of(obj)
    namespace = cluster.get(NAMESPACE, "", name)
    if namespace is None:
        raise not_found(NAMESPACE, name)
    if "deletionTimestamp" in namespace["metadata"]:
        error = forbidden(
            kind, name_of(obj), f"unable to create new content in namespace {name} because it is being terminated"
        )
        cause = {"reason": "NamespaceTerminating", "message": f"namespace {name} is being terminated"}
        details = {**(error.details or {}), "causes": [cause | {"field": "metadata.namespace"}]}
        raise ApiError(error.code, error.reason, error.message, details)


def _pod(cluster: Cluster, pod: Object) -> None:
    spec = pod["spec"]
    account = spec.setdefault("serviceAccountName", "default")
    spec["serviceAccount"] = account
    _tolerate(spec)
    give_defaults(cluster, pod)
    namespace = namespace_of(pod)
    if cluster.get(SERVICE_ACCOUNT, namespace, account) is None:
        why = f'error looking up service account {namespace}/{account}: serviceaccount "{account}" not found'
        raise forbidden(POD, name_of(pod), why)
    pod["status"] = {"phase": "Pending", "qosClass": _quality(spec)}


def _tolerate(spec: dict[str, Any]) -> None:
    """A pod stays on a node that does not answer for five minutes, unless it says otherwise."""
    tolerations = spec.setdefault("tolerations", [])
    for key in UNANSWERING:
        if not any(
            found.get("key") in (None, key) and found.get("effect") in (None, "NoExecute") for found in tolerations
        ):
            tolerations.append(
                {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS_TOLERATED}
            )


def _quality(spec: Mapping[str, Any]) -> str:
    resources = [container.get("resources", {}) for container in spec["containers"]]
    if not any(resource.get("requests") or resource.get("limits") for resource in resources):
        return "BestEffort"
    guaranteed = all(
        resource.get("limits", {}).keys() >= {"cpu", "memory"}
        and all(resource.get("requests", {}).get(name) == limit for name, limit in resource["limits"].items())
        for resource in resources
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _service(cluster: Cluster, service: Object) -> None:
    spec = service["spec"]
    service["status"] = {"loadBalancer": {}}
    if spec["type"] == "ExternalName" or "clusterIP" in spec:
        return
    used = {other["spec"].get("clusterIP") for other in cluster.objects(SERVICE)}
    free = next(str(address) for address in SERVICE_NETWORK.hosts() if str(address) not in used)
    spec["clusterIP"] = free
    spec["clusterIPs"] = [free]


def _job(_cluster: Cluster, job: Object) -> None:
    """A job selects its pods by its own uid, unless it says that it selects them by itself."""
    spec, metadata = job["spec"], job["metadata"]
    if spec.get("manualSelector"):
        return
    labels = spec["template"].setdefault("metadata", {}).setdefault("labels", {})
    for prefix in ("", "batch.kubernetes.io/"):
        labels[f"{prefix}controller-uid"] = metadata["uid"]
        labels[f"{prefix}job-name"] = metadata["name"]
    spec.setdefault("selector", {}).setdefault("matchLabels", {})["batch.kubernetes.io/controller-uid"] = metadata[
        "uid"
    ]


RULES: Mapping[Kind, tuple[Callable[[Cluster, Object], None], ...]] = {
    POD: (_pod,),
    SERVICE: (_service,),
    JOB: (_job,),
}
