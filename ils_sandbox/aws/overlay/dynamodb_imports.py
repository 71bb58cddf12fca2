"""DynamoDB's imports from S3: a new table of what lies below a prefix. moto knows nothing between begun and done."""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay import durations
from ils_sandbox.aws.overlay.s3_objects import find_bucket
from ils_sandbox.aws.overlay.world import Result, World
from ils_sandbox.aws.responses import AwsError

IMPORTS = "dynamodb.imports"
_LOGS = "/aws-dynamodb/imports"


def import_table(call: Call, world: World) -> tuple[Result, str]:
    """The answer, and the name of the table that is made; empty where none is."""
    params = call.params
    imports, token = world.table(IMPORTS, call), params.get("ClientToken")
    for known in imports.values():
        if token and known["ClientToken"] == token:
            if known["asked"] != params:
                raise AwsError("ImportConflictException", f"Client token {token} has other parameters.")
            return {"ImportTableDescription": _described(world, known)}, ""
    if params["InputFormat"] != "DYNAMODB_JSON" or params.get("InputCompressionType") == "ZSTD":
        message = "Imports of anything else than DYNAMODB_JSON, gzipped or plain, are unsupported in the sandbox"
        raise AwsError("InternalServerError", message, 501)
    wanted = params["TableCreationParameters"]
    name = wanted["TableName"]
    if name in world.backend(call, "dynamodb").tables:
        raise AwsError("ResourceInUseException", f"Table already exists: {name}")
    arn, now = f"arn:aws:dynamodb:{call.region}:{call.account}:table/{name}", datetime.now(UTC)
    made: Result = {
        "asked": params,
        "ImportArn": f"{arn}/import/{uuid.uuid4().hex}",
        "ImportStatus": "COMPLETED",
        "TableArn": arn,
        "ClientToken": token,
        "S3BucketSource": params["S3BucketSource"],
        "CloudWatchLogGroupArn": f"arn:aws:logs:{call.region}:{call.account}:log-group:{_LOGS}:*",
        "InputFormat": params["InputFormat"],
        "InputCompressionType": params.get("InputCompressionType") or "NONE",
        "TableCreationParameters": wanted,
        "StartTime": now,
        "EndTime": now,
    }
    bucket = find_bucket(call, params["S3BucketSource"]["S3Bucket"])
    if bucket is None:
        made.update(_failure("S3NoSuchBucket", "The specified bucket does not exist"))
        name = ""
    else:
        world.invoke(call, "dynamodb", "CreateTable", **wanted)
        made.update(_fill(world.backend(call, "dynamodb").get_table(name), bucket, made))
    imports[made["ImportArn"]] = made
    world.lifecycles.begin(made["ImportArn"], "IN_PROGRESS", durations.DYNAMODB_TABLE_IMPORT)
    return {"ImportTableDescription": _described(world, made)}, name


def _fill(table: Any, bucket: Any, made: Result) -> Result:
    """Put in what can be read; the first thing that cannot be is why the import failed, and the rest is there."""
    from moto.dynamodb.exceptions import MockValidationException

    counts = {"ProcessedSizeBytes": 0, "ProcessedItemCount": 0, "ImportedItemCount": 0, "ErrorCount": 0}
    wrong = ""
    for content in _contents(bucket, made["S3BucketSource"].get("S3KeyPrefix") or ""):
        counts["ProcessedSizeBytes"] += len(content)
        try:
            plain = gzip.decompress(content) if made["InputCompressionType"] == "GZIP" else content
            lines = plain.decode().splitlines()
        except (OSError, EOFError, UnicodeDecodeError) as error:
            counts["ErrorCount"] += 1
            wrong = wrong or str(error)
            continue
        for line in lines:
            counts["ProcessedItemCount"] += 1
            try:
                table.put_item(item_attrs=json.loads(line)["Item"])
                counts["ImportedItemCount"] += 1
            except (ValueError, KeyError, TypeError, MockValidationException) as error:
                counts["ErrorCount"] += 1
                wrong = wrong or str(error)
    return counts | (_failure("ItemValidationError", wrong) if wrong else {})


def _contents(bucket: Any, prefix: str) -> Iterator[bytes]:
    """The newest version of every object below the prefix; what was deleted is none."""
    for name in sorted(bucket.keys):
        key = bucket.keys.get(name)
        if name.startswith(prefix) and hasattr(key, "value"):
            yield key.value


def _failure(code: str, message: str) -> Result:
    return {"ImportStatus": "FAILED", "FailureCode": code, "FailureMessage": message}


def describe_import(call: Call, world: World) -> Result:
    found = world.table(IMPORTS, call).get(call.params["ImportArn"])
    if found is None:
        raise AwsError("ImportNotFoundException", f"Import not found: {call.params['ImportArn']}")
    return {"ImportTableDescription": _described(world, found)}


def list_imports(call: Call, world: World) -> Result:
    of = call.params.get("TableArn")
    imports = [each for each in world.table(IMPORTS, call).values() if of in (None, each["TableArn"])]
    return {"ImportSummaryList": [_described(world, each) for each in imports]}


def _described(world: World, made: Result) -> Result:
    described = {key: value for key, value in made.items() if key != "asked" and value is not None}
    phase = world.lifecycles.phase(made["ImportArn"])
    if phase is None:
        return described
    unknown = ("EndTime", "FailureCode", "FailureMessage")
    return {key: value for key, value in described.items() if key not in unknown} | {"ImportStatus": phase}
