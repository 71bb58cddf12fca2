"""Amazon Managed Service for Prometheus: the key of a workspace, which moto drops."""

from __future__ import annotations

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.world import Result, Routes, World

KEYS = "amp.keys"


def create_workspace(call: Call, world: World) -> Result:
    result = world.forward(call)
    if call.params.get("kmsKeyArn"):
        world.table(KEYS, call)[result["workspaceId"]] = call.params["kmsKeyArn"]
    return result


def describe_workspace(call: Call, world: World) -> Result:
    result = world.forward(call)
    key = world.table(KEYS, call).get(call.params["workspaceId"])
    return {"workspace": {**result["workspace"], "kmsKeyArn": key}} if key else result


def delete_workspace(call: Call, world: World) -> Result:
    result = world.forward(call)
    world.table(KEYS, call).pop(call.params["workspaceId"], None)
    return result


ROUTES: Routes = {
    "CreateWorkspace": create_workspace,
    "DeleteWorkspace": delete_workspace,
    "DescribeWorkspace": describe_workspace,
}
