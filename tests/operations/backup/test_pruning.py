"""Sets that nobody asks to keep are deleted whole, with everything that they made and nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ils_pipelines.defs.cluster_jobs import run_cluster_job
from ils_pipelines.operations.backup.bucket import SetBucket
from ils_pipelines.operations.backup.details import PieceKind
from ils_pipelines.operations.backup.manifest import Manifest
from ils_pipelines.operations.backup.overview import find_set
from ils_pipelines.operations.backup.places import BackupPlaces, BackupSide
from ils_pipelines.operations.backup.prune import Pruned, prune
from ils_pipelines.operations.backup.run import take_set
from ils_pipelines.operations.backup.set_id import SetId
from tests.iam.evaluation import allowed_actions
from tests.operations.backup.conftest import Calls
from tests.operations.watch.site import Site
from tools.iam.actions import actions

OLD = SetId("dev", datetime(2024, 5, 4, tzinfo=UTC))


def unlock(site: Site, side_bucket: str, region: str, prefix: str) -> None:
    """What the end of the lock does, which the sandbox's S3 does not wait for."""
    s3 = site.target.client("s3", region=region)
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=side_bucket, Prefix=prefix)
    for version in [each for page in pages for each in page.get("Versions", ())]:
        s3.put_object_retention(
            Bucket=side_bucket,
            Key=version["Key"],
            VersionId=version["VersionId"],
            Retention={"Mode": "GOVERNANCE", "RetainUntilDate": datetime.now(UTC) - timedelta(days=1)},
            BypassGovernanceRetention=True,
        )


@pytest.fixture
def old(site: Site, places: BackupPlaces, whole: Manifest) -> Iterator[Manifest]:
    """A set that is older than anything that is kept, beside a newer one."""
    manifest = take_set(site.backups, OLD, run_cluster_job)
    yield manifest
    for side in (places.here, places.there):
        unlock(site, side.bucket, side.region, OLD.prefix)
    prune_all(site)


def prune_all(site: Site, *, dry_run: bool = False) -> dict[str, Pruned]:
    environment = site.target.environment
    retention = environment.backup.retention.model_copy(update={"daily": 1, "weekly": 0, "monthly": 0})
    backup = environment.backup.model_copy(update={"retention": retention})

    class Strict:
        """The same target with an environment that keeps as little as can be."""

        def __getattr__(self, name: str) -> Any:
            return getattr(site.backups, name)

        @property
        def environment(self) -> Any:
            return environment.model_copy(update={"backup": backup})

    target: Any = Strict()
    return {each.set.name: each for each in prune(target, dry_run=dry_run)}


def test_a_locked_set_stays_whole(old: Manifest, site: Site, bucket: SetBucket, mutating: Calls) -> None:
    found = prune_all(site)[OLD.name]

    assert found.kept[0].startswith("locked until")
    assert bucket.manifest(OLD) == old
    assert mutating() == []


def test_a_dry_run_changes_nothing(old: Manifest, site: Site, places: BackupPlaces, mutating: Calls) -> None:
    for side in (places.here, places.there):
        unlock(site, side.bucket, side.region, OLD.prefix)
    made = mutating()
    found = prune_all(site, dry_run=True)

    assert found[OLD.name].goes
    assert mutating() == made


def test_an_old_set_goes_with_everything_that_it_made(
    old: Manifest, site: Site, places: BackupPlaces, whole: Manifest, bucket: SetBucket
) -> None:
    for side in (places.here, places.there):
        unlock(site, side.bucket, side.region, OLD.prefix)
    site.sandbox.forget_requests()
    found = prune_all(site)[OLD.name]

    assert (found.goes, found.left) == (True, ())
    called: dict[str, set[str]] = defaultdict(set)
    for each in site.sandbox.control("requests"):
        assert each["caller"] == "backup.dev"
        called[each["service"]].add(each["operation"])
    assert {"DeleteBackup", "DeleteDBClusterSnapshot"} <= called["dynamodb"] | called["rds"]
    assert actions(called) <= allowed_actions(["backup"])
    assert_gone(site, places)
    assert bucket.manifest(whole.id) == whole


