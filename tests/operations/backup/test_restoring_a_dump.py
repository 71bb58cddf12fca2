"""A dump, restored, is the database as it was at the moment that the manifest names, whatever was written meanwhile."""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from ils_pipelines.defs.cluster_jobs import run_cluster_job
from ils_pipelines.operations.access.database import DatabaseAccess, database_access
from ils_pipelines.operations.backup.bucket import SetBucket
from ils_pipelines.operations.backup.details import DatabaseDump, DatabaseState, PieceKind
from ils_pipelines.operations.backup.fingerprint import fingerprint
from ils_pipelines.operations.backup.manifest import Manifest
from ils_pipelines.operations.backup.run import PieceEvent, Progress, take_set
from ils_sandbox.data.postgres.binaries import client_environment, program
from tests.operations.backup.conftest import new_id
from tests.operations.watch.site import Site


@pytest.fixture
def access(site: Site) -> DatabaseAccess:
    return database_access(site.target, "ils-dev")


@contextmanager
def scratch(access: DatabaseAccess, name: str) -> Iterator[DatabaseAccess]:
    """An empty database on the same server."""
    with access.connect(autocommit=True) as session:
        session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield DatabaseAccess(access.host, access.port, name, access.login, access.authorities)
        finally:
            session.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def restore(access: DatabaseAccess, dump: Path) -> None:
    subprocess.run(
        [program("pg_restore"), "--exit-on-error", "--no-owner", f"--dbname={access.database}", dump],
        env=client_environment() | access.environment(),
        check=True,
        capture_output=True,
    )


def state_of(access: DatabaseAccess) -> DatabaseState:
    with access.connect() as session:
        return fingerprint(session)


def fetched(bucket: SetBucket, manifest: Manifest) -> tuple[DatabaseDump, Path]:
    (piece,) = manifest.of_kind(PieceKind.DATABASE_DUMP)
    assert isinstance(piece.details, DatabaseDump)
    assert piece.object is not None
    with tempfile.NamedTemporaryFile(delete=False) as file:
        for chunk in bucket.chunks(piece.object):
            file.write(chunk)
    return piece.details, Path(file.name)


WRITES: tuple[LiteralString, ...] = (
    "UPDATE ils.orders SET total_eur = total_eur + 1 WHERE order_id %% 97 = %(number)s %% 97",
    "DELETE FROM ils.lims_messages WHERE ctid IN (SELECT ctid FROM ils.lims_messages LIMIT 1)",
    "INSERT INTO ils.customers (name, email, city, created_at)"
    " VALUES ('Eve', gen_random_uuid() || '@example.com', 'Ulm', now())",
)


@contextmanager
def writing(access: DatabaseAccess) -> Iterator[list[int]]:
    """Somebody who inserts, changes and deletes rows as fast as it goes; how many times, so far."""
    ended, counted = threading.Event(), [0]

    def write() -> None:
        with access.connect(autocommit=True) as session:
            while not ended.is_set():
                number = counted[0]
                for statement in WRITES:
                    session.execute(statement, {"number": number})
                counted[0] += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield counted
    finally:
        ended.set()
        thread.join()


def test_a_set_taken_while_writes_go_on_restores_to_its_consistency_point(
    site: Site, bucket: SetBucket, access: DatabaseAccess
) -> None:
    before: list[int] = []

    def note(progress: Progress) -> None:
        if progress.event is PieceEvent.SAYS:
            before.append(counted[0])

    with writing(access) as counted:
        manifest = take_set(site.backups, new_id(), run_cluster_job, on_progress=note)
        assert counted[0] > before[0] > 0, "nothing was written while the set was taken"
    details, dump = fetched(bucket, manifest)
    with scratch(access, "restored") as restored:
        restore(restored, dump)
        found = state_of(restored)
    dump.unlink()

    assert found.tables == details.state.tables
    assert found.schema_sha256 == details.state.schema_sha256
    assert found.extensions == details.state.extensions
    assert state_of(access).tables != details.state.tables


CHANGES = {
    "a value": "UPDATE t SET v = v || 'x' WHERE id = 7",
    "a row more": "INSERT INTO t VALUES (0, 'x', now())",
    "a row less": "DELETE FROM t WHERE id = 7",
    "a row twice": "INSERT INTO t SELECT * FROM t WHERE id = 7",
    "NULL": "UPDATE t SET v = NULL WHERE id = 7",
    "a constraint": "ALTER TABLE t ADD CHECK (id >= 0)",
    "a column's default": "ALTER TABLE t ALTER v SET DEFAULT 'y'",
    "an index": "CREATE INDEX ON t (v)",
    "a view": "CREATE VIEW w AS SELECT id FROM t",
    "a function": "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "an enumeration": "CREATE TYPE e AS ENUM ('a', 'b')",
}


@pytest.fixture(scope="module")
def table(site: Site) -> Iterator[psycopg.Connection[Any]]:
    with scratch(database_access(site.target, "ils-dev"), "changing") as changing, changing.connect() as session:
        session.execute("CREATE TABLE t (id int, v text, at timestamptz)")
        session.execute(
            "INSERT INTO t SELECT n, 'value ' || n, 'epoch'::timestamptz + n * interval '1 s'"
            " FROM generate_series(1, 50) n"
        )
        session.commit()
        yield session


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_gives_another_fingerprint(table: psycopg.Connection[Any], change: str) -> None:
    before = fingerprint(table)
    table.execute("RESET search_path")
    table.execute(sql.SQL("SET LOCAL search_path TO public"))
    table.execute(CHANGES[change])  # type: ignore[call-overload]
    after = fingerprint(table)
    table.rollback()

    assert (before.schema_sha256, before.tables) != (after.schema_sha256, after.tables)


def test_neither_the_order_of_rows_nor_the_session_s_settings_matter(table: psycopg.Connection[Any]) -> None:
    before = fingerprint(table)
    table.execute("SET LOCAL search_path TO public")
    table.execute("SET LOCAL timezone TO 'Asia/Tokyo'")
    table.execute("SET LOCAL datestyle TO 'German'")
    table.execute("CREATE TEMP TABLE copy AS SELECT * FROM t ORDER BY id DESC")
    table.execute("TRUNCATE t")
    table.execute("INSERT INTO t SELECT * FROM copy")
    after = fingerprint(table)
    table.rollback()

    assert after == before
