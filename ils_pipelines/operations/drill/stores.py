"""Restoring databases, tables and caches of a set, each store's steps one after the other, the stores side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from ils_pipelines.errors import IlsError
from ils_pipelines.operations.access.cache import CacheAccess
from ils_pipelines.operations.access.database import database_access
from ils_pipelines.operations.backup.details import (
    CacheSnapshot,
    DatabaseDump,
    DatabaseSnapshot,
    DatabaseSnapshotCopy,
    DatabaseState,
    Piece,
    PieceKind,
    TableBackup,
)
from ils_pipelines.operations.backup.fingerprint import fingerprint
from ils_pipelines.operations.drill.choose import piece_of
from ils_pipelines.operations.drill.models import Check, check
from ils_pipelines.operations.drill.scenario import DatabaseSource
from ils_pipelines.operations.drill.session import Session
from ils_pipelines.operations.drill.verify.application import smoke_checks
from ils_pipelines.operations.drill.verify.database import (
    newest_row,
    sentinel_checks,
    shape_checks,
    sound_checks,
    state_checks,
)
from ils_pipelines.operations.drill.verify.stores import cache_checks, table_checks
from ils_pipelines.operations.restore.cache import begin_cache, cache_flaws, finish_cache
from ils_pipelines.operations.restore.database import FromSnapshot, begin_cluster, cluster_flaws, finish_cluster
from ils_pipelines.operations.restore.dump import restore_dump
from ils_pipelines.operations.restore.errors import restoring
from ils_pipelines.operations.restore.ground import output
from ils_pipelines.operations.restore.shapes import shape_of
from ils_pipelines.operations.restore.tables import FromBackup, begin_table, finish_table
from ils_pipelines.operations.restore.waiting import wait_for
from ils_pipelines.settings.layers import Layer

if TYPE_CHECKING:
    from ils_pipelines.operations.access.database import DatabaseAccess
    from ils_pipelines.targets.protocol import Target

DUMPED = "ils_drill"
"""Database of the restored cluster that the logical dump goes into."""


def restores(session: Session) -> Mapping[str, Callable[[], None]]:
    """What the recipe restores, each by the name of its step."""
    recipe = session.recipe
    work: dict[str, Callable[[], None]] = {}
    if recipe.database is not None and recipe.database is not DatabaseSource.MOMENT:
        work["restore database"] = partial(restore_database, session)
    if recipe.tables:
        for piece in session.of.of_kind(PieceKind.TABLE_BACKUP):
            work[f"restore {piece.name.removeprefix('table-backup-')}"] = partial(_restore_table, session, piece)
    if recipe.cache:
        work["restore cache"] = partial(_restore_cache, session)
    return work


def verifications(session: Session) -> Mapping[str, Callable[[], None]]:
    """What was restored, looked at; each by the name of its step."""
    recipe = session.recipe
    work: dict[str, Callable[[], None]] = {}
    if recipe.database is not None and recipe.database is not DatabaseSource.MOMENT:
        work["verify database"] = partial(verify_database, session)
    if recipe.tables:
        for piece in session.of.of_kind(PieceKind.TABLE_BACKUP):
            work[f"verify {piece.name.removeprefix('table-backup-')}"] = partial(_verify_table, session, piece)
    if recipe.cache:
        work["verify cache"] = partial(_verify_cache, session)
    return work


def snapshot_of(session: Session) -> tuple[str, Piece]:
    """The snapshot to restore, in the region restored to, and the piece that it is."""
    if session.recipe.database is DatabaseSource.SNAPSHOT or session.recipe.database is DatabaseSource.MOMENT:
        piece = piece_of(session.of, PieceKind.DATABASE_SNAPSHOT)
        assert isinstance(piece.details, DatabaseSnapshot)  # noqa: S101
        return piece.details.snapshot, piece
    piece = piece_of(session.of, PieceKind.DATABASE_SNAPSHOT_COPY)
    assert isinstance(piece.details, DatabaseSnapshotCopy)  # noqa: S101
    if session.recipe.database is DatabaseSource.COPIED_BACK:
        return _copied_back(session, piece), piece
    return piece.details.snapshot, piece


def _copied_back(session: Session, piece: Piece) -> str:
    """A copy of the copy, in the environment's own region."""
    place = session.place
    rds = session.target.client("rds", region=place.region)
    source = str(piece.arn)
    with restoring(f"snapshot {place.name}", f"snapshot {source}"):
        rds.copy_db_cluster_snapshot(
            SourceDBClusterSnapshotIdentifier=source,
            TargetDBClusterSnapshotIdentifier=place.name,
            KmsKeyId=session.on.keys.database,
            SourceRegion=piece.region,
            Tags=place.tag_list(place.name),
        )
        wait_for(rds, "db_cluster_snapshot_available", DBClusterSnapshotIdentifier=place.name)
    return place.name


def restore_database(session: Session) -> None:
    snapshot, _ = snapshot_of(session)
    name = begin_cluster(session.target, session.place, session.on, FromSnapshot(snapshot))
    finish_cluster(session.target, session.place, session.on, name)


def access_to(session: Session, name: str = "") -> DatabaseAccess:
    return database_access(session.target, name or session.place.name, region=session.place.region)


