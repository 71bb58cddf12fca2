"""Databases and caches live and end with the sandbox, and keep what they hold."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ils_sandbox import server
from ils_sandbox.processes import is_running
from ils_sandbox.state import SandboxState
from tests.sandbox.data.conftest import Site, until


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[Any]:
    server.start(tmp_path, kubernetes=False)
    yield Site(tmp_path)
    server.stop(tmp_path)


def _database_processes(directory: Path) -> list[int]:
    files = (directory / "sandbox" / "data" / "clusters").glob("*/pg/postmaster.pid")
    return [int(file.read_text().split()[0]) for file in files]


def _fill(site: Any) -> tuple[Any, Any]:
    database, cache = site.make_database("kept"), site.make_cache("kept")
    with database.connect(autocommit=True) as session:
        session.execute("CREATE TABLE t AS SELECT 42 AS i")
    cache.connect().set("a", "1")
    return database, cache


def test_a_stop_ends_every_server_and_a_start_brings_the_data_back(own_site: Any) -> None:
    database, cache = _fill(own_site)
    processes = _database_processes(own_site.directory)
    assert len(processes) == 1
    server.stop(own_site.directory)
    assert not any(is_running(pid) for pid in processes)
    server.start(own_site.directory, kubernetes=False)
    with database.connect() as session:
        assert session.execute("SELECT i FROM t").fetchone() == (42,)
    assert cache.connect().get("a") == b"1"

    server.reset(own_site.directory)
    with pytest.raises(psycopg.OperationalError, match="Connection refused"):
        database.connect()
    assert not list((own_site.directory / "sandbox" / "data").glob("clusters/*"))


@pytest.mark.slow
def test_a_killed_data_plane_takes_its_servers_along_and_loses_nothing(own_site: Any) -> None:
    database, _ = _fill(own_site)
    processes = _database_processes(own_site.directory)
    state = own_site.state
    os.kill(state.data.pid, signal.SIGKILL)
    until(lambda: not any(is_running(pid) for pid in processes), "the database server ends")
    until(lambda: SandboxState.load(own_site.directory) is None, "the sandbox goes down")
    until(lambda: not is_running(state.pid), "its supervisor ends")
    server.start(own_site.directory, kubernetes=False)
    with database.connect() as session:
        assert session.execute("SELECT i FROM t").fetchone() == (42,)
