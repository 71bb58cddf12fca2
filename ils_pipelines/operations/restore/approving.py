"""Restores of environments that ask for approval: exactly what somebody approved, once, before its time is over.

Once means to the end: what an interruption left undone is finished with the same approval.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ils_pipelines.operations.restore.real import RestorePlan
from ils_pipelines.provisioning.approval import (
    SHOWN_DIGITS,
    ApprovalRefused,
    NotApproved,
    NothingToApprove,
    logged_in_as,
)
from ils_pipelines.provisioning.approval_log import Approval, ApprovalLog, Completion, Use
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
        identity=logged_in_as(target),
        reason=reason.strip(),
        at=now,
        expires=now + timedelta(hours=environment.approval_hours),
        plans=(plan.as_plan(),),
    )
    log.record(approval)
    return approval


@contextmanager
def approved(target: Target, log: ApprovalLog, plan: RestorePlan) -> Iterator[Approval | None]:
    """The approval that the restore is carried out with inside, and which is used up when that came to its end; None where
    none is needed. Raises `NotApproved`.
    """
    environment = target.environment
    if not environment.requires_approval:
        yield None
        return
    run = f"restore-{uuid.uuid4()}"
    approval = _begun(target, log, plan, run)
    yield approval
    log.complete(Completion(approval=approval.id, environment=environment.name, run=run, at=datetime.now(UTC)))


def _begun(target: Target, log: ApprovalLog, plan: RestorePlan, run: str) -> Approval:
    """An approval of this plan that nobody began to use, or that an interrupted run did."""
    environment = target.environment
    now, code = datetime.now(UTC), code_version(environment.name)
    for found in log.of(environment.name):
        approval = found.approval
        good = approval.digest == plan.digest and found.completion is None and now < approval.expires
        if good and not list(approval.code.differences(code)):
            if found.use is None:
                log.use(Use(approval=approval.id, environment=environment.name, run=run, at=now))
            return approval
    raise NotApproved(
        f"{environment.name} asks for approval (requires_approval in its file): expected an approval of the restore "
        f"{plan.digest[:SHOWN_DIGITS]} that is neither carried out nor expired, found none. Nothing was done. Whoever "
        f"approves runs the same command with: --approve {plan.digest[:SHOWN_DIGITS]} --by NAME --reason WHY"
    )
