"""S3: buckets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ils_sandbox.provider.errors import AlreadyExists, AwsError
from ils_sandbox.provider.fields import flag, text
from ils_sandbox.provider.resource import AutoName, Call, Detail, FindNamed, ResourceType, Scope, Tagging
from ils_sandbox.provider.tagging import from_pairs, pairs
from ils_sandbox.provider.values import Plain

NO_BUCKET = frozenset({"NoSuchBucket", "404"})
_UNTAGGED = frozenset({"NoSuchTagSet"})
_BATCH = 1000
_WEBSITE_ZONES = {
    "eu-central-1": "Z21DNDUVLTQW6Q",
    "eu-west-1": "Z1BKCTXD74EZPE",
    "us-east-1": "Z3AQBSTGFJSTF",
    "us-east-2": "Z2O1EMRO9K5GLX",
    "us-west-1": "Z2F56UZL2M1ACD",
    "us-west-2": "Z3BJ6K6RIION7M",
}
"""Route 53's zone of S3's websites, by region (AWS General Reference, S3 endpoints)."""


def _refuse_taken_name(scope: Scope, inputs: Plain) -> None:
    """In its oldest region S3 takes a second creation by the same owner for a success."""
    if scope.call_unless(NO_BUCKET, "head_bucket", Bucket=inputs["bucket"]) is not None:
        detail = f"The bucket {inputs['bucket']} already exists."
        raise AlreadyExists("s3", "create_bucket", "BucketAlreadyOwnedByYou", detail)


def _create(scope: Scope, _inputs: Plain, request: Plain) -> Plain:
    if scope.region != "us-east-1":
        request["CreateBucketConfiguration"]["LocationConstraint"] = scope.region
    scope.call("create_bucket", **request)
    return {"Bucket": request["Bucket"]}


def _read(scope: Scope, bucket: str, _known: Plain) -> Plain:
    return {"Bucket": bucket, "Region": scope.call("head_bucket", Bucket=bucket).get("BucketRegion")}


def _derived(scope: Scope, bucket: str, _properties: Plain) -> Plain:
    return {
        "arn": f"arn:{scope.partition}:s3:::{bucket}",
        "bucketDomainName": f"{bucket}.s3.amazonaws.com",
        "bucketRegion": scope.region,
        "bucketRegionalDomainName": f"{bucket}.s3.{scope.region}.amazonaws.com",
        "hostedZoneId": _WEBSITE_ZONES.get(scope.region),
    }


def _tags_of(scope: Scope, bucket: str) -> dict[str, str]:
    """Also those that a program does not see: setting tags replaces all."""
    answer = scope.call_unless(_UNTAGGED, "get_bucket_tagging", Bucket=bucket)
    return from_pairs()((answer or {}).get("TagSet"))


def _tag(scope: Scope, bucket: str, _properties: Plain, tags: Mapping[str, str]) -> None:
    merged = {**_tags_of(scope, bucket), **tags}
    scope.call("put_bucket_tagging", Bucket=bucket, Tagging={"TagSet": pairs()(merged)})


def _untag(scope: Scope, bucket: str, _properties: Plain, names: list[str]) -> None:
    kept = {name: value for name, value in _tags_of(scope, bucket).items() if name not in names}
    scope.call("put_bucket_tagging", Bucket=bucket, Tagging={"TagSet": pairs()(kept)})


def _empty(scope: Scope, bucket: str, state: Plain) -> None:
    """Delete every version of every object, if the program said so: also what is locked, as far as AWS lets us."""
    bypass = {"BypassGovernanceRetention": True} if state.get("objectLockEnabled") else {}
    while state.get("forceDestroy"):
        page = scope.call("list_object_versions", Bucket=bucket, MaxKeys=_BATCH)
        versions: list[dict[str, Any]] = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        if not versions:
            return
        objects = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in versions]
        answer = scope.call(
            "delete_objects", Bucket=bucket, Delete={"Objects": objects[:_BATCH], "Quiet": True}, **bypass
        )
        for refused in answer.get("Errors", ()):
            raise AwsError("s3", "delete_objects", refused["Code"], f"{refused['Key']}: {refused.get('Message', '')}")


BUCKET = ResourceType(
    name="aws:s3/bucket:Bucket",
    service="s3",
    inputs=(
        text("bucket", replace=True),
        text("bucketPrefix", replace=True, computed=True, sent=False, returned=False),
        flag("forceDestroy", default=False, sent=False, returned=False),
        flag(
            "objectLockEnabled",
            replace=True,
            computed=True,
            member="ObjectLockEnabledForBucket",
            source="Lock",
            decode=lambda lock: True if lock == "Enabled" else None,
        ),
    ),
    outputs=(
        text("arn", returned=False),
        text("bucketDomainName", returned=False),
        text("bucketRegion", returned=False),
        text("bucketRegionalDomainName", returned=False),
        text("hostedZoneId", returned=False),
    ),
    naming=AutoName("bucket", "bucketPrefix", longest=63, lower=True),
    tagging=Tagging("CreateBucketConfiguration.Tags", pairs(), "Tags", from_pairs(), _tag, _untag),
    precheck=_refuse_taken_name,
    create=_create,
    id="Bucket",
    read=_read,
    missing=NO_BUCKET,
    details=(
        Detail("Tags", Call("get_bucket_tagging", {"Bucket": "$id"}, "TagSet"), missing=_UNTAGGED | NO_BUCKET),
        Detail(
            "Lock",
            Call("get_object_lock_configuration", {"Bucket": "$id"}, "ObjectLockConfiguration.ObjectLockEnabled"),
            missing=NO_BUCKET | {"ObjectLockConfigurationNotFoundError"},
        ),
    ),
    derived=_derived,
    before_delete=_empty,
    delete=Call("delete_bucket", {"Bucket": "$id"}),
    find=FindNamed(lambda _scope, inputs: inputs.get("bucket")),
)

TYPES = (BUCKET,)
