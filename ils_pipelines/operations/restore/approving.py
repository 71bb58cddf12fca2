"""Restores of environments that ask for approval: exactly what somebody approved, once, before its time is over."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ils_pipelines.operations.restore.real import RestorePlan
from ils_pipelines.provisioning.approval import SHOWN_DIGITS, ApprovalRefused, NotApproved, NothingToApprove
from ils_pipelines.provisioning.approval_log import Approval, ApprovalLog, Use
from ils_pipelines.provisioning.code_version import code_version

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target


def approve_restore(
    target: Target, log: ApprovalLog, plan: RestorePlan, *, digest: str, by: str, reason: str
) -> Approval:
    """Record that `by` approves this plan. Raises `ApprovalRefused`, recording nothing."""
    environment = target.environment
    if not environment.requires_approval:
        raise NothingToApprove(f"restores of {environment.name} need no approval: its file does not ask for any.")
    if not by.strip() or not reason.strip():
        raise ApprovalRefused("expected who approves (--by) and why (--reason), found nothing of the kind.")
    given = digest.strip().lower()
    if len(given) < SHOWN_DIGITS or not plan.digest.startswith(given):
        raise ApprovalRefused(
            f"expected the digest of what would be restored, {plan.digest[:SHOWN_DIGITS]}, found {digest!r}. Look at the "
            "plan as it is now, with --plan."
        )
    now = datetime.now(UTC)
    approval = Approval(
        id=str(uuid.uuid4()),
        environment=environment.name,
        digest=plan.digest,
        code=code_version(environment.name),
        by=by.strip(),
        reason=reason.strip(),
        at=now,
        expires=now + timedelta(hours=environment.approval_hours),
        plans=(plan.as_plan(),),
    )
    log.record(approval)
    return approval


def use_approval(target: Target, log: ApprovalLog, plan: RestorePlan) -> Approval | None:
    """The approval that the restore may be carried out with, used up; None where none is needed. Raises `NotApproved`."""
    environment = target.environment
    if not environment.requires_approval:
        return None
    now, code = datetime.now(UTC), code_version(environment.name)
    for found in log.of(environment.name):
        approval = found.approval
        good = approval.digest == plan.digest and found.use is None and now < approval.expires
        if good and not list(approval.code.differences(code)):
            run = f"restore-{uuid.uuid4()}"
            log.use(Use(approval=approval.id, environment=environment.name, run=run, at=now))
            return approval
    raise NotApproved(
        f"{environment.name} asks for approval (requires_approval in its file): expected an approval of the restore "
        f"{plan.digest[:SHOWN_DIGITS]} that is neither used nor expired, found none. Nothing was restored. Whoever approves "
        f"runs the same command with: --approve {plan.digest[:SHOWN_DIGITS]} --by NAME --reason WHY"
    )
