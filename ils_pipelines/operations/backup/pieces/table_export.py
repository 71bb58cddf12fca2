"""DynamoDB exports, one for each table: on-demand backups do not leave their region, a table can be made of these anywhere.

DynamoDB writes into the bucket of transfers, as its documentation says nothing of locked ones; from there each file goes into
the set under the same key. Of a table whose point-in-time recovery is off it exports nothing: then there is no such piece.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from ils_pipelines.operations.backup.context import PieceFailed, SetContext, Task, utc_now
from ils_pipelines.operations.backup.details import KeptFile, Piece, PieceKind, TableExport
from ils_pipelines.operations.backup.items import ItemsDigest, read_through
from ils_pipelines.operations.backup.pieces.in_bucket import file_problems
from ils_pipelines.operations.backup.pieces.table_backup import TABLES, kept_table
from ils_pipelines.operations.backup.transfer import Transfer
from ils_pipelines.operations.backup.upload import upload
from ils_pipelines.settings.layers import Layer

PREFIX = "table-export-"
SUMMARY, LIST = "manifest-summary.json", "manifest-files.json"
"""As DynamoDB names them."""
WITHIN = timedelta(hours=8)
_ATTEMPTS = 5
"""An export that failed is answered for eight hours to whoever asks for it with the same token."""


def tasks(context: SetContext) -> Iterator[Task]:
    if context.target.environment.tables.recovery_days:
        for table in TABLES:
            yield Task(f"{PREFIX}{table}", PieceKind.TABLE_EXPORT, partial(_take, table))


def _take(which: str, context: SetContext) -> Piece:
    dynamodb, started = context.client("dynamodb"), utc_now()
    table = context.output(Layer.TABLES, f"{which}_table_name")
    described = dynamodb.describe_table(TableName=table)["Table"]
    transfer, digest = Transfer.of(context.target, context.places.here), ItemsDigest()
    export = _finished(context, dynamodb, transfer, described["TableArn"], which)
    folder = _folder(context, which, export)
    summary = json.loads(transfer.read(f"{folder}/{SUMMARY}"))
    files = [_kept(context, key, transfer.chunks(key)) for key in (f"{folder}/{SUMMARY}", f"{folder}/{LIST}")]
    for line in transfer.read(f"{folder}/{LIST}").splitlines():
        listed = json.loads(line)
        key = f"{folder}/data/{listed['dataFileS3Key'].rpartition('/')[2]}"
        context.say(f"keeping {listed['itemCount']} items of {table}")
        files.append(_kept(context, key, _items(transfer, key, listed["md5Checksum"], digest)))
    if digest.count != summary["itemCount"]:
        raise PieceFailed(
            f"expected the export of {table} to hold {summary['itemCount']} items, found {digest.count}. Take the set again."
        )
    transfer.forget(f"{context.data_key(PREFIX + which)}/")
    return Piece(
        name=f"{PREFIX}{which}",
        region=context.places.here.region,
        arn=export["ExportArn"],
        size=sum(each.size for each in files),
        started=started,
        finished=utc_now(),
        consistency_point=export["ExportTime"],
        details=TableExport(
            **kept_table(dynamodb, described).model_dump(),
            keys=tuple(f"{key['AttributeName']} {key['KeyType']}" for key in described["KeySchema"]),
            attributes=tuple(
                (each["AttributeName"], each["AttributeType"]) for each in described["AttributeDefinitions"]
            ),
            data=f"{folder}/data/",
            files=tuple(files),
            items=digest.count,
            checksum=digest.checksum,
        ),
    )


def _folder(context: SetContext, which: str, export: dict[str, Any]) -> str:
    """Where DynamoDB puts an export below the prefix that it was given."""
    return f"{context.data_key(PREFIX + which)}/AWSDynamoDB/{export['ExportArn'].rpartition('/')[2]}"


def _kept(context: SetContext, key: str, chunks: Iterable[bytes]) -> KeptFile:
    uploaded = upload(context.bucket.s3, context.bucket.side.bucket, key, chunks)
    return KeptFile(object=uploaded.ref, size=uploaded.size, sha256=uploaded.sha256)


def _items(transfer: Transfer, key: str, checksum: str, digest: ItemsDigest) -> Iterator[bytes]:
    """The content of a file, compared with what DynamoDB says of it. Raises `PieceFailed`."""
    md5 = hashlib.md5(usedforsecurity=False)
    try:
        for chunk in read_through(digest, transfer.chunks(key)):
            md5.update(chunk)
            yield chunk
    except (ValueError, KeyError, zlib.error) as error:
        raise PieceFailed(
            f"expected gzipped items in {key}, found something else ({error}). Take the set again."
        ) from error
    if base64.b64encode(md5.digest()).decode() != checksum:
        raise PieceFailed(
            f"expected {key} as DynamoDB wrote it, found that its checksum does not hold. Take the set again."
        )


def _finished(context: SetContext, dynamodb: Any, transfer: Transfer, table_arn: str, which: str) -> dict[str, Any]:
    """The export, which an interrupted run may have begun. Raises `PieceFailed` with what DynamoDB says of it."""
    why = ""
    for attempt in range(_ATTEMPTS):
        arn = dynamodb.export_table_to_point_in_time(
            TableArn=table_arn,
            S3Bucket=context.places.here.transfers,
            S3Prefix=context.data_key(f"{PREFIX}{which}"),
            S3SseAlgorithm="KMS",
            S3SseKmsKeyId=context.places.here.key_arn,
            ExportFormat="DYNAMODB_JSON",
            ClientToken=f"{context.set_id.resource_name}-{which}-{attempt}",
        )["ExportDescription"]["ExportArn"]
        latest: dict[str, Any] = {}

        def ready(arn: str = arn, latest: dict[str, Any] = latest) -> bool:
            latest.update(dynamodb.describe_export(ExportArn=arn)["ExportDescription"])
            return bool(latest["ExportStatus"] != "IN_PROGRESS")

        context.wait(f"the export {arn}", ready, WITHIN)
        if latest["ExportStatus"] != "COMPLETED":
            why = f"{latest.get('FailureCode')}: {latest.get('FailureMessage')}"
        elif transfer.has(f"{_folder(context, which, latest)}/{SUMMARY}"):
            return latest
        else:
            why = "what it wrote is gone"
    raise PieceFailed(f"expected DynamoDB to export {table_arn}, found {_ATTEMPTS} exports that failed ({why}).")


def problems(context: SetContext, piece: Piece) -> Iterator[str]:
    """What is wrong with any of the files or its copy, in words."""
    details = piece.details
    assert isinstance(details, TableExport)  # noqa: S101 the table says so
    yield from file_problems(context, details.files)
