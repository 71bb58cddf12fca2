"""A drill restores, verifies, measures and takes away; it is told by its evidence."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kubernetes.client import CoreV1Api

from ils_pipelines.defs.cluster_jobs import run_cluster_job
from ils_pipelines.operations.backup.details import Piece, PieceKind
from ils_pipelines.operations.backup.fingerprint import fingerprint as data_fingerprint
from ils_pipelines.operations.backup.manifest import Manifest
from ils_pipelines.operations.backup.run import take_set
from ils_pipelines.operations.backup.set_id import SetId
from ils_pipelines.operations.drill.choose import Wanted
from ils_pipelines.operations.drill.conduct import conduct, drills_of
from ils_pipelines.operations.drill.holder import DrillUnderWay, holding
from ils_pipelines.operations.drill.live import fingerprint
from ils_pipelines.operations.drill.models import Evidence, Verdict
from ils_pipelines.operations.drill.run import Asked, run_drill
from ils_pipelines.operations.drill.scenario import Scenario
from ils_pipelines.operations.restore.sweep import sweep
from ils_pipelines.release.objects import SECRET
from tests.iam.evaluation import DRILL, READ_ONLY, allowed_actions
from tests.operations.recovery.sets import altered, bucket_of
from tests.operations.recovery.site import Site, of_drills, until
from tests.operations.recovery.victim import STEPS
from tools.iam.actions import actions

pytestmark = [pytest.mark.usefixtures("_here"), pytest.mark.timeout(600)]

OnStep = Callable[[str, str], None]


def rehearse(site: Site, backup: Manifest, scenario: Scenario, on_step: OnStep = lambda _name, _what: None) -> Evidence:
    return run_drill(site.drills, Asked(scenario, Wanted(backup.set)), on_step=on_step)


def calls(site: Site) -> frozenset[str]:
    """The actions of IAM that a drill's calls since `forget_requests` ask for."""
    made = [
        (each["service"], each["operation"])
        for each in site.sandbox.control("requests")
        if each["caller"].startswith("drill.")
    ]
    assert made
    return actions({service: {operation for of, operation in made if of == service} for service, _ in made})


def held(site: Site) -> Any:
    """All rows that are live, as a fingerprint."""
    from ils_pipelines.operations.access.database import database_access

    with database_access(site.target, site.live).connect() as session:
        session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return data_fingerprint(session)


@pytest.mark.slow
def test_everything_is_restored_verified_timed_and_taken_away_again(site: Site, backup: Manifest) -> None:
    setup, rows, inventory = fingerprint(site.target), held(site), site.sandbox.inventory()
    site.sandbox.forget_requests()
    done = conduct(site.drills, Asked(Scenario.FULL, Wanted(backup.set)))
    evidence = done.evidence
    assert evidence.causes == ()
    assert evidence.passed
    assert calls(site) - allowed_actions((*READ_ONLY, *DRILL)) == set()
    subjects = " ".join(each.subject for each in evidence.checks)
    for what in (
        "table ils.orders",
        "cache ",
        "-sessions",
        "-analytics",
        "Deployment ",
        "secret ",
        "certificate ",
        "key of",
    ):
        assert what in subjects, what
    assert (evidence.rto.verdict, evidence.rpo.verdict) == (Verdict.MET, Verdict.MET)
    assert evidence.manifest_sha256 == backup.digest
    assert evidence.leftovers == ()
    assert {step.name for step in evidence.steps} == set(STEPS)
    # What is live is as it was, and of the drill there is nothing but the evidence.
    assert evidence.live_before == evidence.live_after == setup.digest == fingerprint(site.target).digest
    assert held(site) == rows
    left = site.sandbox.inventory()
    assert {kind: left[kind] - inventory[kind] for kind in left if left[kind] != inventory[kind]} == {}
    bucket = bucket_of(site)
    folder = done.place.removeprefix(bucket.place(""))
    kept = json.loads(bucket.read(f"{folder}evidence.json") or b"")
    assert kept["manifest_sha256"] == backup.digest
    page = (bucket.read(f"{folder}evidence.html") or b"").decode()
    assert backup.digest in page
    assert page.count("data:image/png;base64,") == 2
    assert drills_of(site.drills)[-1].drill == evidence.drill
    assert [each.passed for each in bucket.restorabilities() if each.drill == evidence.drill] == [True]


