"""What the pieces that are objects in the bucket have in common: keeping them, looking at them, deleting them."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import datetime

from ils_pipelines.operations.backup.bucket import SetBucket
from ils_pipelines.operations.backup.context import SetContext, utc_now
from ils_pipelines.operations.backup.details import Details, ObjectRef, Piece
from ils_pipelines.operations.backup.errors import ObjectCorrupt
from ils_pipelines.operations.backup.upload import upload


def keep(
    context: SetContext, name: str, suffix: str, content: bytes, details: Details, *, started: datetime, at: datetime
) -> Piece:
    """Gzip `content`, which is small enough for memory, and put it into the bucket."""
    # Without a time in its header: the same content gives the same bytes.
    packed = gzip.compress(content, mtime=0)
    uploaded = upload(context.bucket.s3, context.bucket.side.bucket, context.data_key(f"{name}{suffix}"), [packed])
    return Piece(
        name=name,
        region=context.places.here.region,
        object=uploaded.ref,
        size=uploaded.size,
        sha256=uploaded.sha256,
        started=started,
        finished=utc_now(),
        consistency_point=at,
        details=details,
    )


def problems(context: SetContext, piece: Piece) -> Iterator[str]:
    """What is wrong with the object and its copy, in words. Both are read from beginning to end."""
    for side in (context.places.here, context.places.there):
        bucket = context.bucket if side is context.places.here else SetBucket(context.target, side)
        yield from (f"{found} in {side.bucket}" for found in _problems(bucket, piece))


def _problems(bucket: SetBucket, piece: Piece) -> Iterator[str]:
    ref = piece.object
    if ref is None:
        yield "the manifest names no object"
        return
    head = bucket.head(ref)
    if head is None:
        yield f"version {ref.version} of {ref.key} is not there"
        return
    if head.size != piece.size:
        yield f"{ref.key} has {head.size} bytes, not {piece.size}"
    else:
        yield from _content_problems(bucket, ref, piece.sha256)
    if head.key_arn != bucket.side.key_arn:
        yield f"{ref.key} is encrypted with {head.key_arn or 'no key of ours'}, not with {bucket.side.key_arn}"


def _content_problems(bucket: SetBucket, ref: ObjectRef, expected: str | None) -> Iterator[str]:
    try:
        found = bucket.sha256(ref)
    except ObjectCorrupt:
        yield f"{ref.key} is not what was uploaded: S3's own checksum does not hold"
        return
    if found != expected:
        yield f"{ref.key} has the SHA-256 {found}, not {expected}"


def delete(_context: SetContext, _piece: Piece) -> str | None:
    """Objects are deleted with all others below the prefix of the set."""
    return None
