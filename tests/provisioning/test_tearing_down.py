"""What holds before an environment is deleted, the last snapshots it leaves, and finding what is left by tag."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ils_pipelines.engine.errors import ProtectedResource
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.provisioning.leftovers import Leftover, leftovers_in_account, leftovers_of
from ils_pipelines.provisioning.teardown import (
    LastSnapshotRefused,
    NotExpired,
    TeardownNotConfirmed,
    check_teardown,
)
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target
from ils_pipelines.targets.protocol import Target
from tests.end_to_end.conftest import LocalSandbox

STORES = (Layer.VPC, Layer.ENCRYPTION, Layer.DATABASE, Layer.CACHE)

pytestmark = pytest.mark.slow


@pytest.fixture
def dev(sandbox: LocalSandbox, environments: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    """dev, whose stores leave a last snapshot, without anything in it; nothing of it is left afterwards."""
    monkeypatch.setenv("ILS_STATE_DIR", str(sandbox.directory))
    file = environments / "dev.yaml"
    text = file.read_text().replace("\ndatabase:\n", "\ndatabase:\n  final_snapshot: true\n")
    file.write_text(text.replace("\ncache:\n", "\ncache:\n  final_snapshot: true\n"))
    target = open_target(load_environment("dev"))
    yield target
    down(target)


def up(target: Target) -> None:
    for layer in STORES:
        layer_work(target, layer).up()


def down(target: Target) -> None:
    for layer in reversed(STORES):
        layer_work(target, layer).destroy()


def snapshots(target: Target) -> set[str]:
    rds = target.client("rds").describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"]
    caches = target.client("elasticache").describe_snapshots()["Snapshots"]
    return {each["DBClusterSnapshotIdentifier"] for each in rds} | {each["SnapshotName"] for each in caches}


def test_every_time_an_environment_is_torn_down_its_stores_leave_a_last_snapshot(dev: Target) -> None:
    before = snapshots(dev)
    for times in (1, 2):
        up(dev)
        check_teardown(dev, confirmed="dev")
        down(dev)

        left = snapshots(dev) - before
        # Of the database and of the cache, whose keys have ids of their own.
        assert len(left) == 2 * times, left
        assert all(name.startswith("ils-dev-final-") for name in left)

    kept = {each.name: each for each in leftovers_of(dev) if each.kept}
    assert {f"cluster-snapshot:{name}" for name in left} & set(kept)
    assert all("kept until somebody deletes it" in kept[name].kept for name in kept if "final" in name)


def test_a_snapshot_in_the_way_of_the_last_one_is_found_before_anything_is_deleted(dev: Target) -> None:
    up(dev)
    resources = layer_work(dev, Layer.DATABASE).resources()
    [name] = [each.properties[key] for each in resources for key in each.properties if key == "finalSnapshotIdentifier"]
    dev.client("rds").create_db_cluster_snapshot(DBClusterSnapshotIdentifier=name, DBClusterIdentifier="ils-dev")

    with pytest.raises(LastSnapshotRefused, match=r"found one. .*Nothing was deleted"):
        check_teardown(dev, confirmed="dev")

    dev.client("rds").delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=name)
    check_teardown(dev, confirmed="dev")


@pytest.mark.parametrize("confirmed", ["", "staging", "Dev"])
def test_the_environments_name_is_asked_for(dev: Target, confirmed: str) -> None:
    with pytest.raises(TeardownNotConfirmed, match="Nothing was deleted"):
        check_teardown(dev, confirmed=confirmed)


def test_what_a_sensor_asks_for_is_refused_for_an_environment_that_lasts(dev: Target) -> None:
    with pytest.raises(NotExpired, match=r"expected dev to be an ephemeral environment .* found one that lasts"):
        check_teardown(dev, confirmed="dev", only_expired=True)


def test_production_is_deleted_only_once_its_protection_was_taken_off_and_that_was_applied(
    sandbox: LocalSandbox, environments: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ILS_STATE_DIR", str(sandbox.directory))
    production = open_target(load_environment("production"))
    layer_work(production, Layer.ENCRYPTION).up()

    with pytest.raises(ProtectedResource, match="Take the protection off"):
        check_teardown(production, confirmed="production")
    with pytest.raises(ProtectedResource):
        layer_work(production, Layer.ENCRYPTION).destroy()

    file = environments / "production.yaml"
    waiver = (
        "\nwaivers:\n  - rule: deletion_protection\n    reason: The region is given up, and data was moved.\n"
        "    expires: 2999-12-31\n"
    )
    file.write_text(file.read_text().replace("protection: true #", "protection: false #", 1) + waiver)
    unprotected = open_target(load_environment("production"))
    with pytest.raises(ProtectedResource):
        check_teardown(unprotected, confirmed="production")
    layer_work(unprotected, Layer.ENCRYPTION).up()

    check_teardown(unprotected, confirmed="production")
    layer_work(unprotected, Layer.ENCRYPTION).destroy()


def test_what_others_made_is_found_by_its_tags_and_no_reason_is_given_for_it(dev: Target) -> None:
    ec2 = dev.client("ec2")
    tags = [{"Key": "kubernetes.io/cluster/ils-dev", "Value": "owned"}]
    made = ec2.create_volume(
        AvailabilityZone="us-east-1a", Size=1, TagSpecifications=[{"ResourceType": "volume", "Tags": tags}]
    )

    unexplained = [each for each in leftovers_of(dev) if not each.kept]

    assert [each.name for each in unexplained] == [f"volume/{made['VolumeId']}"]
    assert [(each.environment, each.region) for each in unexplained] == [("dev", "us-east-1")]
    ec2.delete_volume(VolumeId=made["VolumeId"])


def _role(target: Target, name: str, **tags: str) -> str:
    listed = [{"Key": key.replace("_", "-"), "Value": value} for key, value in tags.items()]
    made = target.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}", Tags=listed)
    return str(made["Role"]["Arn"])


def test_leftovers_of_an_account_are_those_of_environments_that_are_gone_or_past_their_time(dev: Target) -> None:
    ours = {"managed_by": "ils-pipelines", "project": "ils"}
    gone = _role(dev, "ils-gone-x", **ours, environment="gone")
    past = _role(dev, "ils-dev-past", **ours, environment="dev", expires="2026-01-01T00:00:00Z")
    _role(dev, "ils-dev-here", **ours, environment="dev")
    _role(dev, "ils-dev-later", **ours, environment="dev", expires="2999-01-01T00:00:00Z")
    _role(dev, "ils-strange", environment="gone")
    try:
        found = leftovers_in_account(dev, ["us-east-1"], ["dev", "staging"])
    finally:
        for name in ("ils-gone-x", "ils-dev-past", "ils-dev-here", "ils-dev-later", "ils-strange"):
            dev.client("iam").delete_role(RoleName=name)

    roles = [each for each in found if each.service == "iam"]
    assert roles == [
        Leftover(past, "", "dev", "2026-01-01T00:00:00Z"),
        Leftover(gone, "", "gone"),
    ]
