"""What a refresh finds, from Pulumi's events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ils_pipelines.engine.models import ResourceDrift, Stack
from ils_pipelines.engine.property_paths import lies_below
from ils_pipelines.engine.protocol import OnEvent
from ils_pipelines.engine.pulumi.changes import drift_diffs, is_managed
from ils_pipelines.engine.pulumi.deployment import managed
from ils_pipelines.engine.pulumi.event_recorder import EventRecorder

if TYPE_CHECKING:
    from pulumi.automation.events import StepEventMetadata


class DriftRecorder(EventRecorder):
    """Takes the events of a refresh that changes nothing."""

    def __init__(self, stack: Stack, on_event: OnEvent, before: Mapping[str, Any] | None) -> None:
        super().__init__(stack, on_event)
        # Pulumi reports what the program leaves to others, too.
        self._ignored = {each["urn"]: each.get("ignoreChanges") or () for each in managed(before)}
        self._found: dict[str, ResourceDrift] = {}

    def drifted(self) -> tuple[ResourceDrift, ...]:
        return tuple(self._found[urn] for urn in sorted(self._found))

    def _begin(self, step: StepEventMetadata, *, planning: bool) -> None:
        """Nothing is begun."""

    def _end(self, step: StepEventMetadata, *, planning: bool) -> None:  # noqa: ARG002 the base class's
        if not is_managed(step) or step.old is None:
            return
        missing = step.new is None or step.op == "delete"
        ignored = self._ignored.get(step.urn, ())
        diffs = tuple(
            diff
            for diff in (() if missing else drift_diffs(step))
            if not any(lies_below(selector, diff.path) for selector in ignored)
        )
        if missing or diffs:
            self._found[step.urn] = ResourceDrift(
                urn=step.urn,
                type=step.type,
                name=step.urn.rpartition("::")[2],
                id=step.old.id,
                missing=missing,
                diffs=diffs,
            )
