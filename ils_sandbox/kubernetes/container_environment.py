"""The environment variables and the command of a container, with everything it refers to filled in."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ils_sandbox.kubernetes.kinds import CONFIG_MAP, SECRET
from ils_sandbox.kubernetes.store import Cluster, Object, namespace_of

_REFERENCE = re.compile(r"\$(\$|\(([^()]*)\))")


def environment(
    cluster: Cluster, pod: Object, container: Object, services: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Variables in the order in which they may refer to each other. References to what is missing are left out; a pod
    whose references are not optional does not get this far. `services` are those of which the container says nothing.
    """
    variables: dict[str, str] = {**(services or {})}
    for source in container.get("envFrom", ()):
        prefix = source.get("prefix", "")
        for name, value in _everything(cluster, pod, source):
            variables[prefix + name] = value
    for variable in container.get("env", ()):
        given = _value(cluster, pod, container, variable)
        if given is not None:
            variables[variable["name"]] = expand(given, variables)
    return variables


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`$(NAME)` replaced by its value if there is one; `$$` is a dollar sign."""

    def replace(match: re.Match[str]) -> str:
        if match[1] == "$":
            return "$"
        return variables.get(match[2], match[0])

    return _REFERENCE.sub(replace, text)


def command(container: Object, variables: Mapping[str, str]) -> list[str]:
    return [expand(part, variables) for part in (*container.get("command", ()), *container.get("args", ()))]


def _everything(cluster: Cluster, pod: Object, source: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    namespace = namespace_of(pod)
    if "configMapRef" in source:
        found = cluster.get(CONFIG_MAP, namespace, source["configMapRef"]["name"])
        yield from (found or {}).get("data", {}).items()
    if "secretRef" in source:
        found = cluster.get(SECRET, namespace, source["secretRef"]["name"])
        for name, value in (found or {}).get("data", {}).items():
            yield name, _decoded(value)


def _value(cluster: Cluster, pod: Object, container: Object, variable: Mapping[str, Any]) -> str | None:
    source = variable.get("valueFrom")
    if source is None:
        return str(variable.get("value", ""))
    namespace = namespace_of(pod)
    if reference := source.get("configMapKeyRef"):
        found = cluster.get(CONFIG_MAP, namespace, reference["name"]) or {}
        value: str | None = found.get("data", {}).get(reference["key"])
        return value
    if reference := source.get("secretKeyRef"):
        found = cluster.get(SECRET, namespace, reference["name"]) or {}
        encoded = found.get("data", {}).get(reference["key"])
        return None if encoded is None else _decoded(encoded)
    if reference := source.get("fieldRef"):
        return _field(pod, reference["fieldPath"])
    if reference := source.get("resourceFieldRef"):
        group, _, name = reference["resource"].partition(".")
        amount = container.get("resources", {}).get(group, {}).get(name)
        return None if amount is None else str(amount)
    return None


def _field(pod: Object, path: str) -> str:
    """A field by its path, such as `metadata.name` or `metadata.labels['app']`; empty when it is not there."""
    place, _, key = path.partition("[")
    found: Any = pod
    for part in place.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    if key and isinstance(found, dict):
        found = found.get(key.rstrip("]").strip("'\""))
    return "" if found is None else str(found)


def _decoded(value: str) -> str:
    return base64.b64decode(value).decode(errors="replace")
