"""A key that may not be used is refused as AWS refuses it: by KMS, and by the services that use it for somebody."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ils_sandbox.aws.overlay.key_policies import Verdict, verdict

ACCOUNT = "123456789012"
OWNED = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
OTHER_REGION = "eu-west-1"


def closed(*actions: str, **condition: Any) -> dict[str, Any]:
    """A policy of the account's, but for these."""
    denial = {"Effect": "Deny", "Principal": "*", "Action": list(actions), "Resource": "*"}
    return {
        "Version": "2012-10-17",
        "Statement": [OWNED, {**denial, **({"Condition": condition} if condition else {})}],
    }


@dataclass(frozen=True)
class Key:
    aws: Any
    arn: str

    def policy(self, document: dict[str, Any]) -> None:
        self.aws.client("kms").put_key_policy(KeyId=self.arn, PolicyName="default", Policy=json.dumps(document))

    def disable(self) -> None:
        self.aws.client("kms").disable_key(KeyId=self.arn)

    def schedule_deletion(self) -> None:
        self.aws.client("kms").schedule_key_deletion(KeyId=self.arn, PendingWindowInDays=7)


@pytest.fixture
def key(aws: Any) -> Key:
    return Key(aws, aws.client("kms").create_key()["KeyMetadata"]["Arn"])


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call()
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_what_a_disabled_key_encrypted_is_decrypted_when_it_is_enabled_again(aws: Any, key: Key) -> None:
    kms = aws.client("kms")
    blob = kms.encrypt(KeyId=key.arn, Plaintext=b"words")["CiphertextBlob"]
    key.disable()
    # Also where the key is known by the ciphertext alone.
    assert refused(lambda: kms.decrypt(CiphertextBlob=blob)) == ("DisabledException", f"{key.arn} is disabled.")
    assert refused(lambda: kms.generate_data_key(KeyId=key.arn, KeySpec="AES_256"))[0] == "DisabledException"
    kms.enable_key(KeyId=key.arn)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"words"


def test_a_key_that_waits_for_its_deletion_is_in_no_state_to_be_used(aws: Any, key: Key) -> None:
    key.schedule_deletion()
    code, message = refused(lambda: aws.client("kms").generate_data_key(KeyId=key.arn, KeySpec="AES_256"))
    assert (code, message) == ("KMSInvalidStateException", f"{key.arn} is pending deletion.")


def test_whom_the_policy_shuts_out_may_not_decrypt(aws: Any, key: Key) -> None:
    kms = aws.client("kms")
    blob = kms.encrypt(KeyId=key.arn, Plaintext=b"words")["CiphertextBlob"]
    key.policy(closed("kms:Decrypt"))
    code, message = refused(lambda: kms.decrypt(CiphertextBlob=blob, KeyId=key.arn))
    assert code == "AccessDeniedException"
    assert f"not authorized to perform: kms:Decrypt on resource: {key.arn} with an explicit deny" in message
    assert kms.encrypt(KeyId=key.arn, Plaintext=b"more")["KeyId"] == key.arn


def test_a_policy_that_leaves_the_account_out_lets_nobody_in(aws: Any, key: Key) -> None:
    other = {**OWNED, "Principal": {"Service": "logs.amazonaws.com"}}
    key.policy({"Version": "2012-10-17", "Statement": [other]})
    code, message = refused(lambda: aws.client("kms").generate_data_key(KeyId=key.arn, KeySpec="AES_256"))
    assert code == "AccessDeniedException"
    assert "because no resource-based policy allows the kms:GenerateDataKey action" in message


SPOILED = (Key.disable, Key.schedule_deletion, lambda key: key.policy(closed("kms:CreateGrant")))


