"""DynamoDB's exports to S3, in AWS's layout and format: moto writes the items alone, as they are now, and no manifest.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay import durations
from ils_sandbox.aws.overlay.dynamodb_recovery import aware, find_table, recorder_of
from ils_sandbox.aws.overlay.s3_objects import find_bucket, store_object
from ils_sandbox.aws.overlay.world import Result, World
from ils_sandbox.aws.responses import AwsError

EXPORTS = "dynamodb.exports"
ITEMS_OF_A_FILE = 20_000
"""AWS writes a file for each partition, of which a table of this size has one."""
_FORMAT_VERSION = "2020-06-30"


def export_table(call: Call, world: World) -> Result:
    """Written at once, and said to be under way for a while."""
    params = call.params
    table = find_table(call, world, params["TableArn"])
    exports, token = world.table(EXPORTS, call), params.get("ClientToken")
    for known in exports.values():
        if token and known["ClientToken"] == token:
            if known["asked"] != params:
                raise AwsError("ExportConflictException", f"Client token {token} has other parameters.")
            return {"ExportDescription": _described(world, known)}
    items, moment = _items(call, world, table)
    now = datetime.now(UTC)
    name = f"{time.time_ns() // 1_000_000:014d}-{uuid.uuid4().hex[:8]}"
    folder = "/".join(part for part in (params.get("S3Prefix", "").strip("/"), "AWSDynamoDB", name) if part)
    export: Result = {
        "asked": params,
        "ExportArn": f"{table.table_arn}/export/{name}",
        "ExportStatus": "COMPLETED",
        "StartTime": now,
        "EndTime": now,
        "ExportManifest": f"{folder}/manifest-summary.json",
        "TableArn": table.table_arn,
        "TableId": str(uuid.uuid5(uuid.NAMESPACE_URL, table.table_arn)),
        "ExportTime": moment,
        "ClientToken": token,
        "S3Bucket": params["S3Bucket"],
        "S3Prefix": params.get("S3Prefix"),
        "S3SseAlgorithm": params.get("S3SseAlgorithm") or "AES256",
        "S3SseKmsKeyId": params.get("S3SseKmsKeyId"),
        "ExportFormat": "DYNAMODB_JSON",
        "ExportType": "FULL_EXPORT",
        "ItemCount": len(items),
    }
    if find_bucket(call, params["S3Bucket"]) is None:
        why = {"FailureCode": "S3NoSuchBucket", "FailureMessage": "The specified bucket does not exist"}
        export.update(ExportStatus="FAILED", **why)
    else:
        export["BilledSizeBytes"] = _write(call, world, export, folder, items)
    exports[export["ExportArn"]] = export
    world.lifecycles.begin(export["ExportArn"], "IN_PROGRESS", durations.DYNAMODB_EXPORT)
    return {"ExportDescription": _described(world, export)}


def _items(call: Call, world: World, table: Any) -> tuple[list[str], datetime]:
    """Each item as a line, and the moment that they are of. Raises what DynamoDB refuses."""
    params = call.params
    for name, only in (("ExportType", "FULL_EXPORT"), ("ExportFormat", "DYNAMODB_JSON")):
        if params.get(name) not in (None, only):
            raise AwsError("InternalServerError", f"{name} {params[name]} is unsupported in the sandbox", 501)
    recorder = recorder_of(call, world, table.name)
    if recorder is None:
        message = f"Point in time recovery is not enabled for table '{table.name}'"
        raise AwsError("PointInTimeRecoveryUnavailableException", message)
    recorder.forget_old()
    now = datetime.now(UTC)
    moment = aware(params["ExportTime"]) if params.get("ExportTime") else now
    if not recorder.since <= moment <= now:
        message = f"ExportTime has to be between {recorder.since.isoformat()} and {now.isoformat()}"
        raise AwsError("InvalidExportTimeException", message)
    from moto.dynamodb.models.utilities import dynamo_json_dump

    return [dynamo_json_dump(item.to_json(root_attr_name="Item")) for item in recorder.items_at(moment)], moment


def _write(call: Call, world: World, export: Result, folder: str, items: Sequence[str]) -> int:
    """All objects of the export, the summary last; bytes of the items."""

    def write(name: str, content: bytes) -> None:
        encryption = {"ServerSideEncryption": "AES256"}
        if export["S3SseAlgorithm"] == "KMS":
            encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": export["S3SseKmsKeyId"]}
        store_object(call, world, export["S3Bucket"], f"{folder}/{name}", content, **encryption)

    def write_with_sum(name: str, content: bytes) -> None:
        write(f"{name}.json", content)
        write(f"{name}.md5", _md5(content).encode())

    write("_started", b"")
    files = []
    for lines in _parts(items):
        content = gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0)
        name = f"data/{base64.b32encode(uuid.uuid4().bytes).decode().lower().strip('=')}.json.gz"
        write(name, content)
        files.append(
            {
                "itemCount": len(lines),
                "md5Checksum": _md5(content),
                "etag": hashlib.md5(content, usedforsecurity=False).hexdigest(),
                "dataFileS3Key": f"{folder}/{name}",
            }
        )
    write_with_sum("manifest-files", "".join(f"{json.dumps(each)}\n" for each in files).encode())
    size = sum(len(line) for line in items)
    write_with_sum("manifest-summary", json.dumps(_summary(export, folder, size)).encode())
    return size


def _parts(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, max(len(items), 1), ITEMS_OF_A_FILE):
        yield items[start : start + ITEMS_OF_A_FILE]


def _summary(export: Result, folder: str, size: int) -> Result:
    return {
        "version": _FORMAT_VERSION,
        "exportArn": export["ExportArn"],
        "startTime": _text(export["StartTime"]),
        "endTime": _text(export["EndTime"]),
        "tableArn": export["TableArn"],
        "tableId": export["TableId"],
        "exportTime": _text(export["ExportTime"]),
        "s3Bucket": export["S3Bucket"],
        "s3Prefix": export["S3Prefix"],
        "s3SseAlgorithm": export["S3SseAlgorithm"],
        "s3SseKmsKeyId": export["S3SseKmsKeyId"],
        "manifestFilesS3Key": f"{folder}/manifest-files.json",
        "billedSizeBytes": size,
        "itemCount": export["ItemCount"],
        "outputFormat": "DYNAMODB_JSON",
        "exportType": "FULL_EXPORT",
    }


def _md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def describe_export(call: Call, world: World) -> Result:
    found = world.table(EXPORTS, call).get(call.params["ExportArn"])
    if found is None:
        raise AwsError("ExportNotFoundException", f"Export not found: {call.params['ExportArn']}")
    return {"ExportDescription": _described(world, found)}


def list_exports(call: Call, world: World) -> Result:
    of = call.params.get("TableArn")
    exports = [each for each in world.table(EXPORTS, call).values() if of in (None, each["TableArn"])]
    return {"ExportSummaries": [_described(world, each) for each in exports]}


def _described(world: World, export: Result) -> Result:
    described = {key: value for key, value in export.items() if key != "asked" and value is not None}
    phase = world.lifecycles.phase(export["ExportArn"])
    if phase is None:
        return described
    unknown = ("EndTime", "ExportManifest", "ItemCount", "BilledSizeBytes", "FailureCode", "FailureMessage")
    return {key: value for key, value in described.items() if key not in unknown} | {"ExportStatus": phase}
