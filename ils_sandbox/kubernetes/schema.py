"""The types of Kubernetes objects, read from the OpenAPI definitions that kubernetes-validate publishes per version.

They carry what server-side apply and strategic merge need: which lists are maps and by which keys, which maps and lists
are atomic, merge keys and patch strategies.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from ils_sandbox.kubernetes import custom_types

_REF_PREFIX = "#/$defs/"
_INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"

# The published definitions leave defaults out, but a list item's identity needs this one: a port without a protocol is
# the TCP port of that number.
KEY_DEFAULTS = {"protocol": "TCP"}


class Shape(StrEnum):
    SCALAR = "scalar"
    LIST = "list"
    MAP = "map"
    """Free keys, all values of one type."""
    STRUCT = "struct"
    """Declared fields only."""
    FREE = "free"
    """Anything."""


@dataclass(frozen=True, eq=False)
class Schema:
    """The type of one place in an object. Equal places share one instance, so `is` compares types."""

    definitions: Definitions
    raw: dict[str, Any]
    """What stands at the property: its own marks win over those of the type it refers to."""
    children: dict[str, Schema] = field(default_factory=dict)

    @cached_property
    def type_name(self) -> str:
        """Name of the definition it refers to, empty for an inline type."""
        return str(self.raw.get("$ref", "")).removeprefix(_REF_PREFIX)

    @cached_property
    def _type(self) -> dict[str, Any]:
        return self.definitions.raw[self.type_name] if self.type_name else self.raw

    def _mark(self, name: str) -> Any:
        return self.raw.get(name, self._type.get(name))

    @cached_property
    def types(self) -> tuple[str, ...]:
        """JSON types a value may have."""
        if self.type_name in (QUANTITY, _INT_OR_STRING):
            return ("string", "number" if self.type_name == QUANTITY else "integer")
        declared = self._type.get("type", ())
        return tuple(name for name in ((declared,) if isinstance(declared, str) else declared) if name != "null")

    @cached_property
    def shape(self) -> Shape:
        if "array" in self.types:
            return Shape.LIST
        if self._type.get("properties"):
            return Shape.STRUCT
        if isinstance(self._type.get("additionalProperties"), dict):
            return Shape.MAP
        return Shape.FREE if not self.types or self.types == ("object",) else Shape.SCALAR

    @cached_property
    def atomic(self) -> bool:
        """Owned and replaced as a whole by server-side apply."""
        if self.shape is Shape.LIST:
            return self._mark("x-kubernetes-list-type") not in ("map", "set")
        return bool(self._mark("x-kubernetes-map-type") == "atomic")

    @cached_property
    def map_keys(self) -> tuple[str, ...]:
        """Keys that identify the items of a list; empty for atomic lists and sets."""
        return tuple(self._mark("x-kubernetes-list-map-keys") or ()) if not self.atomic else ()

    @cached_property
    def merge_key(self) -> str:
        """Key that identifies the items of a list in a strategic merge patch."""
        return str(self._mark("x-kubernetes-patch-merge-key") or "")

    @cached_property
    def patch_strategies(self) -> frozenset[str]:
        return frozenset(filter(None, str(self._mark("x-kubernetes-patch-strategy") or "").split(",")))

    @cached_property
    def required(self) -> tuple[str, ...]:
        return tuple(self._type.get("required", ()))

    @cached_property
    def enum(self) -> tuple[Any, ...]:
        return tuple(self._type.get("enum", ()))

    @cached_property
    def element(self) -> Schema:
        """Type of a list's items or a map's values."""
        raw = self._type.get("items") if self.shape is Shape.LIST else self._type.get("additionalProperties")
        return self.definitions.schema(raw if isinstance(raw, dict) else {})

    def child(self, name: str) -> Schema | None:
        """Type of a struct's field or a map's value; None when a struct declares no such field."""
        if self.shape is Shape.MAP:
            return self.element
        if self.shape is Shape.FREE:
            return self.definitions.free
        found = self.children.get(name)
        if found is None:
            raw = self._type.get("properties", {}).get(name)
            if raw is None:
                return None
            found = self.children[name] = self.definitions.schema(raw)
        return found

    def declares(self, name: str) -> bool:
        """Whether it is a struct with a field of that name."""
        return self.shape is Shape.STRUCT and name in self._type["properties"]


class Definitions:
    """All types of one Kubernetes version."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw
        self.free = Schema(self, {})
        self._by_reference: dict[str, Schema] = {}

    def schema(self, raw: dict[str, Any]) -> Schema:
        if raw.keys() <= {"$ref", "description"} and "$ref" in raw:
            return self.named(raw["$ref"].removeprefix(_REF_PREFIX))
        return Schema(self, raw)

    def named(self, name: str) -> Schema:
        found = self._by_reference.get(name)
        if found is None:
            found = self._by_reference[name] = Schema(self, {"$ref": _REF_PREFIX + name})
        return found


@cache
def published_versions() -> tuple[str, ...]:
    """Minor versions with published definitions, oldest first: `1.25`, `1.26`, ..."""
    folder = files("kubernetes_validate") / "kubernetes-json-schema"
    found = {entry.name.split("-")[0].removeprefix("v") for entry in folder.iterdir() if entry.name.startswith("v")}
    minors = sorted(int(version.split(".")[1]) for version in found)
    return tuple(f"1.{minor}" for minor in minors)


@cache
def definitions(version: str) -> Definitions:
    """The types of a minor version such as `1.35`, or of the nearest published one below (or above) it."""
    wanted = int(version.split(".")[1])
    published = published_versions()
    older = [known for known in published if int(known.split(".")[1]) <= wanted]
    nearest = older[-1] if older else published[0]
    path = files("kubernetes_validate") / "kubernetes-json-schema" / f"v{nearest}.0-local" / "_definitions.json"
    return Definitions({**json.loads(path.read_text(encoding="utf-8"))["$defs"], **custom_types.DEFINITIONS})
