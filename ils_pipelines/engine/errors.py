"""What can go wrong when a stack is applied."""

from __future__ import annotations

from ils_pipelines.engine.covering import deviations
from ils_pipelines.engine.models import LockHolder, Plan
from ils_pipelines.errors import IlsError

MAX_LINES = 20
"""Of a difference; what is more is counted."""


class EngineError(IlsError):
    """The operation failed. What was done before the failure is in the checkpoint; the next run goes on from there."""


class StackLocked(EngineError):
    """Another operation on the same stack is under way, or was and left its lock behind."""

    def __init__(self, stack: str, holder: LockHolder) -> None:
        self.holder = holder
        project, _, environment = stack.partition("/")
        command = f"ils unlock {environment} --layer {project.removeprefix('ils-')}"
        remedy = (
            f"That process is gone: take its lock away with `{command}`, then try again."
            if holder.stale
            else f"Wait for it to finish, or stop that process; if it is gone, `{command}` takes its lock away."
        )
        super().__init__(
            f"stack {stack} is locked: {holder.operation} by {holder.user} (process {holder.pid} on {holder.host}) "
            f"since {holder.since:%Y-%m-%d %H:%M:%S} UTC. {remedy}"
        )


class ResourceFailed(EngineError):
    """One resource could not be created, updated or deleted."""

    def __init__(self, urn: str, operation: str, reason: str) -> None:
        self.urn = urn
        self.operation = operation
        self.reason = reason
        super().__init__(f"could not {operation} {urn.rsplit('::', 1)[-1]} ({urn}): {reason}")


class ProtectedResource(EngineError):
    """A protected resource would be deleted or replaced. Nothing was changed."""

    def __init__(self, urns: tuple[str, ...]) -> None:
        self.urns = urns
        super().__init__(
            "these resources are protected and would be deleted: "
            + ", ".join(urns)
            + ". Take the protection off in the program or environment file first, apply that, then try again."
        )


class PlanMismatch(EngineError):
    """What would be done is not what was approved. Nothing was changed."""

    def __init__(self, approved: Plan, actual: Plan) -> None:
        self.approved = approved
        self.actual = actual
        found = list(deviations(approved, actual))
        lines = [f"- {line}" for line in found[:MAX_LINES]]
        if len(found) > MAX_LINES:
            lines.append(f"- and {len(found) - MAX_LINES} more differences")
        super().__init__(
            f"the approved plan {approved.digest[:12]} of {approved.project}/{approved.stack} does not cover what would be "
            f"done now ({actual.digest[:12]}); nothing was changed in it. Plan again and have that plan approved.\n"
            + "\n".join(lines)
        )


class CheckpointCorrupt(EngineError):
    """The checkpoint cannot be read. It is left as it is."""


class OperationCancelled(EngineError):
    """The operation was interrupted: what was under way was finished and recorded, the rest was not started."""