@pytest.mark.long
def test_a_set_that_was_taken_while_writes_went_on_comes_back_row_for_row(site: Site) -> None:
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            site.sql(
                "INSERT INTO ils.customers (name, email, city, created_at) "
                "VALUES ('Busy', 'busy.' || gen_random_uuid() || '@example.com', 'Ulm', clock_timestamp())"
            )

    writer = threading.Thread(target=write)
    writer.start()
    try:
        until(
            lambda: site.sql("SELECT count(*) > 3 FROM ils.customers WHERE name = 'Busy'") == [(True,)], "writes go on"
        )
        busy = take_set(site.backups, SetId("dev", datetime.now(UTC)), run_cluster_job)
        until(_more_than(site, _busy(site)), "writes went on after")
    finally:
        stop.set()
        writer.join()
    evidence = rehearse(site, busy, Scenario.DATABASE_LOSS)
    site.sql("DELETE FROM ils.customers WHERE name = 'Busy'")
    assert evidence.causes == ()
    exact = [each for each in evidence.checks if each.subject.startswith("dump ") and each.what == "checksum"]
    assert len(exact) == 6
    (customers,) = [
        each for each in evidence.checks if each.subject.endswith("table ils.customers") and each.what == "rows"
    ]
    assert customers.found == customers.expected


def _busy(site: Site) -> int:
    return int(site.sql("SELECT count(*) FROM ils.customers WHERE name = 'Busy'")[0][0])


def _more_than(site: Site, number: int) -> Callable[[], bool]:
    return lambda: _busy(site) > number


@pytest.mark.long
def test_damaged_rows_come_back_as_they_were_before_the_damage(site: Site, backup: Manifest) -> None:
    rows = held(site)
    evidence = rehearse(site, backup, Scenario.TABLE_CORRUPTION)
    assert evidence.causes == ()
    said = {each.what: each.passed for each in evidence.checks}
    assert said["the sentinel of before the damage is there"]
    assert said["the sentinel of after the damage is not there"]
    assert held(site) == rows, "the damage is done to a copy"
    assert evidence.rpo.seconds is not None
    assert evidence.rpo.seconds > 0


def test_a_lost_cache_comes_back(site: Site, backup: Manifest) -> None:
    evidence = rehearse(site, backup, Scenario.CACHE_LOSS)
    assert evidence.causes == ()
    said = {each.what: each for each in evidence.checks}
    assert "content of every key" in said
    assert int(said["keys that have not run out"].found) == 501


@pytest.mark.parametrize(
    "scenario", [Scenario.CLUSTER_REBUILD, pytest.param(Scenario.CLUSTER_REBUILD_AWAY, marks=pytest.mark.long)]
)
def test_a_lost_cluster_is_made_anew_and_the_release_runs_in_it(
    site: Site, backup: Manifest, scenario: Scenario
) -> None:
    from ils_pipelines.operations.restore.namespaces import cluster_of
    from ils_pipelines.release.cluster import Cluster
    from ils_pipelines.release.objects import DEPLOYMENT

    namespace, setup, inventory = site.environment.app.namespace, fingerprint(site.target), site.sandbox.inventory()
    live = cluster_of(site.target)
    assert live is not None
    (wanted,) = live.find(DEPLOYMENT, {}, namespace)
    away = site.environment.backup_vault.dr_region if scenario is Scenario.CLUSTER_REBUILD_AWAY else None
    seen: dict[str, Any] = {}

    def look(name: str, what: str) -> None:
        if (name, what) == ("serve", "started"):
            made = {each.kind: each for each in of_drills(site.drills)}
            rebuilt = Cluster(site.target.kubernetes(made["cluster"].name, region=away))
            (found,) = rebuilt.find(DEPLOYMENT, {}, namespace)
            seen["ready"], seen["image"] = found["status"]["readyReplicas"], image_of(found)
            seen["another"] = found["metadata"]["uid"] != wanted["metadata"]["uid"]
            seen["secrets"] = [
                value
                for each in rebuilt.find(SECRET, {}, namespace)
                for value in each["data"].values()
                if b"drill" not in base64.b64decode(value)
            ]
            seen["regions"] = {each.region for each in made.values()}

    site.sandbox.forget_requests()
    evidence = rehearse(site, backup, scenario, look)
    assert evidence.causes == ()
    assert calls(site) - allowed_actions((*READ_ONLY, *DRILL)) == set()
    assert seen.pop("ready") >= 1
    regions = {away or site.environment.aws.region}
    assert seen == {"image": image_of(wanted), "another": True, "secrets": [], "regions": regions}
    said = {(each.subject.split()[0], each.what) for each in evidence.checks}
    assert {("nodes", "are ready"), ("Deployment", "pods are ready"), ("Service", "answers /health")} <= said
    assert evidence.rto.verdict is Verdict.MET
    assert fingerprint(site.target).digest == setup.digest
    assert site.sandbox.inventory() == inventory


