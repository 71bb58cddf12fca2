"""Property values: between Pulumi's wire, the checkpoint's JSON and what may be shown.

Inside the engine a property is always a `PropertyValue`, so that secrets and unknowns cannot be mistaken for data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from google.protobuf import struct_pb2
from pulumi import Archive, Asset
from pulumi.provider.experimental.property_value import Computed, PropertyValue, ResourceReference

from ils_pipelines.engine.models import SECRET, UNKNOWN

Properties = dict[str, PropertyValue]

# Signatures of special values in Pulumi's wire format and deployment JSON (pulumi/pulumi sdk/go/common/resource).
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 a format constant
UNKNOWN_SENTINEL = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class Crypter(Protocol):
    def encrypt(self, plaintext: str) -> str: ...

    def decrypt(self, ciphertext: str) -> str: ...


def from_wire(struct: struct_pb2.Struct) -> Properties:
    """Properties as the SDK sent them; the SDK's unknown sentinel becomes `Computed`."""
    return {key: _mark_unknown(value) for key, value in PropertyValue.unmarshal_map(struct).items()}


def to_wire(properties: Mapping[str, PropertyValue]) -> struct_pb2.Struct:
    """Properties as the SDK expects them; `Computed` becomes its unknown sentinel."""
    return PropertyValue.marshal_map({key: _unmark_unknown(value) for key, value in properties.items()})


def _mark_unknown(value: PropertyValue) -> PropertyValue:
    if value.value == UNKNOWN_SENTINEL:
        return value.with_value(Computed())
    return _rebuild(value, _mark_unknown)


def _unmark_unknown(value: PropertyValue) -> PropertyValue:
    if isinstance(value.value, Computed):
        return value.with_value(UNKNOWN_SENTINEL)
    return _rebuild(value, _unmark_unknown)


def _rebuild(value: PropertyValue, convert: Any) -> PropertyValue:
    if isinstance(value.value, Mapping):
        return value.with_value({key: convert(item) for key, item in value.value.items()})
    if isinstance(value.value, tuple):
        return value.with_value([convert(item) for item in value.value])
    return value


def from_plain(value: Any) -> PropertyValue:
    """A JSON value as a property value."""
    if isinstance(value, Mapping):
        return PropertyValue({key: from_plain(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return PropertyValue([from_plain(item) for item in value])
    if isinstance(value, int) and not isinstance(value, bool):
        return PropertyValue(float(value))
    return PropertyValue(value)


def to_plain(value: PropertyValue, *, reveal: bool = False) -> Any:
    """A property value as JSON; secrets and unknowns masked, unless `reveal` asks for the secrets."""
    if value.is_secret and not reveal:
        return SECRET
    match value.value:
        case Computed():
            return UNKNOWN
        case Mapping() as items:
            return {key: to_plain(item, reveal=reveal) for key, item in items.items()}
        case tuple() as items:
            return [to_plain(item, reveal=reveal) for item in items]
        case ResourceReference() as reference:
            return reference.urn
        case Asset() | Archive() as asset:
            return {key: str(item) for key, item in vars(asset).items()}
        case float() as number:
            return int(number) if number.is_integer() else number
        case other:
            return other


def to_checkpoint(value: PropertyValue, crypter: Crypter) -> Any:
    """A property value as it stands in a deployment's JSON, secrets encrypted."""
    if value.is_secret:
        plaintext = json.dumps(to_checkpoint(value.with_secret(False), crypter), separators=(",", ":"))
        return {SIGNATURE: SECRET_SIGNATURE, "ciphertext": crypter.encrypt(plaintext)}
    match value.value:
        case Mapping() as items:
            return {key: to_checkpoint(item, crypter) for key, item in items.items()}
        case tuple() as items:
            return [to_checkpoint(item, crypter) for item in items]
        case Computed():
            return UNKNOWN_SENTINEL
        case None | bool() | str() | float():
            return to_plain(value)
        case other:
            raise TypeError(f"values of type {type(other).__name__} are unsupported in the sandbox")


def from_checkpoint(value: Any, crypter: Crypter) -> PropertyValue:
    """The inverse of `to_checkpoint`. Raises ValueError when a ciphertext does not decrypt."""
    if isinstance(value, Mapping):
        if value.get(SIGNATURE) == SECRET_SIGNATURE:
            if "ciphertext" in value:
                plain = json.loads(crypter.decrypt(value["ciphertext"]))
            else:  # `pulumi stack export --show-secrets`
                plain = json.loads(value["plaintext"])
            return from_checkpoint(plain, crypter).with_secret(True)
        return PropertyValue({key: from_checkpoint(item, crypter) for key, item in value.items()})
    if isinstance(value, list):
        return PropertyValue([from_checkpoint(item, crypter) for item in value])
    if value == UNKNOWN_SENTINEL:
        return PropertyValue(Computed())
    return from_plain(value)


def same(left: PropertyValue | None, right: PropertyValue | None) -> bool:
    """Equal values; whether either is marked secret, and what it was computed from, does not matter."""
    if left is None or right is None:
        return left is right
    if isinstance(left.value, Computed) or isinstance(right.value, Computed):
        return False
    if isinstance(left.value, Mapping) and isinstance(right.value, Mapping):
        return left.value.keys() == right.value.keys() and all(same(v, right.value[k]) for k, v in left.value.items())
    if isinstance(left.value, tuple) and isinstance(right.value, tuple):
        return len(left.value) == len(right.value) and all(map(same, left.value, right.value))
    return type(left.value) is type(right.value) and left.value == right.value
