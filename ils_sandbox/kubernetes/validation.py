"""What makes an object invalid (422), beyond wrong types: names, required fields, choices, rules of single kinds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ils_sandbox.kubernetes import quantities
from ils_sandbox.kubernetes.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    HORIZONTAL_POD_AUTOSCALER,
    JOB,
    POD,
    REPLICA_SET,
    ROLE,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    Kind,
)
from ils_sandbox.kubernetes.schema import Schema, Shape
from ils_sandbox.kubernetes.selectors import matches_selector
from ils_sandbox.kubernetes.statuses import Cause, invalid

Object = Mapping[str, Any]
Causes = Iterator[Cause]

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DNS_LABEL = re.compile(rf"^{_LABEL}$")
_DNS_SUBDOMAIN = re.compile(rf"^{_LABEL}(\.{_LABEL})*$")
_QUALIFIED_NAME = re.compile(r"^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$")
_LABEL_VALUE = re.compile(r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$")
_DATA_KEY = re.compile(r"^[-._a-zA-Z0-9]+$")
_PATH_NAME = re.compile(r"^(?!\.{1,2}$)[^/%]+$")
"""Names of roles and their bindings may have colons and capitals."""
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_NAME_PART_TEXT = "name part must consist of alphanumeric characters, '-', '_' or '.'"
_DATA_LIMIT = 1024 * 1024

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

# Paths that may not change once the object exists.
IMMUTABLE: Mapping[Kind, tuple[str, ...]] = {
    DEPLOYMENT: ("spec.selector",),
    REPLICA_SET: ("spec.selector",),
    JOB: ("spec.selector", "spec.template", "spec.completionMode"),
    SECRET: ("type",),
    ROLE_BINDING: ("roleRef",),
    SERVICE: ("spec.clusterIP",),
}
_POD_MUTABLE = frozenset({"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "nodeName"})


def required(path: str) -> Cause:
    return Cause(path, "FieldValueRequired", "Required value")


def wrong(path: str, value: Any, why: str) -> Cause:
    shown = f'"{value}"' if isinstance(value, str) else value
    return Cause(path, "FieldValueInvalid", f"Invalid value: {shown}: {why}")


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
    yield from _labels(metadata.get("labels", {}), "metadata.labels")
    for key in metadata.get("annotations", {}):
        if not _is_qualified(key):
            yield wrong(
                "metadata.annotations", key, "name part must consist of alphanumeric characters, '-', '_' or '.'"
            )


def _name_form(kind: Kind) -> tuple[re.Pattern[str], int, str]:
    if kind in (ROLE, ROLE_BINDING):
        return _PATH_NAME, 253, "may not contain '/' or '%', nor be '.' or '..'"
    return (_DNS_LABEL, 63, _LABEL_TEXT) if kind.label_names else (_DNS_SUBDOMAIN, 253, _SUBDOMAIN_TEXT)


def _labels(labels: Mapping[str, str], path: str) -> Causes:
    for key, value in labels.items():
        if not _is_qualified(key):
            yield wrong(path, key, _NAME_PART_TEXT)
        if len(value) > 63:
            yield wrong(path, value, "must be no more than 63 bytes")
        elif not _LABEL_VALUE.match(value):
            yield wrong(
                path,
                value,
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
                "start and end with an alphanumeric character",
            )


def _is_qualified(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    valid = len(name) <= 63 and bool(_QUALIFIED_NAME.match(name))
    return valid and (not slash or bool(_DNS_SUBDOMAIN.match(prefix.lower())))


def _fields(schema: Schema, value: Any, path: str) -> Causes:
    """Required fields, choices and ranges, wherever their type stands."""
    if schema.shape is Shape.STRUCT:
        prefix = f"{path}." if path else ""
        for name in schema.required:
            if name not in value and name != "status":
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


# -- rules of single kinds --------------------------------------------------------------------------------------------


def _workload(obj: Object) -> Causes:
    spec = obj["spec"]
    labels = spec["template"].get("metadata", {}).get("labels", {})
    yield from _labels(labels, "spec.template.metadata.labels")
    selector = spec["selector"]
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield wrong("spec.selector", "{}", "empty selector is invalid for deployment")
    elif not matches_selector(selector, labels):
        shown = "{" + ",".join(f'"{key}":"{value}"' for key, value in labels.items()) + "}"
        yield wrong("spec.template.metadata.labels", shown, "`selector` does not match template `labels`")
    pod = spec["template"].get("spec")
    if pod is None:
        yield required("spec.template.spec.containers")
        return
    yield from _pod_spec(pod, "spec.template.spec")
    if pod["restartPolicy"] != "Always":
        yield Cause(
            "spec.template.spec.restartPolicy",
            "FieldValueNotSupported",
            f'Unsupported value: "{pod["restartPolicy"]}": supported values: "Always"',
        )


def _rollout(obj: Object) -> Causes:
    spec = obj["spec"]
    rolling = spec["strategy"].get("rollingUpdate", {})
    if spec["strategy"]["type"] == "Recreate" and rolling:
        yield Cause(
            "spec.strategy.rollingUpdate",
            "FieldValueForbidden",
            "Forbidden: may not be specified when strategy `type` is 'Recreate'",
        )
    zero = (0, "0", "0%")
    if rolling.get("maxSurge") in zero and rolling.get("maxUnavailable") in zero:
        yield wrong(
            "spec.strategy.rollingUpdate.maxUnavailable",
            rolling["maxUnavailable"],
            "may not be 0 when `maxSurge` is 0",
        )
    if spec.get("progressDeadlineSeconds", 1) <= spec.get("minReadySeconds", 0):
        yield wrong(
            "spec.progressDeadlineSeconds", spec["progressDeadlineSeconds"], "must be greater than minReadySeconds"
        )


def _pod(obj: Object) -> Causes:
    yield from _pod_spec(obj["spec"], "spec")


def _job(obj: Object) -> Causes:
    pod = obj["spec"]["template"].get("spec", {})
    if not pod.get("containers"):
        yield required("spec.template.spec.containers")
        return
    yield from _pod_spec(pod, "spec.template.spec")
    if pod.get("restartPolicy") == "Always":
        yield Cause(
            "spec.template.spec.restartPolicy",
            "FieldValueRequired",
            'Required value: valid values: "OnFailure", "Never"',
        )


def _pod_spec(spec: Object, path: str) -> Causes:
    if not spec.get("containers"):
        yield required(f"{path}.containers")
    volumes = {volume["name"] for volume in spec.get("volumes", ())}
    seen: set[str] = set()
    for group in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(group, ())):
            place = f"{path}.{group}[{index}]"
            yield from _container(container, place, volumes)
            if container["name"] in seen:
                yield Cause(f"{place}.name", "FieldValueDuplicate", f'Duplicate value: "{container["name"]}"')
            seen.add(container["name"])


def _container(container: Object, path: str, volumes: set[str]) -> Causes:
    if not container.get("image"):
        yield required(f"{path}.image")
    if len(container["name"]) > 63 or not _DNS_LABEL.match(container["name"]):
        yield wrong(f"{path}.name", container["name"], _LABEL_TEXT)
    for index, mount in enumerate(container.get("volumeMounts", ())):
        if mount["name"] not in volumes:
            yield Cause(f"{path}.volumeMounts[{index}].name", "FieldValueNotFound", f'Not found: "{mount["name"]}"')
    resources = container.get("resources", {})
    for name, request in resources.get("requests", {}).items():
        limit = resources.get("limits", {}).get(name)
        if limit is not None and quantities.parse(request) > quantities.parse(limit):
            yield wrong(f"{path}.resources.requests", request, f"must be less than or equal to {name} limit of {limit}")
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        handlers = {"exec", "grpc", "httpGet", "tcpSocket"} & container.get(probe, {}).keys()
        if probe in container and len(handlers) != 1:
            yield Cause(f"{path}.{probe}", "FieldValueRequired", "Required value: must specify a handler type")


def _service(obj: Object) -> Causes:
    spec = obj.get("spec", {})
    ports = spec.get("ports", [])
    if not ports and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    if len(ports) > 1:
        for index, port in enumerate(ports):
            if not port.get("name"):
                yield required(f"spec.ports[{index}].name")


def _data(obj: Object) -> Causes:
    size = 0
    for group in ("data", "binaryData"):
        for key, value in obj.get(group, {}).items():
            size += len(value)
            if not _DATA_KEY.match(key) or len(key) > 253:
                yield wrong(
                    f"{group}[{key}]",
                    key,
                    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
                )
    if size > _DATA_LIMIT:
        yield Cause("", "FieldValueTooLong", f"Too long: may not be more than {_DATA_LIMIT} bytes")


def _autoscaler(obj: Object) -> Causes:
    spec = obj["spec"]
    if spec["maxReplicas"] < spec["minReplicas"]:
        yield wrong("spec.maxReplicas", spec["maxReplicas"], "must be greater than or equal to `minReplicas`")


RULES: Mapping[Kind, tuple[Callable[[Object], Causes], ...]] = {
    DEPLOYMENT: (_workload, _rollout),
    REPLICA_SET: (_workload,),
    POD: (_pod,),
    JOB: (_job,),
    SERVICE: (_service,),
    CONFIG_MAP: (_data,),
    SECRET: (_data,),
    HORIZONTAL_POD_AUTOSCALER: (_autoscaler,),
}


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
