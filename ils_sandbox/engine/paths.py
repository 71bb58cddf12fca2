"""What lies at a property path, and setting it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pulumi.provider.experimental.property_value import PropertyValue

from ils_pipelines.engine.property_paths import Path, parse
from ils_sandbox.engine.values import Properties


def find(properties: Mapping[str, PropertyValue], path: Path) -> PropertyValue | None:
    """The value at `path`, secret when anything around it is; None when there is none."""
    value: PropertyValue | None = PropertyValue(dict(properties))
    for step in path:
        if value is None:
            return None
        inner = _child(value, step)
        value = inner.with_secret(True) if inner is not None and value.is_secret else inner
    return value


def keep_old(new: Properties, old: Mapping[str, PropertyValue], ignored: Iterable[str]) -> Properties:
    """`new` with every property named in `ignored` set back to what it is in `old` (removed when `old` lacks it)."""
    root = PropertyValue(dict(new))
    before = PropertyValue(dict(old))
    for text in ignored:
        for path in _expand(parse(text), root, before):
            root = _set(root, path, find(old, path))
    result = root.value
    assert isinstance(result, Mapping)  # noqa: S101 built as a mapping above
    return dict(result)


def _child(value: PropertyValue, step: str | int) -> PropertyValue | None:
    if isinstance(value.value, Mapping) and isinstance(step, str):
        return value.value.get(step)
    if isinstance(value.value, tuple) and isinstance(step, int) and step < len(value.value):
        item = value.value[step]
        return item if isinstance(item, PropertyValue) else None
    return None


def _expand(path: Path, *roots: PropertyValue | None) -> list[Path]:
    """`path` with each `*` replaced by the keys and indexes that any of `roots` has there."""
    if not path:
        return [()]
    head, rest = path[0], path[1:]
    steps: list[str | int] = [head]
    if head == "*":
        found: dict[str | int, None] = {}
        for root in roots:
            if root is not None and isinstance(root.value, Mapping):
                found |= dict.fromkeys(root.value)
            elif root is not None and isinstance(root.value, tuple):
                found |= dict.fromkeys(range(len(root.value)))
        steps = list(found)
    return [
        (step, *tail)
        for step in steps
        for tail in _expand(rest, *(_child(root, step) if root is not None else None for root in roots))
    ]


def _set(value: PropertyValue, path: Path, replacement: PropertyValue | None) -> PropertyValue:
    if not path:
        return replacement if replacement is not None else value
    head, rest = path[0], path[1:]
    if isinstance(value.value, Mapping) and isinstance(head, str):
        items = dict(value.value)
        if rest:
            if head in items:
                items[head] = _set(items[head], rest, replacement)
        elif replacement is None:
            items.pop(head, None)
        else:
            items[head] = replacement
        return value.with_value(items)
    if isinstance(value.value, tuple) and isinstance(head, int) and head < len(value.value):
        elements = list(value.value)
        if rest or replacement is not None:
            elements[head] = _set(elements[head], rest, replacement)
        return value.with_value(elements)
    return value
