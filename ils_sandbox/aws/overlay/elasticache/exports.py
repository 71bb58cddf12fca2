"""Snapshots written to S3 as RDB files, and replication groups that begin with such files.

What ElastiCache asks of the bucket: it is in the same region, its policy lets ElastiCache's snapshot service in, and a file
that is read is encrypted by S3's own key or not at all.
https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/backups-exporting.html and backups-seeding-redis.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.s3_objects import find_bucket, store_object
from ils_sandbox.aws.overlay.world import World
from ils_sandbox.aws.responses import AwsError

Record = dict[str, Any]

_READS = ("s3:GetObject", "s3:ListBucket")
_READS_ACL = ("s3:GetBucketAcl",)
_WRITES = ("s3:PutObject", "s3:ListMultipartUploadParts", "s3:ListBucketMultipartUploads")
_OWN_KEYS = (None, "AES256")


def export_snapshot(call: Call, world: World, snapshot: Record) -> None:
    """Write the snapshot into the bucket that the call names. Raises what ElastiCache refuses."""
    bucket, name = call.params["TargetBucket"], f"{call.params['TargetSnapshotName']}-0001.rdb"
    if snapshot.get("DataTiering") == "enabled":
        raise AwsError("InvalidParameterCombination", "Snapshots of data tiering clusters cannot be exported.")
    found = _bucket(call, bucket, (("READ", _READS), ("WRITE", _WRITES), ("READ_ACP", _READS_ACL)))
    if found.keys.get(name) is not None:
        raise _wrong(f"The S3 bucket {bucket} already contains an object with key {name}.")
    if world.data is None or "data" not in snapshot:
        message = "Exports of groups in cluster mode, or without servers behind them, are unsupported in the sandbox"
        raise AwsError("InternalFailure", message, 501)
    store_object(call, world, bucket, name, world.data.snapshot_file(snapshot["data"]))


def import_file(call: Call, world: World, arns: Sequence[str]) -> Record:
    """A snapshot of what lies in S3, for the making of one group. Raises what ElastiCache refuses."""
    contents = [_file(call, arn) for arn in arns]
    if world.data is None:
        return {}
    if len(contents) != 1:
        message = "Groups of several files, which are in cluster mode, are unsupported in the sandbox"
        raise AwsError("InternalFailure", message, 501)
    identifier = world.data.new_id()
    world.data.keep_snapshot(identifier, contents[0])
    return {"data": identifier}


def _file(call: Call, arn: str) -> bytes:
    prefix, _, path = arn.partition(":::")
    bucket, _, name = path.partition("/")
    if prefix != "arn:aws:s3" or not name or "," in name:
        raise _wrong(f"Invalid S3 ARN: {arn}")
    found = _bucket(call, bucket, (("READ", _READS), ("READ_ACP", _READS_ACL))).keys.get(name)
    if found is None or not hasattr(found, "value"):
        raise _wrong(f"No permission to access S3 object: {arn}, or it does not exist.")
    if found.encryption not in _OWN_KEYS:
        raise _wrong(f"The S3 object {arn} is encrypted with {found.encryption}: only SSE-S3 can be read.")
    content: bytes = found.value
    return content


def _bucket(call: Call, name: str, needed: Sequence[tuple[str, Sequence[str]]]) -> Any:
    found = find_bucket(call, name)
    if found is None:
        raise _wrong(f"The S3 bucket {name} does not exist.")
    if found.region_name != call.region:
        raise _wrong(f"The S3 bucket {name} is outside of the region.")
    granted = list(_granted(found.policy, f"{call.region}.elasticache-snapshot.amazonaws.com"))
    for right, actions in needed:
        missing = [each for each in actions if not any(fnmatchcase(each, pattern) for pattern in granted)]
        if missing:
            raise _wrong(f"ElastiCache has not been granted {right} permissions {missing} on the S3 Bucket.")
    return found


def _granted(policy: bytes | None, principal: str) -> Iterator[str]:
    """The actions that a bucket's policy allows a service."""
    for statement in json.loads(policy or b"{}").get("Statement", ()):
        given = statement.get("Principal")
        services = given.get("Service", []) if isinstance(given, dict) else []
        if statement["Effect"] == "Allow" and principal in _several(services):
            yield from _several(statement["Action"])


def _several(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _wrong(message: str) -> AwsError:
    return AwsError("InvalidParameterValue", message)
