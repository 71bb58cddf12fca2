"""What makes an object invalid (422), beyond wrong types: names, required fields, choices, rules of single kinds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ils_sandbox.kubernetes.kinds import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    DEPLOYMENT,
    JOB,
    POD,
    REPLICA_SET,
    ROLE,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    Kind,
)
from ils_sandbox.kubernetes.names import (
    DNS_LABEL,
    DNS_SUBDOMAIN,
    LABEL_TEXT,
    PATH_NAME,
    SUBDOMAIN_TEXT,
    Causes,
    check_labels,
    is_qualified,
    required,
    wrong,
)
from ils_sandbox.kubernetes.rules import RULES
from ils_sandbox.kubernetes.schema import Schema, Shape
from ils_sandbox.kubernetes.statuses import Cause, invalid

Object = Mapping[str, Any]

_CORE = "io.k8s.api.core.v1."
CHOICES: Mapping[tuple[str, str], tuple[str, ...]] = {
    (_CORE + "Container", "imagePullPolicy"): ("Always", "IfNotPresent", "Never"),
    (_CORE + "Container", "terminationMessagePolicy"): ("FallbackToLogsOnError", "File"),
    (_CORE + "PodSpec", "restartPolicy"): ("Always", "Never", "OnFailure"),
    (_CORE + "PodSpec", "dnsPolicy"): ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
    (_CORE + "ContainerPort", "protocol"): ("SCTP", "TCP", "UDP"),
    (_CORE + "ServicePort", "protocol"): ("SCTP", "TCP", "UDP"),
    (_CORE + "HTTPGetAction", "scheme"): ("HTTP", "HTTPS"),
    (_CORE + "SeccompProfile", "type"): ("Localhost", "RuntimeDefault", "Unconfined"),
    (_CORE + "ServiceSpec", "type"): ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"),
    (_CORE + "ServiceSpec", "sessionAffinity"): ("ClientIP", "None"),
    ("io.k8s.api.apps.v1.DeploymentStrategy", "type"): ("Recreate", "RollingUpdate"),
    ("io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement", "operator"): (
        "DoesNotExist",
        "Exists",
        "In",
        "NotIn",
    ),
    ("io.k8s.api.batch.v1.JobSpec", "completionMode"): ("Indexed", "NonIndexed"),
    ("io.k8s.api.batch.v1.CronJobSpec", "concurrencyPolicy"): ("Allow", "Forbid", "Replace"),
    (_CORE + "LimitRangeItem", "type"): ("Container", "PersistentVolumeClaim", "Pod"),
    ("io.k8s.api.networking.v1.NetworkPolicyPort", "protocol"): ("SCTP", "TCP", "UDP"),
}
# Integers that must not be negative, and ports.
NOT_NEGATIVE = frozenset(
    {
        "replicas",
        "minReadySeconds",
        "revisionHistoryLimit",
        "progressDeadlineSeconds",
        "initialDelaySeconds",
        "terminationGracePeriodSeconds",
        "backoffLimit",
        "completions",
        "parallelism",
        "activeDeadlineSeconds",
        "ttlSecondsAfterFinished",
        "runAsUser",
        "runAsGroup",
        "fsGroup",
    }
)
POSITIVE = frozenset({"periodSeconds", "timeoutSeconds", "successThreshold", "failureThreshold", "minReplicas"})
PORTS = frozenset({(_CORE + "ContainerPort", "containerPort"), (_CORE + "ServicePort", "port")})

# Lists that are required and may be empty, which is all the same once an object is read.
MAY_BE_EMPTY = frozenset({("io.k8s.api.discovery.v1.EndpointSlice", "endpoints")})

# Paths that may not change once the object exists.
IMMUTABLE: Mapping[Kind, tuple[str, ...]] = {
    DEPLOYMENT: ("spec.selector",),
    REPLICA_SET: ("spec.selector",),
    JOB: ("spec.selector", "spec.template", "spec.completionMode"),
    SECRET: ("type",),
    ROLE_BINDING: ("roleRef",),
    CLUSTER_ROLE_BINDING: ("roleRef",),
    SERVICE: ("spec.clusterIP",),
}
_POD_MUTABLE = frozenset({"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "nodeName"})


def validate(kind: Kind, schema: Schema, obj: Object, live: Object | None = None) -> None:
    """Raise a 422 with every cause when `obj` (decoded, with defaults) is not valid, or not as a change of `live`."""
    causes = [*_metadata(kind, obj), *_fields(schema, obj, "")]
    if not causes:  # the rules of single kinds may rely on required fields
        for rule in RULES.get(kind, ()):
            causes.extend(rule(obj))
        if live is not None:
            causes.extend(_immutable(kind, obj, live))
    if causes:
        raise invalid(kind, obj["metadata"].get("name", ""), causes)


def _metadata(kind: Kind, obj: Object) -> Causes:
    metadata = obj["metadata"]
    name = metadata.get("name", "")
    form, limit, text = _name_form(kind)
    if not name:
        yield Cause("metadata.name", "FieldValueRequired", "Required value: name or generateName is required")
    elif len(name) > limit:
        yield wrong("metadata.name", name, f"must be no more than {limit} bytes")
    elif not form.match(name):
        yield wrong("metadata.name", name, text)
    yield from check_labels(metadata.get("labels", {}), "metadata.labels")
    for key in metadata.get("annotations", {}):
        if not is_qualified(key):
            yield wrong(
                "metadata.annotations", key, "name part must consist of alphanumeric characters, '-', '_' or '.'"
            )


def _name_form(kind: Kind) -> tuple[re.Pattern[str], int, str]:
    if kind in (ROLE, ROLE_BINDING, CLUSTER_ROLE, CLUSTER_ROLE_BINDING):
        return PATH_NAME, 253, "may not contain '/' or '%', nor be '.' or '..'"
    return (DNS_LABEL, 63, LABEL_TEXT) if kind.label_names else (DNS_SUBDOMAIN, 253, SUBDOMAIN_TEXT)


def _fields(schema: Schema, value: Any, path: str) -> Causes:
    """Required fields, choices and ranges, wherever their type stands."""
    if schema.shape is Shape.STRUCT:
        prefix = f"{path}." if path else ""
        for name in schema.required:
            if name not in value and name != "status" and (schema.type_name, name) not in MAY_BE_EMPTY:
                yield required(prefix + name)
        for name, item in value.items():
            child = schema.child(name)
            if not isinstance(item, dict | list):
                yield from _scalar(schema.type_name, name, item, prefix + name)
            elif child is not None:
                yield from _fields(child, item, prefix + name)
    elif schema.shape in (Shape.LIST, Shape.MAP):
        for key, item in value.items() if schema.shape is Shape.MAP else enumerate(value):
            if isinstance(item, dict | list):
                yield from _fields(schema.element, item, f"{path}[{key}]")


def _scalar(type_name: str, name: str, value: Any, path: str) -> Causes:
    choices = CHOICES.get((type_name, name))
    if choices and value not in choices:
        listed = ", ".join(f'"{choice}"' for choice in choices)
        yield Cause(path, "FieldValueNotSupported", f'Unsupported value: "{value}": supported values: {listed}')
    if isinstance(value, int) and not isinstance(value, bool):
        if name in NOT_NEGATIVE and value < 0:
            yield wrong(path, value, "must be greater than or equal to 0")
        if name in POSITIVE and value < 1:
            yield wrong(path, value, "must be greater than 0")
        if (type_name, name) in PORTS and not 1 <= value <= 65535:
            yield wrong(path, value, "must be between 1 and 65535, inclusive")


def _immutable(kind: Kind, obj: Object, live: Object) -> Causes:
    for path in IMMUTABLE.get(kind, ()):
        before, after = _at(live, path), _at(obj, path)
        if before is not None and before != after:
            yield wrong(path, _shown(after), "field is immutable")
    if live.get("immutable") and any(live.get(name) != obj.get(name) for name in ("data", "binaryData", "immutable")):
        yield Cause("data", "FieldValueForbidden", "Forbidden: field is immutable when `immutable` is set")
    if kind is POD and _pod_fixed(live) != _pod_fixed(obj):
        yield Cause(
            "spec",
            "FieldValueForbidden",
            "Forbidden: pod updates may not change fields other than `spec.containers[*].image`, "
            "`spec.initContainers[*].image`, `spec.activeDeadlineSeconds`, `spec.tolerations` (only additions to "
            "existing tolerations), `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously "
            "negative)",
        )


def _pod_fixed(pod: Object) -> dict[str, Any]:
    spec = {name: value for name, value in pod["spec"].items() if name not in _POD_MUTABLE}
    for group in ("containers", "initContainers"):
        spec[group] = [{k: v for k, v in item.items() if k != "image"} for item in spec.get(group, ())]
    return spec


def _at(obj: Object, path: str) -> Any:
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _shown(value: Any) -> Any:
    return value if isinstance(value, str | int) else str(value)
