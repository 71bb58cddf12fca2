"""S3: objects get the bucket's lock however they are uploaded, and are copied where the bucket's replication says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.store import Table
from ils_sandbox.aws.overlay.world import Result, World

REPLICATIONS = "s3.replications"


def replications(call: Call, world: World) -> Table:
    """The rules of every bucket: a bucket's name is unique in all regions, and may be asked for in any."""
    return world.store.tables.setdefault((REPLICATIONS, call.account, "aws"), {})


def put_object(call: Call, world: World) -> Result:
    result = world.forward(call)
    _replicate(call, world, call.params["Bucket"], call.params["Key"])
    return result


def copy_object(call: Call, world: World) -> Result:
    result = world.forward(call)
    _replicate(call, world, call.params["Bucket"], call.params["Key"])
    return result


def complete_multipart_upload(call: Call, world: World) -> Result:
    """moto gives no lock to what came in parts."""
    result = world.forward(call)
    bucket = backend(call).get_bucket(call.params["Bucket"])
    key = bucket.keys.get(call.params["Key"])
    if bucket.object_lock_enabled and bucket.has_default_lock and not key.lock_mode:
        key.lock_mode, key.lock_until = bucket.default_lock_mode, bucket.default_retention()
    _replicate(call, world, call.params["Bucket"], call.params["Key"])
    return result


def backend(call: Call) -> Any:
    """moto's own buckets, which are of no region."""
    from moto.backends import get_backend

    return get_backend("s3")[call.account]["aws"]


def find_bucket(call: Call, name: str) -> Any:
    """moto's own object; None when there is no such bucket."""
    return backend(call).buckets.get(name)


def store_object(call: Call, world: World, bucket: str, name: str, content: bytes, **more: str) -> None:
    """Put an object as a service does that was told to write into a bucket. `more` is of PutObject."""
    world.invoke(call, "s3", "PutObject", Bucket=bucket, Key=name, Body=content, **more)
    _replicate(call, world, bucket, name)


def _replicate(call: Call, world: World, bucket_name: str, name: str) -> None:
    """At once, where S3 takes its time. The copy has the version of the original."""
    source = backend(call).get_bucket(bucket_name).keys.get(name)
    for destination in _destinations(call, world, bucket_name, name):
        bucket = backend(call).buckets.get(destination["Bucket"].rpartition(":")[2])
        if bucket is None or not bucket.is_versioned:
            continue  # S3 says FAILED of the object and goes on
        encryption = destination.get("EncryptionConfiguration") or {}
        locked = bucket.object_lock_enabled and bucket.has_default_lock
        copy = backend(call).put_object(
            bucket.name,
            name,
            source.value,
            etag=source.etag.strip('"'),
            encryption="aws:kms" if encryption else None,
            kms_key_id=encryption.get("ReplicaKmsKeyID"),
            lock_mode=bucket.default_lock_mode if locked else None,
            lock_until=bucket.default_retention() if locked else None,
        )
        copy.set_metadata(source.metadata)
        copy._version_id = source.version_id
        copy.checksum_algorithm, copy.checksum_value = source.checksum_algorithm, source.checksum_value
        # Of what came in parts, the checksum is one of the parts' checksums.
        copy.checksum_type, copy.checksum_parts = source.checksum_type, source.checksum_parts


def _destinations(call: Call, world: World, bucket: str, name: str) -> Iterator[dict[str, Any]]:
    for rule in replications(call, world).get(bucket, ()):
        prefix = (rule.get("Filter") or {}).get("Prefix") or rule.get("Prefix") or ""
        if rule["Status"] == "Enabled" and name.startswith(prefix):
            yield rule["Destination"]
