"""From the steps that Pulumi reports to changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ils_pipelines.engine.models import SECRET, Change, DiffKind, Operation, PropertyDiff, ReplaceOrder
from ils_pipelines.engine.property_paths import Path, parse
from ils_pipelines.engine.pulumi.values import find, shown

if TYPE_CHECKING:
    from pulumi.automation.events import StepEventMetadata, StepEventStateMetadata

PROVIDER_PREFIX = "pulumi:providers:"
_REPLACE_SUFFIX = "-replace"


def is_managed(step: StepEventMetadata) -> bool:
    """Whether a step is about a resource that a provider manages: no component, no provider."""
    state = step.new or step.old
    return state is not None and bool(state.custom) and not step.type.startswith(PROVIDER_PREFIX)


def change_of(step: StepEventMetadata, operation: Operation, order: ReplaceOrder | None = None) -> Change:
    """The change that a step makes, or would make."""
    return Change(
        urn=step.urn,
        type=step.type,
        name=step.urn.rpartition("::")[2],
        operation=operation,
        diffs=() if operation in {Operation.CREATE, Operation.DELETE} else property_diffs(step),
        replace_order=order,
        id=step.old.id if step.old else None,
    )


def property_diffs(step: StepEventMetadata) -> tuple[PropertyDiff, ...]:
    """What differs, by the provider's word, values masked. Without details, every top-level property that it named."""
    old, new = _before(step.old), (step.new.inputs or {} if step.new else {},)
    found = [
        (path, str(diff.diff_kind.value).removesuffix(_REPLACE_SUFFIX), diff.diff_kind.value.endswith(_REPLACE_SUFFIX))
        for path, diff in (step.detailed_diff or {}).items()
    ]
    if not found:
        forcing = set(step.keys or ())
        named = {*(step.diffs or ()), *forcing}
        found = [(key, _kind(old[0], new[0], key), key in forcing) for key in named]
    return tuple(_diff(old, new, path, DiffKind(kind), forces=forces) for path, kind, forces in sorted(found))


def drift_diffs(step: StepEventMetadata) -> tuple[PropertyDiff, ...]:
    """Of a refresh: `old` is what was expected, `new` what was found."""
    return tuple(
        _turned(path, DiffKind(diff.diff_kind.value.removesuffix(_REPLACE_SUFFIX)), step)
        for path, diff in sorted((step.detailed_diff or {}).items())
    )


Sources = tuple[Mapping[str, Any], ...]
"""Where a value may stand: in the first of these that has it."""


def _before(state: StepEventStateMetadata | None) -> Sources:
    return (state.inputs or {}, state.outputs or {}) if state else ({}, {})


def _turned(path: str, kind: DiffKind, step: StepEventMetadata) -> PropertyDiff:
    return _diff(_before(step.old), _before(step.new)[::-1], path, kind, forces=False)


def _diff(old: Sources, new: Sources, path: str, kind: DiffKind, *, forces: bool) -> PropertyDiff:
    where = parse(path)
    before, after = _at(old, where), _at(new, where)
    if before == SECRET and after is not None:
        after = SECRET
    return PropertyDiff(
        path=path,
        kind=kind,
        old=None if kind is DiffKind.ADD else before,
        new=None if kind is DiffKind.DELETE else after,
        forces_replacement=forces,
    )


def _at(sources: Sources, where: Path) -> Any:
    return next((shown(value) for source in sources if (value := find(source, where)) is not None), None)


def _kind(old: Any, new: Any, key: str) -> str:
    return "add" if key not in old else "delete" if key not in new else "update"
