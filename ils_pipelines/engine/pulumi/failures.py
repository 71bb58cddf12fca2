"""What a failed run of Pulumi means, as one of the engine's errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ils_pipelines.engine.errors import EngineError, OperationCancelled, ProtectedResource, ResourceFailed
from ils_pipelines.engine.models import Stack
from ils_pipelines.engine.pulumi.deployment import protected

if TYPE_CHECKING:
    from pulumi.automation.errors import CommandError

    from ils_pipelines.engine.pulumi.event_recorder import EventRecorder

_LINES_SHOWN = 15
_PROGRAM_ERROR = "python inline source runtime error:"


def cancelled(stack: Stack) -> OperationCancelled:
    return OperationCancelled(
        f"{stack} was interrupted: what was under way is done and recorded; run it again to go on"
    )


def explain(
    stack: Stack,
    error: CommandError,
    recorder: EventRecorder,
    before: Mapping[str, Any] | None,
    program_error: Exception | None,
    *,
    planned: bool = False,
) -> EngineError:
    """The cause of a failed run, from the events it sent; `before` is the deployment that it started from, `planned` says
    that Pulumi was held to the steps of a preview."""
    kept = set(protected(before))
    refused = tuple(sorted(urn for urn in recorder.failing() if urn in kept and "protect" in recorder.reason(urn)))
    if refused:
        return ProtectedResource(refused)
    causes = [ResourceFailed(*failed) for failed in recorder.failed] or [
        ResourceFailed(urn, "register", recorder.reason(urn)) for urn in recorder.failing()
    ]
    if len(causes) == 1:
        return causes[0]
    if causes:
        return EngineError("\n".join(dict.fromkeys(map(str, causes))))
    if program_error is not None:
        return EngineError(f"the program of {stack} failed: {type(program_error).__name__}: {program_error}")
    if planned and not recorder.reason(""):
        # Of outputs of the stack that are not as planned, Pulumi says nothing at all.
        return EngineError(
            f"Pulumi failed to work on {stack}, which it was held to a plan of, without a word why: most likely the stack's "
            "outputs are not what the preview foresaw. What it changed is recorded: plan again, and have that plan approved."
        )
    return EngineError(f"Pulumi failed to work on {stack}: {_said(recorder, error)}")


def _said(recorder: EventRecorder, error: CommandError) -> str:
    """What Pulumi said of the stack as a whole, or else the end of what it printed."""
    said = recorder.reason("")
    if _PROGRAM_ERROR in said:  # a traceback follows, which is for Pulumi's developers
        return said.partition(_PROGRAM_ERROR)[2].strip().partition("\n")[0]
    return said or "\n".join(str(error).strip().splitlines()[-_LINES_SHOWN:])
