"""Deleting the sets that the environment's file does not ask to keep: whole, and only what we made.

A set of which anything is still locked is left whole. What is deleted is what its records name, and what an interrupted run
made and could not record, if it has the set's tags, and the objects below its prefix. The manifest goes first, so that no set
that is partly gone passes for a set, and the records of the pieces last, so that an interrupted run is finished by the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ils_pipelines.errors import IlsError
from ils_pipelines.operations.backup.bucket import BEGUN, DATA, MANIFEST, PIECES, SIGNATURES, SetBucket
from ils_pipelines.operations.backup.context import SetContext
from ils_pipelines.operations.backup.overview import SetOverview, overview
from ils_pipelines.operations.backup.pieces.catalog import KINDS, delete_unrecorded
from ils_pipelines.operations.backup.retention import reasons_to_keep
from ils_pipelines.operations.backup.set_id import SetId
from ils_pipelines.operations.backup.verify import VERIFIED

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target

_ORDERS = "orders/"
_OURS = (MANIFEST, SIGNATURES, VERIFIED, DATA, _ORDERS, PIECES, BEGUN)
"""What we keep below the prefix of a set, in the order in which it is deleted."""
_BATCH = 1000


@dataclass(frozen=True)
class Pruned:
    """What is done to one set, or would be."""

    set: SetId
    kept: tuple[str, ...]
    """Why it is kept; empty for one that goes."""
    left: tuple[str, ...] = ()
    """What was not deleted of it, and why."""

    @property
    def goes(self) -> bool:
        return not self.kept


@dataclass(frozen=True)
class _Version:
    key: str
    version: str
    marker: bool


def prune(target: Target, *, dry_run: bool, now: datetime | None = None) -> tuple[Pruned, ...]:
    """Newest first. With `dry_run` nothing is changed. Raises `NoBackupPlace`."""
    moment = now or datetime.now(UTC)
    sets = overview(target)
    kept = reasons_to_keep((each.state for each in sets), target.environment.backup.retention, moment)
    return tuple(_prune(target, each, kept.get(each.id, ()), moment, dry_run=dry_run) for each in sets)


def _prune(target: Target, found: SetOverview, kept: tuple[str, ...], now: datetime, *, dry_run: bool) -> Pruned:
    if kept:
        return Pruned(found.id, kept)
    if found.problem:
        return Pruned(found.id, ("its manifest cannot be trusted: look at it, and delete the set by hand",))
    context = SetContext.open(target, found.id)
    # The other region first: a manifest that is there and not here was deleted by somebody else.
    buckets = (SetBucket(target, context.places.there), context.bucket)
    locked = next((until for bucket in buckets for until in _locks(bucket, found.id) if until > now), None)
    if locked is not None:
        return Pruned(found.id, (f"locked until {locked:%Y-%m-%d %H:%M} UTC",))
    return Pruned(found.id, (), () if dry_run else tuple(_delete(context, buckets)))


def _locks(bucket: SetBucket, set_id: SetId) -> Iterator[datetime]:
    """Until when versions of the set's objects are locked, one by one: whoever asks stops at the first that counts."""
    for found in _versions(bucket, set_id.prefix):
        if not found.marker:
            head = bucket.s3.head_object(Bucket=bucket.side.bucket, Key=found.key, VersionId=found.version)
            if "ObjectLockRetainUntilDate" in head:
                yield head["ObjectLockRetainUntilDate"]


def _delete(context: SetContext, buckets: Sequence[SetBucket]) -> Iterator[str]:
    """What could not be deleted, in words. As long as there is any, the records stay, and the next run tries again."""
    from botocore.exceptions import BotoCoreError, ClientError

    *first, last = _OURS
    prefix = context.set_id.prefix
    try:
        pieces = context.bucket.finished_pieces(context.set_id)
        for name in first[:2]:
            for bucket in buckets:
                _delete_versions(bucket, prefix + name)
        left = [reason for piece in pieces.values() if (reason := KINDS[piece.kind].delete(context, piece)) is not None]
        yield from left
        if left:
            return
        delete_unrecorded(context, pieces)
        for name in (*first[2:], last):
            for bucket in buckets:
                _delete_versions(bucket, prefix + name)
        for bucket in buckets:
            yield from (
                f"{bucket.place(each.key)} is nothing that we made"
                for each in _versions(bucket, prefix)
                if not each.marker
            )
    except (IlsError, BotoCoreError, ClientError) as error:
        yield f"{error}; run it again"


def _delete_versions(bucket: SetBucket, prefix: str) -> None:
    """Without going around a lock: what got one since is left, and said."""
    from botocore.exceptions import ClientError

    doomed = [{"Key": each.key, "VersionId": each.version} for each in _versions(bucket, prefix)]
    for start in range(0, len(doomed), _BATCH):
        batch = doomed[start : start + _BATCH]
        answer = bucket.s3.delete_objects(Bucket=bucket.side.bucket, Delete={"Objects": batch, "Quiet": True})
        for refused in answer.get("Errors", ()):
            error = {
                "Code": refused["Code"],
                "Message": f"{bucket.place(refused['Key'])}: {refused.get('Message', '')}",
            }
            raise ClientError({"Error": error}, "DeleteObjects")


def _versions(bucket: SetBucket, prefix: str) -> Iterator[_Version]:
    pages: Any = bucket.s3.get_paginator("list_object_versions").paginate(Bucket=bucket.side.bucket, Prefix=prefix)
    for page in pages:
        for each in page.get("Versions", ()):
            yield _Version(each["Key"], each["VersionId"], marker=False)
        for each in page.get("DeleteMarkers", ()):
            yield _Version(each["Key"], each["VersionId"], marker=True)
