"""S3: objects get the bucket's lock however they are uploaded, and are copied where the bucket's replication says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.store import Table
from ils_sandbox.aws.overlay.world import Result, World

REPLICATIONS, WAITING = "s3.replications", "s3.waiting"
_STATUS = "x-amz-replication-status"
"""moto answers with what it keeps of an object's headers."""


def replications(call: Call, world: World) -> Table:
    """The rules of every bucket: a bucket's name is unique in all regions, and may be asked for in any."""
    return world.store.tables.setdefault((REPLICATIONS, call.account, "aws"), {})


def _waiting(call: Call, world: World) -> dict[Any, float]:
    """Bucket, key and version of what is still to be copied, with the moment at which it came."""
    return world.store.tables.setdefault((WAITING, call.account, "aws"), {})


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
    """Have the newest version of the object copied, if a rule says so, in the time that the settings give S3 for it."""
    source = backend(call).get_bucket(bucket_name).keys.get(name)
    source.metadata.pop(_STATUS, None)  # of what it is a copy of
    if any(_destinations(call, world, bucket_name, name)):
        source.metadata[_STATUS] = "PENDING"
        _waiting(call, world)[bucket_name, name, source.version_id] = world.lifecycles.now()
        copy_what_is_due(call, world)


def copy_what_is_due(call: Call, world: World) -> None:
    """Nothing runs in the background: this comes before whatever S3 is asked."""
    waiting = _waiting(call, world)
    for (bucket, name, version), since in tuple(waiting.items()):
        if world.lifecycles.copied(since):
            del waiting[bucket, name, version]
            _copy(call, world, bucket, name, version)


def _copy(call: Call, world: World, bucket_name: str, name: str, version: str) -> None:
    """The copy has the version of the original. What was deleted meanwhile is not copied."""
    bucket = find_bucket(call, bucket_name)
    versions = [] if bucket is None else bucket.keys.getlist(name, [])
    source = next((each for each in versions if each.version_id == version), None)
    if source is None:
        return
    source.metadata[_STATUS] = "COMPLETED"
    for destination in _destinations(call, world, bucket_name, name):
        into = find_bucket(call, destination["Bucket"].rpartition(":")[2])
        if into is None or not into.is_versioned:
            source.metadata[_STATUS] = "FAILED"
        else:
            _copy_into(call, into, name, source, destination.get("EncryptionConfiguration") or {})


def _copy_into(call: Call, bucket: Any, name: str, source: Any, encryption: dict[str, Any]) -> None:
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
    copy.metadata[_STATUS] = "REPLICA"
    copy._version_id = source.version_id
    copy.checksum_algorithm, copy.checksum_value = source.checksum_algorithm, source.checksum_value
    # Of what came in parts, the checksum is one of the parts' checksums.
    copy.checksum_type, copy.checksum_parts = source.checksum_type, source.checksum_parts


def _destinations(call: Call, world: World, bucket: str, name: str) -> Iterator[dict[str, Any]]:
    for rule in replications(call, world).get(bucket, ()):
        prefix = (rule.get("Filter") or {}).get("Prefix") or rule.get("Prefix") or ""
        if rule["Status"] == "Enabled" and name.startswith(prefix):
            yield rule["Destination"]
