"""Tables, replica keys, buckets, backup plans, topics and records, where moto leaves something out or gets it wrong."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.aws.conftest import AwsServer

SLOW = {"latency_seconds": 0, "seconds_per_minute": 60}
AT_ONCE = {"latency_seconds": 0, "seconds_per_minute": 0}


def make_table(aws: AwsServer, name: str, **more: Any) -> dict[str, Any]:
    table: dict[str, Any] = aws.client("dynamodb").create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )["TableDescription"]
    return table


def table(aws: AwsServer, name: str) -> dict[str, Any]:
    found: dict[str, Any] = aws.client("dynamodb").describe_table(TableName=name)["Table"]
    return found


def test_a_table_is_creating_and_cannot_be_changed_meanwhile(aws: AwsServer, name: str) -> None:
    aws.control("PUT", "settings", SLOW)
    states = [make_table(aws, name)["TableStatus"], table(aws, name)["TableStatus"]]
    with pytest.raises(ClientError, match="ResourceInUseException"):
        aws.client("dynamodb").update_time_to_live(
            TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "e"}
        )
    aws.control("PUT", "settings", AT_ONCE)
    assert [*states, table(aws, name)["TableStatus"]] == ["CREATING", "CREATING", "ACTIVE"]


def test_a_protected_table_is_not_deleted(aws: AwsServer, name: str) -> None:
    make_table(aws, name, DeletionProtectionEnabled=True)
    with pytest.raises(ClientError, match="ValidationException"):
        aws.client("dynamodb").delete_table(TableName=name)
    aws.client("dynamodb").update_table(TableName=name, DeletionProtectionEnabled=False)
    aws.client("dynamodb").delete_table(TableName=name)


def test_the_class_and_the_encryption_of_a_table_change(aws: AwsServer, name: str) -> None:
    make_table(aws, name, SSESpecification={"Enabled": True, "SSEType": "KMS"})
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    update = aws.client("dynamodb").update_table
    update(TableName=name, TableClass="STANDARD_INFREQUENT_ACCESS")
    update(TableName=name, SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key})
    assert table(aws, name)["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert table(aws, name)["SSEDescription"]["KMSMasterKeyArn"] == key
    update(TableName=name, SSESpecification={"Enabled": False})
    assert "SSEDescription" not in table(aws, name)


def test_a_replica_key_is_a_key_of_its_own(aws: AwsServer) -> None:
    here, there = aws.client("kms"), aws.client("kms", "eu-west-1")
    primary = here.create_key(MultiRegion=True, Description="primary")["KeyMetadata"]
    here.enable_key_rotation(KeyId=primary["KeyId"])
    made = here.replicate_key(
        KeyId=primary["Arn"], ReplicaRegion="eu-west-1", Description="replica", Tags=[{"TagKey": "a", "TagValue": "b"}]
    )["ReplicaKeyMetadata"]
    there.disable_key(KeyId=made["KeyId"])
    replica = there.describe_key(KeyId=made["Arn"])["KeyMetadata"]
    assert (replica["Description"], replica["KeyState"]) == ("replica", "Disabled")
    assert replica["MultiRegionConfiguration"]["PrimaryKey"]["Arn"] == primary["Arn"]
    assert there.list_resource_tags(KeyId=made["KeyId"])["Tags"] == [{"TagKey": "a", "TagValue": "b"}]
    assert there.get_key_rotation_status(KeyId=made["KeyId"])["KeyRotationEnabled"]
    primary = here.describe_key(KeyId=primary["KeyId"])["KeyMetadata"]
    assert (primary["Description"], primary["KeyState"]) == ("primary", "Enabled")
    family = primary["MultiRegionConfiguration"]
    assert (family["MultiRegionKeyType"], [each["Region"] for each in family["ReplicaKeys"]]) == (
        "PRIMARY",
        ["eu-west-1"],
    )


def test_only_a_primary_key_without_a_key_there_is_replicated(aws: AwsServer) -> None:
    kms = aws.client("kms")
    single = kms.create_key()["KeyMetadata"]["KeyId"]
    with pytest.raises(ClientError, match="UnsupportedOperationException"):
        kms.replicate_key(KeyId=single, ReplicaRegion="eu-west-1")
    several = kms.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    kms.replicate_key(KeyId=several, ReplicaRegion="eu-west-1")
    with pytest.raises(ClientError, match="AlreadyExistsException"):
        kms.replicate_key(KeyId=several, ReplicaRegion="eu-west-1")


def test_a_bucket_is_made_with_its_tags(aws: AwsServer, name: str) -> None:
    s3 = aws.client("s3", "us-east-1")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"Tags": [{"Key": "a", "Value": "b"}]})
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == [{"Key": "a", "Value": "b"}]


def test_a_bucket_that_is_not_there_is_not_found(aws: AwsServer, name: str) -> None:
    with pytest.raises(ClientError) as refused:
        aws.client("s3").head_bucket(Bucket=name)
    assert refused.value.response["Error"]["Code"] == "404"


def test_lifecycle_rules_are_kept_whole(aws: AwsServer, name: str) -> None:
    s3 = aws.client("s3", "us-east-1")
    s3.create_bucket(Bucket=name)
    rule = {
        "ID": "old",
        "Status": "Enabled",
        "Filter": {"And": {"Prefix": "x/", "ObjectSizeGreaterThan": 5}},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30, "NewerNoncurrentVersions": 2},
    }
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [rule]})
    assert s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"] == [rule]
    s3.delete_bucket_lifecycle(Bucket=name)
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=name)


def test_versioning_of_a_locked_bucket_cannot_be_suspended(aws: AwsServer, name: str) -> None:
    s3 = aws.client("s3", "us-east-1")
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    with pytest.raises(ClientError, match="InvalidBucketState"):
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})


def test_the_retention_of_a_locked_bucket_changes_also_when_there_is_something_in_it(aws: AwsServer, name: str) -> None:
    s3 = aws.client("s3", "us-east-1")
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    s3.put_object(Bucket=name, Key="set", Body=b"rows")
    rules: list[dict[str, Any]] = [{"Mode": "GOVERNANCE", "Days": 3}, {"Mode": "COMPLIANCE", "Years": 1}]
    for rule in rules:
        lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": rule}}
        s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=lock)
        assert s3.get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"] == lock


def test_replication_rules_are_kept_whole(aws: AwsServer, name: str) -> None:
    s3 = aws.client("s3", "us-east-1")
    for bucket in (name, f"{name}-copy"):
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    rule = {
        "ID": "everything",
        "Priority": 1,
        "Status": "Enabled",
        "Filter": {"Prefix": "sets/"},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
        "Destination": {"Bucket": f"arn:aws:s3:::{name}-copy", "EncryptionConfiguration": {"ReplicaKmsKeyID": "key"}},
    }
    configuration = {"Role": "arn:aws:iam::123456789012:role/copies", "Rules": [rule]}
    s3.put_bucket_replication(Bucket=name, ReplicationConfiguration=configuration)
    assert s3.get_bucket_replication(Bucket=name)["ReplicationConfiguration"] == configuration
    s3.delete_bucket_replication(Bucket=name)
    with pytest.raises(ClientError, match="ReplicationConfigurationNotFoundError"):
        s3.get_bucket_replication(Bucket=name)


def plan_document(name: str, days: int) -> dict[str, Any]:
    rule = {"RuleName": "nightly", "TargetBackupVaultName": "vault", "Lifecycle": {"DeleteAfterDays": days}}
    return {"BackupPlanName": name, "Rules": [rule]}


def test_a_changed_backup_plan_is_a_new_version_of_it(aws: AwsServer, name: str) -> None:
    backup = aws.client("backup")
    made = backup.create_backup_plan(BackupPlan=plan_document(name, 7))
    changed = backup.update_backup_plan(BackupPlanId=made["BackupPlanId"], BackupPlan=plan_document(name, 35))
    found = backup.get_backup_plan(BackupPlanId=made["BackupPlanId"])
    assert made["VersionId"] != changed["VersionId"] == found["VersionId"]
    assert found["BackupPlan"]["Rules"][0]["Lifecycle"] == {"DeleteAfterDays": 35}


def test_a_plan_with_selections_is_not_deleted(aws: AwsServer, name: str) -> None:
    backup = aws.client("backup")
    plan = backup.create_backup_plan(BackupPlan=plan_document(name, 7))["BackupPlanId"]
    chosen = {"SelectionName": name, "IamRoleArn": "arn:aws:iam::123456789012:role/backups", "Resources": ["*"]}
    made = backup.create_backup_selection(BackupPlanId=plan, BackupSelection=chosen)["SelectionId"]
    with pytest.raises(ClientError, match="AlreadyExistsException"):
        backup.create_backup_selection(BackupPlanId=plan, BackupSelection=chosen)
    with pytest.raises(ClientError, match="InvalidRequestException"):
        backup.delete_backup_plan(BackupPlanId=plan)
    (listed,) = backup.list_backup_selections(BackupPlanId=plan)["BackupSelectionsList"]
    assert (listed["SelectionId"], listed["SelectionName"]) == (made, name)
    backup.delete_backup_selection(BackupPlanId=plan, SelectionId=made)
    backup.delete_backup_plan(BackupPlanId=plan)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        backup.get_backup_plan(BackupPlanId=plan)
    assert backup.create_backup_plan(BackupPlan=plan_document(name, 7))["BackupPlanId"] != plan


def test_a_topic_keeps_its_tracing_and_its_tags(aws: AwsServer, name: str) -> None:
    sns = aws.client("sns")
    made = {"Name": name, "Attributes": {"TracingConfig": "Active"}, "Tags": [{"Key": "a", "Value": "b"}]}
    arn = sns.create_topic(**made)["TopicArn"]
    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"]["TracingConfig"] == "Active"
    assert sns.create_topic(**made)["TopicArn"] == arn
    with pytest.raises(ClientError, match="already exists with different tags"):
        sns.create_topic(**{**made, "Tags": [{"Key": "a", "Value": "c"}]})


def test_subscriptions_of_a_topic_count_as_confirmed(aws: AwsServer, name: str) -> None:
    sns = aws.client("sns")
    arn = sns.create_topic(Name=name)["TopicArn"]
    counts = []
    for address in ("a@example.com", "b@example.com"):
        sns.subscribe(TopicArn=arn, Protocol="email", Endpoint=address)
        counts.append(sns.get_topic_attributes(TopicArn=arn)["Attributes"]["SubscriptionsConfirmed"])
    assert counts == ["1", "2"]


@pytest.fixture
def zone(aws: AwsServer, name: str) -> str:
    answer = aws.client("route53").create_hosted_zone(Name="example.org", CallerReference=name)
    return str(answer["HostedZone"]["Id"])


def change(aws: AwsServer, zone: str, action: str, value: str, record: str = "www.example.org") -> None:
    changed = {"Name": record, "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": value}]}
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": changed}]}
    aws.client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)


def records(aws: AwsServer, zone: str) -> list[str]:
    answer = aws.client("route53").list_resource_record_sets(HostedZoneId=zone)
    return [each["ResourceRecords"][0]["Value"] for each in answer["ResourceRecordSets"] if each["Type"] == "CNAME"]


def test_a_record_that_is_there_is_not_created_again(aws: AwsServer, zone: str) -> None:
    change(aws, zone, "CREATE", "a.example.net")
    with pytest.raises(ClientError, match="already exists"):
        change(aws, zone, "CREATE", "b.example.net", "WWW.example.org.")
    assert records(aws, zone) == ["a.example.net"]


def test_only_a_record_as_it_is_now_is_deleted(aws: AwsServer, zone: str) -> None:
    change(aws, zone, "CREATE", "a.example.net")
    change(aws, zone, "UPSERT", "b.example.net")
    with pytest.raises(ClientError, match="do not match the current values"):
        change(aws, zone, "DELETE", "a.example.net")
    change(aws, zone, "DELETE", "b.example.net", "www.example.org.")
    assert records(aws, zone) == []
    with pytest.raises(ClientError, match="was not found"):
        change(aws, zone, "DELETE", "b.example.net")
