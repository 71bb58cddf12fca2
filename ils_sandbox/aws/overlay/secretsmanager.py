"""Secrets Manager: rotation of the secrets that RDS manages, which acts on the database; which version is in force."""

from __future__ import annotations

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.rds.clusters import rotate_managed_secret
from ils_sandbox.aws.overlay.world import Result, Routes, World

CURRENT = "AWSCURRENT"


def rotate_secret(call: Call, world: World) -> Result:
    described = world.invoke(call, "secretsmanager", "DescribeSecret", SecretId=call.params["SecretId"])
    version = rotate_managed_secret(call, world, described["ARN"])
    if version is None:
        return world.forward(call)  # a rotation by function: unsupported in the sandbox, moto calls none
    return {"ARN": described["ARN"], "Name": described["Name"], "VersionId": version}


def update_secret_version_stage(call: Call, world: World) -> Result:
    """moto moves the stage and goes on answering with the version that was in force before."""
    result = world.forward(call)
    moved = call.params.get("MoveToVersionId")
    if call.params["VersionStage"] == CURRENT and moved:
        world.backend(call, "secretsmanager").secrets[result["ARN"]].set_default_version_id(moved)
    return result


ROUTES: Routes = {"RotateSecret": rotate_secret, "UpdateSecretVersionStage": update_secret_version_stage}
