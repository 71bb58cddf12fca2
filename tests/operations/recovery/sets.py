"""Backup sets that are wrong in one way, signed as if they were right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count

from ils_pipelines.operations.backup.bucket import SetBucket
from ils_pipelines.operations.backup.details import Piece, PieceKind
from ils_pipelines.operations.backup.manifest import Manifest
from ils_pipelines.operations.backup.places import find_places
from tests.operations.recovery.site import Site

_number = count(1)


def bucket_of(site: Site) -> SetBucket:
    return SetBucket(site.target, find_places(site.target).here)


def altered(
    site: Site, backup: Manifest, kinds: PieceKind | tuple[PieceKind, ...], change: Callable[[Piece], Piece]
) -> Manifest:
    """A set of its own, an hour and more before the real one, that is the same but for pieces of some kind; signed."""
    several = kinds if isinstance(kinds, tuple) else (kinds,)
    earlier = replace(backup.id, moment=backup.id.moment - timedelta(hours=1, seconds=next(_number)))
    pieces = tuple(change(piece) if piece.kind in several else piece for piece in backup.pieces)
    manifest = backup.model_copy(update={"set": earlier.name, "pieces": pieces})
    bucket_of(site).write_manifest(manifest)
    return manifest
