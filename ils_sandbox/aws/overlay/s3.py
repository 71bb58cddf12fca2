"""S3: tags at creation, parts of lifecycle and replication rules that moto drops, and what object lock asks for."""

from __future__ import annotations

from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.s3_objects import (
    backend,
    complete_multipart_upload,
    copy_object,
    put_object,
    replications,
)
from ils_sandbox.aws.overlay.store import Table
from ils_sandbox.aws.overlay.world import MotoRefusedError, Result, Routes, World
from ils_sandbox.aws.responses import AwsError

LIFECYCLES = "s3.lifecycles"


def _lifecycles(call: Call, world: World) -> Table:
    """By bucket: a bucket's name is unique in all regions, and may be asked for in any."""
    return world.store.tables.setdefault((LIFECYCLES, call.account, "aws"), {})


def _bucket(call: Call) -> Any:
    """moto's own object. Raises moto's own error when there is no such bucket."""
    return backend(call).get_bucket(call.params["Bucket"])


def create_bucket(call: Call, world: World) -> Result:
    result = world.forward(call)
    tags = (call.params.get("CreateBucketConfiguration") or {}).get("Tags")
    if tags:
        world.invoke(call, "s3", "PutBucketTagging", Bucket=call.params["Bucket"], Tagging={"TagSet": tags})
    return result


def delete_bucket(call: Call, world: World) -> Result:
    result = world.forward(call)
    _lifecycles(call, world).pop(call.params["Bucket"], None)
    replications(call, world).pop(call.params["Bucket"], None)
    return result


def put_bucket_versioning(call: Call, world: World) -> Result:
    if call.params["VersioningConfiguration"].get("Status") != "Enabled" and _locked(call, world):
        message = "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
        raise AwsError("InvalidBucketState", message, 409)
    return world.forward(call)


def _locked(call: Call, world: World) -> bool:
    try:
        found = world.invoke(call, "s3", "GetObjectLockConfiguration", Bucket=call.params["Bucket"])
    except MotoRefusedError:
        return False
    return bool(found["ObjectLockConfiguration"].get("ObjectLockEnabled") == "Enabled")


def put_object_lock_configuration(call: Call, world: World) -> Result:
    """moto changes the retention of empty buckets only, and takes none away."""
    if not _locked(call, world):
        return world.forward(call)
    retention = (call.params["ObjectLockConfiguration"].get("Rule") or {}).get("DefaultRetention") or {}
    bucket = _bucket(call)
    bucket.default_lock_mode = retention.get("Mode", "")
    bucket.default_lock_days, bucket.default_lock_years = retention.get("Days", 0), retention.get("Years", 0)
    return {}


def get_object_lock_configuration(call: Call, world: World) -> Result:
    """Days or years, of which moto gives both."""
    result = world.forward(call)
    retention = (result["ObjectLockConfiguration"].get("Rule") or {}).get("DefaultRetention") or {}
    for unit in ("Days", "Years"):
        if not retention.get(unit):
            retention.pop(unit, None)
    return result


def put_bucket_replication(call: Call, world: World) -> Result:
    result = world.forward(call)
    replications(call, world)[call.params["Bucket"]] = call.params["ReplicationConfiguration"]["Rules"]
    return result


def get_bucket_replication(call: Call, world: World) -> Result:
    result = world.forward(call)
    rules = replications(call, world).get(call.params["Bucket"])
    return {"ReplicationConfiguration": {**result["ReplicationConfiguration"], "Rules": rules}} if rules else result


def delete_bucket_replication(call: Call, world: World) -> Result:
    result = world.forward(call)
    replications(call, world).pop(call.params["Bucket"], None)
    return result


def put_bucket_lifecycle_configuration(call: Call, world: World) -> Result:
    result = world.forward(call)
    _lifecycles(call, world)[call.params["Bucket"]] = call.params["LifecycleConfiguration"]["Rules"]
    return result


def get_bucket_lifecycle_configuration(call: Call, world: World) -> Result:
    result = world.forward(call)
    rules = _lifecycles(call, world).get(call.params["Bucket"])
    return {**result, "Rules": rules} if rules else result


def delete_bucket_lifecycle(call: Call, world: World) -> Result:
    result = world.forward(call)
    _lifecycles(call, world).pop(call.params["Bucket"], None)
    return result


ROUTES: Routes = {
    "CompleteMultipartUpload": complete_multipart_upload,
    "CopyObject": copy_object,
    "CreateBucket": create_bucket,
    "DeleteBucket": delete_bucket,
    "DeleteBucketLifecycle": delete_bucket_lifecycle,
    "DeleteBucketReplication": delete_bucket_replication,
    "GetBucketLifecycleConfiguration": get_bucket_lifecycle_configuration,
    "GetBucketReplication": get_bucket_replication,
    "GetObjectLockConfiguration": get_object_lock_configuration,
    "PutBucketLifecycleConfiguration": put_bucket_lifecycle_configuration,
    "PutBucketReplication": put_bucket_replication,
    "PutBucketVersioning": put_bucket_versioning,
    "PutObject": put_object,
    "PutObjectLockConfiguration": put_object_lock_configuration,
}
