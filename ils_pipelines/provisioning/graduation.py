"""Moving an environment of the sandbox from the sandbox's engine to the real Pulumi, and back.

What moves is the checkpoints. It counts as moved only when the other engine, asked what it would do, says exactly what the
first one says: no change, unless the environment's file was edited since.
"""

from __future__ import annotations

from dataclasses import dataclass

from ils_pipelines.engine.errors import StackLocked
from ils_pipelines.engine.models import Plan
from ils_pipelines.engine.pulumi.deployment import managed
from ils_pipelines.errors import IlsError
from ils_pipelines.provisioning.layers import StackLayer
from ils_pipelines.settings.layers import Layer
from ils_pipelines.stacks.catalog import PROGRAMS
from ils_pipelines.targets.protocol import Target, TwoEngines


class CannotGraduate(IlsError):
    """The environment cannot change its engine."""


@dataclass(frozen=True)
class Moved:
    """One layer whose checkpoint was moved, and what the engine that has it now would do to it."""

    layer: Layer
    resources: int
    plan: Plan


def graduate(target: Target, *, back: bool) -> tuple[Moved, ...]:
    """Move every layer that exists to the real Pulumi, or `back`. The environment is applied by that engine from then on.

    One that has no layer yet has nothing to move, and is made by that engine.

    Raises `CannotGraduate` when the target has no two engines, when it was moved already, or when an engine would do
    something else than the other: then the environment stays with its engine.
    """
    name = target.environment.name
    if not isinstance(target, TwoEngines):
        raise CannotGraduate(
            f"{name} lives in an AWS account: it is applied by Pulumi already. Only the sandbox has two engines."
        )
    if target.has_graduated() != back:
        now = "the real Pulumi" if target.has_graduated() else "the sandbox's engine"
        raise CannotGraduate(f"{name} is applied by {now} already: there is nothing to move.")
    source, destination = target.engine_of(real=back), target.engine_of(real=not back)
    moved = []
    for layer in PROGRAMS:
        stack = StackLayer(target, layer).declared_stack()
        for engine in (source, destination):
            if holder := engine.lock_holder(stack):
                raise StackLocked(str(stack), holder)
        if source.outputs(stack) is None:
            continue
        state = source.export_state(stack)
        destination.import_state(stack, state)
        expected, plan = source.preview(stack), destination.preview(stack)
        if plan.digest != expected.digest:
            raise CannotGraduate(
                f"{stack} was not moved: the engine that would have it now would do something else ({plan.counts}) than the "
                f"one that has it ({expected.counts}). {name} stays as it is."
            )
        moved.append(Moved(layer, len(managed(state)), plan))
    target.set_graduated(graduated=not back)
    return tuple(moved)
