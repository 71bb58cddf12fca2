"""Every kind of thing that a restore makes: how those of a drill are listed, and how one is taken away for good."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.restore.waiting import wait_for
from ils_pipelines.operations.scope import tags_of

if TYPE_CHECKING:
    from ils_pipelines.targets.protocol import Target


@dataclass(frozen=True)
class Made:
    """One thing, by the name that a drill gave it."""

    kind: str
    name: str
    id: str
    region: str
    created: datetime | None = None
    """As AWS says; None where it does not."""
    tags: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind} {self.id} ({self.region})"


@dataclass(frozen=True)
class Kind:
    name: str
    stage: int
    """What is of a later stage is held by what is of an earlier one, and can go only after it."""
    list: Callable[[Target, str, str], Iterator[Made]]
    """Those in a region whose name begins with a prefix."""
    delete: Callable[[Target, Made], None]
    """Begin to; nothing happens when it is gone already."""
    await_gone: Callable[[Target, Made], None] | None = None


def _instances(target: Target, region: str, prefix: str) -> Iterator[Made]:
    pages = target.client("rds", region=region).get_paginator("describe_db_instances").paginate()
    for page in pages:
        for each in page["DBInstances"]:
            name = each["DBInstanceIdentifier"]
            if name.startswith(prefix):
                yield Made(
                    "database instance",
                    name,
                    name,
                    region,
                    each.get("InstanceCreateTime"),
                    tags_of(each.get("TagList")),
                )


def _clusters(target: Target, region: str, prefix: str) -> Iterator[Made]:
    pages = target.client("rds", region=region).get_paginator("describe_db_clusters").paginate()
    for page in pages:
        for each in page["DBClusters"]:
            name = each["DBClusterIdentifier"]
            if name.startswith(prefix):
                yield Made(
                    "database cluster", name, name, region, each["ClusterCreateTime"], tags_of(each.get("TagList"))
                )


def _delete_cluster(target: Target, made: Made) -> None:
    rds = target.client("rds", region=made.region)
    try:
        found = rds.describe_db_clusters(DBClusterIdentifier=made.id)["DBClusters"][0]
        if found["Status"] == "deleting":
            return
        if found["DeletionProtection"]:
            rds.modify_db_cluster(DBClusterIdentifier=made.id, DeletionProtection=False, ApplyImmediately=True)
        rds.delete_db_cluster(DBClusterIdentifier=made.id, SkipFinalSnapshot=True)
    except rds.exceptions.DBClusterNotFoundFault:
        pass  # gone


def _snapshots(target: Target, region: str, prefix: str) -> Iterator[Made]:
    client = target.client("rds", region=region)
    for page in client.get_paginator("describe_db_cluster_snapshots").paginate(SnapshotType="manual"):
        for each in page["DBClusterSnapshots"]:
            name = each["DBClusterSnapshotIdentifier"]
            if name.startswith(prefix):
                created = each.get("SnapshotCreateTime")
                yield Made("database snapshot", name, name, region, created, tags_of(each.get("TagList")))


def _caches(target: Target, region: str, prefix: str) -> Iterator[Made]:
    client = target.client("elasticache", region=region)
    for page in client.get_paginator("describe_replication_groups").paginate():
        for each in page["ReplicationGroups"]:
            name = each["ReplicationGroupId"]
            if name.startswith(prefix):
                tags = tags_of(client.list_tags_for_resource(ResourceName=each["ARN"])["TagList"])
                yield Made("cache", name, name, region, each.get("ReplicationGroupCreateTime"), tags)


def _tables(target: Target, region: str, prefix: str) -> Iterator[Made]:
    client = target.client("dynamodb", region=region)
    for page in client.get_paginator("list_tables").paginate():
        for name in page["TableNames"]:
            if not name.startswith(prefix):
                continue
            try:
                table = client.describe_table(TableName=name)["Table"]
                tags = tags_of(client.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"])
            except client.exceptions.ResourceNotFoundException:
                continue  # went meanwhile
            yield Made("table", name, name, region, table["CreationDateTime"], tags)


def _delete_table(target: Target, made: Made) -> None:
    client = target.client("dynamodb", region=made.region)
    try:
        table = client.describe_table(TableName=made.id)["Table"]
        if table["TableStatus"] == "DELETING":
            return
        # One that is being restored can be neither changed nor deleted.
        wait_for(client, "table_exists", TableName=made.id)
        if table.get("DeletionProtectionEnabled"):
            client.update_table(TableName=made.id, DeletionProtectionEnabled=False)
            wait_for(client, "table_exists", TableName=made.id)
        client.delete_table(TableName=made.id)
    except client.exceptions.ResourceNotFoundException:
        pass  # gone


def _security_groups(target: Target, region: str, prefix: str) -> Iterator[Made]:
    client = target.client("ec2", region=region)
    filters = [{"Name": "group-name", "Values": [f"{prefix}*"]}]
    for page in client.get_paginator("describe_security_groups").paginate(Filters=filters):
        for each in page["SecurityGroups"]:
            tags = tags_of(each.get("Tags"))
            yield Made("security group", each["GroupName"], each["GroupId"], region, None, tags)


def _subnet_groups(target: Target, region: str, prefix: str) -> Iterator[Made]:
    client = target.client("rds", region=region)
    for page in client.get_paginator("describe_db_subnet_groups").paginate():
        for each in page["DBSubnetGroups"]:
            name = each["DBSubnetGroupName"]
            if name.startswith(prefix):
                tags = tags_of(client.list_tags_for_resource(ResourceName=each["DBSubnetGroupArn"])["TagList"])
                yield Made("subnet group", name, name, region, None, tags)


def _parameter_groups(target: Target, region: str, prefix: str) -> Iterator[Made]:
    client = target.client("rds", region=region)
    for page in client.get_paginator("describe_db_cluster_parameter_groups").paginate():
        for each in page["DBClusterParameterGroups"]:
            name = each["DBClusterParameterGroupName"]
            if name.startswith(prefix):
                arn = each["DBClusterParameterGroupArn"]
                tags = tags_of(client.list_tags_for_resource(ResourceName=arn)["TagList"])
                yield Made("parameter group", name, name, region, None, tags)


def _subnets(target: Target, region: str, prefix: str) -> Iterator[Made]:
    yield from named_in_ec2(target, region, prefix, "subnet", "describe_subnets", "Subnets", "SubnetId")


def _networks(target: Target, region: str, prefix: str) -> Iterator[Made]:
    yield from named_in_ec2(target, region, prefix, "network", "describe_vpcs", "Vpcs", "VpcId")


def named_in_ec2(
    target: Target, region: str, prefix: str, kind: str, operation: str, member: str, identifier: str
) -> Iterator[Made]:
    client = target.client("ec2", region=region)
    filters = [{"Name": "tag:Name", "Values": [f"{prefix}*"]}]
    for page in client.get_paginator(operation).paginate(Filters=filters):
        for each in page[member]:
            tags = tags_of(each.get("Tags"))
            yield Made(kind, tags["Name"], each[identifier], region, None, tags)


def delete_by(service: str, operation: str, parameter: str, *gone: str, **more: Any) -> Callable[[Target, Made], None]:
    """Delete by one call; one of `gone` is in the code of an error that says that there is none, or that it is going."""

    def delete(target: Target, made: Made) -> None:
        from botocore.exceptions import ClientError

        try:
            getattr(target.client(service, region=made.region), operation)(**{parameter: made.id}, **more)
        except ClientError as error:
            if not any(part in error.response["Error"]["Code"] for part in gone):
                raise

    return delete


def _until(service: str, waiter: str, parameter: str) -> Callable[[Target, Made], None]:
    def wait(target: Target, made: Made) -> None:
        wait_for(target.client(service, region=made.region), waiter, **{parameter: made.id})

    return wait


KINDS: tuple[Kind, ...] = (
    Kind(
        "database instance",
        0,
        _instances,
        delete_by(
            "rds",
            "delete_db_instance",
            "DBInstanceIdentifier",
            "NotFound",
            "InvalidDBInstanceState",
            SkipFinalSnapshot=True,
            DeleteAutomatedBackups=True,
        ),
        _until("rds", "db_instance_deleted", "DBInstanceIdentifier"),
    ),
    Kind("database cluster", 1, _clusters, _delete_cluster, _until("rds", "db_cluster_deleted", "DBClusterIdentifier")),
    Kind(
        "cache",
        1,
        _caches,
        delete_by(
            "elasticache", "delete_replication_group", "ReplicationGroupId", "NotFound", "InvalidReplicationGroupState"
        ),
        _until("elasticache", "replication_group_deleted", "ReplicationGroupId"),
    ),
    Kind("table", 1, _tables, _delete_table, _until("dynamodb", "table_not_exists", "TableName")),
    Kind(
        "database snapshot",
        2,
        _snapshots,
        delete_by("rds", "delete_db_cluster_snapshot", "DBClusterSnapshotIdentifier", "NotFound"),
    ),
    Kind("security group", 2, _security_groups, delete_by("ec2", "delete_security_group", "GroupId", "NotFound")),
    Kind(
        "subnet group", 2, _subnet_groups, delete_by("rds", "delete_db_subnet_group", "DBSubnetGroupName", "NotFound")
    ),
    Kind(
        "parameter group",
        2,
        _parameter_groups,
        delete_by("rds", "delete_db_cluster_parameter_group", "DBClusterParameterGroupName", "NotFound"),
    ),
    Kind("subnet", 3, _subnets, delete_by("ec2", "delete_subnet", "SubnetId", "NotFound")),
    Kind("network", 5, _networks, delete_by("ec2", "delete_vpc", "VpcId", "NotFound")),
)
