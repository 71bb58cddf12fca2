"""One empty sandbox for all tests of a process, and environment files that a test may change."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ils_pipelines.settings.loading import environments_directory
from tests.end_to_end.conftest import LocalSandbox


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSandbox]:
    local = LocalSandbox(tmp_path_factory.mktemp("provisioning"))
    # Two sandboxes that start at the same moment may choose the same port, and one of them goes down.
    with (tmp_path_factory.getbasetemp().parent / "sandbox-start.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        local.ils("sandbox", "start")
    yield local
    local.end()


@pytest.fixture
def environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped environment files, which is where they are looked for."""
    directory = tmp_path / "environments"
    shutil.copytree(environments_directory(), directory)
    monkeypatch.setenv("ILS_ENVIRONMENTS_DIR", str(directory))
    return directory
