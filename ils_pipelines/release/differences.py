"""How an object differs from what it should be, per property.

The API server fills in defaults and writes quantities its own way, so a live object has more than was applied: what
counts is that everything that should be there is, and that nothing is left that we applied once and no longer do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ils_pipelines.engine.models import SECRET as MASK
from ils_pipelines.engine.models import DiffKind, PropertyDiff
from ils_pipelines.release.cluster import Object
from ils_pipelines.release.manifests.parts import secret_digests
from ils_pipelines.release.names import APPLIED, FIELD_MANAGER, REPLICAS_MANAGER
from ils_pipelines.release.objects import SECRET, Body, Kind

# What identifies the items of a list, by the name of the field; the items of other lists are compared by position.
ITEM_KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "ports": ("containerPort", "port", "protocol"),
}
_QUANTITIES = frozenset({"limits", "requests", "sizeLimit", "hard", "default", "defaultRequest"})
_NOT_SET: tuple[Any, ...] = (None, "", 0, False, [], {})
"""What is not written back by an API server: the same as not being there."""
# Whose changes are no drift: controllers, and scaling, which is a job of its own.
_CONTROLLERS = frozenset({"kube-controller-manager", "kube-apiserver", "kubelet", "kube-scheduler", REPLICAS_MANAGER})
_FINALIZERS = "metadata.finalizers"
"""Controllers hold on to an object by these until they have cleaned up after it, under whatever name they write."""
_MISSING = object()


def without_note(body: Body) -> Object:
    """The object without the annotation that says how it was applied."""
    metadata = dict(body["metadata"])
    annotations = {key: value for key, value in metadata.get("annotations", {}).items() if key != APPLIED}
    return {**body, "metadata": {**metadata, "annotations": annotations}}


def changes(kind: Kind, desired: Body, live: Object) -> tuple[PropertyDiff, ...]:
    """What applying `desired` would change: properties to set, and those we applied before and do not want any more."""
    found = [*_unlike(without_note(desired), live), *_abandoned(desired, live)]
    note = live["metadata"].get("annotations", {}).get(APPLIED)
    if not found and note != desired["metadata"]["annotations"][APPLIED]:
        # All properties are right, by chance or because others set them, but not by our doing.
        found = [PropertyDiff(path=_property("metadata.annotations", APPLIED), kind=DiffKind.UPDATE)]
    return _shown(kind, found)


def drift(kind: Kind, live: Object) -> tuple[PropertyDiff, ...] | None:
    """What is not as it was applied last (`old` was applied, `new` is there); None when we never applied it."""
    note = live["metadata"].get("annotations", {}).get(APPLIED)
    if note is None:
        return None
    applied = json.loads(note)
    compared = live if kind is not SECRET else {**live, "data": secret_digests(live.get("data", {}))}
    scaled = set(_scaled(live))
    found = [_turned(diff) for diff in _unlike(applied, compared) if diff.path not in scaled]
    paths = {diff.path for diff in found}
    found += [diff for diff in _foreign(applied, live) if not any(_within(diff.path, path) for path in paths)]
    return _shown(kind, found)


def _shown(kind: Kind, diffs: list[PropertyDiff]) -> tuple[PropertyDiff, ...]:
    """Sorted, without repetitions, and with the values of a Secret masked."""
    unique = {diff.path: diff for diff in diffs}
    ordered = [unique[path] for path in sorted(unique)]
    if kind is not SECRET:
        return tuple(ordered)
    return tuple(_masked(diff) if diff.path.startswith(("data", "stringData")) else diff for diff in ordered)


def _masked(diff: PropertyDiff) -> PropertyDiff:
    hidden = {name: MASK for name in ("old", "new") if getattr(diff, name) is not None}
    return diff.model_copy(update=hidden)


def _turned(diff: PropertyDiff) -> PropertyDiff:
    """From "what to do" to "what was found": a property to add is one that was deleted."""
    kinds = {DiffKind.ADD: DiffKind.DELETE, DiffKind.DELETE: DiffKind.ADD, DiffKind.UPDATE: DiffKind.UPDATE}
    return PropertyDiff(path=diff.path, kind=kinds[diff.kind], old=diff.new, new=diff.old)


def _within(path: str, other: str) -> bool:
    return path == other or path.startswith((f"{other}.", f"{other}["))


# -- what should be there ---------------------------------------------------------------------------------------------


def _unlike(desired: Any, live: Any, path: str = "", name: str = "") -> Iterator[PropertyDiff]:
    if live is _MISSING:
        if desired not in _NOT_SET:
            yield PropertyDiff(path=path, kind=DiffKind.ADD, new=desired)
    elif isinstance(desired, dict) and isinstance(live, dict):
        for key, value in desired.items():
            inner = "limits" if name in _QUANTITIES else str(key)
            yield from _unlike(value, live.get(key, _MISSING), _property(path, str(key)), inner)
    elif isinstance(desired, list) and isinstance(live, list) and name in ITEM_KEYS:
        for index, item in enumerate(desired):
            yield from _unlike(item, _same_item(live, item, ITEM_KEYS[name]), f"{path}[{index}]")
    elif isinstance(desired, list) and isinstance(live, list) and len(desired) == len(live):
        for index, (item, other) in enumerate(zip(desired, live, strict=True)):
            yield from _unlike(item, other, f"{path}[{index}]")
    elif desired != live and not (name in _QUANTITIES and _same_quantity(desired, live)):
        yield PropertyDiff(path=path, kind=DiffKind.UPDATE, old=live, new=desired)


def _property(path: str, key: str) -> str:
    """Pulumi's property path: a key with other characters than those of a name is quoted."""
    if key.replace("_", "").replace("-", "").isalnum():
        return f"{path}.{key}" if path else key
    return f"{path}[{json.dumps(key)}]"