@pytest.fixture
def snapshot(aws: Any, key: Key, name: str) -> Iterator[str]:
    """Of a cluster under the key."""
    rds = aws.client("rds")
    more = {"StorageEncrypted": True, "MasterUsername": "ils", "MasterUserPassword": "correct-horse"}
    rds.create_db_cluster(DBClusterIdentifier=name, Engine="aurora-postgresql", KmsKeyId=key.arn, **more)
    rds.create_db_cluster_snapshot(DBClusterIdentifier=name, DBClusterSnapshotIdentifier=name)
    yield name
    rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=name)
    rds.delete_db_cluster(DBClusterIdentifier=name, SkipFinalSnapshot=True)


@pytest.mark.parametrize("spoil", SPOILED, ids=["disabled", "pending deletion", "without a grant"])
def test_databases_are_neither_restored_nor_copied_without_their_key(
    aws: Any, key: Key, snapshot: str, spoil: Callable[[Key], None]
) -> None:
    rds, there = aws.client("rds"), aws.client("rds", OTHER_REGION)
    found = rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=snapshot)["DBClusterSnapshots"][0]
    other = aws.client("kms", OTHER_REGION).create_key()["KeyMetadata"]["Arn"]
    spoil(key)
    refusals = [
        refused(
            lambda: rds.restore_db_cluster_from_snapshot(
                DBClusterIdentifier=f"{snapshot}-r", SnapshotIdentifier=snapshot, Engine="aurora-postgresql"
            )
        ),
        refused(
            lambda: rds.restore_db_cluster_to_point_in_time(
                DBClusterIdentifier=f"{snapshot}-r",
                SourceDBClusterIdentifier=snapshot,
                UseLatestRestorableTime=True,
            )
        ),
        refused(
            lambda: there.copy_db_cluster_snapshot(
                SourceDBClusterSnapshotIdentifier=found["DBClusterSnapshotArn"],
                TargetDBClusterSnapshotIdentifier=f"{snapshot}-c",
                SourceRegion="eu-central-1",
                KmsKeyId=other,
            )
        ),
    ]
    assert {code for code, _ in refusals} == {"KMSKeyNotAccessibleFault"}
    assert all(key.arn in message for _, message in refusals)


def test_a_database_is_not_restored_under_a_key_that_its_user_may_not_use(aws: Any, snapshot: str) -> None:
    other = Key(aws, aws.client("kms").create_key()["KeyMetadata"]["Arn"])
    other.disable()
    code, message = refused(
        lambda: aws.client("rds").restore_db_cluster_from_snapshot(
            DBClusterIdentifier=f"{snapshot}-r",
            SnapshotIdentifier=snapshot,
            Engine="aurora-postgresql",
            KmsKeyId=other.arn,
        )
    )
    assert code == "KMSKeyNotAccessibleFault"
    assert other.arn in message


@pytest.mark.parametrize("spoil", SPOILED, ids=["disabled", "pending deletion", "without a grant"])
def test_tables_are_not_restored_without_their_key(aws: Any, key: Key, name: str, spoil: Callable[[Key], None]) -> None:
    dynamodb = aws.client("dynamodb")
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    backup = dynamodb.create_backup(TableName=name, BackupName=name)["BackupDetails"]["BackupArn"]
    spoil(key)
    under = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key.arn}
    restore = lambda: dynamodb.restore_table_from_backup(  # noqa: E731
        TargetTableName=f"{name}-r", BackupArn=backup, SSESpecificationOverride=under
    )
    code, message = refused(restore)
    assert code == "AccessDeniedException"
    assert message.startswith(f"KMS key access denied error: {key.arn}")


def test_objects_are_not_read_without_their_key(aws: Any, key: Key, name: str) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket=name, Key="o", Body=b"words", ServerSideEncryption="aws:kms", SSEKMSKeyId=key.arn)
    s3.put_object(Bucket=name, Key="plain", Body=b"words")
    read = lambda which: s3.get_object(Bucket=name, Key=which)["Body"].read()  # noqa: E731
    key.policy(closed("kms:Decrypt"))
    assert refused(lambda: read("o"))[0] == "AccessDenied"
    assert read("plain") == b"words"
    key.policy({"Version": "2012-10-17", "Statement": [OWNED]})
    assert read("o") == b"words"
    key.disable()
    assert refused(lambda: read("o"))[0] == "KMS.DisabledException"


