"""The sandbox's AWS server, and a provider on it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from tests.sandbox.provider.bench import Bench, Surroundings

_START_SECONDS = 60.0


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of the sandbox's AWS server, in a process of its own."""
    directory = tmp_path_factory.mktemp("aws")
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    log = (directory / "server.log").open("wb")
    server = subprocess.Popen(
        [sys.executable, "-m", "ils_sandbox.aws", "--port", str(port), "--directory", str(directory / "state")],
        stdout=log,
        stderr=log,
    )
    try:
        _wait_for(f"{url}/_sandbox/health", server)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=20)
        log.close()


@pytest.fixture(scope="session")
def surroundings(endpoint: str) -> Surroundings:
    return Surroundings(endpoint)


@pytest.fixture
def bench(surroundings: Surroundings, request: pytest.FixtureRequest) -> Bench:
    return Bench(surroundings, request.node.name)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, f"the AWS server ended with code {server.returncode}"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    pytest.fail(f"{url} did not answer within {_START_SECONDS} s")
