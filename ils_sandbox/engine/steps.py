"""Deciding what one registered resource needs: nothing, a create, an update or a replacement."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from pulumi.provider.experimental import provider as api
from pulumi.provider.experimental.property_value import PropertyValue

from ils_pipelines.engine.errors import ResourceFailed
from ils_pipelines.engine.models import DiffKind, Operation, PropertyDiff, ReplaceOrder
from ils_pipelines.engine.property_paths import lies_below, parse
from ils_sandbox.engine import paths
from ils_sandbox.engine.goal import Goal
from ils_sandbox.engine.providers import AdoptingProvider, ProviderCalls
from ils_sandbox.engine.state import ResourceState
from ils_sandbox.engine.values import Properties, to_plain

_KINDS = {
    api.PropertyDiffKind.ADD: (DiffKind.ADD, False),
    api.PropertyDiffKind.ADD_REPLACE: (DiffKind.ADD, True),
    api.PropertyDiffKind.DELETE: (DiffKind.DELETE, False),
    api.PropertyDiffKind.DELETE_REPLACE: (DiffKind.DELETE, True),
    api.PropertyDiffKind.UPDATE: (DiffKind.UPDATE, False),
    api.PropertyDiffKind.UPDATE_REPLACE: (DiffKind.UPDATE, True),
}


@dataclass(frozen=True)
class Decision:
    """What a resource needs. `inputs` are the program's inputs as the provider checked and completed them."""

    operation: Operation
    inputs: Properties
    diffs: tuple[PropertyDiff, ...] = ()
    replace_order: ReplaceOrder | None = None


def random_seed(urn: str, replaced_id: str = "") -> bytes:
    """What generated names are drawn from: the same in a preview, its up, and a run that resumes an interrupted one, but
    another one for the replacement of a resource, which must not take the name of what it replaces."""
    return hashlib.sha256(f"{urn}\n{replaced_id}".encode()).digest()


def check(
    calls: ProviderCalls, provider: AdoptingProvider, goal: Goal, old: ResourceState | None, seed: bytes
) -> Properties:
    """The inputs as the provider completes them. Raises ResourceFailed naming every property it refuses."""
    inputs = goal.inputs
    if old is not None:
        inputs = paths.keep_old(inputs, old.inputs, goal.ignore_changes)
    response = calls(provider.check(api.CheckRequest(goal.urn, dict(old.inputs) if old else {}, inputs, seed)))
    if response.failures:
        reasons = "; ".join(
            f"{failure.property}: {failure.reason}" if failure.property else failure.reason
            for failure in response.failures
        )
        raise ResourceFailed(goal.urn, "check", reasons)
    return carry_secrets(response.inputs or {}, inputs)


def decide(calls: ProviderCalls, provider: AdoptingProvider, goal: Goal, old: ResourceState | None) -> Decision:
    """Compare what the program wants with what there is."""
    if old is None:
        return Decision(Operation.CREATE, check(calls, provider, goal, None, random_seed(goal.urn)))
    inputs = check(calls, provider, goal, old, random_seed(goal.urn))
    request = api.DiffRequest(goal.urn, old.id, dict(old.outputs), inputs, list(goal.ignore_changes))
    response = calls(provider.diff(request))
    diffs = property_diffs(response, old, inputs)
    replaces = bool(response.replaces) or any(diff.forces_replacement for diff in diffs)
    replaces = replaces or any(
        lies_below(selector, diff.path) for diff in diffs for selector in goal.replace_on_changes
    )
    if not replaces:
        return Decision(Operation.UPDATE if response.changes or diffs else Operation.SAME, inputs, diffs)
    before = response.delete_before_replace if goal.delete_before_replace is None else goal.delete_before_replace
    order = ReplaceOrder.DELETE_BEFORE_CREATE if before else ReplaceOrder.CREATE_BEFORE_DELETE
    fresh = check(calls, provider, goal, None, random_seed(goal.urn, old.id))
    return Decision(Operation.REPLACE, fresh, diffs, order)


