"""KMS: rotation periods, deletion by ARN and the fields of a key that moto leaves out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay import kms_replicas
from ils_sandbox.aws.overlay.world import Result, Routes, World
from ils_sandbox.aws.responses import AwsError

KEYS = "kms.keys"
DEFAULT_ROTATION_DAYS = 365
DEFAULT_WINDOW_DAYS = 30


def _extras(call: Call, world: World, key_id: str) -> dict[str, Any]:
    """What is remembered of a key, to be changed in place."""
    extras: dict[str, Any] = world.table(KEYS, call).setdefault(key_id, {})
    return extras


def _metadata(call: Call, world: World) -> dict[str, Any]:
    metadata: dict[str, Any] = world.invoke(call, "kms", "DescribeKey", KeyId=call.params["KeyId"])["KeyMetadata"]
    return metadata


def _completed(call: Call, world: World, metadata: dict[str, Any]) -> dict[str, Any]:
    completed = {"KeyUsage": "ENCRYPT_DECRYPT", "MultiRegion": False, **metadata}
    if completed["KeyState"] == "PendingDeletion":
        completed["PendingDeletionWindowInDays"] = _extras(call, world, metadata["KeyId"]).get("window")
    if completed["MultiRegion"]:
        key = world.backend(call, "kms").keys[metadata["KeyId"]]
        completed["MultiRegionConfiguration"] = kms_replicas.configuration(call, key)
    return completed


def create_key(call: Call, world: World) -> Result:
    return {"KeyMetadata": _completed(call, world, world.forward(call)["KeyMetadata"])}


def describe_key(call: Call, world: World) -> Result:
    return {"KeyMetadata": _completed(call, world, world.forward(call)["KeyMetadata"])}


def enable_key_rotation(call: Call, world: World) -> Result:
    result = world.forward(call)
    days = call.params.get("RotationPeriodInDays") or DEFAULT_ROTATION_DAYS
    _extras(call, world, _metadata(call, world)["KeyId"])["rotation_days"] = days
    return result


def get_key_rotation_status(call: Call, world: World) -> Result:
    status = world.forward(call)
    key = world.backend(call, "kms").keys[_metadata(call, world)["KeyId"]]
    if key.multi_region:
        # The material is shared: it is rotated at the primary key.
        status["KeyRotationEnabled"] = kms_replicas.primary_of(call, key).key_rotation_status
    if status["KeyRotationEnabled"]:
        metadata = _metadata(call, world)
        created: datetime = metadata["CreationDate"]
        days = _extras(call, world, metadata["KeyId"]).get("rotation_days", DEFAULT_ROTATION_DAYS)
        status.update(
            KeyId=metadata["KeyId"], RotationPeriodInDays=days, NextRotationDate=created + timedelta(days=days)
        )
    return status


def schedule_key_deletion(call: Call, world: World) -> Result:
    metadata = _metadata(call, world)
    days = call.params.get("PendingWindowInDays") or DEFAULT_WINDOW_DAYS
    # moto looks the key up by its id alone.
    result = world.forward(call, {**call.params, "KeyId": metadata["KeyId"]})
    _extras(call, world, metadata["KeyId"])["window"] = days
    return {**result, "KeyId": metadata["Arn"], "KeyState": "PendingDeletion", "PendingWindowInDays": days}


def cancel_key_deletion(call: Call, world: World) -> Result:
    metadata = _metadata(call, world)
    world.forward(call, {**call.params, "KeyId": metadata["KeyId"]})
    return {"KeyId": metadata["Arn"]}


def enable_or_disable_key(call: Call, world: World) -> Result:
    """EnableKey and DisableKey, by ARN too."""
    metadata = _metadata(call, world)
    if metadata["KeyState"] == "PendingDeletion":
        raise AwsError("KMSInvalidStateException", f"{metadata['Arn']} is pending deletion.")
    return world.forward(call, {"KeyId": metadata["KeyId"]})


ROUTES: Routes = {
    "CancelKeyDeletion": cancel_key_deletion,
    "CreateKey": create_key,
    "DescribeKey": describe_key,
    "DisableKey": enable_or_disable_key,
    "EnableKey": enable_or_disable_key,
    "EnableKeyRotation": enable_key_rotation,
    "GetKeyRotationStatus": get_key_rotation_status,
    "ReplicateKey": kms_replicas.replicate_key,
    "ScheduleKeyDeletion": schedule_key_deletion,
}
