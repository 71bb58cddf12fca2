"""What one run of Pulumi did or would do, from its events as they come, and telling of it.

Pulumi tells of a replacement in up to three steps (delete-replaced, create-replacement, replace): here it is one change.
"""

from __future__ import annotations

from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING

from ils_pipelines.engine.models import Change, EngineEvent, Operation, ReplaceOrder, Stack
from ils_pipelines.engine.protocol import OnEvent
from ils_pipelines.engine.pulumi.changes import change_of, is_managed
from ils_pipelines.engine.recorder import Recorder

if TYPE_CHECKING:
    from pulumi.automation import EngineEvent as PulumiEvent
    from pulumi.automation.events import DiagnosticEvent, StepEventMetadata

_OPERATIONS = {
    "create": Operation.CREATE,
    "update": Operation.UPDATE,
    "delete": Operation.DELETE,
    "discard": Operation.DELETE,
    "create-replacement": Operation.REPLACE,
}
"""Steps that make a change. Reads, and the other steps of a replacement, make none by themselves."""


_ADOPTED_BY = {Operation.SAME, Operation.UPDATE, Operation.CREATE}
"""What is left to do for a resource that an interrupted run made. A preview, before it is taken over, still has a create."""


class EventRecorder(Recorder):
    """Takes the events of one run, in the order in which they come."""

    def __init__(self, stack: Stack, on_event: OnEvent) -> None:
        super().__init__(stack, on_event)
        self.adopted: frozenset[str] = frozenset()
        """URNs of resources that an interrupted run made and that were taken over before this one."""
        self._started: dict[str, tuple[Change, float]] = {}
        self._deleted_first: set[str] = set()
        self._reasons: dict[str, list[str]] = {}
        self.failed: list[tuple[str, str, str]] = []
        """URN, operation and reason of what failed."""
        self.listener_error: Exception | None = None

    def take(self, event: PulumiEvent) -> None:
        with self._lock:
            if event.diagnostic_event:
                self._diagnose(event.diagnostic_event)
            elif event.resource_pre_event:
                self._begin(event.resource_pre_event.metadata, planning=bool(event.resource_pre_event.planning))
            elif event.res_outputs_event:
                self._end(event.res_outputs_event.metadata, planning=bool(event.res_outputs_event.planning))
            elif event.res_op_failed_event:
                self._fail(event.res_op_failed_event.metadata)

    def reason(self, urn: str) -> str:
        """What was said of a resource that could not be registered or changed; of the whole stack for an empty URN."""
        with self._lock:
            return "\n".join(self._reasons.get(urn, ()))

    def failing(self) -> list[str]:
        """URNs of the resources of which an error was said."""
        with self._lock:
            return [urn for urn in self._reasons if urn and "::pulumi:pulumi:Stack::" not in urn]

    def _diagnose(self, event: DiagnosticEvent) -> None:
        message = event.message.strip()
        if event.severity == "error":
            self._reasons.setdefault(event.urn or "", []).append(message)
        if event.severity in {"error", "warning"} and message:
            self.note(message)

    def _begin(self, step: StepEventMetadata, *, planning: bool) -> None:
        if not is_managed(step):
            return
        if step.op == "delete-replaced" and step.urn not in self._replaced():
            self._deleted_first.add(step.urn)
        if step.op in _OPERATIONS and not planning:
            change = self._change(step)
            self._started[step.urn] = (change, monotonic())
            self.starts(change)

    def _end(self, step: StepEventMetadata, *, planning: bool) -> None:
        if not is_managed(step):
            return
        if step.op == "same" and step.urn not in self.adopted:
            self.same()
        elif step.op in _OPERATIONS or step.op == "same":
            self._finish(step, planning=planning)

    def _finish(self, step: StepEventMetadata, *, planning: bool) -> None:
        change = self._change(step)
        if planning:
            self.would(change)
            return
        started = self._started.pop(step.urn, (change, monotonic()))
        id_ = step.new.id if step.new and step.new.id else change.id
        self.did(change.model_copy(update={"id": id_}), timedelta(seconds=monotonic() - started[1]))

    def _fail(self, step: StepEventMetadata) -> None:
        if not is_managed(step):
            return
        change, started = self._started.pop(step.urn, (self._change(step), monotonic()))
        reason = self.reason(step.urn)
        self.failed.append((step.urn, _VERBS.get(str(step.op.value), "change"), reason))
        self.did_not(change, reason, timedelta(seconds=monotonic() - started))

    def _change(self, step: StepEventMetadata) -> Change:
        operation = _OPERATIONS.get(str(step.op.value), Operation.SAME)
        if step.urn in self.adopted and operation in _ADOPTED_BY:
            operation = Operation.ADOPT
        order = None
        if operation is Operation.REPLACE:
            first = step.urn in self._deleted_first
            order = ReplaceOrder.DELETE_BEFORE_CREATE if first else ReplaceOrder.CREATE_BEFORE_DELETE
        return change_of(step, operation, order)

    def _replaced(self) -> set[str]:
        begun = {change.urn for change, _ in self._started.values() if change.operation is Operation.REPLACE}
        done = {change.urn for change in self.planned if change.operation is Operation.REPLACE}
        return begun | done | {each.change.urn for each in self.applied if each.change.operation is Operation.REPLACE}

    def _tell(self, event: EngineEvent) -> None:
        try:
            super()._tell(event)
        except Exception as error:  # noqa: BLE001 raised by the engine when the run has ended
            self.listener_error = self.listener_error or error


_VERBS = {
    "create": "create",
    "create-replacement": "create",
    "update": "update",
    "delete": "delete",
    "delete-replaced": "delete",
    "refresh": "read",
    "read": "read",
}
