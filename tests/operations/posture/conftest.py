"""One sandbox for all tests of a process, with dev in it. Every test leaves it as it found it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator

import pytest

from ils_pipelines.settings.loading import environments_directory, load_environment
from tests.end_to_end.conftest import LocalSandbox
from tests.operations.posture.site import Site, opened


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSandbox]:
    local = LocalSandbox(tmp_path_factory.mktemp("posture"))
    # Two sandboxes that start at the same moment may choose the same port, and one of them goes down.
    with (tmp_path_factory.getbasetemp().parent / "sandbox-start.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        local.ils("sandbox", "start")
    local.ils("up", "dev")
    yield local
    local.ils("sandbox", "stop")


@pytest.fixture(scope="session")
def shipped(sandbox: LocalSandbox) -> Site:
    """dev as its file says, waivers included."""
    return Site(opened(load_environment("dev"), sandbox.directory), sandbox.directory)


@pytest.fixture(scope="session")
def tiers(sandbox: LocalSandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Site]:
    """staging and production as shipped, but that applying them needs no approval."""
    directory = tmp_path_factory.mktemp("environments")
    unapproved = LocalSandbox(sandbox.directory)
    unapproved.env["ILS_ENVIRONMENTS_DIR"] = str(directory)
    sites = {}
    for name in ("staging", "production"):
        text = (environments_directory() / f"{name}.yaml").read_text()
        (directory / f"{name}.yaml").write_text(text.replace("requires_approval: true", "requires_approval: false"))
        unapproved.ils("up", name)
        sites[name] = Site(opened(load_environment(name), sandbox.directory), sandbox.directory)
    return sites


@pytest.fixture(scope="session")
def site(shipped: Site) -> Site:
    """dev without any waiver. One for all tests: its clients of AWS take longer to make than a control to look at."""
    return shipped.with_waivers()
