"""What the pieces that are objects in the bucket have in common: keeping them, looking at them, deleting them."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from datetime import datetime

from ils_pipelines.operations.backup.bucket import ObjectHead, SetBucket
from ils_pipelines.operations.backup.context import SetContext, utc_now
from ils_pipelines.operations.backup.copies import FAILED, PENDING, NotCopiedYet
from ils_pipelines.operations.backup.details import Details, KeptFile, Piece
from ils_pipelines.operations.backup.errors import ObjectCorrupt
from ils_pipelines.operations.backup.upload import upload


def keep(
    context: SetContext, name: str, suffix: str, content: bytes, details: Details, *, started: datetime, at: datetime
) -> Piece:
    """Gzip `content`, which is small enough for memory, and put it into the bucket."""
    # Without a time in its header: the same content gives the same bytes.
    packed = gzip.compress(content, mtime=0)
    return stream(context, name, suffix, [packed], details, started=started, at=at)


def stream(
    context: SetContext,
    name: str,
    suffix: str,
    chunks: Iterable[bytes],
    details: Details,
    *,
    started: datetime,
    at: datetime,
) -> Piece:
    """Put what comes into the bucket, as it is."""
    uploaded = upload(context.bucket.s3, context.bucket.side.bucket, context.data_key(f"{name}{suffix}"), chunks)
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
    if piece.object is None or piece.sha256 is None:
        yield "the manifest names no object"
        return
    yield from file_problems(context, [KeptFile(object=piece.object, size=piece.size, sha256=piece.sha256)])


def file_problems(context: SetContext, files: Iterable[KeptFile]) -> Iterator[str]:
    """Likewise of several objects. Raises `NotCopiedYet` at the end when S3 is still copying any of them."""
    here, there = context.bucket, SetBucket(context.target, context.places.there)
    waiting = []
    for kept in files:
        # In this order: what is copied between the two looks is found.
        head = here.head(kept.object)
        copy = there.head(kept.object)
        yield from (f"{found} in {here.side.bucket}" for found in _problems(here, kept, head))
        if copy is None and head is not None and head.copying == PENDING:
            waiting.append(kept.object.key)
        elif copy is None and head is not None and head.copying == FAILED:
            yield f"S3 failed to copy version {kept.object.version} of {kept.object.key} to {there.side.bucket}"
        else:
            yield from (f"{found} in {there.side.bucket}" for found in _problems(there, kept, copy))
    if waiting:
        raise NotCopiedYet(
            f"expected {', '.join(waiting)} in {there.side.bucket}, found that S3 is still copying. Verify the set later."
        )


def _problems(bucket: SetBucket, kept: KeptFile, head: ObjectHead | None) -> Iterator[str]:
    ref = kept.object
    if head is None:
        yield f"version {ref.version} of {ref.key} is not there"
        return
    if head.size != kept.size:
        yield f"{ref.key} has {head.size} bytes, not {kept.size}"
    else:
        yield from _content_problems(bucket, kept)
    if head.key_arn != bucket.side.key_arn:
        yield f"{ref.key} is encrypted with {head.key_arn or 'no key of ours'}, not with {bucket.side.key_arn}"


def _content_problems(bucket: SetBucket, kept: KeptFile) -> Iterator[str]:
    try:
        found = bucket.sha256(kept.object)
    except ObjectCorrupt:
        yield f"{kept.object.key} is not what was uploaded: S3's own checksum does not hold"
        return
    if found != kept.sha256:
        yield f"{kept.object.key} has the SHA-256 {found}, not {kept.sha256}"


def delete(_context: SetContext, _piece: Piece) -> str | None:
    """Objects are deleted with all others below the prefix of the set."""
    return None
