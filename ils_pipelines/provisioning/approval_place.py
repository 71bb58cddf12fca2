"""Which log the approvals of an environment are kept in."""

from __future__ import annotations

import re

from ils_pipelines.provisioning.approval_bucket import S3ApprovalLog
from ils_pipelines.provisioning.approval_log import ApprovalLog, FileApprovalLog
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.folders import state_directory
from ils_pipelines.settings.tiers import TargetKind
from ils_pipelines.targets.protocol import Target

FOLDER = "ils-approvals"
"""Beside Pulumi's state, in its bucket."""
_S3 = re.compile(r"s3://([^/?]+)/?([^?]*)")


def approvals_of(target: Target) -> ApprovalLog:
    """Where the file says (`approvals`); for target aws else in the bucket of Pulumi's state; else on this machine."""
    place = _bucket(target.environment)
    if place is None:
        return FileApprovalLog(state_directory())
    bucket, prefix = place
    # As the person who approves, and not as the role that everybody applies with: CloudTrail then names the person, too.
    return S3ApprovalLog(target.state_client("s3"), bucket, prefix)


def _bucket(environment: Environment) -> tuple[str, str] | None:
    if environment.approvals is not None:
        return _parts(environment.approvals)
    if environment.target is TargetKind.AWS and environment.engine.backend is not None:
        found = _parts(environment.engine.backend)
        return None if found is None else (found[0], "/".join(part for part in (found[1], FOLDER) if part))
    return None


def _parts(url: str) -> tuple[str, str] | None:
    """Bucket and prefix; None for a place that is no bucket."""
    found = _S3.fullmatch(url.partition("?")[0])
    return None if found is None else (found[1], found[2].strip("/"))
