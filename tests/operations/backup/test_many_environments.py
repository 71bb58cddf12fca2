"""The sets of ten environments at once: none waits for another, and what fails of one fails of no other."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.fleet import fleet
from ils_pipelines.defs.cluster_jobs import run_cluster_job
from ils_pipelines.operations.backup.manifest import Manifest, SetStatus
from ils_pipelines.operations.backup.run import take_set
from ils_pipelines.operations.backup.set_id import SetId
from ils_pipelines.operations.backup.verify import verify_set
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target
from ils_pipelines.targets.protocol import Target

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

COUNT = 10
NIGHT = datetime(2026, 5, 6, 4, 30, tzinfo=UTC)


@pytest.fixture
def targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Target]]:
    with fleet(tmp_path) as made:
        names = made.add_up_to(COUNT)
        made.look("up", *names)
        for name in ("ILS_ENVIRONMENTS_DIR", "ILS_STATE_DIR", "DAGSTER_HOME"):
            monkeypatch.setenv(name, made.environment[name])
        yield {name: open_target(load_environment(name)) for name in names}


def test_the_sets_of_ten_environments_are_independent(targets: dict[str, Target]) -> None:
    failing, *others = targets
    cache = targets[failing].client("elasticache")
    cache.delete_replication_group(ReplicationGroupId=f"ils-{failing}")

    def take(name: str) -> Manifest:
        return take_set(targets[name], SetId(name, NIGHT), run_cluster_job)

    with ThreadPoolExecutor(COUNT) as pool:
        manifests = dict(zip(targets, pool.map(take, targets), strict=True))

    # The export is made from the snapshot.
    assert [failure.name for failure in manifests[failing].failures] == ["cache-export", "cache-snapshot"]
    whole = [name for name in targets if manifests[name].status is SetStatus.COMPLETE]
    assert whole == others
    assert verify_set(targets[others[0]], SetId(others[0], NIGHT)).sound