def test_a_cluster_is_not_made_under_a_key_on_which_no_grant_may_be_given(aws: Any, key: Key, name: str) -> None:
    key.policy(closed("kms:CreateGrant"))
    code, message = refused(
        lambda: aws.client("eks").create_cluster(
            name=name,
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/none",
            resourcesVpcConfig={"subnetIds": []},
            encryptionConfig=[{"resources": ["secrets"], "provider": {"keyArn": key.arn}}],
        )
    )
    assert (code, message) == ("InvalidRequestException", "User not authorized to perform kms:CreateGrant operation")


CALLER = f"arn:aws:iam::{ACCOUNT}:user/somebody"
THROUGH_RDS = {"kms:ViaService": "rds.eu-central-1.amazonaws.com", "kms:CallerAccount": ACCOUNT}


@pytest.mark.parametrize(
    ("condition", "context", "holds"),
    [
        ({"StringEquals": {"kms:ViaService": ["s3.eu-central-1.amazonaws.com"]}}, THROUGH_RDS, False),
        ({"StringEquals": {"kms:viaservice": ["rds.eu-central-1.amazonaws.com"]}}, THROUGH_RDS, True),
        ({"StringLike": {"kms:ViaService": "rds.*.amazonaws.com"}}, THROUGH_RDS, True),
        ({"StringEquals": {"kms:ViaService": "rds.eu-central-1.amazonaws.com"}}, {}, False),
        ({"StringNotEquals": {"kms:ViaService": "rds.eu-central-1.amazonaws.com"}}, {}, True),
        ({"StringEqualsIfExists": {"kms:ViaService": "x"}}, {}, True),
        ({"Null": {"kms:ViaService": "true"}}, {}, True),
        ({"Null": {"kms:ViaService": True}}, THROUGH_RDS, False),
        ({"Bool": {"kms:GrantIsForAWSResource": True}}, {"kms:GrantIsForAWSResource": "true"}, True),
        ({"StringEquals": {"kms:CallerAccount": ACCOUNT, "kms:ViaService": "x"}}, THROUGH_RDS, False),
    ],
)
def test_conditions_of_a_policy_are_compared_as_iam_does(
    condition: dict[str, Any], context: dict[str, str], holds: bool
) -> None:
    policy = json.dumps({"Statement": {**OWNED, "Condition": condition}})
    found = verdict(policy, "kms:Decrypt", CALLER, context)
    assert found is (Verdict.ALLOWED if holds else Verdict.NOT_ALLOWED)
    denied = json.dumps(closed("kms:Decrypt", **condition))
    assert verdict(denied, "kms:Decrypt", CALLER, context) is (Verdict.DENIED if holds else Verdict.ALLOWED)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ({**OWNED, "Principal": {"AWS": CALLER}}, Verdict.ALLOWED),
        ({**OWNED, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/else"}}, Verdict.NOT_ALLOWED),
        ({**OWNED, "Principal": {"Service": "rds.amazonaws.com"}}, Verdict.NOT_ALLOWED),
        ({**OWNED, "Action": ["kms:encrypt", "kms:de*"]}, Verdict.ALLOWED),
        ({**OWNED, "Action": "kms:Describe*"}, Verdict.NOT_ALLOWED),
        (
            {key: value for key, value in OWNED.items() if key != "Action"} | {"NotAction": "kms:Decrypt"},
            Verdict.NOT_ALLOWED,
        ),
    ],
)
def test_a_statement_is_about_its_actions_and_principals(statement: dict[str, Any], found: Verdict) -> None:
    assert verdict(json.dumps({"Statement": [statement]}), "kms:Decrypt", CALLER, {}) is found
