"""Putting the data set into an environment."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ils_sandbox.data.seed.place import Place, SeedError
from ils_sandbox.data.seed.rows import SEED, DataSet, Row

if TYPE_CHECKING:
    import psycopg

SCHEMA = Path(__file__).with_name("schema.sql")
SESSIONS, EVENTS = 500, 1_000
"""At scale 1."""
SESSION_SECONDS = 86_400
_EVENT_KINDS = ("order.placed", "order.viewed", "lens.configured", "login")
_BATCH = 25
"""The most that DynamoDB takes at once."""

_COPIES = {
    "customers": ("customer_id", "name", "email", "city", "created_at"),
    "lenses": ("lens_id", "sku", "material", "coating", "index", "price_eur"),
    "prescriptions": (
        "prescription_id", "customer_id", "eye", "sphere", "cylinder", "axis", "issued_on", "expires_on",
    ),
    "orders": ("order_id", "customer_id", "status", "placed_at", "total_eur"),
    "order_lines": ("order_id", "line", "lens_id", "prescription_id", "quantity", "price_eur"),
    "lims_messages": ("order_id", "kind", "payload", "received_at"),
}  # fmt: skip
_IDENTITIES = {
    "customers": "customer_id", "lenses": "lens_id", "prescriptions": "prescription_id", "orders": "order_id",
}  # fmt: skip


def seed(place: Place, scale: int = 1) -> dict[str, int]:
    """Load the data set; how many rows, items and keys each place got. Nothing when it is there already: all zero."""
    from psycopg import OperationalError

    try:
        counts = _seed_database(place, scale)
    except OperationalError as error:
        raise SeedError(f"the database of {place.environment} does not let anybody in: {error}") from error
    if not any(counts.values()):
        return counts
    generator = random.Random(SEED)  # noqa: S311 repeatable, not secret
    counts["sessions"] = _put_items(place, place.sessions_table, _sessions(generator, SESSIONS * scale))
    counts["analytics"] = _put_items(place, place.analytics_table, _events(generator, EVENTS * scale))
    counts["cache"] = _fill_cache(place, generator, SESSIONS * scale)
    return counts


def _seed_database(place: Place, scale: int) -> dict[str, int]:
    with place.database.connect() as session:
        if session.execute("SELECT to_regnamespace('ils')").fetchone() != (None,):
            return dict.fromkeys((*_COPIES, "sessions", "analytics", "cache"), 0)
        return _load_database(session, DataSet(scale))


def _load_database(session: psycopg.Connection[Any], data: DataSet) -> dict[str, int]:
    """All of it in one transaction: there is the whole data set, or none."""
    session.execute(SCHEMA.read_text())
    counts = {name: _copy(session, name, getattr(data, name)()) for name in ("customers", "lenses", "prescriptions")}
    orders = list(data.orders())
    counts["orders"] = _copy(session, "orders", (order.row for order in orders))
    counts["order_lines"] = _copy(session, "order_lines", (line for order in orders for line in order.lines))
    counts["lims_messages"] = _copy(session, "lims_messages", (row for order in orders for row in order.messages))
    for table, column in _IDENTITIES.items():
        session.execute(
            "SELECT setval(pg_get_serial_sequence(%s, %s), %s)", (f"ils.{table}", column, max(counts[table], 1))
        )
    return counts


def _copy(session: psycopg.Connection[Any], table: str, rows: Iterable[Row]) -> int:
    from psycopg import sql

    columns = sql.SQL(", ").join(sql.Identifier(column) for column in _COPIES[table])
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier("ils", table), columns)
    count = 0
    with session.cursor().copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
            count += 1
    return count


def session_item(generator: random.Random, user: int) -> dict[str, Any]:
    """One item of the table of sessions."""
    return {
        "sessionId": {"S": f"{generator.getrandbits(128):032x}"},
        "userId": {"S": f"user-{user}"},
        "expiresAt": {"N": str(int(time.time()) + SESSION_SECONDS)},
    }


def event_item(generator: random.Random, moment: int) -> dict[str, Any]:
    """One item of the table of analytics; `moment` is in milliseconds since 1970."""
    return {
        "eventType": {"S": generator.choice(_EVENT_KINDS)},
        "timestamp": {"N": str(moment)},
        "userId": {"S": f"user-{generator.randrange(1, 1000)}"},
        "page": {"S": f"/lenses/{generator.randrange(1, 400)}"},
        "expiresAt": {"N": str(moment // 1000 + 90 * SESSION_SECONDS)},
    }


def _sessions(generator: random.Random, count: int) -> Iterator[dict[str, Any]]:
    for number in range(1, count + 1):
        yield session_item(generator, number)


def _events(generator: random.Random, count: int) -> Iterator[dict[str, Any]]:
    now = int(time.time() * 1000)
    for number in range(count):
        # One a minute back from now: no two of them have one key.
        yield event_item(generator, now - 60_000 * number)


def _put_items(place: Place, table: str, items: Iterator[dict[str, Any]]) -> int:
    waiting: list[dict[str, Any]] = []
    count = 0
    for item in items:
        waiting.append({"PutRequest": {"Item": item}})
        count += 1
        if len(waiting) == _BATCH:
            place.dynamodb.batch_write_item(RequestItems={table: waiting})
            waiting = []
    if waiting:
        place.dynamodb.batch_write_item(RequestItems={table: waiting})
    return count


def _fill_cache(place: Place, generator: random.Random, count: int) -> int:
    with place.cache.connect() as cache:
        pipeline = cache.pipeline(transaction=False)
        for number in range(1, count + 1):
            pipeline.set(f"session:{number}", f"user-{generator.randrange(1, 1000)}", ex=SESSION_SECONDS)
        pipeline.hset("lens:popular", mapping={str(number): generator.randrange(1000) for number in range(1, 21)})
        pipeline.execute()
    return count + 1