def image_of(deployment: dict[str, Any]) -> str:
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


@pytest.mark.long
def test_a_release_that_does_not_run_in_the_new_cluster_fails_the_drill(site: Site, backup: Manifest) -> None:
    """Its image is gone from the registry."""

    def lose(name: str, what: str) -> None:
        if (name, what) == ("restore objects into it", "started"):
            (cluster,) = [each.name for each in of_drills(site.drills) if each.kind == "cluster"]
            told = {"image": site.environment.app.image, "outcome": "pull-fails"}
            site.sandbox.control(f"clusters/{cluster}/images", told, server="kubernetes")

    evidence = rehearse(site, backup, Scenario.CLUSTER_REBUILD, lose)
    assert evidence.leftovers == ()
    (cause,) = evidence.causes
    assert cause.startswith("roll out the release: ")
    assert "ImagePullBackOff" in cause or "ErrImagePull" in cause
    assert evidence.rto.verdict is Verdict.NOT_MEASURED


@pytest.mark.long
def test_a_service_that_nobody_answers_for_fails_the_drill(site: Site, backup: Manifest) -> None:
    """It leads to a port of its pods on which nobody listens."""

    def mislead(name: str, what: str) -> None:
        if (name, what) == ("serve", "started"):
            (cluster,) = [each.name for each in of_drills(site.target) if each.kind == "cluster"]
            namespace, ports = site.environment.app.namespace, [{"port": 5000, "targetPort": 9}]
            with site.target.kubernetes(cluster) as api:
                core = CoreV1Api(api)
                core.patch_namespaced_service("ils", namespace, {"spec": {"ports": ports}})
                until(
                    lambda: core.read_namespaced_endpoints("ils", namespace).subsets[0].ports[0].port == 9,
                    "endpoints of the other port",
                )

    evidence = rehearse(site, backup, Scenario.CLUSTER_REBUILD, mislead)
    assert evidence.leftovers == ()
    (cause,) = evidence.causes
    assert "answers /health" in cause
    assert "connection refused" in cause


@pytest.mark.long
@pytest.mark.parametrize("scenario", [Scenario.DATABASE_LOSS, Scenario.REGION_LOSS, Scenario.RANSOM])
def test_every_other_loss_is_answered(site: Site, backup: Manifest, scenario: Scenario) -> None:
    site.sandbox.forget_requests()
    evidence = rehearse(site, backup, scenario)
    assert evidence.causes == ()
    assert calls(site) - allowed_actions((*READ_ONLY, *DRILL)) == set()
    away = site.environment.backup_vault.dr_region
    assert (evidence.region == away) is (scenario is Scenario.REGION_LOSS)
    assert evidence.not_restored == ()
    assert evidence.rto.verdict is Verdict.MET
    if scenario is not Scenario.DATABASE_LOSS:
        said = {(each.subject.rpartition("-")[2], each.what) for each in evidence.checks if each.passed}
        parity = "time to live, indexes, recovery, protection, stream, tags"
        for table in ("sessions", "analytics"):
            assert {what for of, what in said if of == table} >= {"items", "checksum", parity}
        assert "content of every key" in {what for _, what in said}


@pytest.mark.slow
def test_tables_and_cache_come_back_when_their_backups_are_deleted(site: Site) -> None:
    """What a ransom is: not a backup is left in the region, nor an object of the set's bucket there."""
    plundered = take_set(site.backups, SetId("dev", datetime.now(UTC)), run_cluster_job)
    dynamodb, cache, s3 = (site.client(each) for each in ("dynamodb", "elasticache", "s3"))
    for piece in plundered.pieces:
        if piece.kind is PieceKind.TABLE_BACKUP:
            dynamodb.delete_backup(BackupArn=piece.arn)
        elif piece.kind is PieceKind.DATABASE_SNAPSHOT:
            site.client("rds").delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=piece.details.snapshot)  # type: ignore[union-attr]
        elif piece.kind is PieceKind.CACHE_SNAPSHOT:
            cache.delete_snapshot(SnapshotName=piece.details.snapshot)  # type: ignore[union-attr]
    bucket = bucket_of(site).side.bucket
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=plundered.id.prefix):
        for each in page["Versions"]:
            s3.delete_object(
                Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"], BypassGovernanceRetention=True
            )
    evidence = rehearse(site, plundered, Scenario.RANSOM)
    assert evidence.causes == ()
    assert {step.name for step in evidence.steps} >= {"restore sessions", "restore analytics", "restore cache"}


