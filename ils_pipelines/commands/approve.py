"""`ils approve`: somebody's word that a plan may be applied. Written to the log of approvals, which `ils up` looks into."""

from __future__ import annotations

import getpass
from datetime import UTC
from typing import TYPE_CHECKING, Any

from ils_pipelines.commands.output import ExitCode, console, exit_code_of, print_error, print_json
from ils_pipelines.errors import IlsError
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target

if TYPE_CHECKING:
    from ils_pipelines.provisioning.approval_log import Approval
    from ils_pipelines.targets.protocol import Target

BY_THE_APPLIER = "given with ils up --approve"
"""The reason of an approval that is recorded by who applies."""


def approve(environment: str, *, plan: str, by: str, reason: str, as_json: bool) -> ExitCode:
    """Approve a plan by its digest and show what was recorded."""
    try:
        target = open_target(load_environment(environment))
        target.preflight()
        approval = _record(target, plan, by, reason)
    except IlsError as error:
        print_error(error)
        if as_json:
            print_json({"environment": environment, "error": str(error), "success": False})
        return exit_code_of(error)
    if as_json:
        print_json({"environment": environment, "approval": _entry(approval), "success": True})
        return ExitCode.SUCCESS
    changes = sum(len(each.changes) for each in approval.plans)
    console().print(
        f"{named(approval)} approved plan {approval.digest[:16]} of {environment} with {changes} changes.\n"
        f"It can be applied once, until {approval.expires.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, as long as the code and "
        f"the environment's file stay as they are: ils up {environment}",
        markup=False,
        soft_wrap=True,
    )
    return ExitCode.SUCCESS


def approve_to_apply(target: Target, digest: str) -> None:
    """Record the approval that `ils up --approve` gives, in the name of whoever runs it. Where nothing has to be approved,
    nothing is recorded."""
    from ils_pipelines.provisioning.approval import NothingToApprove

    try:
        _record(target, digest, getpass.getuser(), BY_THE_APPLIER)
    except NothingToApprove:
        return


def _record(target: Target, digest: str, by: str, reason: str) -> Approval:
    from ils_pipelines.provisioning.approval import approve as record
    from ils_pipelines.provisioning.approval_place import approvals_of

    return record(target, approvals_of(target), digest=digest, by=by, reason=reason)


def named(approval: Approval) -> str:
    """Who approved: as was typed, and as AWS has it."""
    return f"{approval.by} ({approval.identity})" if approval.identity else approval.by


def _entry(approval: Approval) -> dict[str, Any]:
    """All but the plans, which are in the log."""
    return approval.model_dump(mode="json", exclude={"kind", "plans"})
