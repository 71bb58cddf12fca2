"""AWS Backup: changes of plans, and selections, which moto does not have.

Nothing runs a plan: the sandbox has no backup jobs and no recovery points.
"""

from __future__ import annotations

import time
import uuid
from copy import deepcopy
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.store import Table
from ils_sandbox.aws.overlay.world import Result, Routes, World
from ils_sandbox.aws.responses import AwsError

SELECTIONS = "backup.selections"


def _selections(call: Call, world: World) -> Table:
    return world.table(SELECTIONS, call)


def _plan(call: Call, world: World) -> Any:
    plan = world.backend(call, "backup").plans.get(call.params["BackupPlanId"])
    if plan is None:
        raise AwsError("ResourceNotFoundException", "Failed reading Backup plan with provided version")
    return plan


def update_backup_plan(call: Call, world: World) -> Result:
    """A new version of the plan, whose rules get what moto's creation fills in."""
    from moto.backup.models import Plan

    plan = _plan(call, world)
    changed = Plan(deepcopy(call.params["BackupPlan"]), plan.creator_request_id, world.backend(call, "backup"))
    plan.backup_plan, plan.version_id = changed.backup_plan, changed.version_id
    plan.advanced_backup_settings = changed.advanced_backup_settings
    return {
        "BackupPlanId": plan.backup_plan_id,
        "BackupPlanArn": plan.backup_plan_arn,
        "CreationDate": plan.creation_date,
        "VersionId": plan.version_id,
    }


def delete_backup_plan(call: Call, world: World) -> Result:
    plan = _plan(call, world)
    if _of(call, world, plan.backup_plan_id):
        message = "Related backup plan selections must be deleted prior to backup plan deletion"
        raise AwsError("InvalidRequestException", message)
    result = world.forward(call)
    # moto keeps it, and with it its name.
    del world.backend(call, "backup").plans[plan.backup_plan_id]
    return result


def _of(call: Call, world: World, plan_id: str) -> list[Result]:
    return [each for each in _selections(call, world).values() if each["BackupPlanId"] == plan_id]


def create_backup_selection(call: Call, world: World) -> Result:
    plan, given = _plan(call, world), call.params["BackupSelection"]
    token = call.params.get("CreatorRequestId")
    for there in _of(call, world, plan.backup_plan_id):
        if token and there.get("CreatorRequestId") == token:
            return _summary(there)
        if there["BackupSelection"]["SelectionName"] == given["SelectionName"]:
            message = f"Backup selection with the name {given['SelectionName']} already exists"
            raise AwsError("AlreadyExistsException", message)
    selection: Result = {
        "BackupPlanId": plan.backup_plan_id,
        "SelectionId": str(uuid.uuid4()),
        "CreationDate": time.time(),
        "CreatorRequestId": token,
        "BackupSelection": deepcopy(given),
    }
    _selections(call, world)[selection["SelectionId"]] = selection
    return _summary(selection)


def _summary(selection: Result) -> Result:
    return {key: selection[key] for key in ("BackupPlanId", "SelectionId", "CreationDate")}


def _selection(call: Call, world: World) -> Result:
    plan = _plan(call, world)
    found: Result | None = _selections(call, world).get(call.params["SelectionId"])
    if found is None or found["BackupPlanId"] != plan.backup_plan_id:
        raise AwsError("ResourceNotFoundException", f"Cannot find backup selection {call.params['SelectionId']}")
    return found


def get_backup_selection(call: Call, world: World) -> Result:
    return deepcopy(_selection(call, world))


def list_backup_selections(call: Call, world: World) -> Result:
    listed = []
    for found in _of(call, world, _plan(call, world).backup_plan_id):
        chosen = found["BackupSelection"]
        names = {"SelectionName": chosen["SelectionName"], "IamRoleArn": chosen["IamRoleArn"]}
        listed.append({**_summary(found), **names, "CreatorRequestId": found["CreatorRequestId"]})
    return {"BackupSelectionsList": listed}


def delete_backup_selection(call: Call, world: World) -> Result:
    del _selections(call, world)[_selection(call, world)["SelectionId"]]
    return {}


ROUTES: Routes = {
    "CreateBackupSelection": create_backup_selection,
    "DeleteBackupPlan": delete_backup_plan,
    "DeleteBackupSelection": delete_backup_selection,
    "GetBackupSelection": get_backup_selection,
    "ListBackupSelections": list_backup_selections,
    "UpdateBackupPlan": update_backup_plan,
}
