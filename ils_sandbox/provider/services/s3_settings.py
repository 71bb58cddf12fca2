"""S3: what is set on a bucket by resources of their own, each known by the bucket's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ils_sandbox.provider.fields import (
    Codec,
    Field,
    MemberStyle,
    block,
    collection,
    flag,
    json_text,
    listing,
    mapping,
    number,
    text,
)
from ils_sandbox.provider.resource import Call, FindNamed, ResourceType, Scope, Update
from ils_sandbox.provider.services.s3_bucket import NO_BUCKET
from ils_sandbox.provider.values import Plain

_BUCKET = text("bucket", required=True, replace=True)
_OWNER = text("expectedBucketOwner", replace=True, returned=False)


def _setting(
    name: str,
    *fields: Field,
    put: str,
    get: str,
    delete: Call | Callable[[Scope, str, Plain], None],
    source: str,
    missing: str = "",
) -> ResourceType:
    """One type: `put` sets it, also in an update; `get` answers it at `source`, or the error `missing`."""

    def read(scope: Scope, bucket: str, _known: Plain) -> Plain | None:
        answer = scope.run(Call(get, {"Bucket": bucket}, source), {})
        return {"Bucket": bucket, "Setting": answer} if answer else None

    def set_it(scope: Scope, _inputs: Plain, request: Plain) -> Plain:
        scope.call(put, **request)
        return {"Bucket": request["Bucket"]}

    return ResourceType(
        name=f"aws:s3/{name}:{name[0].upper()}{name[1:]}",
        service="s3",
        inputs=(_BUCKET, *fields),
        create=set_it,
        id="Bucket",
        reread=True,
        read=read,
        missing=NO_BUCKET | {missing},
        updates=(
            Update(
                frozenset(f.name for f in fields if f.sent and not f.replace),
                Call(put, {"Bucket": "$id"}),
                all_fields=True,
            ),
        ),
        delete=delete,
        find=FindNamed(lambda _scope, inputs: inputs.get("bucket")),
    )


def _suspend(scope: Scope, bucket: str, state: Plain) -> None:
    """Versioning cannot be taken away again, and that of a bucket with object lock not even suspended."""
    if state.get("versioningConfiguration", {}).get("status") == "Enabled":
        suspended = {"Status": "Suspended"}
        scope.call_unless(
            {"InvalidBucketState"}, "put_bucket_versioning", Bucket=bucket, VersioningConfiguration=suspended
        )


VERSIONING = _setting(
    "bucketVersioning",
    block(
        "versioningConfiguration",
        text("status", required=True, choices=("Enabled", "Suspended", "Disabled")),
        text("mfaDelete", member="MFADelete", computed=True, choices=("Enabled", "Disabled")),
        source="Setting",
        required=True,
    ),
    text("mfa", member="MFA", returned=False, secret=True),
    _OWNER,
    put="put_bucket_versioning",
    get="get_bucket_versioning",
    delete=_suspend,
    source="Status && @",
)

ENCRYPTION = _setting(
    "bucketServerSideEncryptionConfiguration",
    collection(
        "rules",
        block(
            "applyServerSideEncryptionByDefault",
            text("sseAlgorithm", member="SSEAlgorithm", required=True, choices=("AES256", "aws:kms", "aws:kms:dsse")),
            text("kmsMasterKeyId", member="KMSMasterKeyID"),
        ),
        flag("bucketKeyEnabled"),
        collection("blockedEncryptionTypes", member="BlockedEncryptionTypes.EncryptionType", computed=True),
        member="ServerSideEncryptionConfiguration.Rules",
        source="Setting",
        required=True,
    ),
    _OWNER,
    put="put_bucket_encryption",
    get="get_bucket_encryption",
    delete=Call("delete_bucket_encryption", {"Bucket": "$id"}),
    source="ServerSideEncryptionConfiguration.Rules",
    missing="ServerSideEncryptionConfigurationNotFoundError",
)

_BLOCK = "PublicAccessBlockConfiguration"


def _delete_block(scope: Scope, bucket: str, state: Plain) -> None:
    if not state.get("skipDestroy"):
        scope.call("delete_public_access_block", Bucket=bucket)


PUBLIC_ACCESS_BLOCK = _setting(
    "bucketPublicAccessBlock",
    *(
        flag(
            name,
            default=False,
            member=f"{_BLOCK}.{name[0].upper()}{name[1:]}",
            source=f"Setting.{name[0].upper()}{name[1:]}",
        )
        for name in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    ),
    flag("skipDestroy", default=False, sent=False, returned=False),
    put="put_public_access_block",
    get="get_public_access_block",
    delete=_delete_block,
    source=_BLOCK,
    missing="NoSuchPublicAccessBlockConfiguration",
)


OWNERSHIP = _setting(
    "bucketOwnershipControls",
    block(
        "rule",
        text("objectOwnership", required=True, choices=("BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter")),
        member="OwnershipControls.Rules",
        source="Setting[0]",
        encode=lambda rule: [{"ObjectOwnership": rule["objectOwnership"]}],
        required=True,
    ),
    put="put_bucket_ownership_controls",
    get="get_bucket_ownership_controls",
    delete=Call("delete_bucket_ownership_controls", {"Bucket": "$id"}),
    source="OwnershipControls.Rules",
    missing="OwnershipControlsNotFoundError",
)

POLICY = _setting(
    "bucketPolicy",
    json_text("policy", required=True, source="Setting"),
    put="put_bucket_policy",
    get="get_bucket_policy",
    delete=Call("delete_bucket_policy", {"Bucket": "$id"}),
    source="Policy",
    missing="NoSuchBucketPolicy",
)


def _date(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else value.strftime("%Y-%m-%dT%H:%M:%SZ")


def _tags(tags: Plain) -> list[Plain]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


_SIZES = (number("objectSizeGreaterThan"), number("objectSizeLessThan"))
_FILTER = (
    text("prefix"),
    *_SIZES,
    block("tag", text("key", required=True), text("value", required=True)),
    block(
        "and",
        text("prefix"),
        *_SIZES,
        mapping("tags", encode=_tags, decode=lambda tags: {t["Key"]: t["Value"] for t in tags} if tags else None),
    ),
)
_TRANSITION = (
    number("days"),
    text("date", decode=_date),
    text("storageClass", required=True),
)
_RULE = (
    text("id", member="ID", required=True),
    text("status", required=True, choices=("Enabled", "Disabled")),
    text("prefix"),
    block("filter", *_FILTER),
    block("expiration", number("days"), text("date", decode=_date), flag("expiredObjectDeleteMarker")),
    collection("transitions", *_TRANSITION),
    block("noncurrentVersionExpiration", number("noncurrentDays", required=True), number("newerNoncurrentVersions")),
    collection(
        "noncurrentVersionTransitions",
        number("noncurrentDays", required=True),
        number("newerNoncurrentVersions"),
        text("storageClass", required=True),
    ),
    block("abortIncompleteMultipartUpload", number("daysAfterInitiation", required=True)),
)


def _lifecycle_rules(rules: list[Plain]) -> list[Plain]:
    """S3 wants a filter in each rule, an empty one for all objects."""
    encoded = [Codec(MemberStyle.PASCAL).request(_RULE, rule) for rule in rules]
    return [rule if "Prefix" in rule else {"Filter": {}, **rule} for rule in encoded]


LIFECYCLE = _setting(
    "bucketLifecycleConfiguration",
    listing(
        "rules",
        *_RULE,
        member="LifecycleConfiguration.Rules",
        source="Setting.Rules",
        encode=_lifecycle_rules,
        required=True,
    ),
    text("transitionDefaultMinimumObjectSize", computed=True, source="Setting.TransitionDefaultMinimumObjectSize"),
    _OWNER,
    put="put_bucket_lifecycle_configuration",
    get="get_bucket_lifecycle_configuration",
    delete=Call("delete_bucket_lifecycle", {"Bucket": "$id"}),
    source="Rules && @",
    missing="NoSuchLifecycleConfiguration",
)

_LOCK = "ObjectLockConfiguration"


def _unlock(scope: Scope, bucket: str, _state: Plain) -> None:
    """What can be taken away is how long new objects are kept: the bucket keeps its lock."""
    scope.call("put_object_lock_configuration", Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})


OBJECT_LOCK = _setting(
    "bucketObjectLockConfiguration",
    text(
        "objectLockEnabled",
        member=f"{_LOCK}.ObjectLockEnabled",
        source="Setting.ObjectLockEnabled",
        default="Enabled",
        replace=True,
        choices=("Enabled",),
    ),
    block(
        "rule",
        block(
            "defaultRetention",
            text("mode", choices=("COMPLIANCE", "GOVERNANCE")),
            number("days"),
            number("years"),
            required=True,
        ),
        member=f"{_LOCK}.Rule",
        source="Setting.Rule",
    ),
    text("token", returned=False, secret=True),
    _OWNER,
    put="put_object_lock_configuration",
    get="get_object_lock_configuration",
    delete=_unlock,
    source=_LOCK,
    missing="ObjectLockConfigurationNotFoundError",
)

_ON_OFF = text("status", required=True, choices=("Enabled", "Disabled"))
_REPLICATION_RULE = (
    text("id", member="ID", computed=True),
    number("priority", computed=True),
    _ON_OFF,
    text("prefix"),
    block("filter", *_FILTER),
    block("deleteMarkerReplication", _ON_OFF),
    block("existingObjectReplication", _ON_OFF),
    block(
        "sourceSelectionCriteria",
        block("sseKmsEncryptedObjects", _ON_OFF),
        block("replicaModifications", _ON_OFF),
    ),
    block(
        "destination",
        text("bucket", required=True),
        text("account"),
        text("storageClass"),
        block("encryptionConfiguration", text("replicaKmsKeyId", member="ReplicaKmsKeyID", required=True)),
        block("metrics", _ON_OFF, block("eventThreshold", number("minutes", required=True))),
        block("replicationTime", _ON_OFF, block("time", number("minutes", required=True), required=True)),
        required=True,
    ),
)

REPLICATION = _setting(
    "bucketReplicationConfig",
    text("role", member="ReplicationConfiguration.Role", source="Setting.Role", required=True),
    listing(
        "rules",
        *_REPLICATION_RULE,
        member="ReplicationConfiguration.Rules",
        source="Setting.Rules",
        required=True,
    ),
    text("token", returned=False, secret=True),
    put="put_bucket_replication",
    get="get_bucket_replication",
    delete=Call("delete_bucket_replication", {"Bucket": "$id"}),
    source="ReplicationConfiguration",
    missing="ReplicationConfigurationNotFoundError",
)

TYPES = (VERSIONING, ENCRYPTION, PUBLIC_ACCESS_BLOCK, OWNERSHIP, POLICY, LIFECYCLE, OBJECT_LOCK, REPLICATION)
