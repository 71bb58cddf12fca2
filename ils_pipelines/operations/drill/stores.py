"""Restoring the stores of a set side by side: here databases, and the application's work with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from ils_pipelines.errors import IlsError
from ils_pipelines.operations.access.database import database_access
from ils_pipelines.operations.backup.details import (
    DatabaseDump,
    DatabaseSnapshot,
    DatabaseSnapshotCopy,
    DatabaseState,
    Piece,
    PieceKind,
)
from ils_pipelines.operations.backup.fingerprint import fingerprint
from ils_pipelines.operations.drill import tables_and_cache
from ils_pipelines.operations.drill.choose import piece_of
from ils_pipelines.operations.drill.models import flaw_checks
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
from ils_pipelines.operations.restore.database import FromSnapshot, begin_cluster, cluster_flaws, finish_cluster
from ils_pipelines.operations.restore.dump import restore_dump
from ils_pipelines.operations.restore.errors import restoring
from ils_pipelines.operations.restore.ground import output
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
    return {**work, **tables_and_cache.restores(session)}


def verifications(session: Session) -> Mapping[str, Callable[[], None]]:
    """What was restored, looked at; each by the name of its step."""
    recipe = session.recipe
    work: dict[str, Callable[[], None]] = {}
    if recipe.database is not None and recipe.database is not DatabaseSource.MOMENT:
        work["verify database"] = partial(verify_database, session)
    return {**work, **tables_and_cache.verifications(session)}


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
