"""What must fail a drill does, and is named."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ils_pipelines.operations.access.cache import cache_access
from ils_pipelines.operations.backup.bucket import SetBucket
from ils_pipelines.operations.backup.details import CacheSnapshot, DatabaseSnapshot, Piece, PieceKind, TableExport
from ils_pipelines.operations.backup.manifest import Manifest
from ils_pipelines.operations.backup.places import find_places
from ils_pipelines.operations.drill.choose import Wanted
from ils_pipelines.operations.drill.models import Evidence, Verdict
from ils_pipelines.operations.drill.run import Asked, run_drill
from ils_pipelines.operations.drill.scenario import Scenario
from ils_pipelines.operations.drill.timeline import OnStep, ignore_steps
from ils_pipelines.operations.restore.ground import output
from ils_pipelines.settings.layers import Layer
from tests.operations.recovery.sets import altered, bucket_of
from tests.operations.recovery.site import Faults, Site, of_drills, until

pytestmark = [pytest.mark.usefixtures("_here"), pytest.mark.timeout(600)]


def failed(site: Site, backup: Manifest, scenario: Scenario, on_step: OnStep = ignore_steps) -> Evidence:
    """A drill that has to fail, and to leave nothing all the same."""
    evidence = run_drill(site.drills, Asked(scenario, Wanted(backup.set)), on_step=on_step)
    assert not evidence.passed
    assert evidence.leftovers == ()
    assert of_drills(site.drills) == ()
    assert evidence.live_changes == ()
    return evidence


@pytest.mark.long
def test_a_corrupted_row(site: Site, backup: Manifest) -> None:
    def corrupt(name: str, what: str) -> None:
        if (name, what) == ("verify database", "started"):
            (cluster,) = [made.name for made in of_drills(site.drills) if made.kind == "database cluster"]
            site.sql("UPDATE ils.customers SET city = 'Nowhere' WHERE customer_id = 7", cluster)

    evidence = failed(site, backup, Scenario.DATABASE_LOSS, corrupt)
    (cause,) = evidence.causes
    assert "table ils.customers: checksum: expected" in cause


def test_what_could_not_be_looked_for_at_the_end_is_told_and_the_rest_is_taken_away(
    site: Site, backup: Manifest, faults: Faults
) -> None:
    def refuse(name: str, what: str) -> None:
        if (name, what) == ("clean up", "started"):
            faults("dynamodb", "ListTables", "AccessDeniedException", times=2 * len(site.environment.regions))

    evidence = run_drill(site.drills, Asked(Scenario.CACHE_LOSS, Wanted(backup.set)), on_step=refuse)
    assert of_drills(site.drills) == ()
    assert [each.partition(" in ")[0] for each in evidence.leftovers] == ["any table"] * len(site.environment.regions)
    assert not evidence.passed


def test_a_truncated_dump(site: Site, backup: Manifest) -> None:
    bucket = bucket_of(site)

    def cut(piece: Piece) -> Piece:
        assert piece.object is not None
        content = b"".join(bucket.chunks(piece.object))
        return piece.model_copy(update={"object": bucket.write(piece.object.key, content[: len(content) // 2])})

    evidence = failed(site, altered(site, backup, PieceKind.DATABASE_DUMP, cut), Scenario.DATABASE_LOSS)
    (cause,) = evidence.causes
    assert cause.startswith("prove the dump: the dump is not what was backed up")
    assert "cut off" in cause


def database_key(site: Site) -> str:
    (found,) = site.client("rds").describe_db_clusters(DBClusterIdentifier=site.live)["DBClusters"]
    return str(found["KmsKeyId"])


@contextmanager
def taken_away(site: Site, *actions: str) -> Iterator[None]:
    """The key of the database lets nobody do these, by a statement in its policy."""
    kms, key = site.client("kms"), database_key(site)
    policy = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    changed = json.loads(policy)
    denial = {"Sid": "Gone", "Effect": "Deny", "Principal": "*", "Action": list(actions), "Resource": "*"}
    changed["Statement"].append(denial)
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(changed))
    try:
        yield
    finally:
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)


def test_a_missing_permission_to_decrypt(site: Site, backup: Manifest) -> None:
    with taken_away(site, "kms:Decrypt"):
        evidence = failed(site, backup, Scenario.DATABASE_LOSS)
    assert "the grant or permission is missing" in evidence.causes[0]
    assert evidence.causes[0].startswith("try the keys: key of ")
    assert database_key(site) in evidence.causes[0]
    assert evidence.rto.verdict is Verdict.NOT_MEASURED


@pytest.mark.long
def test_a_missing_key_grant(site: Site, backup: Manifest) -> None:
    """Whoever restores may use the key, and may not give a grant on it to RDS."""
    with taken_away(site, "kms:CreateGrant"):
        evidence = failed(site, backup, Scenario.DATABASE_LOSS)
    assert "may not be used: a grant or permission is missing" in evidence.causes[0]
    assert "KMSKeyNotAccessibleFault" in evidence.causes[0]


@pytest.mark.parametrize("state", ["is disabled", pytest.param("is pending deletion", marks=pytest.mark.long)])
def test_a_key_that_is_no_longer_there_to_be_used(site: Site, backup: Manifest, state: str) -> None:
    kms, key = site.client("kms"), database_key(site)
    if state == "is disabled":
        kms.disable_key(KeyId=key)
    else:
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    try:
        evidence = failed(site, backup, Scenario.DATABASE_LOSS)
    finally:
        if state != "is disabled":
            kms.cancel_key_deletion(KeyId=key)
        kms.enable_key(KeyId=key)
    assert evidence.causes[0].startswith("try the keys: key of ")
    assert f"{key} {state}" in evidence.causes[0]


def test_an_expired_recovery_point(site: Site, backup: Manifest) -> None:
    name = site.snapshot()

    def other(piece: Piece) -> Piece:
        assert isinstance(piece.details, DatabaseSnapshot)
        return piece.model_copy(update={"details": piece.details.model_copy(update={"snapshot": name})})

    manifest = altered(site, backup, PieceKind.DATABASE_SNAPSHOT, other)
    site.client("rds").delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=name)
    evidence = failed(site, manifest, Scenario.DATABASE_LOSS)
    (cause,) = evidence.causes
    assert f"snapshot {name} is gone: it expired or was deleted" in cause


@pytest.mark.long
def test_an_expired_snapshot_of_the_cache(site: Site, backup: Manifest) -> None:
    name = "ils-dev-gone"

    def other(piece: Piece) -> Piece:
        assert isinstance(piece.details, CacheSnapshot)
        return piece.model_copy(update={"details": piece.details.model_copy(update={"snapshot": name})})

    evidence = failed(site, altered(site, backup, PieceKind.CACHE_SNAPSHOT, other), Scenario.CACHE_LOSS)
    assert f"snapshot {name} is gone: it expired or was deleted" in evidence.causes[0]


def live_cache(site: Site) -> Any:
    return cache_access(
        site.target, site.live, str(output(site.target, Layer.CACHE, "auth_token_secret_arn"))
    ).connect()


def snapshot_of_cache(site: Site, name: str) -> None:
    client = site.client("elasticache")
    client.create_snapshot(ReplicationGroupId=site.live, SnapshotName=name)
    until(
        lambda: client.describe_snapshots(SnapshotName=name)["Snapshots"][0]["SnapshotStatus"] == "available",
        f"snapshot {name} is available",
    )


@pytest.mark.parametrize(
    ("command", "different"),
    [
        (("hset", "lens:popular", "7", "another"), ["content of every key"]),
        (("del", "session:7"), ["keys that have not run out", "content of every key"]),
    ],
    ids=["one value is another", "one key is lost"],
)
def test_a_cache_that_is_not_what_it_was(
    site: Site, backup: Manifest, command: tuple[str, ...], different: list[str]
) -> None:
    """Restored from another snapshot than the set's, which differs in one key."""
    name, cache = f"{site.live}-tests-{uuid.uuid4().hex[:8]}", live_cache(site)
    kept = {key: (cache.dump(key), cache.pexpiretime(key)) for key in ("lens:popular", "session:7")}
    cache.execute_command(*command)
    try:
        snapshot_of_cache(site, name)
    finally:
        for key, (dumped, ends) in kept.items():
            cache.restore(key, max(ends, 0), dumped, replace=True, absttl=True)

    def other(piece: Piece) -> Piece:
        assert isinstance(piece.details, CacheSnapshot)
        return piece.model_copy(update={"details": piece.details.model_copy(update={"snapshot": name})})

    evidence = failed(site, altered(site, backup, PieceKind.CACHE_SNAPSHOT, other), Scenario.CACHE_LOSS)
    site.client("elasticache").delete_snapshot(SnapshotName=name)
    assert [each.what for each in evidence.checks if not each.passed] == different
    assert [cause.split(": ")[1] for cause in evidence.causes] == different