def dump_of(session: Session) -> tuple[Piece, DatabaseDump]:
    piece = piece_of(session.of, PieceKind.DATABASE_DUMP)
    assert isinstance(piece.details, DatabaseDump)  # noqa: S101
    return piece, piece.details


def state_of(access: DatabaseAccess) -> DatabaseState:
    """What a database holds, all of it read in one snapshot."""
    with access.connect() as database:
        database.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return fingerprint(database)


def verify_database(session: Session) -> None:
    """By what RDS says, by the manifest, and by rows that are live."""
    _, piece = snapshot_of_piece(session)
    _, dump = dump_of(session)
    name = session.place.name
    what = f"database {name}"
    session.record(flaw_checks(what, cluster_flaws(session.target, session.on, name)))
    access = access_to(session)
    session.restored_state = state_of(access)
    session.record(shape_checks(dump.state, session.restored_state, what))
    columns = session.target.environment.drills.newest_row
    with access.connect(autocommit=True) as restored:
        session.newest_restored = newest_row(restored, columns)
        session.record(sound_checks(restored, what))
        live = live_access(session.target)
        if live is not None:
            with live.connect(autocommit=True) as there:
                session.record(sentinel_checks(there, restored, columns, piece.consistency_point, what))


def snapshot_of_piece(session: Session) -> tuple[PieceKind, Piece]:
    """Which piece the database came from."""
    own = session.recipe.database in (DatabaseSource.SNAPSHOT, DatabaseSource.MOMENT)
    kind = PieceKind.DATABASE_SNAPSHOT if own else PieceKind.DATABASE_SNAPSHOT_COPY
    return kind, piece_of(session.of, kind)


def live_access(target: Target) -> DatabaseAccess | None:
    """The way into the live database; None where it cannot be reached, as after a real loss."""
    from botocore.exceptions import BotoCoreError, ClientError
    from psycopg import OperationalError

    try:
        access = database_access(target, str(output(target, Layer.DATABASE, "cluster_identifier")))
        access.connect().close()
    except (IlsError, BotoCoreError, ClientError, OperationalError):
        return None
    return access


def serve(session: Session) -> None:
    """What the application does, done in the restored copy."""
    if session.recipe.database is not None:
        with access_to(session).connect(autocommit=True) as database:
            session.record(smoke_checks(database, f"database {session.place.name}"))


def prove_dump(session: Session) -> None:
    """The logical dump restored beside, and compared with the manifest row for row."""
    piece, dump = dump_of(session)
    assert piece.object is not None and piece.sha256 is not None  # noqa: S101, PT018 a dump is an object
    into = restore_dump(session.target, access_to(session), DUMPED, session.bucket.chunks(piece.object), piece.sha256)
    session.record(state_checks(dump.state, state_of(into), f"dump {piece.object.key}"))
    with into.connect(autocommit=True) as database:
        session.record(sound_checks(database, f"dump {piece.object.key}"))
        newest = newest_row(database, session.target.environment.drills.newest_row)
    restored = session.restored_state
    if restored is not None and newest == session.newest_restored and _counts(restored) == _counts(dump.state):
        # As far as drills.newest_row and the numbers of rows tell, nothing was written between snapshot and dump: then they
        # hold the same, row for row.
        session.record(state_checks(dump.state, restored, f"database {session.place.name}, against the dump"))


def _counts(state: DatabaseState) -> dict[str, int]:
    return {table.name: table.rows for table in state.tables}


def _restore_table(session: Session, piece: Piece) -> None:
    name = _table_name(session, piece)
    begin_table(session.target, session.place, session.on, name, FromBackup(str(piece.arn)))
    finish_table(session.target, session.place, name, shape_of(_table(piece)))


def _verify_table(session: Session, piece: Piece) -> None:
    dynamodb = session.target.client("dynamodb", region=session.place.region)
    table = _table(piece)
    session.record(table_checks(dynamodb, _table_name(session, piece), shape_of(table), table.items))


def _table_name(session: Session, piece: Piece) -> str:
    return session.place.named(piece.name.removeprefix("table-backup-"))


def _table(piece: Piece) -> TableBackup:
    assert isinstance(piece.details, TableBackup)  # noqa: S101
    return piece.details


def _restore_cache(session: Session) -> None:
    piece = piece_of(session.of, PieceKind.CACHE_SNAPSHOT)
    assert isinstance(piece.details, CacheSnapshot)  # noqa: S101
    begin_cache(session.target, session.place, session.on, piece.details.snapshot, session.cache_token)
    finish_cache(session.target, session.place)


def _verify_cache(session: Session) -> None:
    name = session.place.name
    session.record(flaw_checks(f"cache {name}", cache_flaws(session.target, session.on, name)))
    client = session.target.client("elasticache", region=session.place.region)
    found = client.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]
    endpoint = found["NodeGroups"][0]["PrimaryEndpoint"]
    authorities = session.target.data_authorities()
    access = CacheAccess(endpoint["Address"], endpoint["Port"], session.cache_token, authorities)
    session.record(cache_checks(access, name))


def flaw_checks(subject: str, flaws: list[str]) -> Iterator[Check]:
    """Flaws are worded `what: expected …, found …`."""
    for flaw in flaws:
        what, _, words = flaw.partition(": ")
        yield Check(subject=subject, what=what, passed=False, expected=words, found="otherwise")
    if not flaws:
        yield check(subject, "network, firewall, parameters, keys", "as they should be", "as they should be")
