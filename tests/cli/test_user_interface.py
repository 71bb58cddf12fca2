"""`ils ui`: Dagster's own servers, on loopback, on a port that is free."""

import json
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ils_pipelines.commands.ui import NoFreePort, free_port
from tests.cli.conftest import Terminal

WAIT_SECONDS = 120
QUERY = """{ workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError {
  ... on RepositoryLocation { repositories { jobs { name } assetNodes { assetKey { path } } } }
  ... on PythonError { message } } } } } }"""


@contextmanager
def listening() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_free_port_is_taken_as_it_is() -> None:
    with listening() as port:
        pass

    assert free_port(port) == port


def test_instead_of_a_port_that_is_taken_the_next_free_one_is_used() -> None:
    with listening() as port:
        assert free_port(port) > port


def test_no_free_port_at_all_is_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ils_pipelines.commands.ui.PORTS_TRIED", 1)
    with listening() as port, pytest.raises(NoFreePort, match="Name another: ils ui --port"):
        free_port(port)


@contextmanager
def serving(terminal: Terminal, port: int) -> Iterator[str]:
    """The address that `ils ui` names, once it answers; interrupted and gone afterwards."""
    process = terminal.start("ui", "--port", str(port))
    try:
        assert process.stderr is not None
        found = re.match(r"Dagster UI: (http://127\.0\.0\.1:\d+)", process.stderr.readline())
        assert found, process.stderr.read()
        address = found.group(1)
        _wait_until_it_answers(process, address)
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=WAIT_SECONDS)


def _wait_until_it_answers(process: subprocess.Popen[str], address: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{address}/server_info", timeout=5):
                return
        except OSError:
            assert process.poll() is None, "ended before it answered"
            assert time.monotonic() < deadline, f"no answer within {WAIT_SECONDS} s"
            time.sleep(0.2)


def _ask(address: str, query: str) -> Any:
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(f"{address}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as response:
        return json.load(response)["data"]


@pytest.mark.slow
def test_the_ui_shows_the_layers_and_the_jobs_on_the_next_port_when_one_is_taken(terminal: Terminal) -> None:
    with listening() as taken, serving(terminal, taken) as address:
        assert not address.endswith(f":{taken}")
        [location] = _ask(address, QUERY)["workspaceOrError"]["locationEntries"]

    assert location["name"] == "ils_pipelines"
    [repository] = location["locationOrLoadError"]["repositories"]
    assert {node["assetKey"]["path"][0] for node in repository["assetNodes"]} >= {"vpc", "app_release"}
    assert {job["name"] for job in repository["jobs"]} >= {"provision_environment", "teardown_environment"}
