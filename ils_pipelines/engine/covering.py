"""Whether what would be done is what was approved.

A plan of a layer that is built on others may have been made before those were there: what comes from them stands in it as
`UNKNOWN`. By the time the layer is applied they are known. An approved plan covers such a later one when the later does to
each resource what the approved says, with nothing but unknowns resolved:

* the same resources are created and deleted; one that an interrupted run had created (`adopt`) counts as created;
* a resource that is updated or replaced has exactly the approved property differences, where an approved `UNKNOWN` stands
  for any value, and for anything below its path;
* an approved difference whose new value was unknown or secret may turn out to be none, and a change that had only such
  differences may be left out, or be an update where a replacement was approved: less is done than was approved, never more.

Nothing else is covered: what is known must be as approved, and what was known may not become unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ils_pipelines.engine.models import SECRET, UNKNOWN, Change, Operation, Plan, PropertyDiff

_DONE_AS: Mapping[Operation, frozenset[Operation]] = {
    Operation.CREATE: frozenset({Operation.CREATE, Operation.ADOPT}),
    Operation.UPDATE: frozenset({Operation.UPDATE}),
    Operation.REPLACE: frozenset({Operation.REPLACE, Operation.UPDATE}),
    Operation.DELETE: frozenset({Operation.DELETE}),
    Operation.ADOPT: frozenset({Operation.ADOPT}),
}
"""By the approved operation, those that may be carried out; a replacement that becomes an update must lose its cause."""


def covers(approved: Plan, actual: Plan) -> bool:
    """Whether somebody who approved `approved` approved everything that `actual` does, and nothing that it leaves out."""
    return not any(deviations(approved, actual))


def deviations(approved: Plan, actual: Plan) -> Iterator[str]:
    """A line for everything in `actual` that `approved` does not cover, in the order of the resources' URNs."""
    if (approved.project, approved.stack) != (actual.project, actual.stack):
        yield f"another stack: {approved.project}/{approved.stack} was approved, not {actual.project}/{actual.stack}"
        return
    before, now = _by_resource(approved), _by_resource(actual)
    for key in sorted(before.keys() | now.keys()):
        old, new = before.get(key), now.get(key)
        if new is None and old is not None:
            if not _may_be_left_out(old):
                yield f"approved, but not to be done now: {_about(old)}"
        elif old is None and new is not None:
            yield f"not in the approved plan: {_about(new)}"
        elif old is not None and new is not None:
            reasons = list(_change_deviations(old, new))
            if reasons:
                yield f"differs: {new.type} {new.name}: {'; '.join(reasons)}"


def step_deviations(approved: Plan, step: Change) -> Iterator[str]:
    """Likewise for one change that is about to be made: why `approved` does not cover it."""
    found = _by_resource(approved).get(_resource(step))
    if found is None:
        yield "the approved plan does not have it"
    else:
        yield from _change_deviations(found, step)


def _by_resource(plan: Plan) -> dict[tuple[str, bool], Change]:
    return {_resource(change): change for change in plan.changes}


def _resource(change: Change) -> tuple[str, bool]:
    """A resource that left the program may be deleted while another of its URN is made: two different things."""
    return change.urn, change.operation is Operation.DELETE


def _change_deviations(approved: Change, actual: Change) -> Iterator[str]:
    """Why `approved` does not cover `actual`, each reason in words; nothing when it does."""
    if (approved.urn, approved.type) != (actual.urn, actual.type):
        yield f"it is {actual.urn} ({actual.type}), not {approved.urn} ({approved.type})"
        return
    if actual.operation not in _DONE_AS.get(approved.operation, frozenset()):
        yield f"{approved.operation} was approved, now {actual.operation}"
        return
    if approved.id is not None and actual.id != approved.id:
        yield f"it is another resource now: {actual.id} instead of {approved.id}"
    if approved.operation is actual.operation and approved.replace_order is not actual.replace_order:
        yield f"{approved.replace_order} was approved, now {actual.replace_order}"
    if approved.operation is not Operation.CREATE:
        yield from _diff_deviations(approved.diffs, actual.diffs)


def _diff_deviations(approved: tuple[PropertyDiff, ...], actual: tuple[PropertyDiff, ...]) -> Iterator[str]:
    matched: set[str] = set()
    for diff in actual:
        cover = next((each for each in approved if _diff_covers(each, diff)), None)
        if cover is not None:
            matched.add(cover.path)
            continue
        same = next((each for each in approved if each.path == diff.path), None)
        if same is None:
            yield f"{diff.path} was not to change, now {_said(diff.new)}"
        else:
            matched.add(same.path)
            yield f"{diff.path}: {_words(same)} was approved, now {_words(diff)}"
    for each in approved:
        if each.path not in matched and not _may_vanish(each):
            yield f"{each.path}: {_words(each)} was approved and is not to be done now"


def _diff_covers(approved: PropertyDiff, actual: PropertyDiff) -> bool:
    if actual.forces_replacement and not approved.forces_replacement:
        return False
    if approved.new == UNKNOWN:
        # What is not known may be a whole object or list: what it turns out to change lies at its path or below.
        return actual.path == approved.path or actual.path.startswith((f"{approved.path}.", f"{approved.path}["))
    return (
        actual.path == approved.path
        and actual.old == approved.old
        and (actual.kind, actual.forces_replacement) == (approved.kind, approved.forces_replacement)
        and _stands_for(approved.new, actual.new)
    )


def _may_be_left_out(approved: Change) -> bool:
    changed = approved.operation in {Operation.UPDATE, Operation.REPLACE}
    return changed and bool(approved.diffs) and all(_may_vanish(diff) for diff in approved.diffs)


def _may_vanish(approved: PropertyDiff) -> bool:
    """Whether the difference may turn out to be none, as its new value could not be told when it was approved."""
    return _holds(approved.new, UNKNOWN) or _holds(approved.new, SECRET)


def _holds(value: Any, mark: str) -> bool:
    if isinstance(value, Mapping):
        return any(_holds(each, mark) for each in value.values())
    if isinstance(value, list | tuple):
        return any(_holds(each, mark) for each in value)
    return isinstance(value, str) and mark in value


def _stands_for(approved: Any, actual: Any) -> bool:
    """Whether `actual` is `approved` with every `UNKNOWN` in it, also inside a text, replaced by some value."""
    if approved == UNKNOWN:
        return True
    if isinstance(approved, Mapping):
        return (
            isinstance(actual, Mapping)
            and approved.keys() == actual.keys()
            and all(_stands_for(value, actual[key]) for key, value in approved.items())
        )
    if isinstance(approved, list | tuple):
        return (
            isinstance(actual, list | tuple)
            and len(approved) == len(actual)
            and all(_stands_for(*pair) for pair in zip(approved, actual, strict=True))
        )
    if isinstance(approved, str) and UNKNOWN in approved and isinstance(actual, str):
        pattern = ".*".join(re.escape(part) for part in approved.split(UNKNOWN))
        return re.fullmatch(pattern, actual, re.DOTALL) is not None
    return type(approved) is type(actual) and bool(approved == actual)


def _about(change: Change) -> str:
    return f"{change.operation} {change.type} {change.name}"


def _words(diff: PropertyDiff) -> str:
    forced = ", which forces a replacement" if diff.forces_replacement else ""
    return f"{_said(diff.old)} -> {_said(diff.new)}{forced}"


def _said(value: Any) -> str:
    return "nothing" if value is None else str(value)
