"""The write-ahead log of a database is kept as far back as anybody may go in time, and no further."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ils_sandbox.data.postgres.storage import Storage
from ils_sandbox.data.records import Login

DAY = timedelta(days=1)
Maker = Callable[[str], Storage]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Maker]:
    """Files of clusters, and servers on them."""
    made: list[Storage] = []
    sockets = Path(tempfile.mkdtemp(prefix="ils-"))

    def storage(name: str) -> Storage:
        folder = tmp_path / name
        folder.mkdir()
        made.append(Storage(folder, template=tmp_path, socket_folder=sockets / name))
        return made[-1]

    yield storage
    for each in made:
        each.stop()
    shutil.rmtree(sockets)


@pytest.fixture
def source(make: Maker) -> Storage:
    storage = make("source")
    storage.make_empty(Login(user="ils_admin", verifier=""), "ilsdb")
    write(storage, 1)
    return storage


def write(storage: Storage, row: int) -> datetime:
    """Add a row, with a segment of the log of its own; the moment just after it."""
    with storage.server.administrator("ilsdb") as session:
        session.execute("CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY)")
        session.execute("INSERT INTO t VALUES (%s)", (row,))
        moment = session.execute("SELECT clock_timestamp()").fetchone()
        session.execute("SELECT pg_switch_wal()")
    assert moment is not None
    found: datetime = moment[0]
    return found.astimezone(UTC)


def rows(storage: Storage) -> list[int]:
    with storage.server.administrator("ilsdb") as session:
        return [row[0] for row in session.execute("SELECT id FROM t ORDER BY id")]


def take_base(storage: Storage, folder: Path) -> None:
    storage.back_up(folder)
    storage.keep_base(folder)


def log_of(storage: Storage) -> set[str]:
    return {each.name for each in storage._archive.iterdir()}


def test_what_lies_before_the_oldest_base_that_is_needed_goes_and_the_rest_can_be_gone_back_to(
    source: Storage, make: Maker, tmp_path: Path
) -> None:
    take_base(source, tmp_path / "one")
    between = write(source, 2)
    take_base(source, tmp_path / "two")
    write(source, 3)
    before, bases = log_of(source), source._kept_bases()
    assert len(bases) == 3

    # As a day after the first base, when the second is not a day old.
    source.prune(DAY, now=between + DAY)
    assert source._kept_bases() == bases[1:]
    # A base waits for what it needs to be archived; what came after it may be archived meanwhile.
    assert before - log_of(source)
    restored = make("restored")
    restored.make_from_past(source, between)
    assert rows(restored) == [1, 2]

    latest = make("latest")
    latest.make_from_past(source, None)
    assert rows(latest) == [1, 2, 3]


def test_nothing_goes_that_the_window_reaches_back_to(source: Storage, make: Maker, tmp_path: Path) -> None:
    moment = write(source, 2)
    take_base(source, tmp_path / "one")
    write(source, 3)
    log, bases = log_of(source), source._kept_bases()
    source.prune(DAY)
    assert log <= log_of(source)
    assert source._kept_bases() == bases
    restored = make("restored")
    restored.make_from_past(source, moment)
    assert rows(restored) == [1, 2]


def test_a_cluster_of_which_there_is_one_base_keeps_everything(source: Storage) -> None:
    log = log_of(source)
    source.prune(timedelta(0), now=datetime.now(UTC) + 365 * DAY)
    assert log <= log_of(source)
    assert len(source._kept_bases()) == 1
