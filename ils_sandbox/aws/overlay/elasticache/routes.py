"""What is answered of ElastiCache."""

from __future__ import annotations

from ils_sandbox.aws.overlay.elasticache import (
    parameter_groups,
    replication_groups,
    snapshots,
    subnet_groups,
    tags,
    versions,
)
from ils_sandbox.aws.overlay.world import Routes

ROUTES: Routes = {
    "AddTagsToResource": tags.add_tags_to_resource,
    "CopySnapshot": snapshots.copy_snapshot,
    "CreateCacheParameterGroup": parameter_groups.create_cache_parameter_group,
    "CreateCacheSubnetGroup": subnet_groups.create_cache_subnet_group,
    "CreateReplicationGroup": replication_groups.create_replication_group,
    "CreateSnapshot": snapshots.create_snapshot,
    "DecreaseReplicaCount": replication_groups.change_replica_count,
    "DeleteCacheParameterGroup": parameter_groups.delete_cache_parameter_group,
    "DeleteCacheSubnetGroup": subnet_groups.delete_cache_subnet_group,
    "DeleteReplicationGroup": replication_groups.delete_replication_group,
    "DeleteSnapshot": snapshots.delete_snapshot,
    "DescribeCacheClusters": replication_groups.describe_cache_clusters,
    "DescribeCacheEngineVersions": versions.describe_cache_engine_versions,
    "DescribeCacheParameterGroups": parameter_groups.describe_cache_parameter_groups,
    "DescribeCacheParameters": parameter_groups.describe_cache_parameters,
    "DescribeCacheSubnetGroups": subnet_groups.describe_cache_subnet_groups,
    "DescribeReplicationGroups": replication_groups.describe_replication_groups,
    "DescribeSnapshots": snapshots.describe_snapshots,
    "IncreaseReplicaCount": replication_groups.change_replica_count,
    "ListTagsForResource": tags.list_tags_for_resource,
    "ModifyCacheParameterGroup": parameter_groups.modify_cache_parameter_group,
    "ModifyCacheSubnetGroup": subnet_groups.modify_cache_subnet_group,
    "ModifyReplicationGroup": replication_groups.modify_replication_group,
    "RemoveTagsFromResource": tags.remove_tags_from_resource,
    "ResetCacheParameterGroup": parameter_groups.reset_cache_parameter_group,
    "TestFailover": replication_groups.test_failover,
}
