"""A dev that holds the data set, and a backup set of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from ils_pipelines.defs.cluster_jobs import run_cluster_job
from ils_pipelines.operations.backup.manifest import Manifest, SetStatus
from ils_pipelines.operations.backup.run import take_set
from ils_pipelines.operations.backup.set_id import SetId
from ils_pipelines.operations.restore.sweep import sweep
from tests.end_to_end.conftest import LocalSandbox
from tests.operations.recovery.site import Faults, Site, of_drills, site_of


@pytest.fixture(scope="session")
def sandbox(seeded: LocalSandbox) -> LocalSandbox:
    return seeded


@pytest.fixture(scope="session")
def site(sandbox: LocalSandbox) -> Site:
    return site_of("dev", sandbox)


@pytest.fixture(scope="session")
def backup(site: Site) -> Manifest:
    """A complete set of dev."""
    manifest = take_set(site.backups, SetId("dev", datetime.now(UTC)), run_cluster_job)
    assert manifest.status is SetStatus.COMPLETE, manifest.failures
    return manifest


@pytest.fixture
def faults(site: Site) -> Iterator[Faults]:
    def refuse(service: str, operation: str, code: str, times: int = 1) -> None:
        fault = {"service": service, "operation": operation, "error_code": code, "status": 400, "times": times}
        site.sandbox.control("faults", fault, method="POST")

    yield refuse
    site.sandbox.control("faults", method="DELETE")


@pytest.fixture
def drill(site: Site) -> Iterator[str]:
    """The id of a drill, whatever is made for which is taken away."""
    name = uuid.uuid4().hex[:8]
    yield name
    assert sweep(site.drills, of_drills(site.drills, name)).failures == ()


@pytest.fixture
def _here(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drills of this process are of the sandbox's state folder."""
    monkeypatch.setenv("ILS_STATE_DIR", str(site.sandbox.directory))
