"""The sets of ten environments at once: none waits for another, and what fails of one fails of no other."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from ils_pipelines.defs.cluster_jobs import run_cluster_job
from ils_pipelines.operations.backup.manifest import Manifest, SetStatus
from ils_pipelines.operations.backup.run import take_set
from ils_pipelines.operations.backup.set_id import SetId
from ils_pipelines.operations.backup.verify import verify_set
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target
from ils_pipelines.targets.protocol import Target
from tests.end_to_end.conftest import LocalSandbox

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

NAMES = tuple(f"many-{number}" for number in range(10))
NIGHT = datetime(2026, 5, 6, 4, 30, tzinfo=UTC)


@pytest.fixture
def targets(sandbox: LocalSandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Target]]:
    monkeypatch.setenv("ILS_STATE_DIR", str(sandbox.directory))
    made = []
    try:
        for name in NAMES:
            sandbox.ils("up", name, "--from", "dev", "--ttl", "8h")
            made.append(name)
        yield {name: open_target(load_environment(name)) for name in NAMES}
    finally:
        for name in made:
            sandbox.ils("down", name, "--confirm", name)


def test_the_sets_of_ten_environments_are_independent(targets: dict[str, Target]) -> None:
    failing = NAMES[0]
    cache = targets[failing].client("elasticache")
    cache.delete_replication_group(ReplicationGroupId=f"ils-{failing}")

    def take(name: str) -> Manifest:
        return take_set(targets[name], SetId(name, NIGHT), run_cluster_job)

    with ThreadPoolExecutor(len(NAMES)) as pool:
        manifests = dict(zip(NAMES, pool.map(take, NAMES), strict=True))

    # The export is made from the snapshot.
    assert [failure.name for failure in manifests[failing].failures] == ["cache-export", "cache-snapshot"]
    whole = [name for name in NAMES if manifests[name].status is SetStatus.COMPLETE]
    assert whole == list(NAMES[1:])
    assert verify_set(targets[NAMES[1]], SetId(NAMES[1], NIGHT)).sound
