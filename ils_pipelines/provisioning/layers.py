"""One layer of one environment: a stack that an engine applies, or the app's release on the cluster. Same work for both."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Protocol

from ils_pipelines.engine.models import Drift, LockHolder, Outputs, Plan, Stack, UpResult
from ils_pipelines.engine.protocol import Engine, OnEvent, ignore_events
from ils_pipelines.provisioning.estimate import Resource, estimate, flat
from ils_pipelines.provisioning.progress import Action, LayerReport
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import DEPENDS_ON, Layer
from ils_pipelines.settings.prices import PriceTable
from ils_pipelines.targets.protocol import Target


class LayerWork(Protocol):
    """What can be done with one layer. Raises what the engine raises."""

    def preview(self, *, on_event: OnEvent = ignore_events) -> Plan: ...

    def up(
        self,
        *,
        approved: Plan | None = None,
        on_event: OnEvent = ignore_events,
        cancel: threading.Event | None = None,
    ) -> UpResult:
        """With `approved`, raises `PlanMismatch`, changing nothing, unless that plan covers what would be done."""

    def destroy(self, *, on_event: OnEvent = ignore_events, cancel: threading.Event | None = None) -> UpResult: ...

    def refresh(self, *, record: bool = False, on_event: OnEvent = ignore_events) -> Drift:
        """What is not as it was left. With `record`, so that the next up puts it back."""

    def outputs(self) -> Outputs | None: ...

    def lock_holder(self) -> LockHolder | None: ...

    def unlock(self, *, force: bool = False) -> LockHolder | None:
        """Take away the lock of a process that is gone; whose it was."""

    def protected(self) -> tuple[str, ...]:
        """URNs of the resources that a destroy would refuse to delete."""

    def resource_count(self) -> int:
        """How many resources are managed; components and providers, which stand for nothing real, are not counted."""

    def resources(self) -> tuple[Resource, ...]:
        """What is managed and may cost something."""


TAKE_OVER_TAG = "ils/take_over"
"""Of a run that is to take over what somebody manages by hand of the application's objects; its value is `true`."""


def layer_work(target: Target, layer: Layer, *, take_over: bool = False) -> LayerWork:
    """The work on `layer` of the target's environment. `take_over` is for an up of the application: of fields that somebody
    else manages.
    """
    if layer is Layer.APP_RELEASE:
        # Imported only here: what it needs is not needed by the other layers.
        from ils_pipelines.provisioning.release import ReleaseLayer

        return ReleaseLayer(target, take_over=take_over)
    return StackLayer(target, layer)


def perform(
    work: LayerWork,
    action: Action,
    *,
    environment: Environment,
    layer: Layer,
    approved: Plan | None = None,
    on_event: OnEvent = ignore_events,
    cancel: threading.Event | None = None,
    prices: Callable[[], PriceTable] | None = None,
) -> LayerReport:
    """Do one thing to a layer and report it, with what it costs a month before and after. `approved` is for an up; `prices`
    are asked for when it is done, and are those that are kept unless given. A layer that the environment does not have is
    neither planned nor brought up; it can be deleted."""
    started = time.monotonic()
    if layer not in environment.layers and action in (Action.UP, Action.PREVIEW):
        plan = Plan(project=f"ils-{layer}", stack=environment.name, changes=(), unchanged=0)
        return LayerReport(environment.name, layer, action, plan, {}, timedelta(0), estimate(environment, (), plan))
    before = work.resources()
    outputs: Outputs = {}
    if action is Action.PREVIEW:
        plan = work.preview(on_event=on_event)
    elif action is Action.DESTROY:
        plan = work.destroy(on_event=on_event, cancel=cancel).plan
    else:
        result = work.up(approved=approved, on_event=on_event, cancel=cancel)
        plan, outputs = result.plan, result.outputs
    duration = timedelta(seconds=time.monotonic() - started)
    cost = estimate(environment, before, plan, table=prices() if prices else None)
    return LayerReport(environment.name, layer, action, plan, outputs, duration, cost)


def upstream_outputs(target: Target, layer: Layer) -> Mapping[Layer, Outputs | None]:
    """The outputs of the layers that `layer` is built on; None for one that does not exist yet."""
    return {needed: layer_work(target, needed).outputs() for needed in DEPENDS_ON[layer]}


class StackLayer:
    """A layer that a Pulumi program declares."""

    def __init__(self, target: Target, layer: Layer) -> None:
        self._target = target
        self._layer = layer

    @property
    def _engine(self) -> Engine:
        return self._target.engine()

    @property
    def _stack(self) -> Stack:
        """For everything that does not run the program."""
        return Stack(f"ils-{self._layer}", self._target.environment.name, _no_program)

    def declared_stack(self) -> Stack:
        """With its program, on the outputs of the layers below as they are now."""
        from ils_pipelines.stacks.catalog import PROGRAMS
        from ils_pipelines.stacks.upstream import Upstream

        upstream = Upstream(upstream_outputs(self._target, self._layer))
        program = PROGRAMS[self._layer](self._target.environment, upstream)
        return Stack(self._stack.project, self._stack.name, program)

    def preview(self, *, on_event: OnEvent = ignore_events) -> Plan:
        return self._engine.preview(self.declared_stack(), on_event=on_event)

    def up(
        self,
        *,
        approved: Plan | None = None,
        on_event: OnEvent = ignore_events,
        cancel: threading.Event | None = None,
    ) -> UpResult:
        return self._engine.up(self.declared_stack(), approved=approved, on_event=on_event, cancel=cancel)

    def destroy(self, *, on_event: OnEvent = ignore_events, cancel: threading.Event | None = None) -> UpResult:
        return self._engine.destroy(self._stack, on_event=on_event, cancel=cancel)

    def refresh(self, *, record: bool = False, on_event: OnEvent = ignore_events) -> Drift:
        return self._engine.refresh(self._stack, record=record, on_event=on_event)

    def outputs(self) -> Outputs | None:
        return self._engine.outputs(self._stack)

    def lock_holder(self) -> LockHolder | None:
        return self._engine.lock_holder(self._stack)

    def unlock(self, *, force: bool = False) -> LockHolder | None:
        return self._engine.unlock(self._stack, force=force)

    def protected(self) -> tuple[str, ...]:
        return tuple(resource["urn"] for resource in self._resources() if resource.get("protect"))

    def resource_count(self) -> int:
        return len(self._real())

    def resources(self) -> tuple[Resource, ...]:
        return tuple(
            Resource(each["urn"], each["type"], each["urn"].rpartition("::")[2], flat(each.get("inputs") or {}))
            for each in self._real()
        )

    def _real(self) -> list[dict[str, Any]]:
        """Without components, providers, what is only read and what waits to be deleted."""
        return [
            resource
            for resource in self._resources()
            if resource["custom"]
            and not resource.get("external")
            and not resource.get("delete")
            and not resource["type"].startswith("pulumi:providers:")
        ]

    def _resources(self) -> list[dict[str, Any]]:
        """As in Pulumi's deployment JSON; none when the stack does not exist."""
        if self.outputs() is None:
            return []
        resources: list[dict[str, Any]] = self._engine.export_state(self._stack)["deployment"].get("resources") or []
        return resources


def _no_program() -> None:
    raise AssertionError("this operation does not run the program")
