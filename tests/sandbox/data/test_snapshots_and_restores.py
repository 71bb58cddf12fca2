"""Snapshots, copies, restores and failovers act on the data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from botocore.exceptions import ClientError

OTHER_REGION = "eu-west-1"


def _rows(access: Any) -> list[int]:
    with access.connect() as session:
        return [row[0] for row in session.execute("SELECT id FROM t ORDER BY id")]


def _add(access: Any, row: int) -> datetime:
    """Add a row; the time just after."""
    with access.connect(autocommit=True) as session:
        session.execute("CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY)")
        session.execute("INSERT INTO t VALUES (%s)", (row,))
        moment = session.execute("SELECT clock_timestamp()").fetchone()
    return moment[0]


def _restore(site: Any, name: str, snapshot: str, region: str = "eu-central-1") -> Any:
    site.client("rds", region).restore_db_cluster_from_snapshot(
        DBClusterIdentifier=name, SnapshotIdentifier=snapshot, Engine="aurora-postgresql"
    )
    return site.database(name, region=region)


def test_a_restored_snapshot_is_the_data_as_it_was(site: Any, name: str) -> None:
    source = site.make_database(name)
    _add(source, 1)
    site.snapshot(name, name)
    _add(source, 2)
    restored = _restore(site, f"{name}-r", name)
    assert _rows(restored) == [1]
    _add(restored, 3)
    assert _rows(source) == [1, 2]


def test_a_snapshot_outlives_its_cluster(site: Any, name: str) -> None:
    _add(site.make_database(name), 1)
    site.client("rds").delete_db_cluster(
        DBClusterIdentifier=name, SkipFinalSnapshot=False, FinalDBSnapshotIdentifier=f"{name}-final"
    )
    site.await_snapshot(f"{name}-final")
    assert _rows(_restore(site, f"{name}-r", f"{name}-final")) == [1]


def test_a_copy_in_another_region_outlives_what_it_was_copied_from(site: Any, name: str) -> None:
    _add(site.make_database(name), 1)
    site.snapshot(name, name)
    rds = site.client("rds")
    arn = rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=name)["DBClusterSnapshots"][0]
    site.client("rds", OTHER_REGION).copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=arn["DBClusterSnapshotArn"],
        TargetDBClusterSnapshotIdentifier=f"{name}-dr",
        SourceRegion="eu-central-1",
    )
    site.await_snapshot(f"{name}-dr", OTHER_REGION)
    rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=name)
    assert _rows(_restore(site, f"{name}-r", f"{name}-dr", OTHER_REGION)) == [1]


def test_a_cluster_nobody_has_entered_is_restored_empty(site: Any, name: str) -> None:
    site.make_database(name)
    site.snapshot(name, name)
    with _restore(site, f"{name}-r", name).connect() as session:
        assert session.execute("SELECT count(*) FROM pg_stat_user_tables").fetchone() == (0,)


def test_a_restored_cluster_has_no_managed_password_until_it_is_asked_for(site: Any, name: str) -> None:
    rds = site.client("rds")
    rds.create_db_cluster(
        DBClusterIdentifier=name,
        Engine="aurora-postgresql",
        DatabaseName="ilsdb",
        MasterUsername="ils",
        ManageMasterUserPassword=True,
    )
    site.snapshot(name, name)
    rds.restore_db_cluster_from_snapshot(
        DBClusterIdentifier=f"{name}-r", SnapshotIdentifier=name, Engine="aurora-postgresql"
    )
    assert "MasterUserSecret" not in site.cluster(f"{name}-r")
    assert "MasterUserSecret" in site.cluster(name)


@pytest.fixture(scope="session")
def history(site: Any) -> dict[int, datetime]:
    """Cluster `history`: rows 1 to 3, and the moment after each was added; then all were deleted."""
    access = site.make_database("history")
    moments = {row: _add(access, row) for row in (1, 2, 3)}
    with access.connect(autocommit=True) as session:
        session.execute("DELETE FROM t")
    return moments


def _go_back(site: Any, name: str, source: str, moment: datetime | None) -> Any:
    when: dict[str, Any] = {"UseLatestRestorableTime": True} if moment is None else {"RestoreToTime": moment}
    site.client("rds").restore_db_cluster_to_point_in_time(
        DBClusterIdentifier=name, SourceDBClusterIdentifier=source, **when
    )
    return site.database(name)


@pytest.mark.parametrize("row", [1, 3])
def test_going_back_brings_what_was_committed_by_then(
    site: Any, name: str, history: dict[int, datetime], row: int
) -> None:
    assert _rows(_go_back(site, name, "history", history[row])) == list(range(1, row + 1))


def test_the_latest_moment_is_now(site: Any, name: str, history: dict[int, datetime]) -> None:
    assert _rows(_go_back(site, name, "history", None)) == []


def test_what_was_brought_back_can_be_gone_back_in(site: Any, name: str, history: dict[int, datetime]) -> None:
    restored = _go_back(site, name, "history", history[2])
    moment = _add(restored, 10)
    _add(restored, 11)
    assert _rows(_go_back(site, f"{name}-2", name, moment)) == [1, 2, 10]


@pytest.mark.parametrize("away", [timedelta(days=-3), timedelta(hours=1)], ids=["too early", "in the future"])
def test_a_moment_outside_the_window_is_refused(site: Any, history: dict[int, datetime], away: timedelta) -> None:
    with pytest.raises(ClientError, match="is not between") as refused:
        _go_back(site, "never", "history", datetime.now(UTC) + away)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"
    with pytest.raises(ClientError, match="DBClusterNotFoundFault"):
        site.cluster("never")


@pytest.fixture
def subnets(site: Any, name: str) -> str:
    ec2 = site.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    made = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"eu-central-1{zone}")
        for number, zone in enumerate("ab")
    ]
    site.client("rds").create_db_subnet_group(
        DBSubnetGroupName=name, DBSubnetGroupDescription="d", SubnetIds=[each["Subnet"]["SubnetId"] for each in made]
    )
    return name


def test_a_failover_cuts_sessions_off_and_loses_nothing(site: Any, name: str, subnets: str) -> None:
    access = site.make_database(name, DBSubnetGroupName=subnets)
    _add(access, 1)
    rds = site.client("rds")
    for number in (1, 2):
        rds.create_db_instance(
            DBInstanceIdentifier=f"{name}-{number}",
            DBClusterIdentifier=name,
            Engine="aurora-postgresql",
            DBInstanceClass="db.t4g.medium",
        )
    with access.connect() as session:
        rds.failover_db_cluster(DBClusterIdentifier=name)
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    writers = [each for each in site.cluster(name)["DBClusterMembers"] if each["IsClusterWriter"]]
    assert [each["DBInstanceIdentifier"] for each in writers] == [f"{name}-2"]
    assert _rows(site.database(name)) == [1]
    writer = rds.describe_db_instances(DBInstanceIdentifier=f"{name}-2")["DBInstances"][0]
    assert writer["Endpoint"]["Address"] == access.host


def test_a_stopped_cluster_lets_nobody_in_and_keeps_its_data(site: Any, name: str) -> None:
    access = site.make_database(name)
    _add(access, 1)
    rds = site.client("rds")
    rds.stop_db_cluster(DBClusterIdentifier=name)
    with pytest.raises(psycopg.OperationalError, match="Connection refused"):
        access.connect()
    rds.start_db_cluster(DBClusterIdentifier=name)
    assert _rows(site.database(name)) == [1]


def test_a_deleted_cluster_lets_nobody_in(site: Any, name: str) -> None:
    access = site.make_database(name)
    _add(access, 1)
    site.client("rds").delete_db_cluster(DBClusterIdentifier=name, SkipFinalSnapshot=True)
    with pytest.raises(psycopg.OperationalError, match="Connection refused"):
        access.connect()
