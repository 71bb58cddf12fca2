"""dev in the sandbox that all tests of a process look at, and a sandbox for the other tiers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ils_pipelines.settings.loading import environments_directory, load_environment
from tests.end_to_end.conftest import LocalSandbox
from tests.operations.posture.site import Site, opened


@pytest.fixture(scope="session")
def sandbox(provisioned: LocalSandbox) -> LocalSandbox:
    return provisioned


@pytest.fixture(scope="session")
def shipped(sandbox: LocalSandbox) -> Site:
    """dev as its file says, waivers included."""
    return Site(opened(load_environment("dev"), sandbox.directory), sandbox.directory)


@pytest.fixture(scope="session")
def tiers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Site]]:
    """staging and production as shipped, but that applying them needs no approval."""
    directory = tmp_path_factory.mktemp("environments")
    unapproved = LocalSandbox(tmp_path_factory.mktemp("tiers"))
    unapproved.env["ILS_ENVIRONMENTS_DIR"] = str(directory)
    unapproved.ils("sandbox", "start")
    sites = {}
    for name in ("staging", "production"):
        text = (environments_directory() / f"{name}.yaml").read_text()
        (directory / f"{name}.yaml").write_text(text.replace("requires_approval: true", "requires_approval: false"))
        unapproved.ils("up", name)
        sites[name] = Site(opened(load_environment(name), unapproved.directory), unapproved.directory)
    yield sites
    unapproved.end()


@pytest.fixture(scope="session")
def site(shipped: Site) -> Site:
    """dev without any waiver. One for all tests: its clients of AWS take longer to make than a control to look at."""
    return shipped.with_waivers()
