"""Mistakes that a schema does not find: what does not fit together, within an object and between objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ils_pipelines.release.objects import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    NETWORK_POLICY,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    Body,
    Kind,
    Manifest,
    Ref,
)
from ils_pipelines.release.validation.containers import container_mistakes
from ils_pipelines.release.validation.mistakes import Mistake

Mistakes = Iterator[Mistake]

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_VALUE = re.compile(r"(?=.{0,63}$)([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_MOST_DATA = 1 << 20
_LABEL_NAMES = frozenset({"Namespace", "Service"})
_NAME_TEXT = "lower-case letters, digits and '-', starting and ending with a letter or digit"


def semantic_mistakes(manifests: Sequence[Manifest]) -> Mistakes:
    """Everything found, in the order of the objects."""
    for manifest in manifests:
        yield from _names(manifest)
        for rule in RULES.get(manifest.kind, ()):
            yield from rule(manifest.ref, manifest.body, manifests)


def _names(manifest: Manifest) -> Mistakes:
    ref, metadata = manifest.ref, manifest.body["metadata"]
    form, longest = (_LABEL, 63) if ref.kind in _LABEL_NAMES else (_SUBDOMAIN, 253)
    if not form.fullmatch(ref.name):
        yield Mistake(ref, "metadata.name", f"{_NAME_TEXT}, at most {longest} characters", repr(ref.name))
    if ref.namespace and not _LABEL.fullmatch(ref.namespace):
        yield Mistake(ref, "metadata.namespace", f"{_NAME_TEXT}, at most 63 characters", repr(ref.namespace))
    if manifest.kind.namespaced and not ref.namespace:
        yield Mistake(ref, "metadata.namespace", "a namespace", "none")
    yield from _labels(ref, "metadata.labels", metadata.get("labels", {}))


def _labels(ref: Ref, path: str, labels: Mapping[str, str]) -> Mistakes:
    for key, value in labels.items():
        if not _LABEL_VALUE.fullmatch(value):
            expected = "at most 63 letters, digits, '-', '_' and '.', starting and ending with a letter or digit"
            yield Mistake(ref, f"{path}.{key}", expected, repr(value))


def _deployment(ref: Ref, body: Body, others: Sequence[Manifest]) -> Mistakes:
    spec = body["spec"]
    template = spec["template"]
    labels = template.get("metadata", {}).get("labels", {})
    yield from _labels(ref, "spec.template.metadata.labels", labels)
    wanted = spec["selector"].get("matchLabels", {})
    if not wanted or not wanted.items() <= labels.items():
        expected = f"the labels that spec.selector asks for, {_shown(wanted) or 'and it to ask for some'}"
        yield Mistake(ref, "spec.template.metadata.labels", expected, _shown(labels) or "none")
    replicas = spec.get("replicas")
    if replicas is not None and replicas < 0:
        yield Mistake(ref, "spec.replicas", "0 or more", str(replicas))
    scaled = [each.ref for each in _of(others, AUTOSCALER) if _scales(each.body, ref)]
    if replicas is not None and scaled:
        yield Mistake(ref, "spec.replicas", f"nothing, as {scaled[0]} says how many pods there are", str(replicas))
    yield from _strategy(ref, spec.get("strategy", {}))
    yield from container_mistakes(ref, template["spec"])


def _strategy(ref: Ref, strategy: Mapping[str, Any]) -> Mistakes:
    kind = strategy.get("type", "RollingUpdate")
    if kind not in ("RollingUpdate", "Recreate"):
        yield Mistake(ref, "spec.strategy.type", "RollingUpdate or Recreate", repr(kind))
    rolling = strategy.get("rollingUpdate", {})
    if {str(rolling.get(name)).rstrip("%") for name in ("maxSurge", "maxUnavailable")} == {"0"}:
        yield Mistake(
            ref, "spec.strategy.rollingUpdate", "maxSurge or maxUnavailable above 0", "both 0: no pod could go"
        )


def _service(ref: Ref, body: Body, others: Sequence[Manifest]) -> Mistakes:
    spec = body["spec"]
    kinds = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
    if spec.get("type", "ClusterIP") not in kinds:
        yield Mistake(ref, "spec.type", " or ".join(kinds), repr(spec["type"]))
    yield from _selects_pods(ref, "spec.selector", spec.get("selector", {}), others)
    for index, port in enumerate(spec.get("ports", ())):
        yield from _target_port(ref, f"spec.ports.{index}", port, spec.get("selector", {}), others)


def _target_port(
    ref: Ref, path: str, port: Mapping[str, Any], selector: Mapping[str, str], others: Sequence[Manifest]
) -> Mistakes:
    target = port.get("targetPort", port["port"])
    for pods in _selected(selector, others):
        ports = [each for container in pods["spec"]["containers"] for each in container.get("ports", ())]
        known = {each.get("name") for each in ports} | {each["containerPort"] for each in ports}
        if target not in known:
            names = ", ".join(sorted(map(str, known - {None}))) or "none"
            yield Mistake(ref, f"{path}.targetPort", f"a port of the pods: {names}", repr(target))


def _budget(ref: Ref, body: Body, others: Sequence[Manifest]) -> Mistakes:
    spec = body["spec"]
    labels = spec.get("selector", {}).get("matchLabels", {})
    yield from _selects_pods(ref, "spec.selector", labels, others)
    fewest = sum(_fewest(each, others) for each in _of(others, DEPLOYMENT) if _selects(labels, each.body))
    available, unavailable = spec.get("minAvailable"), spec.get("maxUnavailable")
    if available is not None and fewest and _count(available, fewest) >= fewest:
        expected = f"less than the {fewest} pods there may be: else no node could ever be drained"
        yield Mistake(ref, "spec.minAvailable", expected, str(available))
    if unavailable is not None and fewest and _count(unavailable, fewest) < 1:
        yield Mistake(ref, "spec.maxUnavailable", "1 or more: else no node could ever be drained", str(unavailable))


def _fewest(deployment: Manifest, others: Sequence[Manifest]) -> int:
    """The fewest pods of a deployment."""
    for each in _of(others, AUTOSCALER):
        if _scales(each.body, deployment.ref):
            return int(each.body["spec"].get("minReplicas", 1))
    return int(deployment.body["spec"].get("replicas", 1))


def _count(value: Any, of: int) -> int:
    """A number of pods or a share of them, rounded up as Kubernetes does."""
    return -(-int(value[:-1]) * of // 100) if isinstance(value, str) and value.endswith("%") else int(value)


def _autoscaler(ref: Ref, body: Body, others: Sequence[Manifest]) -> Mistakes:
    spec = body["spec"]
    fewest, most = spec.get("minReplicas", 1), spec["maxReplicas"]
    if not 1 <= fewest <= most:
        yield Mistake(ref, "spec.minReplicas", f"1 to maxReplicas ({most})", str(fewest))
    if not any(_scales(body, each.ref) for each in _of(others, DEPLOYMENT)):
        yield Mistake(ref, "spec.scaleTargetRef", "a deployment of the release", spec["scaleTargetRef"]["name"])
    for index, metric in enumerate(spec.get("metrics", ())):
        resource = metric.get("resource", {}).get("name")
        for deployment in _of(others, DEPLOYMENT):
            if _scales(body, deployment.ref) and not _requested(deployment.body, resource):
                expected = f"containers that request {resource}: a share of nothing is no measure"
                yield Mistake(ref, f"spec.metrics.{index}.resource", expected, "one without")


def _requested(deployment: Body, resource: str | None) -> bool:
    containers = deployment["spec"]["template"]["spec"]["containers"]
    return resource is None or all(resource in each.get("resources", {}).get("requests", {}) for each in containers)


def _policy(ref: Ref, body: Body, others: Sequence[Manifest]) -> Mistakes:
    spec = body["spec"]
    for kind in spec.get("policyTypes", ()):
        if kind not in ("Ingress", "Egress"):
            yield Mistake(ref, "spec.policyTypes", "Ingress or Egress", repr(kind))
    labels = spec.get("podSelector", {}).get("matchLabels", {})
    if labels:
        yield from _selects_pods(ref, "spec.podSelector", labels, others)


def _binding(ref: Ref, body: Body, others: Sequence[Manifest]) -> Mistakes:
    named = {(each.ref.kind, each.ref.name) for each in others}
    role = body["roleRef"]
    if role["kind"] == "Role" and ("Role", role["name"]) not in named:
        yield Mistake(ref, "roleRef", "a role of the release", role["name"])
    for index, subject in enumerate(body.get("subjects", ())):
        if subject["kind"] == "ServiceAccount" and ("ServiceAccount", subject["name"]) not in named:
            yield Mistake(ref, f"subjects.{index}", "a service account of the release", subject["name"])


def _data(ref: Ref, body: Body, _others: Sequence[Manifest]) -> Mistakes:
    data = body.get("data", {})
    for key in data:
        if not _DATA_KEY.fullmatch(key):
            yield Mistake(ref, "data", "names of at most 253 letters, digits, '-', '_' and '.'", _cut(key))
    size = sum(len(key) + len(value) for key, value in data.items())
    if size > _MOST_DATA:
        yield Mistake(ref, "data", f"at most {_MOST_DATA} bytes, which is all that the API keeps", f"{size} bytes")


def _cut(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def _selects_pods(ref: Ref, path: str, labels: Mapping[str, str], others: Sequence[Manifest]) -> Mistakes:
    if not any(_selects(labels, each.body) for each in _of(others, DEPLOYMENT)):
        yield Mistake(ref, path, "the labels of a deployment's pods", _shown(labels) or "nothing")


def _selects(labels: Mapping[str, str], deployment: Body) -> bool:
    found = deployment["spec"]["template"].get("metadata", {}).get("labels", {})
    return bool(labels) and labels.items() <= found.items()


def _selected(labels: Mapping[str, str], others: Sequence[Manifest]) -> list[Mapping[str, Any]]:
    return [each.body["spec"]["template"] for each in _of(others, DEPLOYMENT) if _selects(labels, each.body)]


def _scales(autoscaler: Body, ref: Ref) -> bool:
    target = autoscaler["spec"]["scaleTargetRef"]
    return (target["kind"], target["name"]) == (ref.kind, ref.name)


def _of(manifests: Sequence[Manifest], kind: Kind) -> list[Manifest]:
    return [each for each in manifests if each.kind is kind]


def _shown(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))


RULES: Mapping[Kind, tuple[Callable[[Ref, Body, Sequence[Manifest]], Mistakes], ...]] = {
    DEPLOYMENT: (_deployment,),
    SERVICE: (_service,),
    DISRUPTION_BUDGET: (_budget,),
    AUTOSCALER: (_autoscaler,),
    NETWORK_POLICY: (_policy,),
    ROLE_BINDING: (_binding,),
    CONFIG_MAP: (_data,),
    SECRET: (_data,),
}
