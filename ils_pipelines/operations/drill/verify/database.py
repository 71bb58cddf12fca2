"""Whether a restored database is what was backed up, and whether the application can work with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.backup.details import DatabaseState
from ils_pipelines.operations.drill.models import Check, check

if TYPE_CHECKING:
    import psycopg

SLACK = timedelta(seconds=60)
"""Between the time that a row bears and the moment at which it was committed."""


def state_checks(wanted: DatabaseState, found: DatabaseState, what: str) -> Iterator[Check]:
    """The state of a restored database against that of the manifest, table by table."""
    yield check(what, "schema hash", wanted.schema_sha256, found.schema_sha256)
    yield check(what, "extensions", _pairs(wanted.extensions), _pairs(found.extensions))
    there = {table.name: table for table in found.tables}
    for table in wanted.tables:
        other = there.pop(table.name, None)
        subject = f"{what}: table {table.name}"
        if other is None:
            yield check(subject, "is there", "a table", "none", passed=False)
            continue
        yield check(subject, "rows", table.rows, other.rows)
        yield check(subject, "checksum", table.checksum, other.checksum)
    for name in sorted(there):
        yield check(f"{what}: table {name}", "is not there", "none", "a table", passed=False)
    # Their values are of no transaction, and read apart from the dump: whether they fit the rows is looked at there.
    missing = sorted({name for name, _ in wanted.sequences} - {name for name, _ in found.sequences})
    yield check(what, "sequences are there", "all of them", ", ".join(missing) or "all of them", passed=not missing)
    yield check(what, "has tables", "at least one", len(found.tables), passed=bool(found.tables))


def shape_checks(wanted: DatabaseState, found: DatabaseState, what: str) -> Iterator[Check]:
    """For a snapshot, which was taken some moments apart from the dump that the manifest knows the rows of: the same schema,
    extensions and tables, each with rows where there were rows. What was written between the two is told, and no fault.
    """
    yield check(what, "schema hash", wanted.schema_sha256, found.schema_sha256)
    yield check(what, "extensions", _pairs(wanted.extensions), _pairs(found.extensions))
    there = {table.name: table for table in found.tables}
    for table in wanted.tables:
        other = there.get(table.name)
        subject = f"{what}: table {table.name}"
        if other is None:
            yield check(subject, "is there", "a table", "none", passed=False)
        elif other.checksum == table.checksum:
            yield check(subject, "checksum", table.checksum, other.checksum)
        else:
            yield check(
                subject,
                "rows, apart from what was written between snapshot and dump",
                f"about {table.rows}",
                other.rows,
                passed=bool(other.rows) or not table.rows,
            )
    yield check(what, "has tables", "at least one", len(found.tables), passed=bool(found.tables))


def sound_checks(session: psycopg.Connection[Any], what: str) -> Iterator[Check]:
    """Constraints that were never validated, indexes that are not usable, sequences that would give a key out again: what a
    damaged restore leaves.
    """
    yield from _sequence_checks(session, what)
    loose = session.execute(
        "SELECT conrelid::regclass || '.' || conname FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace "
        "WHERE NOT convalidated AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
    ).fetchall()
    yield check(what, "constraints hold", "all validated", _names(loose) or "all validated")
    broken = session.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid").fetchall()
    yield check(what, "indexes can be used", "all valid", _names(broken) or "all valid")
    tables = session.execute(
        "SELECT c.conrelid::regclass::text, c.confrelid::regclass::text, c.conname, "
        "(SELECT string_agg(format('%I', a.attname), ', ' ORDER BY k.n) FROM unnest(c.conkey) WITH ORDINALITY k(num, n) "
        " JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num), "
        "(SELECT string_agg(format('%I', a.attname), ', ' ORDER BY k.n) FROM unnest(c.confkey) WITH ORDINALITY k(num, n) "
        " JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.num), cardinality(c.conkey) "
        "FROM pg_constraint c WHERE c.contype = 'f'"
    ).fetchall()
    for child, parent, name, columns, keys, width in tables:
        if width != 1:
            continue
        # The names come quoted from the catalogue itself.
        row = session.execute(
            f"SELECT count(*) FROM {child} c WHERE c.{columns} IS NOT NULL "  # noqa: S608
            f"AND NOT EXISTS (SELECT 1 FROM {parent} p WHERE p.{keys} = c.{columns})"
        ).fetchone()
        yield check(f"{what}: {child}", f"{name}: rows without what they refer to", 0, row[0] if row else None)


def _sequence_checks(session: psycopg.Connection[Any], what: str) -> Iterator[Check]:
    owned = session.execute(
        "SELECT s.oid::regclass::text, t.oid::regclass::text, quote_ident(a.attname) FROM pg_class s "
        "JOIN pg_depend d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') "
        "JOIN pg_class t ON t.oid = d.refobjid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid "
        "WHERE s.relkind = 'S' ORDER BY 1"
    ).fetchall()
    for sequence, table, column in owned:
        # The names come quoted from the catalogue itself.
        row = session.execute(
            f"SELECT (SELECT last_value FROM {sequence}), (SELECT max({column}) FROM {table})"  # noqa: S608
        ).fetchone()
        last, highest = row or (None, None)
        good = highest is None or (last is not None and last >= highest)
        yield check(
            f"{what}: sequence {sequence}", "is not behind its column", f"at least {highest}", last, passed=good
        )


def newest_row(session: psycopg.Connection[Any], columns: Sequence[str]) -> datetime | None:
    """When the newest row was written, by the columns that tell; None where none of them is there or has a value."""
    found = [_extreme(session, column, "max", None) for column in columns]
    return max((moment for moment in found if moment is not None), default=None)


def sentinel_checks(
    live: psycopg.Connection[Any],
    restored: psycopg.Connection[Any],
    columns: Sequence[str],
    point: datetime,
    what: str,
) -> Iterator[Check]:
    """Rows that were live before `point` have to be there, rows of after it must not be. `live` is only read."""
    for column in columns:
        before = _extreme(live, column, "max", f"<= '{(point - SLACK).isoformat()}'")
        there = _extreme(restored, column, "max", None)
        if before is not None:
            yield check(
                f"{what}: {column}",
                "the last row of before is there",
                f"{before.isoformat()} or later",
                there and there.isoformat(),
                passed=there is not None and there >= before,
            )
        if there is not None:
            late = there > point + SLACK
            yield check(
                f"{what}: {column}",
                "no row of after is there",
                f"{point.isoformat()} or earlier",
                there.isoformat(),
                passed=not late,
            )


def _extreme(session: psycopg.Connection[Any], column: str, function: str, where: str | None) -> datetime | None:
    """Of a column `schema.table.column`, whose form the environment's file was checked for."""
    from psycopg import sql

    schema, table, name = column.split(".")
    there = session.execute(
        "SELECT 1 FROM information_schema.columns WHERE (table_schema, table_name, column_name) = (%s, %s, %s)",
        (schema, table, name),
    ).fetchone()
    if there is None:
        return None
    identifier = sql.Identifier(name)
    statement = sql.SQL("SELECT {}({}) FROM {} WHERE {} <= clock_timestamp()").format(
        sql.SQL(function), identifier, sql.Identifier(schema, table), identifier
    )
    if where is not None:
        statement += sql.SQL(" AND {} {}").format(identifier, sql.SQL(where))
    row = session.execute(statement).fetchone()
    return row[0] if row else None


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(pairs))


def _names(rows: Sequence[tuple[Any, ...]]) -> str:
    return ", ".join(str(row[0]) for row in rows)