def needs_replacement(
    calls: ProviderCalls, provider: AdoptingProvider, dependent: ResourceState, gone: frozenset[str]
) -> bool:
    """Whether `dependent` must be replaced, too, when the resources of `gone` are: whether its properties that come from
    them force that once they are unknown."""
    computed = {key for key, urns in dependent.property_dependencies.items() if gone & set(urns)}
    if not computed:
        return False
    inputs = {key: PropertyValue.computed() if key in computed else value for key, value in dependent.inputs.items()}
    response = calls(provider.diff(api.DiffRequest(dependent.urn, dependent.id, dict(dependent.outputs), inputs, [])))
    return bool(response.replaces) or any(_KINDS[diff.kind][1] for diff in response.detailed_diff.values())


def property_diffs(
    response: api.DiffResponse, old: ResourceState, inputs: Mapping[str, PropertyValue]
) -> tuple[PropertyDiff, ...]:
    """The provider's verdict as property diffs, values masked. Without details, every top-level property it named."""
    detailed = dict(response.detailed_diff)
    if not detailed:
        replaces = set(response.replaces)
        for key in sorted({*response.diffs, *replaces}):
            detailed[key] = api.PropertyDiff(_kind(old, inputs, key, replaces=key in replaces), input_diff=True)
    diffs = []
    for path, diff in sorted(detailed.items()):
        kind, forces_replacement = _KINDS[diff.kind]
        where = parse(path)
        before = paths.find(old.inputs, where) or paths.find(old.outputs, where)
        after = paths.find(inputs, where)
        if before is not None and after is not None and before.is_secret:
            after = after.with_secret(True)
        diffs.append(
            PropertyDiff(
                path=path,
                kind=kind,
                old=None if before is None or kind is DiffKind.ADD else to_plain(before),
                new=None if after is None or kind is DiffKind.DELETE else to_plain(after),
                forces_replacement=forces_replacement,
            )
        )
    return tuple(diffs)


def _kind(old: ResourceState, inputs: Mapping[str, PropertyValue], key: str, *, replaces: bool) -> api.PropertyDiffKind:
    if key not in old.inputs:
        return api.PropertyDiffKind.ADD_REPLACE if replaces else api.PropertyDiffKind.ADD
    if key not in inputs:
        return api.PropertyDiffKind.DELETE_REPLACE if replaces else api.PropertyDiffKind.DELETE
    return api.PropertyDiffKind.UPDATE_REPLACE if replaces else api.PropertyDiffKind.UPDATE


def complete_outputs(outputs: Mapping[str, PropertyValue], inputs: Properties, goal: Goal) -> Properties:
    """Outputs as the checkpoint keeps them: secret where an input of the same name is, or where the program says so."""
    properties = carry_secrets(outputs, inputs)
    for key in goal.additional_secret_outputs:
        if key in properties:
            properties[key] = properties[key].with_secret(True)
    return properties


def carry_secrets(properties: Mapping[str, PropertyValue], marked: Mapping[str, PropertyValue]) -> Properties:
    """`properties` with everything secret that is secret in `marked` at the same place: providers may lose the mark."""
    return {key: _carry(value, marked.get(key)) for key, value in properties.items()}


def _carry(value: PropertyValue, marked: PropertyValue | None) -> PropertyValue:
    if marked is None:
        return value
    if marked.is_secret:
        return value.with_secret(True)
    if isinstance(value.value, Mapping) and isinstance(marked.value, Mapping):
        return value.with_value(carry_secrets(value.value, marked.value))
    if isinstance(value.value, tuple) and isinstance(marked.value, tuple) and len(value.value) == len(marked.value):
        return value.with_value([_carry(item, mark) for item, mark in zip(value.value, marked.value, strict=True)])
    return value