def _same_item(live: list[Any], item: Any, keys: tuple[str, ...]) -> Any:
    wanted = {key: item[key] for key in keys if key in item}
    for other in live:
        if all(other.get(key) == value for key, value in wanted.items()):
            return other
    return _MISSING


def _same_quantity(one: Any, other: Any) -> bool:
    from kubernetes.utils.quantity import parse_quantity

    try:
        return bool(parse_quantity(one) == parse_quantity(other))
    except (ValueError, TypeError):
        return False


# -- what managedFields tell ------------------------------------------------------------------------------------------


def _abandoned(desired: Body, live: Object) -> Iterator[PropertyDiff]:
    """Fields that we manage and that the release does not say any more: an apply would remove them."""
    for entry in live["metadata"].get("managedFields", ()):
        if entry.get("manager") == FIELD_MANAGER and entry["operation"] == "Apply" and not entry.get("subresource"):
            yield from _gone(entry["fieldsV1"], desired, live, "")


def _gone(fields: Mapping[str, Any], desired: Any, live: Any, path: str) -> Iterator[PropertyDiff]:
    for element, below in fields.items():
        if element == ".":
            continue
        place, wanted, found = _follow(element, desired, live, path)
        if wanted is _MISSING:
            if found is not _MISSING:
                yield PropertyDiff(path=place, kind=DiffKind.DELETE, old=found)
        elif below:
            yield from _gone(below, wanted, found, place)


def _follow(element: str, desired: Any, live: Any, path: str) -> tuple[str, Any, Any]:
    """Where an element of managedFields leads: its path, and what stands there in both objects."""
    mark, _, rest = element.partition(":")
    if mark == "f":
        wanted = desired.get(rest, _MISSING) if isinstance(desired, dict) else _MISSING
        found = live.get(rest, _MISSING) if isinstance(live, dict) else _MISSING
        return _property(path, rest), wanted, found
    value = json.loads(rest)
    index, found = _item(live, mark, value)
    return f"{path}[{index}]", _item(desired, mark, value)[1], found


def _item(items: Any, mark: str, wanted: Any) -> tuple[int, Any]:
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if mark == "v" and item == wanted:
            return index, item
        if mark == "k" and all(_key(item, key) == value for key, value in wanted.items()):
            return index, item
    return 0, _MISSING


def _key(item: Any, key: str) -> Any:
    """A key of a list item; a port without a protocol is a TCP port."""
    return item.get(key, "TCP" if key == "protocol" else None) if isinstance(item, dict) else None


def _foreign(applied: Object, live: Object) -> Iterator[PropertyDiff]:
    """Fields that somebody put there and that we never applied. Controllers and the status are nobody's doing.

    A field that was applied may belong to somebody else, too: who scales a deployment and back owns its number of pods.
    Such fields are compared by their values, and those are right.
    """
    managed = live["metadata"].get("managedFields", ())
    ours = [entry["fieldsV1"] for entry in managed if entry.get("manager") == FIELD_MANAGER]
    for entry in managed:
        if entry.get("manager") in (FIELD_MANAGER, *_CONTROLLERS) or entry.get("subresource") == "status":
            continue
        yield from _added(entry["fieldsV1"], ours, applied, live, "")


def _scaled(live: Object) -> Iterator[str]:
    """Properties that a scaling job set on purpose. The next change of the environment sets them back, as its plan says."""
    for entry in live["metadata"].get("managedFields", ()):
        if entry.get("manager") == REPLICAS_MANAGER:
            yield from (f"spec.{name.removeprefix('f:')}" for name in entry["fieldsV1"].get("f:spec", {}))


def _added(
    fields: Mapping[str, Any], ours: list[Mapping[str, Any]], applied: Any, live: Any, path: str
) -> Iterator[PropertyDiff]:
    for element, below in fields.items():
        if element == ".":
            continue
        place, wanted, found = _follow(element, applied, live, path)
        if found is _MISSING or place == _FINALIZERS:
            continue
        mine = [other[element] for other in ours if element in other]
        known = mine or wanted is not _MISSING
        if below and known:
            yield from _added(below, mine, wanted, found, place)
        elif not known:
            yield PropertyDiff(path=place, kind=DiffKind.ADD, new=found)
