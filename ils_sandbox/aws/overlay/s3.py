"""S3: tags at creation, and parts of lifecycle rules, that moto drops."""

from __future__ import annotations

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.store import Table
from ils_sandbox.aws.overlay.world import Result, Routes, World

LIFECYCLES = "s3.lifecycles"


def _lifecycles(call: Call, world: World) -> Table:
    """By bucket: a bucket's name is unique in all regions, and may be asked for in any."""
    return world.store.tables.setdefault((LIFECYCLES, call.account, "aws"), {})


def create_bucket(call: Call, world: World) -> Result:
    result = world.forward(call)
    tags = (call.params.get("CreateBucketConfiguration") or {}).get("Tags")
    if tags:
        world.invoke(call, "s3", "PutBucketTagging", Bucket=call.params["Bucket"], Tagging={"TagSet": tags})
    return result


def delete_bucket(call: Call, world: World) -> Result:
    result = world.forward(call)
    _lifecycles(call, world).pop(call.params["Bucket"], None)
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
    "CreateBucket": create_bucket,
    "DeleteBucket": delete_bucket,
    "DeleteBucketLifecycle": delete_bucket_lifecycle,
    "GetBucketLifecycleConfiguration": get_bucket_lifecycle_configuration,
    "PutBucketLifecycleConfiguration": put_bucket_lifecycle_configuration,
}
