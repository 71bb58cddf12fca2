"""Which backup set a drill restores."""

from __future__ import annotations

import random
from dataclasses import dataclass

from ils_pipelines.operations.backup.bucket import MANIFEST, SetBucket
from ils_pipelines.operations.backup.details import Piece, PieceKind
from ils_pipelines.operations.backup.errors import NoSuchSet
from ils_pipelines.operations.backup.manifest import Manifest
from ils_pipelines.operations.backup.set_id import SetId
from ils_pipelines.operations.restore.errors import RestoreFailed


@dataclass(frozen=True)
class Wanted:
    """The newest finished set, unless a name is given or any of them will do."""

    set: str = ""
    random: bool = False


def choose(bucket: SetBucket, wanted: Wanted) -> SetId:
    """Raises `NoSuchSet` where there is none to choose; what is wrong with the chosen one shows when it is read."""
    if wanted.set:
        return SetId.parse(bucket.environment, wanted.set)
    finished = (found for found in reversed(bucket.sets()) if bucket.read(found.prefix + MANIFEST) is not None)
    found = random.SystemRandom().choice([*finished] or [None]) if wanted.random else next(finished, None)
    if found is None:
        raise NoSuchSet(
            f"expected a finished backup set of {bucket.environment} in {bucket.place('sets/')}, found none. "
            f"Take one: ils backup run {bucket.environment}"
        )
    return found


def piece_of(manifest: Manifest, kind: PieceKind, *, every: bool = False) -> Piece:
    """The (first) piece of a kind. Raises `RestoreFailed`, with the reason why there is none, or why one is missing when
    `every` one that the set should have is wanted.
    """
    found = manifest.of_kind(kind)
    reasons = [failure.reason for failure in manifest.failures if failure.kind is kind]
    if found and not (every and reasons):
        return found[0]
    raise RestoreFailed(
        f"expected the set {manifest.id} to hold a {kind.value}, found none"
        + (f": it could not be taken ({reasons[0]})" if reasons else "")
        + ". Choose another set."
    )
