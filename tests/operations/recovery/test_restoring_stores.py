"""A restore stands beside what is live, shut off from it, with everything that AWS would have defaulted wrongly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ils_pipelines.operations.access.cache import CacheAccess
from ils_pipelines.operations.drill.moment import await_window
from ils_pipelines.operations.restore.cache import begin_cache, cache_flaws, finish_cache
from ils_pipelines.operations.restore.database import (
    FromMoment,
    FromSnapshot,
    begin_cluster,
    cluster_flaws,
    finish_cluster,
)
from ils_pipelines.operations.restore.errors import RestoreFailed
from ils_pipelines.operations.restore.ground import isolation_flaws, lay_ground
from ils_pipelines.operations.restore.place import BadName, restore_place
from ils_pipelines.operations.restore.tables import (
    FromBackup,
    FromTable,
    begin_table,
    finish_table,
    read_shape,
    shape_flaws,
)
from tests.operations.recovery.site import Faults, Site, site_for

TOKEN = "a-token-of-sixteen-or-more"


@pytest.fixture(scope="module")
def snapshot(site: Site) -> str:
    return site.snapshot()


def test_a_restored_database_is_complete_and_has_an_instance(site: Site, drill: str, snapshot: str) -> None:
    place = site.place(drill)
    ground = lay_ground(site.target, place)
    for _interrupted_before in range(2):
        name = begin_cluster(site.target, place, ground, FromSnapshot(snapshot))
        finish_cluster(site.target, place, ground, name)
    assert cluster_flaws(site.target, ground, name) == []
    assert list(isolation_flaws(site.target, ground)) == []
    assert site.sql("SELECT count(*) FROM ils.orders", name) == site.sql("SELECT count(*) FROM ils.orders")
    # What AWS would have taken.
    cluster = site.client("rds").describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
    assert cluster["DBClusterParameterGroup"] == f"{site.live}-aurora-postgresql15"
    assert {tag["Key"]: tag["Value"] for tag in cluster["TagList"]}["drill"] == drill


def test_a_database_goes_back_to_a_moment(site: Site, drill: str) -> None:
    place = site.place(drill)
    ground = lay_ground(site.target, place)
    moment = site.sql("SELECT clock_timestamp()")[0][0]
    site.sql("INSERT INTO ils.customers (name, email, city, created_at) VALUES ('X', 'x@example.com', 'Ulm', now())")
    try:
        name = begin_cluster(site.target, place, ground, FromMoment(site.live, moment))
        finish_cluster(site.target, place, ground, name)
        assert site.sql("SELECT count(*) FROM ils.customers WHERE email = 'x@example.com'", name) == [(0,)]
    finally:
        site.sql("DELETE FROM ils.customers WHERE email = 'x@example.com'")


def test_a_new_cluster_that_has_no_backup_yet_is_waited_for(site: Site, drill: str, snapshot: str) -> None:
    place, rds = site.place(drill), site.client("rds")
    ground = lay_ground(site.target, place)
    site.sandbox.control("settings", {"seconds_per_minute": 0.5})
    try:
        name = begin_cluster(site.target, place, ground, FromSnapshot(snapshot))
        assert "LatestRestorableTime" not in rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
        await_window(site.target, place.region, name, datetime.now(UTC))
        assert "LatestRestorableTime" in rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
    finally:
        site.sandbox.control("settings", {"seconds_per_minute": 0})


def test_a_moment_that_cannot_be_gone_back_to_is_named_as_the_cause(site: Site, drill: str) -> None:
    place = site.place(drill)
    long_ago = datetime.now(UTC) - timedelta(days=300)
    with pytest.raises(RestoreFailed, match="not between"):
        begin_cluster(site.target, place, lay_ground(site.target, place), FromMoment(site.live, long_ago))


def test_a_snapshot_that_is_gone_is_named_as_the_cause(site: Site, drill: str) -> None:
    place = site.place(drill)
    with pytest.raises(RestoreFailed, match="snapshot never-was is gone: it expired or was deleted"):
        begin_cluster(site.target, place, lay_ground(site.target, place), FromSnapshot("never-was"))


def test_what_is_there_and_was_not_restored_is_left_alone(site: Site, drill: str, snapshot: str) -> None:
    place = site.place(drill)
    ground = lay_ground(site.target, place)
    with pytest.raises(RestoreFailed, match="Nothing was done to it"):
        begin_cluster(site.target, place, ground, FromSnapshot(snapshot), name=site.live)


def test_a_security_group_lets_in_whoever_verifies_and_nobody_else(site: Site, drill: str) -> None:
    settings = site.environment.drills.model_copy(update={"verify_from": _networks("10.99.0.0/24")})
    other = site_for(site.environment.model_copy(update={"drills": settings}), site.sandbox)
    place = other.place(drill)
    for _again in range(2):
        ground = lay_ground(other.drills, place)
    ec2 = site.client("ec2")
    filters = [{"Name": "group-id", "Values": [ground.security_group_id]}]
    rules = ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
    assert sorted((rule["IsEgress"], rule["CidrIpv4"], rule["FromPort"]) for rule in rules) == [
        (False, "10.99.0.0/24", 5432),
        (False, "10.99.0.0/24", 6379),
    ]
    assert list(isolation_flaws(other.drills, ground)) == []


def test_a_way_from_what_is_live_is_seen(site: Site, drill: str) -> None:
    ground = lay_ground(site.target, site.place(drill))
    nodes = site.client("ec2").describe_security_groups(
        Filters=[{"Name": "group-name", "Values": [f"{site.live}-nodes"]}]
    )
    live = nodes["SecurityGroups"][0]["GroupId"]
    site.client("ec2").authorize_security_group_ingress(
        GroupId=ground.security_group_id,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": live}]}
        ],
    )
    assert list(isolation_flaws(site.target, ground)) == [f"{ground.security_group_id} lets in {live}"]


def test_a_table_gets_back_what_its_restore_lost(site: Site, drill: str) -> None:
    dynamodb, source = site.client("dynamodb"), f"{site.live}-analytics"
    backup = dynamodb.create_backup(TableName=source, BackupName=f"tests-{drill}")["BackupDetails"]["BackupArn"]
    place = site.place(drill)
    name, wanted = place.named("analytics"), read_shape(dynamodb, source)
    ground = lay_ground(site.target, place)
    begin_table(site.target, place, ground, name, FromBackup(backup))
    lost = list(shape_flaws(wanted, read_shape(dynamodb, name)))
    assert lost[0] == "time to live: expected expiresAt, found none"
    for _interrupted_before in range(2):
        begin_table(site.target, place, ground, name, FromBackup(backup))
        finish_table(site.target, place, name, wanted)
    assert list(shape_flaws(wanted, read_shape(dynamodb, name))) == []
    assert read_shape(dynamodb, name).tags["drill"] == drill
    count = [dynamodb.scan(TableName=table, Select="COUNT")["Count"] for table in (source, name)]
    assert count[0] == count[1] > 0
    dynamodb.delete_backup(BackupArn=backup)


def test_recovery_is_put_on_again_as_soon_as_dynamodb_takes_it(site: Site, drill: str, faults: Faults) -> None:
    dynamodb, place = site.client("dynamodb"), site.place(drill)
    name, wanted = place.named("sessions"), read_shape(dynamodb, f"{site.live}-sessions")
    backup = dynamodb.create_backup(TableName=f"{site.live}-sessions", BackupName=drill)["BackupDetails"]["BackupArn"]
    begin_table(site.target, place, lay_ground(site.target, place), name, FromBackup(backup))
    faults("dynamodb", "UpdateContinuousBackups", "ContinuousBackupsUnavailableException", times=2)
    finish_table(site.target, place, name, wanted)
    assert wanted.recovery_days is not None
    assert read_shape(dynamodb, name).recovery_days == wanted.recovery_days
    dynamodb.delete_backup(BackupArn=backup)


@pytest.mark.long
def test_recovery_protection_and_stream_are_put_on_again(site: Site, drill: str) -> None:
    dynamodb, source = site.client("dynamodb"), f"{site.live}-sessions"
    place = site.place(drill)
    ground = lay_ground(site.target, place)
    backup = dynamodb.create_backup(TableName=source, BackupName=f"tests-{drill}")["BackupDetails"]["BackupArn"]
    from dataclasses import replace

    wanted = replace(
        read_shape(dynamodb, source), recovery_days=7, deletion_protection=True, stream="NEW_AND_OLD_IMAGES"
    )
    begin_table(site.target, place, ground, place.named("sessions"), FromBackup(backup))
    finish_table(site.target, place, place.named("sessions"), wanted)
    assert list(shape_flaws(wanted, read_shape(dynamodb, place.named("sessions")))) == []
    # And one that has been restored can be gone back in itself.
    again = place.named("again")
    begin_table(site.target, place, ground, again, FromTable(place.named("sessions")))
    finish_table(site.target, place, again, wanted)
    assert dynamodb.scan(TableName=again, Select="COUNT")["Count"] > 0
    dynamodb.delete_backup(BackupArn=backup)


def test_a_restored_cache_holds_what_the_snapshot_held(site: Site, drill: str) -> None:
    client, place = site.client("elasticache"), site.place(drill)
    client.create_snapshot(ReplicationGroupId=site.live, SnapshotName=f"{site.live}-tests-{drill}")
    _await_cache_snapshot(site, f"{site.live}-tests-{drill}")
    ground = lay_ground(site.target, place)
    for _interrupted_before in range(2):
        begin_cache(site.target, place, ground, f"{site.live}-tests-{drill}", TOKEN)
        finish_cache(site.target, place)
    assert cache_flaws(site.target, ground, place.name) == []
    endpoint = client.describe_replication_groups(ReplicationGroupId=place.name)["ReplicationGroups"][0]["NodeGroups"][
        0
    ]["PrimaryEndpoint"]
    access = CacheAccess(endpoint["Address"], endpoint["Port"], TOKEN, site.target.data_authorities())
    with access.connect() as cache:
        assert cache.hlen("lens:popular") == 20
    client.delete_snapshot(SnapshotName=f"{site.live}-tests-{drill}")


def test_a_region_without_a_network_gets_one_that_is_joined_to_nothing(site: Site, drill: str) -> None:
    place = site.place(drill, region=site.environment.backup_vault.dr_region)
    grounds = {lay_ground(site.target, place) for _again in range(2)}
    (ground,) = grounds
    assert list(isolation_flaws(site.target, ground)) == []
    ec2 = site.client("ec2", place.region)
    assert ec2.describe_vpc_peering_connections()["VpcPeeringConnections"] == []
    cache = site.client("elasticache", place.region)
    subnets = cache.describe_cache_subnet_groups(CacheSubnetGroupName=ground.cache_subnets)["CacheSubnetGroups"][0]
    assert subnets["VpcId"] == ground.vpc_id
    parameters = cache.describe_cache_parameters(CacheParameterGroupName=ground.cache_parameters, Source="user")
    assert [each["ParameterValue"] for each in parameters["Parameters"]] == ["volatile-ttl"]


@pytest.mark.parametrize("name", ["", "Big", "-x", "x-", "a--b", "a" * 33, "ä"])
def test_a_name_that_aws_would_not_take_is_refused(site: Site, name: str) -> None:
    with pytest.raises(BadName):
        restore_place(site.environment, name, region="us-east-1")


def _networks(*cidrs: str) -> object:
    from ipaddress import IPv4Network

    return tuple(IPv4Network(cidr) for cidr in cidrs)


def _await_cache_snapshot(site: Site, name: str) -> None:
    from tests.operations.recovery.site import until

    client = site.client("elasticache")
    until(
        lambda: client.describe_snapshots(SnapshotName=name)["Snapshots"][0]["SnapshotStatus"] == "available",
        f"snapshot {name} is available",
    )
