"""What a set holds of tables and caches in files, made ready for DynamoDB and ElastiCache to begin with, in any region."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from ils_pipelines.operations.backup.details import Piece, TableExport
from ils_pipelines.operations.backup.places import find_places
from ils_pipelines.operations.backup.transfer import Transfer
from ils_pipelines.operations.backup.upload import upload
from ils_pipelines.operations.restore.cache import FromFile
from ils_pipelines.operations.restore.errors import RestoreFailed, restoring
from ils_pipelines.operations.restore.place import Place
from ils_pipelines.operations.restore.tables import FromExport, Index

if TYPE_CHECKING:
    from ils_pipelines.operations.backup.bucket import SetBucket
    from ils_pipelines.targets.protocol import Target


def export_of(bucket: SetBucket, piece: Piece) -> FromExport:
    """What a table is made of. DynamoDB takes the newest version of whatever lies there: raises `RestoreFailed` unless that
    is what was backed up, and `NoBackupPlace`.
    """
    details = piece.details
    assert isinstance(details, TableExport)  # noqa: S101
    wrong = list(_differences(bucket, details))
    if wrong:
        raise RestoreFailed(
            f"expected {bucket.place(details.data)} to hold what {piece.name} is made of, found {'; '.join(wrong)}. "
            "Delete what lies on top of it, or use the copy in the other region, or another set."
        )
    return FromExport(
        bucket=bucket.side.bucket,
        data=details.data,
        keys=details.keys,
        attributes=details.attributes,
        indexes=tuple(Index(index.name, index.keys, index.projection) for index in details.indexes),
    )


def _differences(bucket: SetBucket, details: TableExport) -> Iterator[str]:
    expected = {
        each.object.key: each.object.version for each in details.files if each.object.key.startswith(details.data)
    }
    found = bucket.newest_versions(details.data)
    for key in sorted({*expected, *found}):
        if expected.get(key) != found.get(key):
            yield f"version {found.get(key) or 'none'} of {key}, not {expected.get(key) or 'none'}"


def begin_transfer(target: Target, place: Place, bucket: SetBucket, piece: Piece) -> FromFile:
    """Put the file of a cache where ElastiCache can read it: in a bucket of the region restored to, under S3's own key.

    Raises `RestoreFailed`, when the file is not what was backed up as well.
    """
    assert piece.object is not None  # noqa: S101 it is an object of the bucket
    transfer, key = _transfer(target, place), file_key(place)
    with restoring(f"cache {place.name}", f"file {bucket.place(piece.object.key)}"):
        tags = urlencode(place.tags_of(place.name))
        uploaded = upload(transfer.s3, transfer.bucket, key, bucket.chunks(piece.object), tagging=tags)
        if uploaded.sha256 != piece.sha256:
            transfer.forget(key)
            raise RestoreFailed(
                f"the file is not what was backed up: expected the SHA-256 {piece.sha256} of {piece.object.key}, found "
                f"{uploaded.sha256}. It was cut off or changed. Use the copy in the other region, or another set."
            )
    return FromFile(f"arn:aws:s3:::{transfer.bucket}/{key}", bucket.place(piece.object.key))


def end_transfer(target: Target, place: Place) -> None:
    """Once the cache has read the file."""
    with restoring(f"cache {place.name}", f"file {file_key(place)}"):
        _transfer(target, place).forget(file_key(place))


def file_key(place: Place) -> str:
    return f"{place.name}.rdb"


def _transfer(target: Target, place: Place) -> Transfer:
    return Transfer.of(target, find_places(target).side(place.region))