@pytest.mark.long
def test_a_set_without_exports_says_what_a_region_loss_takes_for_good(site: Site, backup: Manifest) -> None:
    exports = (PieceKind.TABLE_EXPORT, PieceKind.CACHE_EXPORT)
    pieces = tuple(piece for piece in backup.pieces if piece.kind not in exports)
    earlier = replace(backup.id, moment=backup.id.moment - timedelta(hours=2))
    poor = backup.model_copy(update={"set": earlier.name, "pieces": pieces})
    bucket_of(site).write_manifest(poor)
    evidence = rehearse(site, poor, Scenario.REGION_LOSS)
    assert evidence.causes == ()
    assert [each.partition(":")[0] for each in evidence.not_restored] == ["tables", "cache"]


def test_a_set_that_does_not_tell_the_keys_of_its_cache_says_so(site: Site, backup: Manifest) -> None:
    """One of before they were read, or with values of modules."""

    def unread(piece: Piece) -> Piece:
        return piece.model_copy(update={"details": piece.details.model_copy(update={"state": None})})

    older = altered(site, backup, PieceKind.CACHE_EXPORT, unread)
    assert b'"state":null' not in older.canonical()
    evidence = rehearse(site, older, Scenario.CACHE_LOSS)
    assert evidence.causes == ()
    assert [each.partition(":")[0] for each in evidence.not_restored] == ["keys of the cache"]
    assert "has keys" in [each.what for each in evidence.checks]


def test_what_users_write_is_no_change_of_what_is_live(site: Site) -> None:
    dynamodb, name = site.client("dynamodb"), f"{site.live}-analytics"

    def bytes_of_index() -> int:
        return int(dynamodb.describe_table(TableName=name)["Table"]["GlobalSecondaryIndexes"][0]["IndexSizeBytes"])

    [item] = dynamodb.scan(TableName=name, Limit=1)["Items"]
    before, size = fingerprint(site.target), bytes_of_index()
    dynamodb.put_item(TableName=name, Item={**item, "note": {"S": "longer than before"}})
    try:
        assert bytes_of_index() > size
        assert before.changes(fingerprint(site.target)) == ()
    finally:
        dynamodb.put_item(TableName=name, Item=item)


def test_a_change_of_what_is_live_is_named(site: Site, backup: Manifest) -> None:
    ec2 = site.client("ec2")
    filters = [{"Name": "group-name", "Values": [f"{site.live}-database"]}]
    group = ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"]

    def meddle(name: str, what: str) -> None:
        if (name, what) == ("serve", "started"):
            ec2.create_tags(Resources=[group], Tags=[{"Key": "meddled", "Value": "yes"}])

    try:
        evidence = rehearse(site, backup, Scenario.CACHE_LOSS, meddle)
    finally:
        ec2.delete_tags(Resources=[group], Tags=[{"Key": "meddled", "Value": "yes"}])
    assert evidence.causes == (f"what is live changed meanwhile: security group {site.live}-database is not as it was",)


def test_what_cannot_be_taken_away_fails_the_drill(site: Site, backup: Manifest) -> None:
    fault = {
        "service": "elasticache",
        "operation": "DeleteReplicationGroup",
        "error_code": "AccessDenied",
        "status": 403,
    }
    site.sandbox.control("faults", fault, method="POST")
    evidence = rehearse(site, backup, Scenario.CACHE_LOSS)
    assert len(evidence.leftovers) == 2, "the cache, and the security group that it holds"
    assert "cache" in evidence.leftovers[0]
    assert evidence.causes[0].startswith("left over: ")
    # The next one sweeps it.
    assert rehearse(site, backup, Scenario.CACHE_LOSS).causes == ()
    assert of_drills(site.drills) == ()


def test_an_interrupted_drill_takes_away_what_it_made(site: Site, backup: Manifest) -> None:
    def interrupt(name: str, what: str) -> None:
        if (name, what) == ("verify", "started"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rehearse(site, backup, Scenario.CACHE_LOSS, interrupt)
    assert of_drills(site.drills) == ()


def test_two_drills_of_one_environment_are_not_run_at_once(site: Site, backup: Manifest) -> None:
    with holding("dev"), pytest.raises(DrillUnderWay):
        rehearse(site, backup, Scenario.CACHE_LOSS)
    assert sweep(site.drills, of_drills(site.drills)).failures == ()
