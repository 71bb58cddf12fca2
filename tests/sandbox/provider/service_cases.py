"""Cases of the cluster, the database and the cache."""

from __future__ import annotations

from tests.sandbox.provider.case import Case, name

CASES = (
    Case(
        "aws:eks/cluster:Cluster",
        lambda around: {
            "name": name(),
            "roleArn": around.role_arn,
            "version": "1.34",
            "vpcConfig": {
                "subnetIds": around.subnets[:2],
                "securityGroupIds": [around.security_group()],
                "endpointPrivateAccess": True,
                "endpointPublicAccess": True,
                "publicAccessCidrs": ["203.0.113.0/24"],
            },
            "enabledClusterLogTypes": ["api", "audit"],
            "encryptionConfig": {"provider": {"keyArn": around.key}, "resources": ["secrets"]},
            "accessConfig": {
                "authenticationMode": "API_AND_CONFIG_MAP",
                "bootstrapClusterCreatorAdminPermissions": True,
            },
            "upgradePolicy": {"supportType": "STANDARD"},
            "kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.20.0.0/16"},
            "bootstrapSelfManagedAddons": False,
            "deletionProtection": False,
            "tags": {"team": "lens"},
        },
        edit=lambda around: {
            "version": "1.35",
            "vpcConfig": {
                "subnetIds": around.subnets[:2],
                "endpointPrivateAccess": True,
                "endpointPublicAccess": False,
            },
            "enabledClusterLogTypes": ["api", "audit", "scheduler"],
        },
        replacement=lambda around: {"roleArn": around.role()[1]},
        drift=lambda around, made: around.client("eks").update_cluster_config(
            name=made.id, resourcesVpcConfig={"endpointPrivateAccess": False}
        ),
        drifted="vpcConfig.endpointPrivateAccess",
    ),
    Case(
        "aws:eks/nodeGroup:NodeGroup",
        lambda around: {
            "clusterName": around.cluster,
            "nodeGroupName": name(),
            "nodeRoleArn": around.role_arn,
            "subnetIds": around.subnets[:2],
            "scalingConfig": {"desiredSize": 2, "minSize": 2, "maxSize": 5},
            "updateConfig": {"maxUnavailable": 1},
            "instanceTypes": ["t3.medium"],
            "capacityType": "ON_DEMAND",
            "labels": {"pool": "general"},
            "taints": [{"key": "dedicated", "value": "lens", "effect": "NO_SCHEDULE"}],
            "tags": {"team": "lens"},
        },
        edit=lambda _: {
            "scalingConfig": {"desiredSize": 3, "minSize": 2, "maxSize": 5},
            "labels": {"pool": "spot", "zone": "a"},
            "taints": None,
        },
        replacement=lambda _: {"capacityType": "SPOT"},
        drift=lambda around, made: around.client("eks").update_nodegroup_config(
            clusterName=made.plain["clusterName"],
            nodegroupName=made.plain["nodeGroupName"],
            scalingConfig={"minSize": 2, "desiredSize": 2, "maxSize": 9},
        ),
        drifted="scalingConfig.maxSize",
    ),
    Case(
        "aws:rds/subnetGroup:SubnetGroup",
        lambda around: {"name": name(), "subnetIds": around.subnets[:2], "tags": {"team": "lens"}},
        edit=lambda around: {"subnetIds": around.subnets[1:], "description": "private"},
        replacement=lambda _: {"name": name()},
        drift=lambda around, made: around.client("rds").modify_db_subnet_group(
            DBSubnetGroupName=made.id, SubnetIds=around.subnets
        ),
        drifted="subnetIds",
    ),
    Case(
        "aws:rds/clusterParameterGroup:ClusterParameterGroup",
        lambda _: {
            "name": name(),
            "family": "aurora-postgresql15",
            "description": "made by a test",
            "parameters": [
                {"name": "rds.force_ssl", "value": "1"},
                {"name": "shared_preload_libraries", "value": "pg_stat_statements", "applyMethod": "pending-reboot"},
            ],
            "tags": {"team": "lens"},
        },
        edit=lambda _: {
            "parameters": [{"name": "rds.force_ssl", "value": "1"}, {"name": "log_statement", "value": "ddl"}]
        },
        replacement=lambda _: {"family": "aurora-postgresql16"},
        drift=lambda around, made: around.client("rds").modify_db_cluster_parameter_group(
            DBClusterParameterGroupName=made.id,
            Parameters=[{"ParameterName": "rds.force_ssl", "ParameterValue": "0", "ApplyMethod": "immediate"}],
        ),
        drifted="parameters",
    ),
    Case(
        "aws:rds/cluster:Cluster",
        lambda around: {
            "clusterIdentifier": name(),
            "engine": "aurora-postgresql",
            "engineVersion": "15",
            "databaseName": "ilsdb",
            "masterUsername": "ils",
            "manageMasterUserPassword": True,
            "masterUserSecretKmsKeyId": around.key,
            "storageEncrypted": True,
            "kmsKeyId": around.key,
            "dbSubnetGroupName": around.database_subnet_group,
            "vpcSecurityGroupIds": [around.security_group()],
            "backupRetentionPeriod": 7,
            "preferredBackupWindow": "03:00-04:00",
            "preferredMaintenanceWindow": "sun:05:00-sun:06:00",
            "deletionProtection": False,
            "iamDatabaseAuthenticationEnabled": True,
            "enabledCloudwatchLogsExports": ["postgresql"],
            "copyTagsToSnapshot": True,
            "applyImmediately": True,
            "skipFinalSnapshot": True,
            "tags": {"team": "lens"},
        },
        edit=lambda _: {"backupRetentionPeriod": 30, "preferredBackupWindow": "02:00-03:00"},
        replacement=lambda _: {"databaseName": "another"},
        drift=lambda around, made: around.client("rds").modify_db_cluster(
            DBClusterIdentifier=made.id, BackupRetentionPeriod=1, ApplyImmediately=True
        ),
        drifted="backupRetentionPeriod",
    ),
    Case(
        "aws:rds/clusterInstance:ClusterInstance",
        lambda around: {
            "identifier": name(),
            "clusterIdentifier": around.database,
            "engine": "aurora-postgresql",
            "instanceClass": "db.t4g.medium",
            "dbSubnetGroupName": around.database_subnet_group,
            "publiclyAccessible": False,
            "monitoringInterval": 60,
            "monitoringRoleArn": around.role_arn,
            "performanceInsightsEnabled": True,
            "performanceInsightsKmsKeyId": around.key,
            "promotionTier": 1,
            "applyImmediately": True,
            "tags": {"team": "lens"},
        },
        edit=lambda _: {"instanceClass": "db.r6g.large"},
        replacement=lambda _: {"identifier": name()},
        drift=lambda around, made: around.client("rds").modify_db_instance(
            DBInstanceIdentifier=made.id, AutoMinorVersionUpgrade=False, ApplyImmediately=True
        ),
        drifted="autoMinorVersionUpgrade",
    ),
    Case(
        "aws:elasticache/subnetGroup:SubnetGroup",
        lambda around: {"name": name(), "subnetIds": around.subnets[:2], "tags": {"team": "lens"}},
        edit=lambda around: {"subnetIds": around.subnets[1:]},
        replacement=lambda _: {"name": name()},
        drift=lambda around, made: around.client("elasticache").modify_cache_subnet_group(
            CacheSubnetGroupName=made.id, SubnetIds=around.subnets
        ),
        drifted="subnetIds",
    ),
    Case(
        "aws:elasticache/parameterGroup:ParameterGroup",
        lambda _: {
            "name": name(),
            "family": "redis7",
            "parameters": [{"name": "maxmemory-policy", "value": "volatile-lru"}],
            "tags": {"team": "lens"},
        },
        edit=lambda _: {"parameters": [{"name": "maxmemory-policy", "value": "allkeys-lru"}]},
        replacement=lambda _: {"family": "valkey8"},
        drift=lambda around, made: around.client("elasticache").modify_cache_parameter_group(
            CacheParameterGroupName=made.id,
            ParameterNameValues=[{"ParameterName": "maxmemory-policy", "ParameterValue": "noeviction"}],
        ),
        drifted="parameters",
    ),
    Case(
        "aws:elasticache/replicationGroup:ReplicationGroup",
        lambda around: {
            "replicationGroupId": name(),
            "description": "sessions",
            "engine": "redis",
            "engineVersion": "7.1",
            "nodeType": "cache.t4g.micro",
            "numCacheClusters": 2,
            "automaticFailoverEnabled": True,
            "multiAzEnabled": True,
            "atRestEncryptionEnabled": True,
            "transitEncryptionEnabled": True,
            "authToken": "a-token-of-sixteen-characters",
            "authTokenUpdateStrategy": "SET",
            "kmsKeyId": around.key,
            "subnetGroupName": around.cache_subnet_group,
            "securityGroupIds": [around.security_group()],
            "snapshotRetentionLimit": 7,
            "snapshotWindow": "03:00-04:00",
            "maintenanceWindow": "sun:05:00-sun:06:00",
            "port": 6379,
            "applyImmediately": True,
            "tags": {"team": "lens"},
        },
        edit=lambda _: {"numCacheClusters": 3, "snapshotRetentionLimit": 3, "description": "sessions and queues"},
        replacement=lambda _: {"port": 6380},
        drift=lambda around, made: around.client("elasticache").modify_replication_group(
            ReplicationGroupId=made.id, SnapshotRetentionLimit=1, ApplyImmediately=True
        ),
        drifted="snapshotRetentionLimit",
    ),
)
