"""`ils restore` and `ils switch`: bringing data back for real, and having the application use them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from ils_pipelines.commands.output import ExitCode, console, print_json
from ils_pipelines.operations.restore.approving import approve_restore, approved
from ils_pipelines.operations.restore.errors import RestoreFailed
from ils_pipelines.operations.restore.real import Request, RestorePlan, Store, carry_out, plan_restore
from ils_pipelines.operations.restore.switch import switch_back, switch_to
from ils_pipelines.provisioning.approval import SHOWN_DIGITS
from ils_pipelines.provisioning.approval_place import approvals_of
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target


def restore(
    environment: str,
    *,
    into: str,
    set_name: str,
    to_time: str,
    only: Sequence[str],
    plan_only: bool,
    approve: str,
    by: str,
    reason: str,
    as_json: bool,
) -> ExitCode:
    """Plan, and restore where that is allowed and asked for. Raises an `IlsError`."""
    request = Request(into, set_name, _moment(to_time), _stores(only))
    target = open_target(load_environment(environment))
    target.preflight()
    plan = plan_restore(target, request)
    done = ""
    if not as_json:
        _print(plan)
    if approve:
        approval = approve_restore(target, approvals_of(target), plan, digest=approve, by=by, reason=reason)
        done = f"{approval.by} approved restore {plan.digest[:SHOWN_DIGITS]}; carry it out with the same command, once"
    elif not plan_only:
        with approved(target, approvals_of(target), plan):
            carry_out(target, plan, on_item=lambda name, what: _say(f"{name}: {what}"))
        done = f"restored beside what is live, reached by nobody yet. Use it: ils switch {environment} --to {into}"
    if as_json:
        print_json({**_entry(plan), "done": done, "success": True})
    elif done:
        console().print(done, markup=False, soft_wrap=True)
    return ExitCode.SUCCESS


def switch(environment: str, *, to: str, back: bool, as_json: bool) -> ExitCode:
    """Write which database the application uses into the environment's file; `ils up` has it use it."""
    target = open_target(load_environment(environment))
    target.preflight()
    name = switch_back(target) if back else switch_to(target, to)
    if back and not name:
        said = f"{environment} uses its own database already"
    elif back:
        said = f"the application of {environment} goes back to its own database with: ils up {environment}"
    else:
        said = (
            f"the application of {environment} uses {name} from the next release on: ils up {environment}. Backups, health "
            f"and drift still look at the environment's own database. The way back: ils switch {environment} --back"
        )
    if as_json:
        print_json({"environment": environment, "database": "" if back else name, "said": said, "success": True})
    else:
        console().print(said, markup=False, soft_wrap=True)
    return ExitCode.SUCCESS


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise RestoreFailed(f"expected a moment with its time zone, such as 2026-11-25T04:30:00Z, found {text!r}")
    return found.astimezone(UTC)


def _stores(only: Sequence[str]) -> frozenset[Store]:
    try:
        return frozenset(Store(name) for name in only) or frozenset(Store)
    except ValueError:
        known = ", ".join(store.value for store in Store)
        raise RestoreFailed(f"expected --only with {known}, found {', '.join(only)}") from None


def _print(plan: RestorePlan) -> None:
    out = console()
    out.print(
        f"restore {plan.digest[:SHOWN_DIGITS]} of {plan.environment}; nothing that is there is changed", markup=False
    )
    for item in plan.items:
        out.print(f"  + {item.store.value} {item.name} from {item.source}", markup=False, soft_wrap=True)
    for each in plan.left_out:
        out.print(f"  - {each}", markup=False, soft_wrap=True)


def _entry(plan: RestorePlan) -> dict[str, object]:
    return {
        "environment": plan.environment,
        "digest": plan.digest,
        "manifest_sha256": plan.manifest_sha256 or None,
        "items": [{"store": item.store.value, "name": item.name, "source": str(item.source)} for item in plan.items],
        "left_out": list(plan.left_out),
    }


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
