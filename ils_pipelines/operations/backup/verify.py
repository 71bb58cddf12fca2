"""Looking at a set again without restoring it: every piece is there, whole, encrypted with the right key, and signed for."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from ils_pipelines.errors import IlsError
from ils_pipelines.operations.backup.bucket import MANIFEST, SetBucket
from ils_pipelines.operations.backup.context import SetContext
from ils_pipelines.operations.backup.copies import FAILED, PENDING, NotCopiedYet, is_manifest
from ils_pipelines.operations.backup.details import Piece, Record
from ils_pipelines.operations.backup.errors import ManifestCorrupt, NoSuchSet, SignatureInvalid
from ils_pipelines.operations.backup.manifest import Manifest, canonical
from ils_pipelines.operations.backup.pieces.catalog import KINDS
from ils_pipelines.operations.backup.places import BackupSide
from ils_pipelines.operations.backup.set_id import SetId

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target

VERIFIED = "verified/"
MANIFEST_PIECE = "manifest"
"""Stands for the manifest itself among the pieces."""


class Verdict(StrEnum):
    SOUND = "sound"
    BROKEN = "broken"
    MISSING = "missing"
    """The set is partial: the piece could not be taken."""
    UNKNOWN = "unknown"
    """It could not be looked at, or is not copied to the other region yet."""


class PieceVerdict(Record):
    """What was found of one piece."""

    piece: str
    verdict: Verdict
    problems: tuple[str, ...] = ()


class Verification(Record):
    """What was found of a set. It holds for the manifest of that hash."""

    environment: str
    set: str
    at: datetime
    manifest_sha256: str
    pieces: tuple[PieceVerdict, ...]
    """The manifest first, the others by name."""

    @property
    def sound(self) -> bool:
        """Whether everything is known to be as it was made."""
        return all(each.verdict is Verdict.SOUND for each in self.pieces)

    @property
    def wrong(self) -> tuple[PieceVerdict, ...]:
        return tuple(each for each in self.pieces if each.verdict is not Verdict.SOUND)

    @property
    def undecided(self) -> bool:
        """Whether all that is wrong is that not everything is known."""
        return not self.sound and all(each.verdict is Verdict.UNKNOWN for each in self.wrong)


def verify_set(target: Target, set_id: SetId) -> Verification:
    """Look at everything, and record what was found. Raises `NoSuchSet`, `ManifestCorrupt`, `NoBackupPlace`."""
    context = SetContext.open(target, set_id)
    content = context.bucket.manifest_bytes(set_id)
    manifest = context.bucket.unverified_manifest(set_id, content)
    with ThreadPoolExecutor(target.environment.backup.parallel, thread_name_prefix="verify") as pool:
        pieces = tuple(pool.map(lambda piece: _verdict(context, piece), manifest.pieces))
    missing = (
        PieceVerdict(piece=each.name, verdict=Verdict.MISSING, problems=(each.reason,)) for each in manifest.failures
    )
    found = Verification(
        environment=set_id.environment,
        set=set_id.name,
        at=datetime.now(UTC),
        manifest_sha256=manifest.digest,
        pieces=(
            _judge(MANIFEST_PIECE, _manifest_problems(context, content)),
            *sorted((*pieces, *missing), key=lambda each: each.piece),
        ),
    )
    context.bucket.write(f"{set_id.prefix}{VERIFIED}{found.at:%Y-%m-%dT%H%M%S.%fZ}.json", canonical(found))
    return found


def last_verification(bucket: SetBucket, set_id: SetId) -> Verification | None:
    """What the last look at the set found; None when nobody looked."""
    keys = bucket.keys(set_id.prefix + VERIFIED)
    return (
        bucket.record(keys[-1], Verification) if keys else None
    )  # keys are listed in order, and begin with the moment


def _verdict(context: SetContext, piece: Piece) -> PieceVerdict:
    return _judge(piece.name, KINDS[piece.kind].problems(context, piece))


def _judge(name: str, looking: Iterator[str]) -> PieceVerdict:
    """What was found before something could not be looked at counts all the same."""
    from botocore.exceptions import BotoCoreError, ClientError

    problems: list[str] = []
    verdict = Verdict.SOUND
    try:
        for problem in looking:
            verdict = Verdict.BROKEN
            problems.append(problem)
    except (IlsError, BotoCoreError, ClientError) as error:
        verdict = Verdict.BROKEN if problems else Verdict.UNKNOWN
        problems.append(str(error))
    return PieceVerdict(piece=name, verdict=verdict, problems=tuple(problems))


def _manifest_problems(context: SetContext, content: bytes) -> Iterator[str]:
    """Raises `NotCopiedYet` while nothing is wrong with it but that."""
    # Before looking: what is copied meanwhile is found.
    pending, failed = (is_manifest(status, context, content) for status in (PENDING, FAILED))
    there = context.places.there
    yield from _problems_in(context, context.places.here, content)
    copied = list(_problems_in(context, there, content))
    if copied and pending:
        raise NotCopiedYet(
            f"expected the manifest of {context.set_id} and its signature in {there.bucket}, found that S3 is still copying. "
            "Verify the set later."
        )
    if copied and failed:
        yield f"S3 failed to copy the manifest or its signature to {there.bucket}"
    yield from copied


def _problems_in(context: SetContext, side: BackupSide, content: bytes) -> Iterator[str]:
    try:
        found: Manifest = SetBucket(context.target, side).manifest(context.set_id)
    except (NoSuchSet, ManifestCorrupt, SignatureInvalid) as error:
        yield str(error)
        return
    if found.canonical() != content:
        yield f"the manifest in {side.bucket} ({context.set_id.prefix}{MANIFEST}) is another one"
