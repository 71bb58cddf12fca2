"""Check: defaults, names, and every problem of a resource's inputs at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import CheckFailure, CheckRequest, CheckResponse

from ils_sandbox.provider.difference import Path, render
from ils_sandbox.provider.fields import Field, Kind
from ils_sandbox.provider.resource import AutoName, ResourceType
from ils_sandbox.provider.values import INTERNAL_PREFIX, UNKNOWN, Plain, mark_secret, plain, plain_value, property_value

DEFAULTS = "__defaults"
"""Pulumi's own record, among the inputs, of what the provider filled in; the real provider reads and writes it too."""
_HEX_DIGITS = 7


def check(entry: ResourceType, request: CheckRequest) -> CheckResponse:
    """The inputs, completed, or what is wrong with them."""
    given = {k: v for k, v in request.new_inputs.items() if not k.startswith(INTERNAL_PREFIX) and v.value is not None}
    defaults = {
        field.name: field.default for field in entry.all_inputs if field.name not in given and field.default is not None
    }
    if entry.naming and entry.naming.property not in given:
        defaults[entry.naming.property] = _name(entry.naming, request, plain(given))
    inputs = given | {name: property_value(value) for name, value in defaults.items()}
    secrets = entry.secret_names
    inputs = {name: mark_secret(value) if name in secrets else value for name, value in inputs.items()}
    values = plain(inputs)
    problems = list(_problems(entry.all_inputs, values, ()))
    if not problems:
        problems = [((name,), reason) for name, reason in entry.validate(values)]
    if problems:
        return CheckResponse(failures=[CheckFailure(render(path), reason) for path, reason in problems])
    filled = PropertyValue([PropertyValue(name) for name in sorted(defaults)])
    return CheckResponse(inputs={**inputs, DEFAULTS: filled})


def _name(naming: AutoName, request: CheckRequest, given: Plain) -> Any:
    """The name it has had since its creation, or a new one that no other resource will have."""
    prefix = given.get(naming.prefix_property, "") if naming.prefix_property else ""
    if prefix is UNKNOWN:
        return UNKNOWN
    before = request.old_inputs.get(naming.property)
    filled = request.old_inputs.get(DEFAULTS)
    if before is not None and filled is not None and naming.property in plain_value(filled):
        name = plain_value(before)
        if isinstance(name, str) and name.startswith(prefix):
            return name
    seed = request.random_seed or request.urn.encode()
    suffix = hashlib.sha256(seed).hexdigest()[:_HEX_DIGITS]
    start = prefix or f"{naming.prefix}{request.name}-"
    name = start[: naming.longest - _HEX_DIGITS] + suffix
    return name.lower() if naming.lower else name


def _problems(fields: tuple[Field, ...], values: Mapping[str, Any], parents: Path) -> Iterator[tuple[Path, str]]:
    by_name = {field.name: field for field in fields}
    for name in sorted(values.keys() - by_name.keys()):
        yield (*parents, name), f"unknown property; there are: {', '.join(sorted(by_name))}"
    for field in fields:
        value = values.get(field.name)
        path = (*parents, field.name)
        if value is None:
            if field.required:
                yield path, "missing required property"
        else:
            yield from _value_problems(field, value, path)


def _value_problems(field: Field, value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if value is UNKNOWN:
        return
    expected, shape = _SHAPES.get(field.kind, ("", object))
    if not isinstance(value, shape):
        yield path, _expected(expected, value)
    elif field.kind is Kind.BLOCK:
        yield from _problems(field.fields, value, path)
    elif field.kind is Kind.MAP:
        nested = (key for key, item in value.items() if isinstance(item, dict | list))
        yield from (((*path, key), "expected a string") for key in nested)
    elif field.kind in {Kind.LIST, Kind.SET}:
        for index, item in enumerate(value):
            yield from _item_problems(field, item, (*path, index))
    else:
        yield from _scalar_problems(field, value, path)


_SHAPES: Mapping[Kind, tuple[str, Any]] = {
    Kind.BLOCK: ("an object", dict),
    Kind.MAP: ("a map of strings", dict),
    Kind.LIST: ("a list", list),
    Kind.SET: ("a list", list),
}


def _item_problems(field: Field, item: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if item is UNKNOWN:
        return
    if not field.fields:
        yield from _scalar_problems(Field(name=field.name), item, path)
    elif not isinstance(item, Mapping):
        yield path, _expected("an object", item)
    else:
        yield from _problems(field.fields, item, path)


def _scalar_problems(field: Field, value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    fits = {
        Kind.NUMBER: ("a number", _is_number),
        Kind.FLAG: ("true or false", lambda v: isinstance(v, bool) or v in ("true", "false")),
    }.get(field.kind, ("a string", lambda v: isinstance(v, str | int | float | bool)))
    expected, test = fits
    if not test(value):
        yield path, _expected(expected, value)
    elif field.choices and value not in field.choices:
        yield (
            path,
            f"expected one of {', '.join(str(c) for c in field.choices)}"
            + ("" if field.secret else f", found {value!r}"),
        )


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _expected(what: str, value: Any) -> str:
    """Names the kind that was found, never the value: it may be a secret."""
    kinds: dict[type, str] = {str: "a string", bool: "a boolean", list: "a list", dict: "an object"}
    return f"expected {what}, found {kinds.get(type(value), 'a number')}"
