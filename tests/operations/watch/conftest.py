"""One sandbox for all tests of a process, with dev in it. Every test leaves it as it found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.end_to_end.conftest import LocalSandbox
from tests.operations.watch.site import Site, site_of


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSandbox]:
    local = LocalSandbox(tmp_path_factory.mktemp("watch"))
    local.ils("sandbox", "start")
    try:
        local.ils("up", "dev")
        yield local
    finally:
        local.end()


@pytest.fixture(scope="session")
def site(sandbox: LocalSandbox) -> Site:
    return site_of("dev", sandbox)
