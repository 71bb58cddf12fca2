"""Dumping a database into the bucket, together with what it held in the very snapshot that was dumped.

Runs where the database can be reached: in a job in the environment's cluster.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ils_pipelines.operations.backup.details import DatabaseDump, DatabaseState, Piece, Record
from ils_pipelines.operations.backup.errors import BackupError
from ils_pipelines.operations.backup.fingerprint import fingerprint
from ils_pipelines.operations.backup.upload import upload

if TYPE_CHECKING:
    import psycopg

    from ils_pipelines.operations.access.database import DatabaseAccess

PG_DUMP = "pg_dump"
_CHUNK = 1024 * 1024
_SECONDS_OF_SILENCE = 60
_READ_ONLY = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_SNAPSHOT = """
    SELECT pg_export_snapshot(), clock_timestamp(), current_setting('server_version'),
    CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text
"""


class DumpFailed(BackupError):
    """There is no dump: what may have been uploaded of it is recorded nowhere, and the next attempt uploads anew."""


class DumpOrder(Record):
    """What a job is told to dump, and where to; everything but the password."""

    piece: str
    region: str
    """Of the bucket."""
    bucket: str
    key: str
    record_key: str
    """Where the piece is recorded once it is done."""
    host: str
    port: int
    database: str
    user: str
    authorities: str
    """PEM of those that vouch for the database."""


@dataclass(frozen=True)
class _Snapshot:
    name: str
    taken: datetime
    server_version: str
    position: str


def dump(access: DatabaseAccess, s3: Any, order: DumpOrder) -> Piece:
    """Dump, and record the piece. Raises `DumpFailed`, psycopg.Error, botocore's ClientError."""
    started = datetime.now(UTC)
    with _snapshot(access) as snapshot, ThreadPoolExecutor(1, thread_name_prefix="fingerprint") as pool:
        state = pool.submit(_state, access, snapshot.name)
        uploaded = upload(s3, order.bucket, order.key, dumped(access, snapshot.name))
        found = state.result()
    return Piece(
        name=order.piece,
        region=order.region,
        object=uploaded.ref,
        size=uploaded.size,
        sha256=uploaded.sha256,
        started=started,
        finished=datetime.now(UTC),
        consistency_point=snapshot.taken,
        details=DatabaseDump(
            database=access.database,
            server_version=snapshot.server_version,
            dump_version=_version(access.environment()),
            position=snapshot.position,
            state=found,
        ),
    )


def dumped(access: DatabaseAccess, snapshot: str | None = None) -> Iterator[bytes]:
    """The output of pg_dump, as it comes. Raises `DumpFailed` with what it said when it ends badly, also in the middle."""
    arguments = ["--format=custom", "--no-password", *([f"--snapshot={snapshot}"] if snapshot else [])]
    with _process([PG_DUMP, *arguments], access.environment()) as (process, said):
        assert process.stdout is not None  # noqa: S101 it is a pipe
        while chunk := process.stdout.read(_CHUNK):
            yield chunk
        if process.wait() != 0:
            said.seek(0)
            raise DumpFailed(
                f"expected pg_dump of {access.database} on {access.host} to end well, found exit code "
                f"{process.returncode}: {said.read().decode(errors='replace').strip() or 'it said nothing'}"
            )


@contextmanager
def _process(command: list[str], variables: Mapping[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """Run a program; it does not outlive this. What it says goes to a file: a pipe that nobody reads would stop it."""
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env={**os.environ, **variables})
        except FileNotFoundError:
            raise DumpFailed(
                f"expected {command[0]} on the path, found none: {os.environ.get('PATH', '')}. The image of these jobs "
                "(backup.image) needs PostgreSQL's client programs."
            ) from None
        try:
            yield process, said
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _version(variables: Mapping[str, str]) -> str:
    done = subprocess.run([PG_DUMP, "--version"], capture_output=True, check=False, env={**os.environ, **variables})
    return done.stdout.decode(errors="replace").strip()


@contextmanager
def _snapshot(access: DatabaseAccess) -> Iterator[_Snapshot]:
    """A snapshot that other sessions can take up for as long as this lasts."""
    with access.connect(autocommit=True) as session:
        _keep_open(session)
        session.execute(_READ_ONLY)
        row = session.execute(_SNAPSHOT).fetchone()
        assert row is not None  # noqa: S101 a SELECT without FROM gives one
        name, taken, version, position = row
        with _kept_alive(session):
            yield _Snapshot(name, taken.astimezone(UTC), version, position)
        session.execute("ROLLBACK")


def _state(access: DatabaseAccess, snapshot: str) -> DatabaseState:
    from psycopg import sql

    with access.connect(autocommit=True) as session:
        _keep_open(session)
        session.execute(_READ_ONLY)
        session.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
        return fingerprint(session)


def _keep_open(session: psycopg.Connection[Any]) -> None:
    """Limits of the server are for the application: a dump takes as long as it takes."""
    for name in ("statement_timeout", "idle_in_transaction_session_timeout", "transaction_timeout"):
        session.execute("SELECT set_config(name, '0', false) FROM pg_settings WHERE name = %s", (name,))


@contextmanager
def _kept_alive(session: psycopg.Connection[Any]) -> Iterator[None]:
    """Say something now and then: what is in between may cut off a connection that is silent for minutes."""
    from psycopg import Error

    ended = threading.Event()

    def speak() -> None:
        with suppress(Error):  # pg_dump, which has taken up the snapshot or cannot any more, says what is wrong
            while not ended.wait(_SECONDS_OF_SILENCE):
                session.execute("SELECT 1")

    speaking = threading.Thread(target=speak, name="keep-snapshot", daemon=True)
    speaking.start()
    try:
        yield
    finally:
        ended.set()
        speaking.join()


def access_of(order: DumpOrder, password: str, folder: Path) -> DatabaseAccess:
    """The way in, as the order has it; the authorities go into a file in `folder`."""
    from ils_pipelines.operations.access.database import DatabaseAccess, DatabaseLogin

    authorities = folder / "authorities.pem"
    authorities.write_text(order.authorities, encoding="utf-8")
    return DatabaseAccess(order.host, order.port, order.database, DatabaseLogin(order.user, password), authorities)
