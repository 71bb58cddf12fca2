"""What is answered of RDS."""

from __future__ import annotations

from ils_sandbox.aws.overlay.rds import clusters, groups, instances, versions
from ils_sandbox.aws.overlay.world import Routes

ROUTES: Routes = {
    "CreateDBCluster": clusters.create_db_cluster,
    "CreateDBInstance": instances.create_db_instance,
    "CreateDBSubnetGroup": groups.create_db_subnet_group,
    "DeleteDBCluster": clusters.delete_db_cluster,
    "DeleteDBClusterParameterGroup": groups.delete_db_cluster_parameter_group,
    "DeleteDBInstance": instances.delete_db_instance,
    "DeleteDBSubnetGroup": groups.delete_db_subnet_group,
    "DescribeDBClusterParameters": groups.describe_db_cluster_parameters,
    "DescribeDBClusters": clusters.describe_db_clusters,
    "DescribeDBEngineVersions": versions.describe_db_engine_versions,
    "DescribeDBInstances": instances.describe_db_instances,
    "ModifyDBCluster": clusters.modify_db_cluster,
    "ModifyDBInstance": instances.modify_db_instance,
    "ModifyDBSubnetGroup": groups.modify_db_subnet_group,
    "ResetDBClusterParameterGroup": groups.reset_db_cluster_parameter_group,
    "RestoreDBClusterFromSnapshot": clusters.create_db_cluster,
    "RestoreDBClusterToPointInTime": clusters.create_db_cluster,
}
