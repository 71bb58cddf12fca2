"""Sets of fields, as `metadata.managedFields` keeps them, and the operations of server-side apply on typed values.

A path is a tuple of elements in FieldsV1 notation: `f:spec` for a field, `k:{"name":"app"}` for an item of a list that
is a map, `v:"x"` for an item of a list that is a set. The rules are those of Kubernetes' structured-merge-diff library:
which paths a value owns, how two values differ and merge, how owned items are removed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ils_sandbox.kubernetes.schema import KEY_DEFAULTS, Schema, Shape
from ils_sandbox.kubernetes.statuses import bad_request

Path = tuple[str, ...]
FieldSet = frozenset[Path]
Trie = dict[str, Any]

SELF = "."
EMPTY: FieldSet = frozenset()


# -- FieldsV1 ---------------------------------------------------------------------------------------------------------


def to_fields_v1(paths: Iterable[Path]) -> Trie:
    """The JSON form: nested objects, with `.` where a path that has children is itself in the set."""
    root: Trie = {}
    for path in sorted(paths):
        node = root
        for element in path:
            node = node.setdefault(element, {})
        node[SELF] = {}
    return _without_lonely_self(root)


def _without_lonely_self(node: Trie) -> Trie:
    if node.keys() == {SELF}:
        return {}
    return {element: {} if element == SELF else _without_lonely_self(child) for element, child in node.items()}


def from_fields_v1(fields: Trie) -> FieldSet:
    return frozenset(_paths(fields, ()))


def _paths(node: Trie, prefix: Path) -> Iterator[Path]:
    for element, child in node.items():
        if element == SELF:
            yield prefix
        elif child:
            yield from _paths(child, (*prefix, element))
        else:
            yield (*prefix, element)


def dotted(path: Path) -> str:
    """A path as people read it: `.spec.containers[name="app"].image`."""
    parts = []
    for element in path:
        mark, _, rest = element.partition(":")
        if mark == "f":
            parts.append(f".{rest}")
        elif mark == "k":
            keys = ",".join(f"{key}={json.dumps(value)}" for key, value in json.loads(rest).items())
            parts.append(f"[{keys}]")
        else:
            parts.append(f"[={rest}]")
    return "".join(parts)


# -- list items -------------------------------------------------------------------------------------------------------


def item_element(schema: Schema, item: Any) -> str:
    """What identifies an item of a list that is not atomic. Raises a 400 when a key is missing."""
    if not schema.map_keys:
        return "v:" + json.dumps(item, separators=(",", ":"))
    found = item if isinstance(item, dict) else {}
    keys = {}
    for key in sorted(schema.map_keys):
        value = found.get(key, KEY_DEFAULTS.get(key))
        if value is None:
            raise bad_request(f"associative list with keys has an element that omits key field {key!r}")
        keys[key] = value
    return "k:" + json.dumps(keys, separators=(",", ":"))


# -- which fields a value has -----------------------------------------------------------------------------------------


def field_set(schema: Schema, value: Any) -> FieldSet:
    """The paths that whoever applies `value` owns."""
    found: set[Path] = set()
    _collect(schema, value, (), found)
    return frozenset(found)


def _collect(schema: Schema, value: Any, path: Path, found: set[Path]) -> None:
    if schema.atomic and schema.shape is not Shape.SCALAR:
        found.add(path)
    elif isinstance(value, dict):
        for name, item in value.items():
            child = schema.child(name)
            place = (*path, f"f:{name}")
            if child is None:
                found.add(place)
                continue
            _collect(child, item, place, found)
            if item is None or item == {} or not schema.declares(name):
                found.add(place)
    elif isinstance(value, list):
        for item in value:
            place = (*path, item_element(schema, item))
            _collect(schema.element, item, place, found)
            found.add(place)
    else:
        found.add(path)


def with_named_fields(schema: Schema, paths: FieldSet) -> FieldSet:
    """`paths` and every struct field above one of them."""
    added: set[Path] = set(paths)
    for path in paths:
        place: Schema | None = schema
        for depth, element in enumerate(path[:-1], 1):
            if place is None:
                break
            mark, _, name = element.partition(":")
            if mark == "f":
                if place.declares(name):
                    added.add(path[:depth])
                place = place.child(name)
            else:
                place = place.element
    return frozenset(added)


# -- how two values differ --------------------------------------------------------------------------------------------


@dataclass
class Comparison:
    added: set[Path] = field(default_factory=set)
    modified: set[Path] = field(default_factory=set)
    removed: set[Path] = field(default_factory=set)

    @property
    def written(self) -> FieldSet:
        return frozenset(self.added | self.modified)


_MISSING = object()


def compare(schema: Schema, old: Any, new: Any) -> Comparison:
    comparison = Comparison()
    _compare(schema, old, new, (), comparison)
    return comparison


def _compare(schema: Schema, old: Any, new: Any, path: Path, result: Comparison) -> None:
    containers = [side for side in (old, new) if isinstance(side, dict | list) and side]
    if schema.atomic or not containers:
        if old is _MISSING:
            result.added.add(path)
        elif new is _MISSING:
            result.removed.add(path)
        elif old != new:
            result.modified.add(path)
        return
    if isinstance(containers[0], dict):
        before, after = (side if isinstance(side, dict) else {} for side in (old, new))
        for name in before.keys() | after.keys():
            child = schema.child(name) or schema.definitions.free
            _compare(child, before.get(name, _MISSING), after.get(name, _MISSING), (*path, f"f:{name}"), result)
    else:
        earlier, later = (_by_element(schema, side) for side in (old, new))
        for element in earlier.keys() | later.keys():
            sides = earlier.get(element, _MISSING), later.get(element, _MISSING)
            _compare(schema.element, *sides, (*path, element), result)
    if old is _MISSING:
        result.added.add(path)
    elif new is _MISSING:
        result.removed.add(path)


def _by_element(schema: Schema, items: Any) -> dict[str, Any]:
    return {item_element(schema, item): item for item in items} if isinstance(items, list) else {}


# -- merging and removing ---------------------------------------------------------------------------------------------


def merge(schema: Schema, old: Any, new: Any) -> Any:
    """`old` with everything that `new` says laid over it; items of a list that is a map are merged by their keys."""
    if new is None or schema.atomic or not isinstance(new, dict | list) or not isinstance(old, type(new)):
        return new
    if isinstance(new, dict):
        merged = dict(old)
        for name, item in new.items():
            child = schema.child(name) or schema.definitions.free
            merged[name] = merge(child, old[name], item) if name in old else item
        return merged
    return _merge_lists(schema, list(old), new) if new else old


def _merge_lists(schema: Schema, old: list[Any], new: list[Any]) -> list[Any]:
    """Items of both, in the order of `new`; an item that only `old` has keeps its place between its neighbours."""
    before, after = _by_element(schema, old), _by_element(schema, new)
    if len(after) != len(new):
        raise bad_request("duplicate entries for key in an associative list")
    old_order, new_order = list(before), list(after)
    shared = iter([element for element in new_order if element in before])
    next_shared = next(shared, None)
    done: set[str] = set()
    merged: list[Any] = []

    def take(element: str) -> None:
        done.add(element)
        value = after[element]
        merged.append(merge(schema.element, before[element], value) if element in before else value)

    left = right = 0
    while left < len(old_order) or right < len(new_order):
        if left < len(old_order) and right < len(new_order):
            element = old_order[left]
            if element == new_order[right]:
                take(element)
                left, right, next_shared = left + 1, right + 1, next(shared, None)
                continue
            if element in after and next_shared is not None and next_shared != element:
                left += 1  # shared, but its turn comes where `new` has it
                continue
        if left < len(old_order):
            element = old_order[left]
            if element not in after:
                merged.append(before[element])
                left += 1
                continue
            if element in done:
                left += 1
        if right < len(new_order):
            element = new_order[right]
            take(element)
            right += 1
            if element == next_shared:
                next_shared = next(shared, None)
    return merged


def remove(schema: Schema, value: Any, paths: FieldSet) -> Any:
    """`value` without the fields and items in `paths`. What becomes empty by that becomes None, as it does in Go."""
    trie: Trie = {}
    for path in paths:
        node = trie
        for element in path:
            node = node.setdefault(element, {})
        node[SELF] = {}
    return _remove(schema, value, trie) if paths else value


def _remove(schema: Schema, value: Any, trie: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        kept: dict[str, Any] = {}
        for name, item in value.items():
            node = trie.get(f"f:{name}")
            if node is None:
                kept[name] = item
            elif SELF not in node:
                kept[name] = _remove(schema.child(name) or schema.definitions.free, item, node)
        return kept or None
    if isinstance(value, list):
        if schema.atomic:
            return None
        items: list[Any] = []
        for item in value:
            node = trie.get(item_element(schema, item))
            if node is None:
                items.append(item)
            elif SELF not in node:
                items.append(_remove(schema.element, item, node))
        return items or None
    return value
