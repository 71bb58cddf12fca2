"""Calls that use a KMS key are refused where the key may not be used: disabled, waiting for its deletion, or closed to the
caller by its policy. Each service says so in its own words.

What a service does later by a grant is judged when the grant would be made: at the call that starts it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.key_policies import Verdict, verdict
from ils_sandbox.aws.overlay.s3_objects import backend as buckets
from ils_sandbox.aws.overlay.world import MotoRefusedError, World
from ils_sandbox.aws.responses import AwsError

_BY_GRANT = ("kms:DescribeKey", "kms:CreateGrant")
"""What whoever starts a service's use of a key needs: `kms:CreateGrant` for the service, which does the rest by the grant."""


@dataclass(frozen=True)
class Refusal:
    """Why a key may not be used."""

    key: str
    """Its ARN."""
    state: str
    """`Disabled`, `PendingDeletion`...; empty where the policy refuses."""
    action: str
    why: Verdict = Verdict.NOT_ALLOWED


Check = Callable[[Call, World], None]


def _refusal(call: Call, world: World, reference: str, actions: tuple[str, ...], via: str = "") -> Refusal | None:
    """None where the key may be used, or is not a key of the account's own: keys of AWS itself always may, and what does not
    exist is for whoever answers the call to say.
    """
    key = _key(call, reference)
    if key is None:
        return None
    if key.key_state != "Enabled":
        return Refusal(key.arn, key.key_state, actions[0])
    region = key.arn.split(":")[3]
    context = {"kms:CallerAccount": call.account, "aws:PrincipalAccount": call.account}
    if via:
        context |= {"kms:ViaService": f"{via}.{region}.amazonaws.com", "kms:GrantIsForAWSResource": "true"}
    caller = str(world.invoke(call, "sts", "GetCallerIdentity")["Arn"])
    for action in actions:
        found = verdict(key.policy, action, caller, context)
        if found is not Verdict.ALLOWED:
            return Refusal(key.arn, "", action, found)
    # An explicit denial holds for whom a grant is given to as well.
    if via and verdict(key.policy, "kms:Decrypt", caller, context) is Verdict.DENIED:
        return Refusal(key.arn, "", "kms:Decrypt", Verdict.DENIED)
    return None


def _key(call: Call, reference: str) -> Any:
    """moto's own object; None where there is none."""
    from moto.backends import get_backend

    region = reference.split(":")[3] if reference.startswith("arn:") else call.region
    kms = get_backend("kms")[call.account][region]
    try:
        return kms.keys.get(kms.any_id_to_key_id(reference))
    except Exception as unknown:  # moto's own errors have no common class
        if "NotFound" in f"{type(unknown).__name__} {unknown}":
            return None
        raise


def _kms(action: str) -> Check:
    """KMS itself. Asked for a ciphertext without a key, it knows the key by the ciphertext."""

    def check(call: Call, world: World) -> None:
        reference = call.params.get("KeyId") or _named_by(call, call.params.get("CiphertextBlob") or b"")
        refusal = _refusal(call, world, str(reference), (f"kms:{action}",))
        if refusal is None:
            return
        if refusal.state == "Disabled":
            raise AwsError("DisabledException", f"{refusal.key} is disabled.")
        if refusal.state:
            raise AwsError("KMSInvalidStateException", f"{refusal.key} is {_said(refusal.state)}.")
        raise AwsError("AccessDeniedException", _unauthorized(call, world, refusal))

    return check


def _named_by(call: Call, ciphertext: bytes) -> str:
    """What moto encrypts begins with the first letters of the key's id."""
    from moto.backends import get_backend

    beginning = ciphertext[:36].decode("ascii", errors="replace")
    keys = get_backend("kms")[call.account][call.region].keys
    return next((str(each) for each in keys if each.startswith(beginning)), "")


def _said(state: str) -> str:
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in state).strip()


def _unauthorized(call: Call, world: World, refusal: Refusal) -> str:
    caller = world.invoke(call, "sts", "GetCallerIdentity")["Arn"]
    because = "with an explicit deny in a resource-based policy"
    if refusal.why is Verdict.NOT_ALLOWED:
        because = f"because no resource-based policy allows the {refusal.action} action"
    return f"User: {caller} is not authorized to perform: {refusal.action} on resource: {refusal.key} {because}"


Keys = Callable[[Call, World], Iterator[str]]


def _through(service: str, keys: Keys, code: str, says: Callable[[Refusal], str]) -> Check:
    """A service that uses keys by grants."""

    def check(call: Call, world: World) -> None:
        for reference in keys(call, world):
            refusal = _refusal(call, world, reference, _BY_GRANT, via=service)
            if refusal is not None:
                raise AwsError(code, says(refusal))

    return check


def _database_says(refusal: Refusal) -> str:
    why = "does not exist, is not enabled or you do not have permissions to access it"
    return f"The specified KMS key [{refusal.key}] {why}."


