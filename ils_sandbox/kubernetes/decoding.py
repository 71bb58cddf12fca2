"""Reading an object against its type: wrong types are refused, unknown fields are reported, and what an API server does
not keep (nulls, empty lists and maps, other spellings of a quantity) is taken out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ils_sandbox.kubernetes import quantities
from ils_sandbox.kubernetes.kinds import Kind
from ils_sandbox.kubernetes.schema import QUANTITY, Schema, Shape
from ils_sandbox.kubernetes.statuses import bad_request

_JSON_NAMES = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}
_GO_NAMES = {"string": "string", "boolean": "bool", "integer": "int32", "number": "float64"}
_INT_RANGES = {"int32": 2**31, "int64": 2**63}

# Fields whose Go type has no "not set": a zero is not written back. The definitions do not tell them from the others.
OMITTED_WHEN_ZERO: dict[str, frozenset[str]] = {
    "io.k8s.api.core.v1.EnvVar": frozenset({"value"}),
    "io.k8s.api.core.v1.PodSpec": frozenset({"hostNetwork", "hostPID", "hostIPC", "nodeName", "hostname", "subdomain"}),
    "io.k8s.api.core.v1.VolumeMount": frozenset({"readOnly", "subPath"}),
    "io.k8s.api.core.v1.Container": frozenset({"stdin", "stdinOnce", "tty", "workingDir"}),
    "io.k8s.api.core.v1.Probe": frozenset({"initialDelaySeconds"}),
    "io.k8s.api.core.v1.ContainerPort": frozenset({"hostPort", "hostIP", "name"}),
    "io.k8s.api.core.v1.ServicePort": frozenset({"nodePort", "name"}),
    "io.k8s.api.core.v1.EndpointPort": frozenset({"name"}),
    "io.k8s.api.apps.v1.DeploymentSpec": frozenset({"paused", "minReadySeconds"}),
    "io.k8s.api.apps.v1.ReplicaSetSpec": frozenset({"minReadySeconds"}),
    "io.k8s.api.apps.v1.DeploymentStatus": frozenset(
        {"replicas", "readyReplicas", "updatedReplicas", "availableReplicas", "unavailableReplicas"}
    ),
    "io.k8s.api.apps.v1.ReplicaSetStatus": frozenset({"readyReplicas", "availableReplicas", "fullyLabeledReplicas"}),
    "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": frozenset({"generateName", "namespace", "resourceVersion"}),
}


@dataclass
class Unknown:
    """Fields that the type does not declare, by path. They are dropped from the decoded object."""

    fields: list[str] = field(default_factory=list)

    def strict_error(self, kind: Kind) -> str:
        listed = ", ".join(f'unknown field "{path}"' for path in self.fields)
        return (
            f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: '
            f"strict decoding error: {listed}"
        )


def decode(kind: Kind, schema: Schema, obj: dict[str, Any], unknown: Unknown) -> dict[str, Any]:
    """A copy of `obj` as an API server keeps it. Raises a 400 when a value has the wrong type."""
    decoded: dict[str, Any] = _Decoder(kind, unknown).value(schema, obj, "")
    return decoded


@dataclass(frozen=True)
class _Decoder:
    kind: Kind
    unknown: Unknown

    def value(self, schema: Schema, value: Any, path: str) -> Any:
        match schema.shape:
            case Shape.STRUCT:
                return self._struct(schema, value, path)
            case Shape.MAP:
                return self._map(schema, value, path)
            case Shape.LIST:
                return self._list(schema, value, path)
            case Shape.SCALAR:
                return self._scalar(schema, value, path)
            case _:
                return value

    def _struct(self, schema: Schema, value: Any, path: str) -> dict[str, Any]:
        result: dict[str, Any] = {}
        zero_omitted = OMITTED_WHEN_ZERO.get(schema.type_name, frozenset())
        for name, item in self._expect(schema, value, dict, path).items():
            place = f"{path}.{name}" if path else name
            child = schema.child(name)
            if child is None:
                self.unknown.fields.append(place)
            elif item is not None:
                decoded = self.value(child, item, place)
                if not _dropped(child, decoded) and (decoded or name not in zero_omitted):
                    result[name] = decoded
        return result

    def _map(self, schema: Schema, value: Any, path: str) -> dict[str, Any]:
        items = self._expect(schema, value, dict, path).items()
        element = schema.element
        if element.types == ("string",):  # labels, annotations and data: a null is an empty string there
            return {str(key): self.value(element, "" if item is None else item, f"{path}.{key}") for key, item in items}
        return {str(key): self.value(element, item, f"{path}.{key}") for key, item in items if item is not None}

    def _list(self, schema: Schema, value: Any, path: str) -> list[Any]:
        element = schema.element
        items = self._expect(schema, value, list, path)
        return [self.value(element, item, f"{path}[{index}]") for index, item in enumerate(items) if item is not None]

    def _scalar(self, schema: Schema, value: Any, path: str) -> Any:
        types = schema.types
        if schema.type_name == QUANTITY and isinstance(value, str | int | float) and not isinstance(value, bool):
            try:
                return quantities.canonical(value)
            except ValueError as error:
                raise self._wrong(
                    f"quantities must match the regular expression "
                    f"'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$' ({path}: {value!r})"
                ) from error
        if isinstance(value, bool):
            if "boolean" in types:
                return value
        elif isinstance(value, str):
            if "string" in types:
                return value
        elif isinstance(value, int | float):
            if "integer" in types and value == int(value):
                limit = _INT_RANGES.get(schema.raw.get("format", ""), 2**63)
                if -limit <= value < limit:
                    return int(value)
            if "number" in types:
                return value
        raise self._mismatch(schema, value, path)

    def _expect(self, schema: Schema, value: Any, wanted: type[Any], path: str) -> Any:
        if isinstance(value, wanted):
            return value
        raise self._mismatch(schema, value, path)

    def _mismatch(self, schema: Schema, value: Any, path: str) -> Exception:
        wanted = schema.type_name.rsplit(".", 1)[-1] or _GO_NAMES.get("".join(schema.types[:1]), str(schema.shape))
        found = _JSON_NAMES.get(type(value), type(value).__name__)
        return self._wrong(
            f"json: cannot unmarshal {found} into Go struct field {self.kind.kind}.{path} of type {wanted}"
        )

    def _wrong(self, why: str) -> Exception:
        return bad_request(
            f'{self.kind.kind} in version "{self.kind.version}" cannot be handled as a {self.kind.kind}: {why}'
        )


def _dropped(schema: Schema, value: Any) -> bool:
    """Empty lists and maps are not kept; an empty struct (`emptyDir: {}`) says something."""
    return value in ([], {}) and schema.shape in (Shape.LIST, Shape.MAP)