def test_a_tampered_manifest(site: Site, backup: Manifest) -> None:
    manifest = altered(site, backup, PieceKind.DATABASE_DUMP, lambda piece: piece)
    content = manifest.canonical().replace(b'"rows":', b'"rows":1', 1)
    bucket_of(site).write(manifest.id.prefix + "manifest.json", content)
    evidence = failed(site, manifest, Scenario.CACHE_LOSS)
    (cause,) = evidence.causes
    assert cause.startswith("choose a set: ")
    assert "signed" in cause
    assert evidence.manifest_sha256 == ""


@pytest.mark.long
def test_a_restore_that_lost_its_time_to_live(site: Site, backup: Manifest) -> None:
    def lose(name: str, what: str) -> None:
        if (name, what) == ("verify sessions", "started"):
            (table,) = [made.name for made in of_drills(site.drills) if made.name.endswith("-sessions")]
            site.client("dynamodb").update_time_to_live(
                TableName=table, TimeToLiveSpecification={"Enabled": False, "AttributeName": "expiresAt"}
            )

    evidence = failed(site, backup, Scenario.FULL, lose)
    (cause,) = evidence.causes
    assert cause.endswith("time to live: expected as its source, found expected expiresAt, found none")


def test_a_set_that_there_is_none_of(site: Site, backup: Manifest) -> None:
    evidence = run_drill(site.drills, Asked(Scenario.CACHE_LOSS, Wanted("2001-01-01T043000Z")))
    assert "2001-01-01T043000Z" in evidence.causes[0]
    assert evidence.causes[0].startswith("choose a set: ")


