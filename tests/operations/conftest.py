"""What tests of several folders work on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.end_to_end.conftest import LocalSandbox


@pytest.fixture(scope="session")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSandbox]:
    """One sandbox for all tests of a process that look at an environment, with dev in it. Every test leaves it as it was."""
    local = LocalSandbox(tmp_path_factory.mktemp("dev"))
    local.ils("sandbox", "start")
    try:
        local.provision("dev")
        yield local
    finally:
        local.end()


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSandbox]:
    """One sandbox for all tests of a process that back up or restore, with a dev in it that holds the data set.

    Every test leaves it as it found it, but for backup sets: there may be any number of them, of any age.
    """
    local = LocalSandbox(tmp_path_factory.mktemp("seeded"))
    local.ils("sandbox", "start")
    try:
        local.provision("dev")
        local.ils("sandbox", "seed", "dev")
        yield local
    finally:
        local.end()
