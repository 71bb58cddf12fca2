"""Restoring the tables and the cache of a set: from what the services keep, or from exports where that is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from ils_pipelines.operations.access.cache import CacheAccess
from ils_pipelines.operations.backup.details import (
    CacheExport,
    CacheSnapshot,
    CacheState,
    KeptTable,
    Piece,
    PieceKind,
    TableBackup,
    TableExport,
)
from ils_pipelines.operations.backup.items import items_of_table
from ils_pipelines.operations.drill.choose import piece_of
from ils_pipelines.operations.drill.models import flaw_checks
from ils_pipelines.operations.drill.scenario import StoreSource
from ils_pipelines.operations.drill.session import Session
from ils_pipelines.operations.drill.verify.stores import cache_checks, item_checks, table_checks
from ils_pipelines.operations.restore.cache import FromFile, begin_cache, cache_flaws, finish_cache
from ils_pipelines.operations.restore.exports import begin_transfer, export_of
from ils_pipelines.operations.restore.shapes import shape_of
from ils_pipelines.operations.restore.tables import FromBackup, begin_table, finish_import, finish_table

_TABLES: Mapping[StoreSource, PieceKind] = {
    StoreSource.BACKUP: PieceKind.TABLE_BACKUP,
    StoreSource.EXPORT: PieceKind.TABLE_EXPORT,
}
_CACHE: Mapping[StoreSource, PieceKind] = {
    StoreSource.BACKUP: PieceKind.CACHE_SNAPSHOT,
    StoreSource.EXPORT: PieceKind.CACHE_EXPORT,
}


def not_restored(session: Session) -> Iterator[str]:
    """What the set was never meant to hold, in words: what it should hold and does not fails the drill instead."""
    recipe = session.recipe
    if recipe.tables is not None and not _of_set(session, _TABLES[recipe.tables]):
        yield "tables: the set holds no exports of them, as point-in-time recovery is off (tables.recovery_days)"
    if recipe.cache is not None and not _of_set(session, _CACHE[recipe.cache]):
        yield "cache: the set holds no export of it, as ElastiCache makes none of nodes with data tiering"
    elif recipe.cache is not None and not _tells_keys(session):
        yield "keys of the cache: the set does not say what they were, so that they are not compared one by one"


def _tells_keys(session: Session) -> bool:
    """Whether the cache can be compared; also where a piece that should tell is missing, which fails the drill."""
    exports = session.of.of_kind(PieceKind.CACHE_EXPORT)
    read = any(isinstance(each.details, CacheExport) and each.details.state is not None for each in exports)
    return read or (not exports and _of_set(session, PieceKind.CACHE_EXPORT))


def _of_set(session: Session, kind: PieceKind) -> bool:
    """Whether the set has or should have pieces of the kind."""
    return bool(session.of.of_kind(kind)) or any(each.kind is kind for each in session.of.failures)


def restores(session: Session) -> dict[str, Callable[[], None]]:
    """What the recipe restores, each by the name of its step. Raises `RestoreFailed` for what the set lacks."""
    work: dict[str, Callable[[], None]] = {
        f"restore {_short(piece)}": partial(_restore_table, session, piece) for piece in _tables(session)
    }
    source = session.recipe.cache
    if source is not None and _of_set(session, _CACHE[source]):
        work["restore cache"] = partial(_restore_cache, session, piece_of(session.of, _CACHE[source]))
    return work


def verifications(session: Session) -> dict[str, Callable[[], None]]:
    """What was restored, looked at; each by the name of its step."""
    work: dict[str, Callable[[], None]] = {
        f"verify {_short(piece)}": partial(_verify_table, session, piece) for piece in _tables(session)
    }
    source = session.recipe.cache
    if source is not None and _of_set(session, _CACHE[source]):
        work["verify cache"] = partial(_verify_cache, session)
    return work


def _tables(session: Session) -> tuple[Piece, ...]:
    source = session.recipe.tables
    if source is None or not _of_set(session, _TABLES[source]):
        return ()
    piece_of(session.of, _TABLES[source], every=True)
    return session.of.of_kind(_TABLES[source])


def _short(piece: Piece) -> str:
    """`sessions` of `table-export-sessions`."""
    return piece.name.removeprefix(f"{piece.kind.value}-")


def _restore_table(session: Session, piece: Piece) -> None:
    target, place, name = session.target, session.place, session.place.named(_short(piece))
    kept = piece.details
    assert isinstance(kept, KeptTable)  # noqa: S101
    if isinstance(kept, TableExport):
        begin_table(target, place, session.on, name, export_of(session.bucket, piece))
        finish_import(target, place, name)
        # Before time to live is on, and takes away what has expired since the export.
        session.restored_items[name] = items_of_table(target.client("dynamodb", region=place.region), name)
    else:
        begin_table(target, place, session.on, name, FromBackup(str(piece.arn)))
    finish_table(target, place, name, shape_of(kept))


def _verify_table(session: Session, piece: Piece) -> None:
    dynamodb = session.target.client("dynamodb", region=session.place.region)
    name, kept = session.place.named(_short(piece)), piece.details
    assert isinstance(kept, TableBackup | TableExport)  # noqa: S101
    if isinstance(kept, TableExport):
        session.record(item_checks(name, kept, session.restored_items[name]))
    session.record(table_checks(dynamodb, name, shape_of(kept), kept.items))


def _restore_cache(session: Session, piece: Piece) -> None:
    source: str | FromFile
    if isinstance(piece.details, CacheSnapshot):
        source = piece.details.snapshot
    else:
        source = begin_transfer(session.target, session.place, session.bucket, piece)
    begin_cache(session.target, session.place, session.on, source, session.cache_token)
    finish_cache(session.target, session.place)


def _verify_cache(session: Session) -> None:
    name = session.place.name
    session.record(flaw_checks(f"cache {name}", cache_flaws(session.target, session.on, name)))
    client = session.target.client("elasticache", region=session.place.region)
    found = client.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]
    endpoint = found["NodeGroups"][0]["PrimaryEndpoint"]
    authorities = session.target.data_authorities()
    access = CacheAccess(endpoint["Address"], endpoint["Port"], session.cache_token, authorities)
    session.record(cache_checks(access, name, _state_of_cache(session)))


def _state_of_cache(session: Session) -> CacheState | None:
    """What the set's file of the cache holds; None where it was never meant to have one, or nobody could read it.

    Raises `RestoreFailed` when the set lacks it.
    """
    if not _of_set(session, PieceKind.CACHE_EXPORT):
        return None
    details = piece_of(session.of, PieceKind.CACHE_EXPORT).details
    assert isinstance(details, CacheExport)  # noqa: S101
    return details.state
