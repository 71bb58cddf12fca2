"""Aurora: a cluster from a snapshot or as it was at a moment, with the instance that a restore does not make."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.restore.errors import RestoreFailed, restoring
from ils_pipelines.operations.restore.ground import Ground, require_own
from ils_pipelines.operations.restore.place import Place
from ils_pipelines.operations.restore.waiting import wait_for
from ils_pipelines.operations.scope import tags_of

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target

_ENGINE = "aurora-postgresql"


@dataclass(frozen=True)
class FromSnapshot:
    """A cluster snapshot, by name or ARN."""

    snapshot: str

    def __str__(self) -> str:
        return f"snapshot {self.snapshot}"


@dataclass(frozen=True)
class FromMoment:
    """What a cluster that is there held at a moment; the latest that can be had without one."""

    cluster: str
    moment: datetime | None = None

    def __str__(self) -> str:
        when = "now" if self.moment is None else f"{self.moment.isoformat()}"
        return f"cluster {self.cluster} as of {when}"


def begin_cluster(
    target: Target, place: Place, ground: Ground, source: FromSnapshot | FromMoment, name: str | None = None
) -> str:
    """Have a cluster restored, named as the place unless `name` says otherwise; its name. Does not wait.

    Raises `RestoreFailed`.
    """
    name, settings = name or place.name, target.environment.database
    rds = target.client("rds", region=place.region)
    with restoring(f"cluster {name}", str(source)):
        if cluster_is_there(target, place, name, source):
            return name
        common = {
            "DBClusterIdentifier": name,
            "Port": settings.port,
            "DBSubnetGroupName": ground.database_subnets,
            "DBClusterParameterGroupName": ground.database_parameters,
            "VpcSecurityGroupIds": [ground.security_group_id],
            "KmsKeyId": ground.keys.database,
            "EnableIAMDatabaseAuthentication": settings.iam_authentication,
            "CopyTagsToSnapshot": True,
            # What is restored for a drill must be possible to take away; a restore for real is protected when it serves.
            "DeletionProtection": False,
            "Tags": place.tag_list(name, source),
        }
        if isinstance(source, FromSnapshot):
            rds.restore_db_cluster_from_snapshot(**common, SnapshotIdentifier=source.snapshot, Engine=_ENGINE)
        else:
            when: dict[str, Any] = (
                {"UseLatestRestorableTime": True} if source.moment is None else {"RestoreToTime": source.moment}
            )
            rds.restore_db_cluster_to_point_in_time(**common, SourceDBClusterIdentifier=source.cluster, **when)
    return name


def finish_cluster(target: Target, place: Place, ground: Ground, name: str) -> None:
    """Wait for the cluster, give it an instance and a password that RDS manages, and wait for both.

    Raises `RestoreFailed`.
    """
    rds = target.client("rds", region=place.region)
    settings = target.environment.database
    instance = f"{name}-1"
    with restoring(f"cluster {name}", f"the restore of cluster {name}"):
        wait_for(rds, "db_cluster_available", DBClusterIdentifier=name)
        with contextlib.suppress(rds.exceptions.DBInstanceAlreadyExistsFault):
            rds.create_db_instance(
                DBInstanceIdentifier=instance,
                DBClusterIdentifier=name,
                Engine=_ENGINE,
                DBInstanceClass=settings.instance_class,
                PubliclyAccessible=False,
                AutoMinorVersionUpgrade=False,
                CopyTagsToSnapshot=True,
                Tags=place.tag_list(instance),
            )
        _manage_password(rds, name, ground.keys.secrets)
        wait_for(rds, "db_instance_available", DBInstanceIdentifier=instance)
        wait_for(rds, "db_cluster_available", DBClusterIdentifier=name)


def _manage_password(rds: Any, name: str, key: str | None) -> None:
    """A restored cluster has the password of then, which RDS may have rotated since and which nobody knows."""
    if "MasterUserSecret" in rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]:
        return
    own_key = {} if key is None else {"MasterUserSecretKmsKeyId": key}
    rds.modify_db_cluster(DBClusterIdentifier=name, ManageMasterUserPassword=True, ApplyImmediately=True, **own_key)


def cluster_is_there(target: Target, place: Place, name: str, source: object) -> bool:
    """Whether an earlier run made it. Raises `RestoreFailed` where the name is another's, or made of anything but `source`;
    botocore's ClientError.
    """
    rds = target.client("rds", region=place.region)
    try:
        found = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
    except rds.exceptions.DBClusterNotFoundFault:
        return False
    if found["Status"] == "deleting":
        raise RestoreFailed(f"cluster {name} is being deleted. Try again when it is gone.")
    require_own(place, f"cluster {name}", tags_of(found.get("TagList")), source)
    return True


def cluster_flaws(target: Target, ground: Ground, name: str) -> list[str]:
    """Where a restored cluster is not as it should be, by what RDS says of it."""
    rds = target.client("rds", region=ground.region)
    found = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
    groups = sorted(each["VpcSecurityGroupId"] for each in found["VpcSecurityGroups"])
    expected: tuple[tuple[str, object, object], ...] = (
        ("security groups", [ground.security_group_id], groups),
        ("subnet group", ground.database_subnets, found["DBSubnetGroup"]),
        ("parameter group", ground.database_parameters, found["DBClusterParameterGroup"]),
        ("encryption", True, found["StorageEncrypted"]),
        ("key", ground.keys.database, found.get("KmsKeyId")),
        ("instances", 1, len(found["DBClusterMembers"])),
    )
    return [f"{what}: expected {wanted}, found {there}" for what, wanted, there in expected if wanted != there]
