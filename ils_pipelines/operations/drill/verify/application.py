"""Whether the application can work with a restored database: its reads, and its writes, which stay in the restored copy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.drill.models import Check, check

if TYPE_CHECKING:
    import psycopg

SCHEMA = "ils"


def smoke_checks(session: psycopg.Connection[Any], what: str) -> Iterator[Check]:
    """What the application does all day: look an order up with its lines, list what is open, place an order, move it on.

    `session` is in autocommit mode. Everything it writes, it commits: a database that takes no commit does not serve.
    """
    from psycopg import Error

    if session.execute("SELECT to_regclass('ils.orders')").fetchone() == (None,):
        yield check(what, "application", f"the schema {SCHEMA}", "none", passed=False)
        return
    for name, statement in _READS.items():
        try:
            session.execute(statement).fetchall()
            yield check(what, f"reads {name}", "an answer", "an answer")
        except Error as error:
            yield check(what, f"reads {name}", "an answer", _first_line(error), passed=False)
    try:
        with session.transaction():
            placed = session.execute(_PLACE).fetchone()
        moved = session.execute(_MOVE, placed).fetchone() if placed else None
        yield check(what, "writes an order and moves it on", ("in_lab",), moved)
    except Error as error:
        yield check(what, "writes an order and moves it on", "a commit", _first_line(error), passed=False)


_READS = {
    "an order with its lines": (
        "SELECT o.order_id, l.line, s.sku FROM ils.orders o JOIN ils.order_lines l USING (order_id) "
        "JOIN ils.lenses s USING (lens_id) WHERE o.order_id = (SELECT max(order_id) FROM ils.orders)"
    ),
    "open orders": "SELECT * FROM ils.open_orders ORDER BY placed_at LIMIT 50",
    "customers by part of a name": "SELECT customer_id FROM ils.customers WHERE name ILIKE '%mey%' LIMIT 20",
    "the lab's messages": "SELECT payload ->> 'machine', count(*) FROM ils.lims_messages GROUP BY 1",
}
_PLACE = """
WITH customer AS (SELECT customer_id, min(prescription_id) AS prescription_id FROM ils.prescriptions
                  GROUP BY customer_id ORDER BY customer_id LIMIT 1),
     lens AS (SELECT lens_id, price_eur FROM ils.lenses ORDER BY lens_id LIMIT 1),
     placed AS (INSERT INTO ils.orders (customer_id, placed_at, total_eur)
                SELECT customer_id, clock_timestamp(), price_eur FROM customer, lens RETURNING order_id),
     line AS (INSERT INTO ils.order_lines
              SELECT order_id, 1, lens_id, prescription_id, 1, price_eur FROM placed, lens, customer)
SELECT order_id FROM placed
"""
_MOVE = "UPDATE ils.orders SET status = 'in_lab' WHERE order_id = %s RETURNING status::text"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
