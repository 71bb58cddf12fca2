"""A table exported to S3 is there in AWS's layout, and a table that is made of it holds the same, in any region."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.aws_server import REGION

KEYS: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [
        {"AttributeName": "id", "AttributeType": "S"},
        {"AttributeName": "who", "AttributeType": "S"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by-who",
            "KeySchema": [{"AttributeName": "who", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}
ITEMS = [
    {"id": {"S": "1"}, "who": {"S": "Ada"}, "n": {"N": "1.50"}, "b": {"B": b"\x00\xff"}, "t": {"BOOL": True}},
    {"id": {"S": "2"}, "m": {"M": {"l": {"L": [{"N": "1"}, {"NULL": True}]}}}, "s": {"SS": ["a", "b"]}},
]


def table_of(server: Any, name: str, *, recovery: bool = True) -> Any:
    client = server.client("dynamodb")
    client.create_table(TableName=name, **KEYS)
    if recovery:
        client.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    for item in ITEMS:
        client.put_item(TableName=name, Item=item)
    return client


@pytest.fixture
def bucket(aws: Any, name: str) -> str:
    aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return name


def export(client: Any, name: str, bucket: str, **more: Any) -> dict[str, Any]:
    arn = client.describe_table(TableName=name)["Table"]["TableArn"]
    made = client.export_table_to_point_in_time(TableArn=arn, S3Bucket=bucket, S3Prefix="here", **more)
    return described(client.describe_export, "ExportDescription", ExportArn=made["ExportDescription"]["ExportArn"])


def described(describe: Any, member: str, **of: str) -> dict[str, Any]:
    """What there is once it is over."""
    while True:
        found: dict[str, Any] = describe(**of)[member]
        if "IN_PROGRESS" not in (found.get("ExportStatus"), found.get("ImportStatus")):
            return found
        time.sleep(0.02)


def restore(client: Any, name: str, bucket: str, prefix: str, **more: Any) -> dict[str, Any]:
    made = client.import_table(
        S3BucketSource={"S3Bucket": bucket, "S3KeyPrefix": prefix},
        InputFormat="DYNAMODB_JSON",
        InputCompressionType="GZIP",
        TableCreationParameters={"TableName": name, **KEYS},
        **more,
    )
    return described(
        client.describe_import, "ImportTableDescription", ImportArn=made["ImportTableDescription"]["ImportArn"]
    )


def items(client: Any, name: str) -> list[dict[str, Any]]:
    return sorted(client.scan(TableName=name)["Items"], key=lambda item: item["id"]["S"])


def test_an_export_is_laid_out_as_aws_does(aws: Any, name: str, bucket: str) -> None:
    client, s3 = table_of(aws, name), aws.client("s3")
    done = export(client, name, bucket)

    def read(key: str) -> bytes:
        content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    assert (done["ExportStatus"], done["ItemCount"]) == ("COMPLETED", 2)
    folder = done["ExportManifest"].removesuffix("/manifest-summary.json")
    assert folder == f"here/AWSDynamoDB/{done['ExportArn'].rpartition('/')[2]}"
    summary = json.loads(read(done["ExportManifest"]))
    assert (summary["itemCount"], summary["outputFormat"]) == (2, "DYNAMODB_JSON")
    (listed,) = [json.loads(line) for line in read(summary["manifestFilesS3Key"]).splitlines()]
    content = read(listed["dataFileS3Key"])
    assert base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode() == listed["md5Checksum"]
    lines = [json.loads(line)["Item"] for line in gzip.decompress(content).splitlines()]
    assert {line["id"]["S"]: line.get("b") for line in lines} == {"1": {"B": "AP8="}, "2": None}
    keys = {each["Key"].removeprefix(f"{folder}/") for each in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert keys - {listed["dataFileS3Key"].removeprefix(f"{folder}/")} == {
        "_started",
        "manifest-files.json",
        "manifest-files.md5",
        "manifest-summary.json",
        "manifest-summary.md5",
    }


def test_a_table_made_of_an_export_holds_the_same_in_another_region(aws: Any, name: str, bucket: str) -> None:
    source = table_of(aws, name)
    folder = export(source, name, bucket)["ExportManifest"].rpartition("/")[0]
    away = aws.client("dynamodb", region="us-west-2")
    done = restore(away, name, bucket, f"{folder}/data/")

    assert (done["ImportStatus"], done["ImportedItemCount"], done["ErrorCount"]) == ("COMPLETED", 2, 0)
    assert items(away, name) == items(source, name)
    table = away.describe_table(TableName=name)["Table"]
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["by-who"]
    found = away.query(
        TableName=name,
        IndexName="by-who",
        KeyConditionExpression="who = :who",
        ExpressionAttributeValues={":who": {"S": "Ada"}},
    )
    assert found["Count"] == 1


def test_an_export_is_of_the_moment_that_was_asked_for(aws: Any, name: str, bucket: str) -> None:
    client = table_of(aws, name)
    moment = datetime.now(UTC) + timedelta(seconds=1)
    while datetime.now(UTC) < moment:
        time.sleep(0.02)
    client.delete_item(TableName=name, Key={"id": {"S": "1"}})
    assert export(client, name, bucket, ExportTime=moment.replace(microsecond=0))["ItemCount"] == 2
    assert export(client, name, bucket)["ItemCount"] == 1


def test_the_same_token_makes_one_export_and_one_import(aws: Any, name: str, bucket: str) -> None:
    client = table_of(aws, name)
    first, again = (export(client, name, bucket, ClientToken="once") for _ in range(2))
    assert first == again
    data = first["ExportManifest"].rpartition("/")[0] + "/data/"
    made = [restore(client, f"{name}-i", bucket, data, ClientToken="once") for _ in range(2)]
    assert made[0]["ImportArn"] == made[1]["ImportArn"]
    with pytest.raises(ClientError, match="ImportConflictException"):
        restore(client, f"{name}-other", bucket, data, ClientToken="once")


def test_without_point_in_time_recovery_nothing_is_exported(aws: Any, name: str, bucket: str) -> None:
    with pytest.raises(ClientError, match="PointInTimeRecoveryUnavailableException"):
        export(table_of(aws, name, recovery=False), name, bucket)


def test_a_moment_outside_the_window_is_refused(aws: Any, name: str, bucket: str) -> None:
    with pytest.raises(ClientError, match="InvalidExportTimeException"):
        export(table_of(aws, name), name, bucket, ExportTime=datetime.now(UTC) - timedelta(days=1))


def test_a_bucket_that_is_not_there_fails_both(aws: Any, name: str) -> None:
    client = table_of(aws, name)
    assert export(client, name, "never-was")["FailureCode"] == "S3NoSuchBucket"
    assert restore(client, f"{name}-i", "never-was", "")["FailureCode"] == "S3NoSuchBucket"
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_table(TableName=f"{name}-i")


def test_a_table_that_is_there_is_not_imported_into(aws: Any, name: str, bucket: str) -> None:
    client = table_of(aws, name)
    with pytest.raises(client.exceptions.ResourceInUseException):
        restore(client, name, bucket, "")


def test_what_is_no_item_fails_an_import(aws: Any, name: str, bucket: str) -> None:
    client, s3 = aws.client("dynamodb"), aws.client("s3")
    good = gzip.compress(json.dumps({"Item": {"id": {"S": "1"}}}).encode() + b"\n")
    s3.put_object(Bucket=bucket, Key="data/1.json.gz", Body=good)
    s3.put_object(Bucket=bucket, Key="data/2.json.gz", Body=good[: len(good) // 2])
    done = restore(client, f"{name}-i", bucket, "data/")
    assert (done["ImportStatus"], done["FailureCode"]) == ("FAILED", "ItemValidationError")
    assert (done["ImportedItemCount"], done["ErrorCount"]) == (1, 1)
