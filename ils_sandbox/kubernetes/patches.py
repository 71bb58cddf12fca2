"""The patch formats of the API other than server-side apply: JSON patch, merge patch and strategic merge patch."""

from __future__ import annotations

import json
from typing import Any

import jsonpatch

from ils_sandbox.kubernetes.kinds import Kind
from ils_sandbox.kubernetes.schema import Schema, Shape
from ils_sandbox.kubernetes.statuses import Cause, bad_request, invalid

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
MEDIA_TYPES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, APPLY_PATCH)

_DIRECTIVE = "$patch"
_RETAIN_KEYS = "$retainKeys"
_DELETE_PRIMITIVES = "$deleteFromPrimitiveList/"
_ELEMENT_ORDER = "$setElementOrder/"


def patched(media_type: str, kind: Kind, schema: Schema, live: dict[str, Any], patch: Any) -> dict[str, Any]:
    """`live` with a patch of one of the three formats applied; `live` is not changed. Raises a 400 or 422."""
    if media_type == JSON_PATCH:
        return _json_patch(kind, live, patch)
    if not isinstance(patch, dict):
        raise bad_request(f"a patch of type {media_type} is a JSON object, found {type(patch).__name__}")
    if media_type == MERGE_PATCH:
        result: dict[str, Any] = merge_patch(live, patch)
        return result
    return strategic_merge(schema, live, patch)


def _json_patch(kind: Kind, live: dict[str, Any], patch: Any) -> dict[str, Any]:
    name = live["metadata"]["name"]
    try:
        result = jsonpatch.JsonPatch(patch).apply(json.loads(json.dumps(live)))
    except jsonpatch.JsonPatchTestFailed as error:
        raise invalid(kind, name, [Cause("patch", "FieldValueInvalid", f"testing value failed: {error}")]) from error
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError, KeyError) as error:
        raise invalid(
            kind, name, [Cause("patch", "FieldValueInvalid", f"the patch does not apply: {error}")]
        ) from error
    if not isinstance(result, dict):
        raise bad_request("the patch replaces the whole object by something that is not an object")
    return result


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def strategic_merge(schema: Schema, target: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Kubernetes' merge patch that knows which lists are merged, and by which key."""
    directive = patch.get(_DIRECTIVE)
    if directive == "replace":
        return {name: value for name, value in patch.items() if name != _DIRECTIVE}
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise bad_request(f"unknown $patch directive {directive!r}: expected replace, merge or delete")
    result = dict(target)
    if (retained := patch.get(_RETAIN_KEYS)) is not None:
        result = {name: value for name, value in result.items() if name in retained}
    orders: dict[str, list[Any]] = {}
    for name, value in patch.items():
        if name.startswith(_DELETE_PRIMITIVES):
            field = name.removeprefix(_DELETE_PRIMITIVES)
            result[field] = [item for item in result.get(field, ()) if item not in value]
        elif name.startswith(_ELEMENT_ORDER):
            orders[name.removeprefix(_ELEMENT_ORDER)] = value
        elif name not in (_DIRECTIVE, _RETAIN_KEYS):
            _merge_field(schema, result, name, value)
    for field, order in orders.items():
        child = schema.child(field)
        if child is not None and isinstance(result.get(field), list):
            result[field] = _ordered(child, result[field], order)
    return result


def _merge_field(schema: Schema, result: dict[str, Any], name: str, value: Any) -> None:
    child = schema.child(name) or schema.definitions.free
    if value is None:
        result.pop(name, None)
    elif isinstance(value, dict):
        current = result.get(name)
        replaces = "replace" in child.patch_strategies
        result[name] = strategic_merge(child, current if isinstance(current, dict) and not replaces else {}, value)
    elif isinstance(value, list) and "merge" in child.patch_strategies:
        result[name] = _merge_list(child, result.get(name) or [], value)
    else:
        result[name] = value


def _merge_list(schema: Schema, target: list[Any], patch: list[Any]) -> list[Any]:
    key = schema.merge_key
    if not key or schema.element.shape is Shape.SCALAR:
        return target + [item for item in patch if item not in target]
    directives = [item for item in patch if isinstance(item, dict) and item.get(_DIRECTIVE) == "replace"]
    items = [item for item in patch if item not in directives]
    merged = [] if directives else list(target)
    for item in items:
        if not isinstance(item, dict) or key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        at = next((index for index, other in enumerate(merged) if other.get(key) == item[key]), None)
        if item.get(_DIRECTIVE) == "delete":
            if at is not None:
                del merged[at]
        elif at is None:
            merged.append(strategic_merge(schema.element, {}, item))
        else:
            merged[at] = strategic_merge(schema.element, merged[at], item)
    return merged


def _ordered(schema: Schema, items: list[Any], order: list[Any]) -> list[Any]:
    """`items` with those named in `order` in that order; the others keep their place after what they followed."""
    key = schema.merge_key

    def identity(item: Any) -> Any:
        return item.get(key) if isinstance(item, dict) and key else item

    wanted = [identity(item) for item in order]
    named = sorted((item for item in items if identity(item) in wanted), key=lambda item: wanted.index(identity(item)))
    queue = iter(named)
    return [next(queue) if identity(item) in wanted else item for item in items]
