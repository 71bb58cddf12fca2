"""What drills made is found by name, tag and age, and taken away; nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ils_pipelines.operations.backup.details import PieceKind
from ils_pipelines.operations.backup.manifest import Manifest
from ils_pipelines.operations.restore.database import FromSnapshot, begin_cluster, finish_cluster
from ils_pipelines.operations.restore.exports import begin_transfer
from ils_pipelines.operations.restore.ground import lay_ground
from ils_pipelines.operations.restore.namespaces import cluster_of, make_namespace
from ils_pipelines.operations.restore.place import DRILL_PREFIX
from ils_pipelines.operations.restore.sweep import find_drills, is_left_over, sweep
from ils_pipelines.operations.restore.tables import FromBackup, begin_table, finish_table, read_shape
from tests.operations.recovery.sets import bucket_of
from tests.operations.recovery.site import Faults, Site, of_drills

HOUR = timedelta(hours=1)


def test_everything_that_a_drill_made_goes_and_everything_else_stays(site: Site, backup: Manifest, drill: str) -> None:
    before = site.sandbox.inventory()
    here, there = site.place(drill), site.place(drill, region=site.environment.backup_vault.dr_region)
    ground = lay_ground(site.target, here)
    lay_ground(site.target, there)
    begin_transfer(site.target, there, bucket_of(site), backup.of_kind(PieceKind.CACHE_EXPORT)[0])
    snapshot = site.snapshot()
    finish_cluster(site.target, here, ground, begin_cluster(site.target, here, ground, FromSnapshot(snapshot)))
    dynamodb, table = site.client("dynamodb"), here.named("sessions")
    arn = dynamodb.create_backup(TableName=f"{site.live}-sessions", BackupName=drill)["BackupDetails"]["BackupArn"]
    from dataclasses import replace

    shape = replace(read_shape(dynamodb, f"{site.live}-sessions"), deletion_protection=True)
    begin_table(site.target, here, ground, table, FromBackup(arn))
    finish_table(site.target, here, table, shape)
    cluster = cluster_of(site.target)
    assert cluster is not None
    make_namespace(cluster, here)
    dynamodb.delete_backup(BackupArn=arn)
    site.client("rds").delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=snapshot)

    made = of_drills(site.drills, drill)
    assert {each.kind for each in made} == {
        "database instance",
        "database cluster",
        "table",
        "security group",
        "subnet group",
        "parameter group",
        "cache subnet group",
        "cache parameter group",
        "file",
        "subnet",
        "network",
        "namespace",
    }
    swept = sweep(site.drills, made)
    assert swept.failures == ()
    assert of_drills(site.drills, drill) == ()
    assert site.sandbox.inventory() == before
    assert sweep(site.drills, made).failures == (), "what is gone already is gone"


def test_a_table_that_was_not_tagged_yet_is_found_by_its_name(site: Site, drill: str) -> None:
    place, dynamodb = site.place(drill), site.client("dynamodb")
    backup = dynamodb.create_backup(TableName=f"{site.live}-sessions", BackupName=drill)["BackupDetails"]["BackupArn"]
    begin_table(site.target, place, lay_ground(site.target, place), place.named("sessions"), FromBackup(backup))
    found = next(each for each in of_drills(site.drills, drill) if each.kind == "table")
    assert not found.tags
    now = datetime.now(UTC)
    assert not is_left_over(found, now=now, longest=HOUR)
    assert is_left_over(found, now=now + 2 * HOUR, longest=HOUR)
    dynamodb.delete_backup(BackupArn=backup)


def test_a_kind_that_cannot_be_listed_hides_no_other(site: Site, drill: str, faults: Faults) -> None:
    lay_ground(site.target, site.place(drill))
    faults("elasticache", "DescribeReplicationGroups", "AccessDenied", times=2)
    site.sandbox.control(
        "faults", {"service": "kubernetes", "status": 503, "times": 9}, method="POST", server="kubernetes"
    )
    try:
        found = find_drills(site.drills, drill)
    finally:
        site.sandbox.control("faults", method="DELETE", server="kubernetes")
    assert [made.kind for made in found.made] == ["security group"]
    assert {why.partition(" could")[0] for why in found.unseen} == {
        f"any {kind} in {region}"
        for kind, regions in (("cache", site.environment.regions), ("namespace", (site.environment.aws.region,)))
        for region in regions
    }


def test_what_is_held_by_interfaces_that_go_later_is_taken_away_all_the_same(
    site: Site, drill: str, faults: Faults
) -> None:
    lay_ground(site.target, site.place(drill, region=site.environment.backup_vault.dr_region))
    for operation in ("DeleteSecurityGroup", "DeleteSubnet", "DeleteVpc"):
        faults("ec2", operation, "DependencyViolation", times=2)
    assert sweep(site.drills, of_drills(site.drills, drill)).failures == ()
    assert of_drills(site.drills, drill) == ()


def test_what_is_young_or_somebody_elses_is_no_leftover(site: Site, drill: str) -> None:
    now = datetime.now(UTC)
    lay_ground(site.target, site.place(drill, holder="a machine", started=now - 2 * HOUR))
    (made,) = of_drills(site.drills, drill)
    assert not is_left_over(made, now=now, longest=3 * HOUR)
    assert not is_left_over(made, now=now, longest=3 * HOUR, orphans_of="another machine")
    assert is_left_over(made, now=now, longest=3 * HOUR, orphans_of="a machine")
    assert is_left_over(made, now=now, longest=HOUR)


def test_names_of_another_environment_are_not_this_ones(site: Site) -> None:
    ec2 = site.client("ec2")
    vpc = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [site.live]}])["Vpcs"][0]["VpcId"]
    # Of a drill of an environment named dev-2.
    group = ec2.create_security_group(GroupName=f"{DRILL_PREFIX}-dev-2-0a1b2c3d", Description="d", VpcId=vpc)["GroupId"]
    assert all(made.id != group for made in of_drills(site.drills))
    ec2.delete_security_group(GroupId=group)
