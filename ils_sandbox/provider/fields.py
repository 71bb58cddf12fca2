"""One row of a resource type's table: a property, and the AWS member it stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypedDict, Unpack

import jmespath  # type: ignore[import-untyped]

from ils_sandbox.provider.values import Plain


class Kind(Enum):
    TEXT = auto()
    NUMBER = auto()
    FLAG = auto()
    JSON = auto()
    """A JSON document in a string, compared by its meaning."""
    MAP = auto()
    """Strings by name."""
    LIST = auto()
    """In order: of strings, or of blocks when the field has `fields`."""
    SET = auto()
    """Like LIST, but AWS keeps no order."""
    BLOCK = auto()
    """An object with `fields` of its own."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """A property of a resource type.

    `name` is Pulumi's; `member` the member of the AWS request that creates it and `source` the JMESPath of its value
    in what AWS describes. Both are derived from the name when not given (see `MemberStyle`).
    """

    name: str
    kind: Kind = Kind.TEXT
    fields: tuple[Field, ...] = ()
    member: str = ""
    source: str = ""
    required: bool = False
    replace: bool = False
    """A change forces a replacement."""
    default: Any = None
    """What `check` fills in when the program gives nothing."""
    computed: bool = False
    """AWS fills it in when the program gives nothing: then it is an output, and no difference."""
    secret: bool = False
    sent: bool = True
    """Part of the creating request."""
    returned: bool = True
    """Part of what AWS describes; a field that is not is carried over from the state."""
    only_if_given: bool = False
    """Shown in the outputs only if the program gives it: other resources may manage the same thing."""
    canonical: Callable[[str], Any] | None = None
    """Maps strings that AWS takes for the same to the same value."""
    accepts: Callable[[str, str], bool] | None = None
    """Whether what is there, the first, is what a program asks for by the second, though they differ."""
    choices: tuple[str | int, ...] = ()
    encode: Callable[[Any], Any] | None = None
    """Pulumi value -> AWS value, in place of the kind's own conversion."""
    decode: Callable[[Any], Any] | None = None
    """AWS value -> Pulumi value, likewise. Gets what `source` selects, None included."""

    def cleared(self) -> Any:
        """What AWS is sent for a property that was taken out of the program."""
        if self.default is not None:
            return self.default
        return {Kind.NUMBER: 0, Kind.FLAG: False, Kind.MAP: {}, Kind.LIST: [], Kind.SET: [], Kind.BLOCK: {}}.get(
            self.kind, ""
        )


class Row(TypedDict, total=False):
    member: str
    source: str
    required: bool
    replace: bool
    default: Any
    computed: bool
    secret: bool
    sent: bool
    returned: bool
    only_if_given: bool
    canonical: Callable[[str], Any]
    accepts: Callable[[str, str], bool]
    choices: tuple[str | int, ...]
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def text(name: str, **row: Unpack[Row]) -> Field:
    return Field(name=name, **row)


def number(name: str, **row: Unpack[Row]) -> Field:
    return Field(name=name, kind=Kind.NUMBER, **row)


def flag(name: str, **row: Unpack[Row]) -> Field:
    return Field(name=name, kind=Kind.FLAG, **row)


def json_text(name: str, **row: Unpack[Row]) -> Field:
    return Field(name=name, kind=Kind.JSON, **row)


def mapping(name: str, **row: Unpack[Row]) -> Field:
    return Field(name=name, kind=Kind.MAP, **row)


def listing(name: str, *fields: Field, **row: Unpack[Row]) -> Field:
    return Field(name=name, kind=Kind.LIST, fields=fields, **row)


def collection(name: str, *fields: Field, **row: Unpack[Row]) -> Field:
    return Field(name=name, kind=Kind.SET, fields=fields, **row)


def block(name: str, *fields: Field, **row: Unpack[Row]) -> Field:
    return Field(name=name, kind=Kind.BLOCK, fields=fields, **row)


class MemberStyle(Enum):
    """How a service spells the members of its requests and answers."""

    PASCAL = auto()
    CAMEL = auto()

    def member(self, field: Field) -> str:
        if field.member:
            return field.member
        return field.name[0].upper() + field.name[1:] if self is MemberStyle.PASCAL else field.name


@dataclass(frozen=True)
class Codec:
    """Converts between Pulumi's properties and AWS members, by a table of fields."""

    style: MemberStyle

    def request(self, fields: tuple[Field, ...], values: Mapping[str, Any]) -> Plain:
        """The AWS request members for those of `fields` that are sent and have a value."""
        request: Plain = {}
        for field in fields:
            if field.sent and values.get(field.name) is not None:
                put(request, self.style.member(field), self.encode(field, values[field.name]))
        return request

    def encode(self, field: Field, value: Any) -> Any:
        if field.encode:
            return field.encode(value)
        match field.kind:
            case Kind.TEXT | Kind.JSON:
                return text_of(value)
            case Kind.NUMBER:
                return number_of(value)
            case Kind.FLAG:
                return flag_of(value)
            case Kind.MAP:
                return {key: text_of(item) for key, item in value.items()}
            case Kind.LIST | Kind.SET:
                return [self.request(field.fields, item) if field.fields else text_of(item) for item in value]
            case Kind.BLOCK:
                return self.request(field.fields, value)

    def properties(self, fields: tuple[Field, ...], described: Mapping[str, Any]) -> Plain:
        """The Pulumi properties of what AWS describes; what it does not mention is left out."""
        properties: Plain = {}
        for field in fields:
            if field.returned:
                value = self.decode(field, select(field.source or self.style.member(field), described))
                if value is not None:
                    properties[field.name] = value
        return properties

    def decode(self, field: Field, value: Any) -> Any:
        if field.decode:
            return field.decode(value)
        if value is None:
            return None
        match field.kind:
            case Kind.TEXT | Kind.JSON:
                return text_of(value)
            case Kind.NUMBER:
                return number_of(value)
            case Kind.FLAG:
                return flag_of(value)
            case Kind.MAP:
                return {key: text_of(item) for key, item in value.items()}
            case Kind.LIST | Kind.SET:
                return [self.properties(field.fields, item) if field.fields else text_of(item) for item in value]
            case Kind.BLOCK:
                return self.properties(field.fields, value) or None


def text_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def number_of(value: Any) -> int | float:
    number = float(value)
    return int(number) if number.is_integer() else number


def flag_of(value: Any) -> bool:
    return value.lower() == "true" if isinstance(value, str) else bool(value)


def select(path: str, described: Mapping[str, Any]) -> Any:
    """JMESPath, with the common case of one plain member name done without it."""
    if path.isidentifier():
        return described.get(path)
    return jmespath.search(path, described)


def put(request: Plain, path: str, value: Any) -> None:
    """Set `a.b.c` inside nested maps."""
    *parents, last = path.split(".")
    for parent in parents:
        request = request.setdefault(parent, {})
    request[last] = value
