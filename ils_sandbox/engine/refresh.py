"""Comparing what the checkpoint says with what is really there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pulumi.provider.experimental import provider as api
from pulumi.provider.experimental.property_value import PropertyValue

from ils_pipelines.engine.models import DiffKind, PropertyDiff, ResourceDrift
from ils_pipelines.engine.property_paths import parse
from ils_sandbox.engine import paths, steps
from ils_sandbox.engine.checkpoint import Checkpoint
from ils_sandbox.engine.providers import AdoptingProvider, ProviderCalls
from ils_sandbox.engine.state import ResourceState
from ils_sandbox.engine.values import same, to_plain

_FLIPPED = {DiffKind.ADD: DiffKind.DELETE, DiffKind.DELETE: DiffKind.ADD, DiffKind.UPDATE: DiffKind.UPDATE}


@dataclass(frozen=True)
class Seen:
    """One resource of a checkpoint as it was found."""

    state: ResourceState
    """As the checkpoint has it."""
    drift: ResourceDrift | None = None
    """How it differs; None when it does not."""
    now: ResourceState | None = None
    """As it is, where it differs; None for one that is missing."""


def seen(calls: ProviderCalls, provider: AdoptingProvider, state: ResourceState) -> Seen:
    """Read one resource."""
    response = calls(provider.read(api.ReadRequest(state.urn, state.id, dict(state.outputs), dict(state.inputs))))
    if not response.resource_id:
        gone = ResourceDrift(urn=state.urn, type=state.type, name=state.name, id=state.id, missing=True)
        return Seen(state, gone)
    marked = {**state.outputs, **state.inputs}
    properties = steps.carry_secrets(response.properties, marked)
    # What would bring it back is what drifted: the provider knows which spellings of a value are the same.
    wanted = paths.keep_old(dict(state.inputs), properties, state.ignore_changes)
    diff = calls(
        provider.diff(api.DiffRequest(state.urn, state.id, dict(properties), wanted, list(state.ignore_changes)))
    )
    found = ResourceState(urn=state.urn, type=state.type, custom=True, inputs=properties)
    back = steps.property_diffs(diff, found, wanted)
    diffs = [_turned(diff, properties) for diff in back]
    inputs = steps.carry_secrets(response.inputs, marked)
    diffs += _unasked(state, inputs, {d.path for d in diffs})
    if not diffs:
        return Seen(state)
    drift = ResourceDrift(
        urn=state.urn, type=state.type, name=state.name, id=state.id, diffs=tuple(sorted(diffs, key=lambda d: d.path))
    )
    return Seen(state, drift, replace(state, inputs=inputs, outputs=properties))


def recorded(checkpoint: Checkpoint, found: Iterable[Seen]) -> Checkpoint:
    """The checkpoint with what was found: without what is missing, and without references to it."""
    changed = {each.state: each.now for each in found if each.drift is not None}
    gone = frozenset(state.urn for state, now in changed.items() if now is None)
    states = (changed.get(state, state) for state in checkpoint.resources)
    return replace(checkpoint, resources=tuple(state.without(gone) for state in states if state is not None))


def _turned(back: PropertyDiff, found: Mapping[str, PropertyValue]) -> PropertyDiff:
    """From "what would bring it back" to "what was found"."""
    there = paths.find(found, parse(back.path))
    if back.kind is DiffKind.ADD and there is not None:
        # For a provider, something off or empty is to be added; for a reader, it was found off or empty.
        return PropertyDiff(path=back.path, kind=DiffKind.UPDATE, old=back.new, new=to_plain(there))
    return PropertyDiff(path=back.path, kind=_FLIPPED[back.kind], old=back.new, new=back.old)


def _unasked(state: ResourceState, found: Mapping[str, PropertyValue], known: set[str]) -> list[PropertyDiff]:
    """Settings that the program leaves to AWS and that are no longer what AWS had chosen."""
    diffs = []
    for key, value in found.items():
        before = state.outputs.get(key)
        if key in state.inputs or key in state.ignore_changes or key in known or before is None:
            continue
        if not same(before, value):
            masked = before.is_secret or value.is_secret
            diffs.append(
                PropertyDiff(
                    path=key,
                    kind=DiffKind.UPDATE,
                    old=to_plain(before.with_secret(masked)),
                    new=to_plain(value.with_secret(masked)),
                )
            )
    return diffs
