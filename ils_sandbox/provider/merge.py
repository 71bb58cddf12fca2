"""How what was given and what AWS says become one set of properties."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ils_sandbox.provider.difference import same
from ils_sandbox.provider.fields import Field, Kind
from ils_sandbox.provider.values import Plain


def overlay_all(fields: Iterable[Field], described: Mapping[str, Any], given: Mapping[str, Any]) -> Plain:
    """`described` with everything that was given in the form it was given in."""
    merged = dict(described)
    for field in fields:
        value = overlay(field, described.get(field.name), given.get(field.name))
        if value is None or (field.only_if_given and field.name not in given):
            merged.pop(field.name, None)
        else:
            merged[field.name] = value
    return merged


def overlay(field: Field, described: Any, given: Any) -> Any:
    """One property: the given value, completed by what AWS fills in inside blocks."""
    if given is None:
        return described
    if described is None:
        return given
    if field.kind is Kind.BLOCK:
        return overlay_all(field.fields, described, given)
    if field.kind is Kind.LIST and field.fields and len(described) == len(given):
        return [overlay_all(field.fields, d, g) for d, g in zip(described, given, strict=True)]
    return given


def keep_form(field: Field, described: Any, known: Any) -> Any:
    """What AWS says, in the form of the state where that means the same: no drift where nothing drifted."""
    if known is None:
        return described
    if described is None:
        return known if same(field, None, known) else None
    return overlay(field, described, known) if same(field, described, known) else described


def derive_inputs(fields: Iterable[Field], outputs: Plain, old: Plain, *, imported: bool) -> Plain:
    """The inputs with which a program would declare what is there.

    Those are the inputs of old, with the values of today, and whatever is set besides that the program ought to know
    of. An import, without any inputs of old, takes all that is set.
    """
    inputs: Plain = {}
    for field in fields:
        value = outputs.get(field.name)
        if value is None:
            continue
        if field.name in old:
            inputs[field.name] = _given_parts(field, value, old[field.name])
        elif imported:
            if not same(field, value, field.default):
                inputs[field.name] = value
        elif not field.computed and not field.only_if_given and not same(field, value, None):
            inputs[field.name] = value
    return inputs


def _given_parts(field: Field, value: Any, old: Any) -> Any:
    """A block without what AWS filled in by itself."""
    if field.kind is Kind.BLOCK and isinstance(old, Mapping):
        return derive_inputs(field.fields, value, dict(old), imported=False)
    return value
