"""What a database holds, told by hashes that another database gives when, and only when, it holds the same.

Reads through one session, whose transaction must see one snapshot (REPEATABLE READ). The database computes; what comes back
is a line for each table, however large it is.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, LiteralString

from ils_pipelines.operations.backup.details import DatabaseState, TableState

if TYPE_CHECKING:
    import psycopg

# Whose output depends on the settings of a session: the same everywhere, or equal rows would have unequal texts.
_SETTINGS: tuple[tuple[str, str], ...] = (
    ("bytea_output", "hex"),
    ("datestyle", "ISO, YMD"),
    ("extra_float_digits", "3"),
    ("intervalstyle", "postgres"),
    ("search_path", ""),
    ("timezone", "UTC"),
    ("xmlbinary", "base64"),
)
_OURS: LiteralString = """
    n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
    AND NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = 'CATALOG'::regclass AND e.objid = OID AND e.deptype = 'e')
"""
"""What is neither PostgreSQL's own nor of an extension."""


def _ours(catalog: LiteralString, oid: LiteralString, query: LiteralString) -> LiteralString:
    """`query` with the word OURS filled in: for the objects of that catalog, whose id is `oid`."""
    return query.replace("OURS", _OURS.replace("CATALOG", catalog).replace("OID", oid))


_SCHEMA: tuple[tuple[str, LiteralString], ...] = (
    (
        "schemas",
        _ours(
            "pg_namespace",
            "n.oid",
            "SELECT n.nspname FROM pg_namespace n WHERE OURS",
        ),
    ),
    (
        "columns",
        _ours(
            "pg_class",
            "c.oid",
            "SELECT n.nspname, c.relname, c.relkind, c.relpersistence, c.relrowsecurity,"
            " row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum), a.attname,"
            " format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,"
            " (SELECT o.collname FROM pg_collation o WHERE o.oid = a.attcollation),"
            " pg_get_expr(d.adbin, d.adrelid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
            " LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum"
            " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c') AND OURS",
        ),
    ),
    (
        "constraints",
        _ours(
            "pg_constraint",
            "k.oid",
            "SELECT n.nspname, k.conrelid::regclass::text, k.conname, pg_get_constraintdef(k.oid), k.convalidated"
            " FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace WHERE OURS",
        ),
    ),
    (
        "indexes",
        _ours(
            "pg_class",
            "c.oid",
            "SELECT n.nspname, pg_get_indexdef(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('i', 'I') AND OURS",
        ),
    ),
    (
        "views",
        _ours(
            "pg_class",
            "c.oid",
            "SELECT n.nspname, c.relname, pg_get_viewdef(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('v', 'm') AND OURS",
        ),
    ),
    (
        "functions",
        _ours(
            "pg_proc",
            "p.oid",
            "SELECT n.nspname, p.oid::regprocedure::text, p.prokind, pg_get_function_result(p.oid), p.prosrc, p.proconfig"
            " FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE OURS",
        ),
    ),
    (
        "triggers",
        _ours(
            "pg_class",
            "c.oid",
            "SELECT n.nspname, t.tgrelid::regclass::text, pg_get_triggerdef(t.oid), t.tgenabled FROM pg_trigger t"
            " JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE NOT t.tgisinternal AND OURS",
        ),
    ),
    (
        "policies",
        _ours(
            "pg_class",
            "c.oid",
            "SELECT n.nspname, c.relname, p.polname, p.polcmd, p.polpermissive, pg_get_expr(p.polqual, p.polrelid),"
            " pg_get_expr(p.polwithcheck, p.polrelid) FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE OURS",
        ),
    ),
    (
        "types",
        _ours(
            "pg_type",
            "t.oid",
            "SELECT n.nspname, t.typname, t.typtype, format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault,"
            " (SELECT array_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)"
            " FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace"
            " WHERE t.typtype IN ('d', 'e', 'r') AND OURS",
        ),
    ),
)
_TABLES: LiteralString = _ours(
    "pg_class",
    "c.oid",
    "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND OURS ORDER BY 1, 2",
)
_SEQUENCES: LiteralString = (
    "SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_sequences"
    " WHERE schemaname !~ '^pg_' ORDER BY 1"
)
_EXTENSIONS: LiteralString = "SELECT extname, extversion FROM pg_extension ORDER BY 1"


def fingerprint(session: psycopg.Connection[Any]) -> DatabaseState:
    """Everything of the session's database. Raises psycopg.Error."""
    for name, value in _SETTINGS:
        session.execute("SELECT set_config(%s, %s, true)", (name, value))
    return DatabaseState(
        schema_sha256=schema_hash(session),
        tables=tuple(table_state(session, schema, name) for schema, name in session.execute(_TABLES).fetchall()),
        sequences=tuple((str(name), value) for name, value in session.execute(_SEQUENCES)),
        extensions=tuple((str(name), str(version)) for name, version in session.execute(_EXTENSIONS)),
    )


def schema_hash(session: psycopg.Connection[Any]) -> str:
    """SHA-256 over the definitions, in an order that no database decides."""
    digest = hashlib.sha256()
    for what, query in _SCHEMA:
        lines = sorted(json.dumps(row, default=str) for row in session.execute(query))
        digest.update(f"{what} {len(lines)}\n".encode())
        digest.update("\n".join(lines).encode())
    return digest.hexdigest()


def table_state(session: psycopg.Connection[Any], schema: str, name: str) -> TableState:
    """Number of rows, and a checksum of 128 bits that is the sum of the rows' own (both halves of the MD5 of their text):
    the same whatever order the rows are in, and another when one row differs, is missing or is there twice.
    """
    from psycopg import sql

    table = sql.Identifier(schema, name)
    half = sql.SQL("('x' || substr(m, {}, 16))::bit(64)::bigint")
    query = sql.SQL(
        "SELECT format('%I.%I', {schema}::text, {name}::text), count(*), coalesce(sum({first}::numeric), 0),"
        " coalesce(sum({second}::numeric), 0) FROM (SELECT md5(t::text) AS m FROM ONLY {table} t) rows"
    ).format(
        schema=sql.Literal(schema),
        name=sql.Literal(name),
        first=half.format(sql.Literal(1)),
        second=half.format(sql.Literal(17)),
        table=table,
    )
    row = session.execute(query).fetchone()
    assert row is not None  # noqa: S101 an aggregate always gives one
    full_name, rows, first, second = row
    return TableState(name=full_name, rows=rows, checksum=f"{int(first) % 2**64:016x}{int(second) % 2**64:016x}")
