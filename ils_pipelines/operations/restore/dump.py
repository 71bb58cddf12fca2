"""A logical dump restored into a database of its own, in a stream: memory stays the same however large it is."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ils_pipelines.operations.restore.errors import RestoreFailed

if TYPE_CHECKING:
    from ils_pipelines.operations.access.database import DatabaseAccess
    from ils_pipelines.targets.protocol import Target

_SAID_BYTES = 2_000


def restore_dump(
    target: Target, access: DatabaseAccess, database: str, chunks: Iterator[bytes], sha256: str
) -> DatabaseAccess:
    """Make the database `database` anew, where `access` leads, with what pg_dump wrote in custom format; the way into it.

    Raises `RestoreFailed` when the dump is cut off, or not the one with that SHA-256.
    """
    from psycopg import sql

    name = sql.Identifier(database)
    with access.connect(autocommit=True) as session:
        session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        session.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))
    into = replace(access, database=database)
    program, variables = target.postgres_program("pg_restore")
    command = [program, "--no-owner", "--no-privileges", "--exit-on-error", "--dbname", database]
    environment = {**os.environ, **variables, **into.environment()}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said, env=environment
        )
        try:
            digest = _feed(process, chunks)
        finally:
            # Also after an interruption: it would go on writing into what is being taken away.
            if process.poll() is None and process.stdin is not None and not process.stdin.closed:
                process.kill()
            process.wait()
        said.seek(0)
        words = said.read(_SAID_BYTES).decode("utf-8", "replace").strip()
    if digest != sha256:
        raise RestoreFailed(
            f"the dump is not what was backed up: expected the SHA-256 {sha256}, found {digest}. It was cut off or changed"
            + (f"; pg_restore says: {words}" if words else "")
            + ". Use the copy in the other region, or another set."
        )
    if process.returncode != 0:
        raise RestoreFailed(f"the dump cannot be restored, pg_restore ended with {process.returncode}: {words}")
    return into


def _feed(process: subprocess.Popen[bytes], chunks: Iterator[bytes]) -> str:
    """All of the stream into the program, as far as it takes it; the SHA-256 of the whole stream."""
    digest, listening = hashlib.sha256(), True
    assert process.stdin is not None  # noqa: S101 it is a pipe
    for chunk in chunks:
        digest.update(chunk)
        if listening:
            try:
                process.stdin.write(chunk)
            except BrokenPipeError:  # it has ended, and says why
                listening = False
    with contextlib.suppress(BrokenPipeError):  # likewise
        process.stdin.close()
    return digest.hexdigest()
