"""`ils approvals`: who approved what of an environment, when and why, and which run used it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ils_pipelines.commands.approve import named
from ils_pipelines.commands.output import ExitCode, console, print_json
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target


def approvals(environment: str, *, as_json: bool) -> ExitCode:
    """Show the approvals of an environment, the newest first. Raises an `IlsError`."""
    from ils_pipelines.provisioning.approval_log import RecordedApproval
    from ils_pipelines.provisioning.approval_place import approvals_of

    def state(found: RecordedApproval) -> str:
        if found.completion is not None:
            return f"carried out {_shown(found.completion.at)} by run {found.completion.run}"
        if found.use is not None:
            return f"used {_shown(found.use.at)} by run {found.use.run}"
        expired = found.approval.expires <= datetime.now(UTC)
        return f"{'expired' if expired else 'can be used until'} {_shown(found.approval.expires)}"

    recorded = approvals_of(open_target(load_environment(environment))).of(environment)
    if as_json:
        entries: list[dict[str, Any]] = [
            {
                **found.approval.model_dump(mode="json", exclude={"kind", "plans"}),
                "use": found.use.model_dump(mode="json", exclude={"kind", "approval", "environment"})
                if found.use
                else None,
                "completion": found.completion.model_dump(mode="json", exclude={"kind", "approval", "environment"})
                if found.completion
                else None,
            }
            for found in recorded
        ]
        print_json({"environment": environment, "approvals": entries, "success": True})
        return ExitCode.SUCCESS
    out = console()
    if not recorded:
        out.print(f"no plan of {environment} was ever approved", markup=False)
    for found in recorded:
        approval = found.approval
        lines = (
            f"plan {approval.digest[:16]}  {state(found)}",
            f"  approved {_shown(approval.at)} by {named(approval)}: {approval.reason}",
            f"  code {approval.code.name}, file {approval.code.environment_file[:12]}",
        )
        out.print("\n".join(lines), markup=False, soft_wrap=True)
    return ExitCode.SUCCESS


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