def test_an_export_that_somebody_wrote_over(site: Site, backup: Manifest) -> None:
    """Its version is locked and there; DynamoDB would take the newest."""
    away = SetBucket(site.target, find_places(site.target).there)
    (export, *_) = backup.of_kind(PieceKind.TABLE_EXPORT)
    assert isinstance(export.details, TableExport)
    kept = export.details.files[-1]
    on_top = away.write(kept.object.key, b"".join(away.chunks(kept.object)) + b"x")
    try:
        evidence = failed(site, backup, Scenario.REGION_LOSS)
    finally:
        away.s3.delete_object(
            Bucket=on_top.bucket, Key=on_top.key, VersionId=on_top.version, BypassGovernanceRetention=True
        )
    assert f"version {on_top.version} of {kept.object.key}, not {kept.object.version}" in evidence.causes[0]


@pytest.mark.long
def test_a_corrupted_item_of_an_export(site: Site, backup: Manifest) -> None:
    def other(piece: Piece) -> Piece:
        assert isinstance(piece.details, TableExport)
        return piece.model_copy(update={"details": piece.details.model_copy(update={"checksum": "0" * 64})})

    manifest = altered(site, backup, PieceKind.TABLE_EXPORT, other)
    evidence = failed(site, manifest, Scenario.RANSOM)
    assert len(evidence.causes) == 2
    assert all(f"checksum: expected {'0' * 64}, found" in cause for cause in evidence.causes)


@pytest.mark.long
def test_a_truncated_file_of_the_cache(site: Site, backup: Manifest) -> None:
    bucket = bucket_of(site)

    def cut(piece: Piece) -> Piece:
        assert piece.object is not None
        return piece.model_copy(update={"object": bucket.write(piece.object.key, b"REDIS0011")})

    evidence = failed(site, altered(site, backup, PieceKind.CACHE_EXPORT, cut), Scenario.RANSOM)
    assert "the file is not what was backed up: expected the SHA-256" in evidence.causes[0]
