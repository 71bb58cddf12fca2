"""dev in the sandbox that all tests of a process look at."""

from __future__ import annotations

import pytest

from tests.end_to_end.conftest import LocalSandbox
from tests.operations.watch.site import Site, site_of


@pytest.fixture(scope="session")
def sandbox(provisioned: LocalSandbox) -> LocalSandbox:
    return provisioned


@pytest.fixture(scope="session")
def site(sandbox: LocalSandbox) -> Site:
    return site_of("dev", sandbox)
