"""What is answered of RDS."""

from __future__ import annotations

from ils_sandbox.aws.overlay.rds import authorities, cluster_snapshots, clusters, groups, instances, versions
from ils_sandbox.aws.overlay.world import Routes

ROUTES: Routes = {
    "CopyDBClusterSnapshot": cluster_snapshots.copy_db_cluster_snapshot,
    "CreateDBCluster": clusters.create_db_cluster,
    "CreateDBClusterSnapshot": cluster_snapshots.create_db_cluster_snapshot,
    "CreateDBInstance": instances.create_db_instance,
    "CreateDBSubnetGroup": groups.create_db_subnet_group,
    "DeleteDBCluster": clusters.delete_db_cluster,
    "DeleteDBClusterParameterGroup": groups.delete_db_cluster_parameter_group,
    "DeleteDBClusterSnapshot": cluster_snapshots.delete_db_cluster_snapshot,
    "DeleteDBInstance": instances.delete_db_instance,
    "DeleteDBSubnetGroup": groups.delete_db_subnet_group,
    "DescribeCertificates": authorities.describe_certificates,
    "DescribeDBClusterParameters": groups.describe_db_cluster_parameters,
    "DescribeDBClusterSnapshots": cluster_snapshots.describe_db_cluster_snapshots,
    "DescribeDBClusters": clusters.describe_db_clusters,
    "DescribeDBEngineVersions": versions.describe_db_engine_versions,
    "DescribeDBMajorEngineVersions": versions.describe_db_major_engine_versions,
    "DescribeDBInstances": instances.describe_db_instances,
    "FailoverDBCluster": clusters.failover_db_cluster,
    "ModifyDBCluster": clusters.modify_db_cluster,
    "ModifyDBClusterParameterGroup": groups.modify_db_cluster_parameter_group,
    "ModifyDBInstance": instances.modify_db_instance,
    "ModifyDBSubnetGroup": groups.modify_db_subnet_group,
    "ResetDBClusterParameterGroup": groups.reset_db_cluster_parameter_group,
    "RestoreDBClusterFromSnapshot": clusters.create_db_cluster,
    "RestoreDBClusterToPointInTime": clusters.create_db_cluster,
    "StartDBCluster": clusters.stop_or_start_db_cluster,
    "StopDBCluster": clusters.stop_or_start_db_cluster,
}
