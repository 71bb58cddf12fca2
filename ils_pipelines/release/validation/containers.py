"""Likewise, of the containers of a pod."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ils_pipelines.release.objects import Ref
from ils_pipelines.release.validation.mistakes import Mistake
from ils_pipelines.settings.quantities import value_of

_PATH = "spec.template.spec"
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "imagePullPolicy": ("Always", "IfNotPresent", "Never"),
    "terminationMessagePolicy": ("FallbackToLogsOnError", "File"),
}
_POD_CHOICES: Mapping[str, tuple[str, ...]] = {
    "restartPolicy": ("Always",),
    "dnsPolicy": ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
}
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_ASKING = ("exec", "grpc", "httpGet", "tcpSocket")


def container_mistakes(ref: Ref, spec: Mapping[str, Any]) -> Iterator[Mistake]:
    """Of a deployment's pod spec."""
    yield from _choices(ref, _PATH, spec, _POD_CHOICES)
    volumes = {volume["name"] for volume in spec.get("volumes", ())}
    names: set[str] = set()
    for index, container in enumerate(spec["containers"]):
        path = f"{_PATH}.containers.{index}"
        if container["name"] in names:
            yield Mistake(ref, f"{path}.name", "another name for each container", repr(container["name"]))
        names.add(container["name"])
        yield from _choices(ref, path, container, _CHOICES)
        yield from _resources(ref, path, container.get("resources", {}))
        for mount in container.get("volumeMounts", ()):
            if mount["name"] not in volumes:
                known = ", ".join(sorted(volumes)) or "none"
                yield Mistake(ref, f"{path}.volumeMounts", f"a volume of the pod: {known}", repr(mount["name"]))
        for name in _PROBES:
            if name in container:
                yield from _probe(ref, f"{path}.{name}", container[name], container)


def _choices(
    ref: Ref, path: str, struct: Mapping[str, Any], choices: Mapping[str, tuple[str, ...]]
) -> Iterator[Mistake]:
    for name, allowed in choices.items():
        if name in struct and struct[name] not in allowed:
            yield Mistake(ref, f"{path}.{name}", " or ".join(allowed), repr(struct[name]))


def _resources(ref: Ref, path: str, resources: Mapping[str, Any]) -> Iterator[Mistake]:
    for name, request in resources.get("requests", {}).items():
        limit = resources.get("limits", {}).get(name)
        if limit is not None and value_of(str(request)) > value_of(str(limit)):
            yield Mistake(ref, f"{path}.resources.requests.{name}", f"at most the limit, {limit}", str(request))


def _probe(ref: Ref, path: str, probe: Mapping[str, Any], container: Mapping[str, Any]) -> Iterator[Mistake]:
    asking = [name for name in _ASKING if name in probe]
    if len(asking) != 1:
        yield Mistake(ref, path, f"one of {', '.join(_ASKING)}", ", ".join(asking) or "none")
    port = probe.get("httpGet", {}).get("port")
    names = {each.get("name") for each in container.get("ports", ())}
    if isinstance(port, str) and port not in names:
        known = ", ".join(sorted(name for name in names if name)) or "none"
        yield Mistake(ref, f"{path}.httpGet.port", f"a port of the container: {known}", repr(port))
    for name in ("periodSeconds", "timeoutSeconds", "failureThreshold"):
        if probe.get(name, 1) < 1:
            yield Mistake(ref, f"{path}.{name}", "1 or more", str(probe[name]))
