"""The data set, and somebody who keeps writing."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from psycopg import sql

from ils_pipelines.errors import IlsError
from ils_sandbox.data.seed.load import seed
from ils_sandbox.data.seed.place import Place
from ils_sandbox.data.seed.rows import DataSet
from ils_sandbox.data.seed.writer import Writer, start_writer


def empty_place(site: Any, name: str) -> Place:
    """An environment's worth of empty stores."""
    dynamodb = site.client("dynamodb")
    for table, keys in ((f"{name}-sessions", ("sessionId",)), (f"{name}-analytics", ("eventType", "timestamp"))):
        dynamodb.create_table(
            TableName=table,
            KeySchema=[
                {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            AttributeDefinitions=[
                {"AttributeName": key, "AttributeType": "N" if key == "timestamp" else "S"} for key in keys
            ],
            BillingMode="PAY_PER_REQUEST",
        )
    return Place(
        environment=name,
        database=site.make_database(name),
        cache=site.make_cache(name),
        dynamodb=dynamodb,
        sessions_table=f"{name}-sessions",
        analytics_table=f"{name}-analytics",
    )


@pytest.fixture(scope="session")
def place(site: Any) -> Place:
    """What is seeded, once, and stays as it is."""
    return empty_place(site, "seed")


@pytest.fixture(scope="session")
def seeded(place: Place) -> dict[str, int]:
    return seed(place)


def test_the_rows_are_the_same_every_time() -> None:
    def rows() -> list[Any]:
        data = DataSet()
        return [*data.customers(), *data.lenses(), *data.prescriptions(), *data.orders()]

    assert rows() == rows()


def test_tens_of_thousands_of_rows_fit_together(place: Place, seeded: dict[str, int]) -> None:
    assert sum(seeded.values()) > 50_000
    with place.database.connect() as session:
        for table in ("customers", "lenses", "prescriptions", "orders", "order_lines", "lims_messages"):
            statement = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("ils", table))
            assert session.execute(statement).fetchone() == (seeded[table],)
        # What belongs to one order belongs to one customer, and adds up.
        strays = session.execute(
            "SELECT count(*) FROM ils.orders o JOIN ils.order_lines l USING (order_id) "
            "JOIN ils.prescriptions p USING (prescription_id) WHERE p.customer_id <> o.customer_id"
        ).fetchone()
        wrong = session.execute(
            "SELECT count(*) FROM (SELECT o.order_id FROM ils.orders o JOIN ils.order_lines l USING (order_id) "
            "GROUP BY o.order_id HAVING sum(l.price_eur * l.quantity) <> o.total_eur) t"
        ).fetchone()
    assert (strays, wrong) == ((0,), (0,))


def test_tables_and_cache_get_their_share(place: Place, seeded: dict[str, int]) -> None:
    for table, count in ((place.sessions_table, "sessions"), (place.analytics_table, "analytics")):
        assert place.dynamodb.scan(TableName=table, Select="COUNT")["Count"] == seeded[count]
    assert place.cache.connect().dbsize() == seeded["cache"]


def test_a_second_seeding_changes_nothing(place: Place, seeded: dict[str, int]) -> None:
    assert set(seed(place).values()) == {0}


def test_a_writer_writes_until_it_is_told_to_stop(site: Any, name: str) -> None:
    place = empty_place(site, name)
    seed(place)
    going = threading.Event()
    going.set()
    written: list[int] = []
    lock = site.directory / "sandbox" / "lock"
    thread = threading.Thread(target=lambda: written.append(Writer(place).run(100, going, lock)))

    def orders() -> int:
        with place.database.connect() as session:
            found = session.execute("SELECT count(*) FROM ils.orders").fetchone()
        return int(found[0]) if found else 0

    before = orders()
    thread.start()
    while orders() < before + 3:
        pass
    going.clear()
    thread.join(60)
    assert orders() == before + written[0]


def test_a_writer_ends_when_there_is_no_sandbox(place: Place, seeded: dict[str, int], tmp_path: Any) -> None:
    going = threading.Event()
    going.set()
    assert Writer(place).run(100, going, tmp_path / "lock") == 0


def test_the_speed_is_bounded(tmp_path: Any) -> None:
    with pytest.raises(IlsError, match="at most 200 writes a second"):
        start_writer(tmp_path, "dev", 1000)
