"""Kinds that a CustomResourceDefinition brings, with their types and what makes an object of them invalid.

The version that is stored is served, and no other: conversions are unsupported in the sandbox.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ils_sandbox.kubernetes.kinds import BY_NAME, BY_RESOURCE, CUSTOM_RESOURCE_DEFINITION, KINDS, SCALE, STATUS, Kind
from ils_sandbox.kubernetes.schema import Definitions, Schema, definitions
from ils_sandbox.kubernetes.statuses import Cause, invalid
from ils_sandbox.kubernetes.store import Cluster, Object

_META = "#/$defs/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_kinds: dict[Kind, Kind] = {}
_schemas: dict[tuple[str, str, int], Schema] = {}
"""By the cluster's version, and the uid and generation of the definition."""


def stored_version(definition: Object) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in definition["spec"]["versions"] if each.get("storage"))
    return found


def kind_of(definition: Object) -> Kind:
    """The kind that a definition brings: always the same object for the same kind, as kinds are compared by identity."""
    spec, version = definition["spec"], stored_version(definition)
    names = spec["names"]
    served = version.get("subresources", {})
    found = Kind(
        names["kind"],
        names["plural"],
        definition["metadata"]["name"],
        group=spec["group"],
        version=version["name"],
        namespaced=spec["scope"] == "Namespaced",
        short_names=tuple(names.get("shortNames", ())),
        categories=tuple(names.get("categories", ())),
        subresources=tuple(each for each in (STATUS, SCALE) if each in served and each != SCALE),
        counts_generations=True,
        custom=True,
    )
    return _kinds.setdefault(found, found)


def kinds_of(cluster: Cluster) -> tuple[Kind, ...]:
    """Every kind that the cluster serves."""
    return (*KINDS, *(kind_of(each) for each in cluster.objects(CUSTOM_RESOURCE_DEFINITION)))


def resource_of(cluster: Cluster, group: str, version: str, plural: str) -> Kind | None:
    found = BY_RESOURCE.get((group, version, plural))
    definition = None if found else cluster.get(CUSTOM_RESOURCE_DEFINITION, "", f"{plural}.{group}")
    if definition is not None:
        found = kind_of(definition)
    return found if found is not None and found.version == version else None


def named(cluster: Cluster, api_version: str, kind: str) -> Kind | None:
    """The kind of an object that says what it is."""
    found = BY_NAME.get((api_version, kind))
    if found is None:
        custom = (kind_of(each) for each in cluster.objects(CUSTOM_RESOURCE_DEFINITION))
        found = next((each for each in custom if (each.api_version, each.kind) == (api_version, kind)), None)
    return found


def definition_of(cluster: Cluster, kind: Kind) -> Object | None:
    return cluster.get(CUSTOM_RESOURCE_DEFINITION, "", kind.definition)


def schema_of(cluster: Cluster, kind: Kind) -> Schema:
    """The type of a custom kind's objects."""
    definition = definition_of(cluster, kind) or {"metadata": {"uid": "", "generation": 0}, "spec": {"versions": []}}
    key = (cluster.version, definition["metadata"]["uid"], int(definition["metadata"].get("generation", 0)))
    if key not in _schemas:
        root = _typed(_open_api(definition))
        fields = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"$ref": _META}}
        declared = root.get("properties", {}) if root else {"spec": {}, "status": {}, "data": {}}
        typed = {"type": "object", "properties": {**declared, **fields}}
        raw = {**definitions(cluster.version).raw, kind.definition: typed}
        _schemas[key] = Definitions(raw).named(kind.definition)
    return _schemas[key]


def _open_api(definition: Object) -> dict[str, Any]:
    versions = definition["spec"]["versions"]
    found: dict[str, Any] = stored_version(definition)["schema"]["openAPIV3Schema"] if versions else {}
    return found


def _typed(node: Mapping[str, Any]) -> dict[str, Any]:
    """A structural schema in the form of the published definitions."""
    if node.get("x-kubernetes-preserve-unknown-fields") or node.get("x-kubernetes-embedded-resource"):
        return {}
    if node.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    typed = {key: value for key, value in node.items() if key not in ("default", "additionalProperties", "required")}
    if "properties" in node:
        typed["properties"] = {name: _typed(each) for name, each in node["properties"].items()}
    if isinstance(node.get("items"), dict):
        typed["items"] = _typed(node["items"])
    if isinstance(node.get("additionalProperties"), dict):
        typed["additionalProperties"] = _typed(node["additionalProperties"])
    return typed


# -- objects ----------------------------------------------------------------------------------------------------------


def completed(cluster: Cluster, kind: Kind, obj: Object) -> Object:
    """The object with the defaults of its schema. Raises a 422 with everything that the schema does not allow."""
    definition = definition_of(cluster, kind)
    if definition is None:
        return obj
    schema = _open_api(definition)
    filled: Object = _with_defaults(schema, json.loads(json.dumps(obj)))
    causes = list(_causes(schema, {key: value for key, value in filled.items() if key != "metadata"}))
    if causes:
        raise invalid(kind, str(obj.get("metadata", {}).get("name", "")), causes)
    return filled


def _with_defaults(schema: Mapping[str, Any], value: Any) -> Any:
    if isinstance(value, dict):
        for name, child in schema.get("properties", {}).items():
            if name not in value and "default" in child:
                value[name] = json.loads(json.dumps(child["default"]))
            if value.get(name) is not None:
                value[name] = _with_defaults(child, value[name])
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        return [_with_defaults(schema["items"], item) for item in value]
    return value


def _causes(schema: Mapping[str, Any], value: Any) -> Iterator[Cause]:
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # kubernetes-validate brings it

    for error in Draft202012Validator(_json_schema(schema)).iter_errors(value):
        path = ".".join(str(part) for part in error.absolute_path)
        if error.validator == "required":
            missing = next(name for name in error.validator_value if name not in error.instance)
            yield Cause(f"{path}.{missing}" if path else missing, "FieldValueRequired", "Required value")
        elif error.validator == "enum":
            choices = ", ".join(f'"{choice}"' for choice in error.validator_value)
            why = f'Unsupported value: "{error.instance}": supported values: {choices}'
            yield Cause(path, "FieldValueNotSupported", why)
        elif error.validator == "type":
            found = {dict: "object", list: "array", str: "string", bool: "boolean"}.get(type(error.instance), "number")
            wanted = error.validator_value if isinstance(error.validator_value, str) else error.validator_value[0]
            why = f'Invalid value: "{found}": {path} in body must be of type {wanted}: "{found}"'
            yield Cause(path, "FieldValueTypeInvalid", why)
        else:
            yield Cause(path, "FieldValueInvalid", f"Invalid value: {json.dumps(error.instance)}: {error.message}")


def _json_schema(node: Any) -> Any:
    """Without what JSON schema does not know; `nullable` as a type of its own."""
    if isinstance(node, list):
        return [_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {
        key: {name: _json_schema(each) for name, each in value.items()} if key == "properties" else _json_schema(value)
        for key, value in node.items()
        if not key.startswith("x-kubernetes-")
        and key not in ("nullable", "default", "format", "example", "externalDocs")
    }
    if node.get("nullable") and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    return found
