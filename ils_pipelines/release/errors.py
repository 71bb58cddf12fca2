"""What can go wrong with a release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ils_pipelines.engine.errors import EngineError, ResourceFailed


class ReleaseError(EngineError):
    """The release could not be read, applied or removed."""


class ClusterUnreachable(ReleaseError):
    """The cluster's API does not answer, or does not let us in."""


class ApiFailure(ReleaseError):
    """The cluster's API refused a call. `code` is the HTTP status, `details` what the answer says besides its text."""

    def __init__(self, message: str, code: int, details: dict[str, Any]) -> None:
        self.code = code
        self.details = details
        super().__init__(message)


_CONTROLLER = "docs/load-balancer-controller.md"


class KindNotServed(ReleaseError):
    """The cluster does not know a kind of object, because what brings it is not installed."""

    def __init__(self, kind: str, api_version: str) -> None:
        super().__init__(
            f"the cluster knows no {kind} ({api_version}): the AWS Load Balancer Controller, which registers the pods with "
            f"the load balancer, is not installed. Nothing was changed. Install it ({_CONTROLLER}), then release again."
        )


class NotBound(ResourceFailed):
    """The load balancer was not told of the application's pods."""

    def __init__(self, urn: str, found: str) -> None:
        super().__init__(
            urn,
            "bind",
            f"{found}: see whether the AWS Load Balancer Controller runs and may register targets (kubectl describe "
            f"targetgroupbinding, kubectl -n kube-system logs deployment/aws-load-balancer-controller; {_CONTROLLER}). "
            "The pods run; release again to go on waiting.",
        )


class ManifestsInvalid(ReleaseError):
    """What would be applied is wrong. Nothing was applied."""

    def __init__(self, environment: str, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__(
            f"the objects of environment {environment} are not valid; nothing was applied. Correct the environment file:\n"
            + "\n".join(f"  {mistake}" for mistake in mistakes)
        )


class FieldConflict(ResourceFailed):
    """Somebody else manages fields that the release sets to something else."""

    def __init__(self, urn: str, conflicts: Mapping[str, tuple[str, ...]]) -> None:
        self.managers = tuple(conflicts)
        lines = [f"{manager} manages {', '.join(fields)}" for manager, fields in conflicts.items()]
        super().__init__(
            urn,
            "apply",
            "; ".join(lines) + ". Nothing of this object was changed. Undo that change, change the environment file to "
            "agree with it, or take the fields over: `ils up --take-over`, in Dagster by the tag ils/take_over: true.",
        )


class RolloutFailed(ResourceFailed):
    """The deployment did not become healthy. `reasons` says why, one text for each pod that is not ready; `log` has the
    last lines of what their containers wrote."""

    def __init__(self, urn: str, found: str, reasons: tuple[str, ...], remedy: str, log: tuple[str, ...] = ()) -> None:
        self.found = found
        self.reasons = reasons
        self.remedy = remedy
        self.log = log
        why = "; ".join(reasons) if reasons else "no pod reports a reason"
        written = "\n" + "\n".join(f"  | {line}" for line in log) if log else ""
        super().__init__(urn, "roll out", f"{found}: {why}. {remedy}{written}")


class ReleaseFailed(ResourceFailed):
    """A release did not become healthy. What became of it afterwards is in the message.

    `rolled_back_to` is the number of the release that serves again; None when there was none to go back to.
    """

    def __init__(self, cause: ResourceFailed, outcome: str, rolled_back_to: int | None) -> None:
        self.cause = cause
        self.rolled_back_to = rolled_back_to
        self.reasons: tuple[str, ...] = getattr(cause, "reasons", ())
        self.log: tuple[str, ...] = getattr(cause, "log", ())
        first, *rest = cause.reason.split("\n")
        super().__init__(cause.urn, cause.operation, "\n".join([f"{first} {outcome}", *rest]))


class CanaryFailed(ResourceFailed):
    """The release was tried on a few pods and did not pass."""

    def __init__(self, urn: str, weight: int, failed: Sequence[str]) -> None:
        self.weight = weight
        self.reasons = tuple(failed)
        super().__init__(urn, f"try at {weight} %", "; ".join(failed) + ".")
