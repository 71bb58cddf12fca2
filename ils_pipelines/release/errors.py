"""What can go wrong with a release."""

from __future__ import annotations

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


class FieldConflict(ResourceFailed):
    """Somebody else manages fields that the release sets to something else."""

    def __init__(self, urn: str, conflicts: dict[str, tuple[str, ...]]) -> None:
        self.managers = tuple(conflicts)
        lines = [f"{manager} manages {', '.join(fields)}" for manager, fields in conflicts.items()]
        super().__init__(
            urn,
            "apply",
            "; ".join(lines) + ". Nothing of this object was changed. Undo that change, or change the environment "
            "file to agree with it, or take the fields over by releasing with force.",
        )


class RolloutFailed(ResourceFailed):
    """The deployment did not become healthy. `reasons` says why, one text for each pod that is not ready."""

    def __init__(self, urn: str, found: str, reasons: tuple[str, ...], remedy: str) -> None:
        self.reasons = reasons
        why = "; ".join(reasons) if reasons else "no pod reports a reason"
        super().__init__(urn, "roll out", f"{found}: {why}. {remedy}")
