"""CloudWatch Logs: a log group's key, which moto takes at creation only."""

from __future__ import annotations

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.world import Result, Routes, World
from ils_sandbox.aws.responses import AwsError


def _set_key(call: Call, world: World, key: str | None) -> Result:
    name = call.params.get("logGroupName") or call.params.get("resourceIdentifier", "").rpartition(":log-group:")[2]
    group = world.backend(call, "logs").groups.get(name.removesuffix(":*"))
    if group is None:
        raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
    group.kms_key_id = key
    return {}


def associate_kms_key(call: Call, world: World) -> Result:
    return _set_key(call, world, call.params["kmsKeyId"])


def disassociate_kms_key(call: Call, world: World) -> Result:
    return _set_key(call, world, None)


ROUTES: Routes = {"AssociateKmsKey": associate_kms_key, "DisassociateKmsKey": disassociate_kms_key}
