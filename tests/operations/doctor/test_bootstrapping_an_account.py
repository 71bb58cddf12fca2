"""`ils bootstrap` makes the bucket and the key of Pulumi's state, and repairs them."""

from __future__ import annotations

import json

import pytest

from tests.operations.doctor.conftest import ALIAS, BUCKET, Machine

LOGS = "ils-dagster-logs"


def steps(machine: Machine) -> dict[str, bool]:
    done = machine.ils("bootstrap", "dev", "--json")
    assert done.returncode == 0, done.stderr
    return {each["what"]: each["changed"] for each in json.loads(done.stdout)["steps"]}


def test_an_empty_account_gets_all_of_it(machine: Machine) -> None:
    made = steps(machine)

    assert all(made.values())
    s3, kms = machine.account.client("s3"), machine.account.client("kms")
    key = kms.describe_key(KeyId=ALIAS)["KeyMetadata"]
    [rule] = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key["Arn"]}
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    assert all(s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values())
    assert "aws:SecureTransport" in s3.get_bucket_policy(Bucket=BUCKET)["Policy"]
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"]


def test_a_second_time_nothing_is_changed(ready: Machine) -> None:
    ready.account.sandbox.control("requests", method="DELETE")

    assert not any(steps(ready).values())
    requests = ready.account.sandbox.control("requests")
    assert [each["operation"] for each in requests if each["mutating"]] == []


def test_what_somebody_changed_is_put_right(ready: Machine) -> None:
    s3 = ready.account.client("s3")
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    s3.delete_public_access_block(Bucket=BUCKET)

    assert {what for what, changed in steps(ready).items() if changed} == {"every version kept", "no public access"}


def test_where_dagster_lives_there_is_a_bucket_for_its_logs_too(ready: Machine) -> None:
    home = {"image": "registry.example.com/ils-pipelines:1.0.0", "logs_bucket": LOGS, "logs_days": 30}
    ready.file(lambda document: document.update(dagster=home))
    s3 = ready.account.client("s3")
    try:
        made = {what for what, changed in steps(ready).items() if changed}
        assert made >= {f"bucket {LOGS}", "no public access", "logs kept for 30 days"}
        [rule] = s3.get_bucket_lifecycle_configuration(Bucket=LOGS)["Rules"]
        assert rule["Expiration"]["Days"] == 30
        [encrypted] = s3.get_bucket_encryption(Bucket=LOGS)["ServerSideEncryptionConfiguration"]["Rules"]
        assert encrypted["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
        assert not any(steps(ready).values())
    finally:
        s3.delete_bucket_tagging(Bucket=LOGS)  # as of the state bucket
        s3.delete_bucket(Bucket=LOGS)


def test_nothing_is_made_in_another_account(machine: Machine) -> None:
    machine.file(lambda document: document["aws"].update(account_id="210987654321"))
    done = machine.ils("bootstrap", "dev")

    assert done.returncode == 3
    assert "belongs into the AWS account 210987654321" in done.stderr
    assert machine.account.client("s3").list_buckets()["Buckets"] == []


@pytest.mark.parametrize(("service", "operation"), [("kms", "CreateKey"), ("s3", "PutBucketPolicy")])
def test_what_was_made_before_a_refusal_stays_and_the_next_run_goes_on(
    machine: Machine, service: str, operation: str
) -> None:
    fault = {"service": service, "operation": operation, "error_code": "AccessDenied", "status": 403}
    machine.account.sandbox.control("faults", fault, method="POST")
    refused = machine.ils("bootstrap", "dev")

    assert refused.returncode == 1
    assert "needs an administrator" in refused.stderr
    assert any(steps(machine).values())
    assert not any(steps(machine).values())
