"""Backup sets of a dev that holds the data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from ils_pipelines.defs.cluster_jobs import run_cluster_job
from ils_pipelines.operations.backup.bucket import SetBucket
from ils_pipelines.operations.backup.manifest import Manifest
from ils_pipelines.operations.backup.places import BackupPlaces, find_places
from ils_pipelines.operations.backup.run import take_set
from ils_pipelines.operations.backup.set_id import SetId
from tests.end_to_end.conftest import LocalSandbox
from tests.operations.watch.site import Site, site_of

_MOMENTS = count()


@pytest.fixture(scope="session")
def sandbox(seeded: LocalSandbox) -> LocalSandbox:
    return seeded


@pytest.fixture(scope="session")
def site(sandbox: LocalSandbox) -> Site:
    return site_of("dev", sandbox)


@pytest.fixture(scope="session")
def places(site: Site) -> BackupPlaces:
    return find_places(site.target)


@pytest.fixture(scope="session")
def bucket(site: Site, places: BackupPlaces) -> SetBucket:
    return SetBucket(site.target, places.here)


@pytest.fixture(scope="session")
def whole(site: Site) -> Manifest:
    """A set that tests look at and leave alone."""
    return take_set(site.backups, new_id(), run_cluster_job)


def new_id() -> SetId:
    """Of a set that no other test takes."""
    return SetId("dev", datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(_MOMENTS)))


@pytest.fixture
def slow_copies(sandbox: LocalSandbox) -> Iterator[Callable[[], None]]:
    """S3 copies nothing until this is called."""

    def hurry() -> None:
        sandbox.control("settings", {"copy_seconds": 0})

    sandbox.control("settings", {"copy_seconds": 3600})
    yield hurry
    hurry()


Calls = Callable[[], list[tuple[str, str]]]


@pytest.fixture
def mutating(sandbox: LocalSandbox) -> Calls:
    """Service and operation of what changed something since the test began."""
    sandbox.forget_requests()

    def found() -> list[tuple[str, str]]:
        requests: list[dict[str, Any]] = sandbox.requests(mutating=True)
        return [(each.get("service", "kubernetes"), str(each.get("operation", ""))) for each in requests]

    return found