def _cluster_says(refusal: Refusal) -> str:
    why = _said(refusal.state)
    return (
        f"The KMS key {refusal.key} is {why}" if why else f"User not authorized to perform {refusal.action} operation"
    )


def _database_keys(call: Call, world: World) -> Iterator[str]:
    """Of what is restored or copied, and the one that the result is encrypted with."""
    params = call.params
    if name := params.get("SnapshotIdentifier") or params.get("SourceDBClusterSnapshotIdentifier"):
        yield from _described(
            call, world, str(name), "DescribeDBClusterSnapshots", "DBClusterSnapshotIdentifier", "DBClusterSnapshots"
        )
    if name := params.get("SourceDBClusterIdentifier"):
        yield from _described(call, world, str(name), "DescribeDBClusters", "DBClusterIdentifier", "DBClusters")
    if key := params.get("KmsKeyId"):
        yield str(key)


def _described(call: Call, world: World, name: str, operation: str, parameter: str, member: str) -> Iterator[str]:
    """The key of something of RDS, where it lies; nothing where it is gone, which is for the answer to say."""
    region, short = (name.split(":")[3], name.rpartition(":")[2]) if name.startswith("arn:") else (call.region, name)
    try:
        found = world.invoke(replace(call, region=region), "rds", operation, **{parameter: short})[member]
    except MotoRefusedError:
        return
    for each in found:
        if key := each.get("KmsKeyId"):
            yield key if key.startswith(("arn:", "alias/")) else f"arn:aws:kms:{region}:{call.account}:key/{key}"


def _table_says(refusal: Refusal) -> str:
    """DynamoDB documents its answer to a policy that refuses; here a state that refuses has the same."""
    return f"KMS key access denied error: {refusal.key} {_said(refusal.state) or f'does not allow {refusal.action}'}"


def _table_keys(call: Call, world: World) -> Iterator[str]:
    """Of the backup or table that is restored, and the one that the result is encrypted with."""
    params = call.params
    with suppress(MotoRefusedError):
        if backup := params.get("BackupArn"):
            found = world.invoke(call, "dynamodb", "DescribeBackup", BackupArn=backup)["BackupDescription"]
            described = found.get("SourceTableFeatureDetails") or {}
        else:
            name = str(params.get("SourceTableName") or params.get("SourceTableArn", "").rpartition("/")[2])
            described = world.invoke(call, "dynamodb", "DescribeTable", TableName=name)["Table"]
        if key := (described.get("SSEDescription") or {}).get("KMSMasterKeyArn"):
            yield str(key)
    if key := (params.get("SSESpecificationOverride") or {}).get("KMSMasterKeyId"):
        yield str(key)


def _cluster_keys(call: Call, _world: World) -> Iterator[str]:
    for each in call.params.get("encryptionConfig") or ():
        yield str(each["provider"]["keyArn"])


def _get_object(call: Call, world: World) -> None:
    """S3 decrypts for whoever reads, with what the reader may."""
    bucket = buckets(call).buckets.get(call.params["Bucket"])
    if bucket is None:
        return
    version = call.params.get("VersionId")
    versions = bucket.keys.getlist(call.params["Key"], [])
    found = next((each for each in reversed(versions) if version in (None, each.version_id)), None)
    key = getattr(found, "kms_key_id", None)
    if not key:
        return
    region = key.split(":")[3] if key.startswith("arn:") else bucket.region_name
    refusal = _refusal(replace(call, region=region), world, key, ("kms:Decrypt",))
    if refusal is None:
        return
    if refusal.state == "Disabled":
        raise AwsError("KMS.DisabledException", f"{refusal.key} is disabled.")
    if refusal.state:
        raise AwsError("KMS.KMSInvalidStateException", f"{refusal.key} is {_said(refusal.state)}.")
    raise AwsError("AccessDenied", _unauthorized(call, world, refusal), 403)


_KMS_USES = (
    "CreateGrant",
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "Sign",
    "Verify",
)

CHECKS: Mapping[tuple[str, str], Check] = {
    **{("kms", name): _kms(name) for name in _KMS_USES},
    **{
        ("rds", name): _through("rds", _database_keys, "KMSKeyNotAccessibleFault", _database_says)
        for name in (
            "CopyDBClusterSnapshot",
            "CreateDBCluster",
            "RestoreDBClusterFromSnapshot",
            "RestoreDBClusterToPointInTime",
        )
    },
    **{
        ("dynamodb", name): _through("dynamodb", _table_keys, "AccessDeniedException", _table_says)
        for name in ("RestoreTableFromBackup", "RestoreTableToPointInTime")
    },
    ("eks", "CreateCluster"): _through("eks", _cluster_keys, "InvalidRequestException", _cluster_says),
    ("s3", "GetObject"): _get_object,
}
"""By service and operation. Raises AwsError; others use no key, or a key of AWS's."""
