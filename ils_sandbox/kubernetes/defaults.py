"""Values that an API server fills in when a field is not given, by type."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from ils_sandbox.kubernetes.schema import Schema, Shape

Struct = dict[str, Any]

_CORE = "io.k8s.api.core.v1."
_APPS = "io.k8s.api.apps.v1."
_FILE_MODE = 0o644

# Constants; a nested struct is created when absent, so that its own defaults apply.
CONSTANTS: Mapping[str, Mapping[str, Any]] = {
    _APPS + "DeploymentSpec": {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
        "strategy": {},
    },
    _APPS + "DeploymentStrategy": {"type": "RollingUpdate"},
    _APPS + "RollingUpdateDeployment": {"maxSurge": "25%", "maxUnavailable": "25%"},
    _APPS + "ReplicaSetSpec": {"replicas": 1},
    _CORE + "PodSpec": {
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    },
    _CORE + "Container": {
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    },
    _CORE + "ContainerPort": {"protocol": "TCP"},
    _CORE + "Probe": {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
    _CORE + "HTTPGetAction": {"path": "/", "scheme": "HTTP"},
    _CORE + "ObjectFieldSelector": {"apiVersion": "v1"},
    _CORE + "ConfigMapVolumeSource": {"defaultMode": _FILE_MODE},
    _CORE + "SecretVolumeSource": {"defaultMode": _FILE_MODE},
    _CORE + "ProjectedVolumeSource": {"defaultMode": _FILE_MODE},
    _CORE + "DownwardAPIVolumeSource": {"defaultMode": _FILE_MODE},
    _CORE + "ServiceAccountTokenProjection": {"expirationSeconds": 3600},
    _CORE + "ServiceSpec": {
        "type": "ClusterIP",
        "sessionAffinity": "None",
        "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
    },
    _CORE + "ServicePort": {"protocol": "TCP"},
    _CORE + "Secret": {"type": "Opaque"},
    _CORE + "Namespace": {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}},
    "io.k8s.api.batch.v1.JobSpec": {
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "suspend": False,
        "manualSelector": False,
    },
    "io.k8s.api.batch.v1.CronJobSpec": {
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
    },
    "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec": {"minReplicas": 1},
    "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerBehavior": {"scaleUp": {}, "scaleDown": {}},
    "io.k8s.api.discovery.v1.EndpointPort": {"name": "", "protocol": "TCP"},
    _CORE + "EndpointPort": {"protocol": "TCP"},
    "io.k8s.api.networking.v1.NetworkPolicyPort": {"protocol": "TCP"},
    "io.k8s.api.rbac.v1.RoleRef": {"apiGroup": "rbac.authorization.k8s.io"},
}


def _rolling_update(strategy: Struct) -> None:
    if strategy["type"] == "RollingUpdate":
        strategy.setdefault("rollingUpdate", {})


def _pull_policy(container: Struct) -> None:
    image = str(container.get("image", ""))
    name = image.rsplit("/", 1)[-1]
    latest = "@" not in name and (":" not in name or name.endswith(":latest"))
    container.setdefault("imagePullPolicy", "Always" if latest else "IfNotPresent")


def _pod(pod: Struct) -> None:
    """What is filled in for a pod, but not for a pod template."""
    spec = pod.get("spec", {})
    spec.setdefault("enableServiceLinks", True)
    for container in spec.get("containers", ()):
        resources = container.get("resources", {})
        if limits := resources.get("limits"):
            resources["requests"] = {**limits, **resources.get("requests", {})}


def _service_account(spec: Struct) -> None:
    """Both names of the field say the same, also when somebody takes one of them away."""
    if name := spec.get("serviceAccountName") or spec.get("serviceAccount"):
        spec["serviceAccountName"] = spec["serviceAccount"] = name


def _target_port(port: Struct) -> None:
    if "port" in port:
        port.setdefault("targetPort", port["port"])


def _string_data(secret: Struct) -> None:
    for key, text in (secret.pop("stringData", None) or {}).items():
        secret.setdefault("data", {})[key] = base64.b64encode(text.encode()).decode()


def _namespace_label(namespace: Struct) -> None:
    metadata = namespace["metadata"]
    if name := metadata.get("name"):
        metadata.setdefault("labels", {})["kubernetes.io/metadata.name"] = name


def _policy_types(spec: Struct) -> None:
    spec.setdefault("policyTypes", ["Ingress", "Egress"] if "egress" in spec else ["Ingress"])


def _subject_group(subject: Struct) -> None:
    if subject.get("kind") in ("User", "Group"):
        subject.setdefault("apiGroup", "rbac.authorization.k8s.io")


def _job_spec(spec: Struct) -> None:
    if "parallelism" not in spec and "completions" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("podReplacementPolicy", "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed")


def _job_labels(job: Struct) -> None:
    labels = job["spec"].get("template", {}).get("metadata", {}).get("labels")
    if labels and not job["metadata"].get("labels"):
        job["metadata"]["labels"] = dict(labels)


def _autoscaler_metrics(spec: Struct) -> None:
    target = {"type": "Utilization", "averageUtilization": 80}
    spec.setdefault("metrics", [{"type": "Resource", "resource": {"name": "cpu", "target": target}}])


def _scaling_behavior(behavior: Struct) -> None:
    pods, percent = (
        {"type": kind, "value": value, "periodSeconds": 15} for kind, value in (("Pods", 4), ("Percent", 100))
    )
    up = {"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [pods, percent]}
    down = {"selectPolicy": "Max", "policies": [dict(percent)]}
    behavior["scaleUp"] = up | behavior["scaleUp"]
    behavior["scaleDown"] = down | behavior["scaleDown"]


def _limit_range_item(item: Struct) -> None:
    """The largest amount allowed is the default, the default is what is asked for, and so is the least."""
    if item.get("type") != "Container":
        return
    limits = {**item.get("max", {}), **item.get("default", {})}
    requests = {**item.get("min", {}), **limits, **item.get("defaultRequest", {})}
    for name, amounts in (("default", limits), ("defaultRequest", requests)):
        if amounts:
            item[name] = amounts


RULES: Mapping[str, tuple[Callable[[Struct], None], ...]] = {
    _APPS + "DeploymentStrategy": (_rolling_update,),
    _CORE + "Pod": (_pod,),
    _CORE + "PodSpec": (_service_account,),
    _CORE + "Container": (_pull_policy,),
    _CORE + "ServicePort": (_target_port,),
    _CORE + "Secret": (_string_data,),
    _CORE + "Namespace": (_namespace_label,),
    _CORE + "LimitRangeItem": (_limit_range_item,),
    "io.k8s.api.batch.v1.Job": (_job_labels,),
    "io.k8s.api.batch.v1.JobSpec": (_job_spec,),
    "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec": (_autoscaler_metrics,),
    "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerBehavior": (_scaling_behavior,),
    "io.k8s.api.networking.v1.NetworkPolicySpec": (_policy_types,),
    "io.k8s.api.rbac.v1.Subject": (_subject_group,),
}


def apply_defaults(schema: Schema, obj: Any) -> None:
    """Fill in, in place, what `obj` (a decoded value of the type) leaves open."""
    if schema.shape is Shape.STRUCT:
        for name, value in CONSTANTS.get(schema.type_name, {}).items():
            if name not in obj:
                obj[name] = value.copy() if isinstance(value, dict | list) else value
        for rule in RULES.get(schema.type_name, ()):
            rule(obj)
        for name, value in obj.items():
            if isinstance(value, dict | list) and (child := schema.child(name)) is not None:
                apply_defaults(child, value)
    elif schema.shape in (Shape.LIST, Shape.MAP):
        for item in obj if schema.shape is Shape.LIST else obj.values():
            if isinstance(item, dict | list):
                apply_defaults(schema.element, item)
