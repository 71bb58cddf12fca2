"""Property values: Pulumi's on one side, plain JSON values on the other.

Inside the provider properties are plain values, and `UNKNOWN` stands for what only an apply will tell. Secretness
is kept at the wall: an output is secret when its field is, or when the input of the same name was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from pulumi.provider.experimental.property_value import Computed, PropertyValue

Plain = dict[str, Any]
Properties = Mapping[str, PropertyValue]

# How an unknown travels over gRPC (pulumi/pulumi sdk/go/common/resource/plugin/rpc.go).
UNKNOWN_SENTINELS = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # string
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # assets
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)
WIRE_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
INTERNAL_PREFIX = "__"


class _Unknown:
    """The one value `UNKNOWN`."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()


def plain_value(value: PropertyValue) -> Any:
    """`value` without its secretness and dependencies. Whole numbers become int, nulls inside maps vanish."""
    match value.value:
        case Computed():
            return UNKNOWN
        case str() as text:
            return UNKNOWN if text in UNKNOWN_SENTINELS else text
        case bool() | None:
            return value.value
        case float() as number:
            return int(number) if number.is_integer() else number
        case Mapping() as items:
            return {k: plain_value(v) for k, v in items.items() if v.value is not None and not _internal(k)}
        case tuple() as items:
            return [plain_value(item) for item in items]
        case other:
            raise TypeError(f"values of type {type(other).__name__} are unsupported in the sandbox")


def plain(properties: Properties) -> Plain:
    """All properties but nulls and Pulumi's own (`__defaults`, `__meta`)."""
    return {k: plain_value(v) for k, v in properties.items() if v.value is not None and not _internal(k)}


def property_value(value: Any, *, secret: bool = False) -> PropertyValue:
    """The inverse of `plain_value`."""
    if value is UNKNOWN:
        return PropertyValue(Computed(), is_secret=secret)
    if isinstance(value, Mapping):
        return PropertyValue({k: property_value(v) for k, v in value.items() if v is not None}, is_secret=secret)
    if isinstance(value, list | tuple | set | frozenset):
        return PropertyValue([property_value(item) for item in value], is_secret=secret)
    if isinstance(value, int) and not isinstance(value, bool):
        return PropertyValue(float(value), is_secret=secret)
    return PropertyValue(value, is_secret=secret)


def wrap(values: Mapping[str, Any], given: Properties, secret_names: frozenset[str]) -> dict[str, PropertyValue]:
    """`values` as Pulumi's; what `given` says of a property's secretness holds for the value that replaces it."""
    wrapped: dict[str, PropertyValue] = {}
    for name, value in values.items():
        if value is None:
            continue
        before = given.get(name)
        if before is None or not before.contains_secret():
            wrapped[name] = property_value(value, secret=name in secret_names)
        elif plain_value(before) == value:
            wrapped[name] = mark_secret(without_dependencies(before)) if name in secret_names else before
        else:
            wrapped[name] = property_value(value, secret=True)
    return {name: without_dependencies(value) for name, value in wrapped.items()}


def mark_secret(value: PropertyValue) -> PropertyValue:
    return value if value.is_secret else value.with_secret(True)


def without_dependencies(value: PropertyValue) -> PropertyValue:
    """`value` alone: what it was computed from is the engine's to know."""
    if not value.all_dependencies():
        return value
    bare = value.with_dependencies(())
    return rebuild(bare, without_dependencies)


def rebuild(value: PropertyValue, convert: Callable[[PropertyValue], PropertyValue]) -> PropertyValue:
    """`value` with `convert` applied to what it holds."""
    if isinstance(value.value, Mapping):
        return value.with_value({key: convert(item) for key, item in value.value.items()})
    if isinstance(value.value, tuple):
        return value.with_value([convert(item) for item in value.value])
    return value


def known_to_wire(value: PropertyValue) -> PropertyValue:
    """`value` with unknowns in the form that travels over gRPC."""
    if isinstance(value.value, Computed):
        return value.with_value(WIRE_UNKNOWN)
    return rebuild(value, known_to_wire)


def known_from_wire(value: PropertyValue) -> PropertyValue:
    """The inverse of `known_to_wire`."""
    if isinstance(value.value, str) and value.value in UNKNOWN_SENTINELS:
        return value.with_value(Computed())
    return rebuild(value, known_from_wire)


def secret_texts(properties: Properties) -> Iterator[str]:
    """Every string inside a secret."""
    for value in properties.values():
        yield from _secret_texts(value, inside=False)


def _secret_texts(value: PropertyValue, *, inside: bool) -> Iterator[str]:
    inside = inside or value.is_secret
    match value.value:
        case str() as text if inside:
            yield text
        case Mapping() as items:
            for item in items.values():
                yield from _secret_texts(item, inside=inside)
        case tuple() as items:
            for item in items:
                yield from _secret_texts(item, inside=inside)


def _internal(name: str) -> bool:
    return name.startswith(INTERNAL_PREFIX)