def assert_gone(site: Site, places: BackupPlaces) -> None:
    for side in (places.here, places.there):
        s3 = site.target.client("s3", region=side.region)
        versions = s3.list_object_versions(Bucket=side.bucket, Prefix=OLD.prefix)
        assert not versions.get("Versions")
        assert not versions.get("DeleteMarkers")
        snapshots = site.target.client("rds", region=side.region).describe_db_cluster_snapshots()["DBClusterSnapshots"]
        assert OLD.resource_name not in {each["DBClusterSnapshotIdentifier"] for each in snapshots}
    names = {each["BackupName"] for each in site.client("dynamodb").list_backups()["BackupSummaries"]}
    assert not [name for name in names if name.startswith(OLD.resource_name)]
    caches = {each["SnapshotName"] for each in site.client("elasticache").describe_snapshots()["Snapshots"]}
    assert OLD.resource_name not in caches


def test_what_a_killed_run_made_and_did_not_record_goes_with_its_set(
    old: Manifest, site: Site, places: BackupPlaces, bucket: SetBucket
) -> None:
    for side in (places.here, places.there):
        unlock(site, side.bucket, side.region, OLD.prefix)
        forget(site, side, "manifest.json", "pieces/")
    assert OLD in bucket.sets()
    found = prune_all(site)[OLD.name]

    assert (found.goes, found.left) == (True, ())
    assert_gone(site, places)


def test_a_set_whose_manifest_somebody_deleted_is_not_to_be_trusted_and_stays(
    old: Manifest, site: Site, places: BackupPlaces, bucket: SetBucket
) -> None:
    for side in (places.here, places.there):
        unlock(site, side.bucket, side.region, OLD.prefix)
    where = {"Bucket": bucket.side.bucket, "Key": f"{OLD.prefix}manifest.json"}
    marker = site.client("s3").delete_object(**where)["VersionId"]
    hidden, said = prune_all(site)[OLD.name], find_set(site.backups, OLD.name)
    site.client("s3").delete_object(**where, VersionId=marker)

    assert "cannot be trusted" in hidden.kept[0]
    assert "found that it was deleted" in said.problem
    assert (bucket.manifest(OLD), SetBucket(site.backups, places.there).manifest(OLD)) == (old, old)

    forget(site, places.here, "manifest.json")
    assert "cannot be trusted" in prune_all(site)[OLD.name].kept[0]
    forget(site, places.there, "manifest.json")


def forget(site: Site, side: BackupSide, *names: str) -> None:
    """As if it had never been written."""
    s3 = site.target.client("s3", region=side.region)
    for name in names:
        for each in s3.list_object_versions(Bucket=side.bucket, Prefix=f"{OLD.prefix}{name}").get("Versions", ()):
            s3.delete_object(Bucket=side.bucket, Key=each["Key"], VersionId=each["VersionId"])


def test_what_does_not_have_the_tags_of_the_set_is_left_and_said(
    old: Manifest, site: Site, places: BackupPlaces
) -> None:
    for side in (places.here, places.there):
        unlock(site, side.bucket, side.region, OLD.prefix)
    rds, (snapshot,) = site.client("rds"), old.of_kind(PieceKind.DATABASE_SNAPSHOT)
    rds.remove_tags_from_resource(ResourceName=snapshot.arn, TagKeys=["ils:backup-set"])
    found = prune_all(site)[OLD.name]
    rds.add_tags_to_resource(ResourceName=snapshot.arn, Tags=[{"Key": "ils:backup-set", "Value": OLD.name}])

    assert "does not have the tags of this set" in found.left[0]
    assert prune_all(site)[OLD.name].left == ()
