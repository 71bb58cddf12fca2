"""What makes an object of one kind invalid, beyond what its type says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import available_timezones

from ils_sandbox.kubernetes import quantities
from ils_sandbox.kubernetes.kinds import (
    CONFIG_MAP,
    CRON_JOB,
    DEPLOYMENT,
    HORIZONTAL_POD_AUTOSCALER,
    JOB,
    POD,
    POD_DISRUPTION_BUDGET,
    REPLICA_SET,
    SECRET,
    SERVICE,
    Kind,
)
from ils_sandbox.kubernetes.names import (
    DATA_KEY,
    DNS_LABEL,
    LABEL_TEXT,
    Causes,
    check_labels,
    duplicate,
    required,
    wrong,
)
from ils_sandbox.kubernetes.schedules import Schedule
from ils_sandbox.kubernetes.selectors import matches_selector
from ils_sandbox.kubernetes.statuses import Cause

Object = Mapping[str, Any]

_DATA_LIMIT = 1024 * 1024


def _workload(obj: Object) -> Causes:
    spec = obj["spec"]
    labels = spec["template"].get("metadata", {}).get("labels", {})
    yield from check_labels(labels, "spec.template.metadata.labels")
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
    spec = obj["spec"]
    if spec.get("completionMode") == "Indexed" and "completions" not in spec:
        text = "Required value: when completion mode is Indexed"
        yield Cause("spec.completions", "FieldValueRequired", text)
    yield from _job_template(spec, "spec")


def _job_template(spec: Object, path: str) -> Causes:
    pod = spec["template"].get("spec", {})
    if not pod.get("containers"):
        yield required(f"{path}.template.spec.containers")
        return
    yield from _pod_spec(pod, f"{path}.template.spec")
    if pod.get("restartPolicy") == "Always":
        yield Cause(
            f"{path}.template.spec.restartPolicy",
            "FieldValueRequired",
            'Required value: valid values: "OnFailure", "Never"',
        )


def _cron_job(obj: Object) -> Causes:
    spec = obj["spec"]
    try:
        Schedule.parse(spec["schedule"])
    except ValueError as error:
        yield wrong("spec.schedule", spec["schedule"], str(error))
    if (zone := spec.get("timeZone")) and zone not in available_timezones():
        yield wrong("spec.timeZone", zone, f"unknown time zone {zone}")
    yield from _job_template(spec["jobTemplate"]["spec"], "spec.jobTemplate.spec")


def _budget(obj: Object) -> Causes:
    spec = obj.get("spec", {})
    if "minAvailable" in spec and "maxUnavailable" in spec:
        yield wrong("spec", "{...}", "minAvailable and maxUnavailable cannot be both set")


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
                yield duplicate(f"{place}.name", f'"{container["name"]}"')
            seen.add(container["name"])


def _container(container: Object, path: str, volumes: set[str]) -> Causes:
    if not container.get("image"):
        yield required(f"{path}.image")
    if len(container["name"]) > 63 or not DNS_LABEL.match(container["name"]):
        yield wrong(f"{path}.name", container["name"], LABEL_TEXT)
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
    names: set[str] = set()
    numbers: set[tuple[str, int]] = set()
    for index, port in enumerate(ports):
        name, number = port.get("name", ""), (port["protocol"], port["port"])
        if not name and len(ports) > 1:
            yield required(f"spec.ports[{index}].name")
        elif name and name in names:
            yield duplicate(f"spec.ports[{index}].name", f'"{name}"')
        if number in numbers:
            yield duplicate(f"spec.ports[{index}]", f'{{"protocol":"{number[0]}","port":{number[1]}}}')
        names.add(name)
        numbers.add(number)


def _data(obj: Object) -> Causes:
    size = 0
    for group in ("data", "binaryData"):
        for key, value in obj.get(group, {}).items():
            size += len(value)
            if not DATA_KEY.match(key) or len(key) > 253:
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
    CRON_JOB: (_cron_job,),
    POD_DISRUPTION_BUDGET: (_budget,),
    SERVICE: (_service,),
    CONFIG_MAP: (_data,),
    SECRET: (_data,),
    HORIZONTAL_POD_AUTOSCALER: (_autoscaler,),
}
