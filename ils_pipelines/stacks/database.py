"""Layer database: Aurora PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from ils_pipelines.settings.database import Database
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.stacks import aws
from ils_pipelines.stacks.naming import Naming
from ils_pipelines.stacks.outputs import DatabaseOutputs, EncryptionOutputs, VpcOutputs
from ils_pipelines.stacks.roles import ServiceRole, ServiceRoleArgs
from ils_pipelines.stacks.snapshots import final_snapshot_name
from ils_pipelines.stacks.upstream import Upstream

_ENGINE = "aurora-postgresql"
_INSIGHTS_RETENTION_DAYS = 7  # what is kept without extra charge


@dataclass(frozen=True)
class AuroraArgs:
    """What the database needs."""

    naming: Naming
    settings: Database
    partition: str
    subnet_ids: pulumi.Output[list[str]]
    security_group_id: pulumi.Output[str]
    key_arn: pulumi.Output[str]
    secrets_key_arn: pulumi.Output[str]
    logs_key_arn: pulumi.Output[str]


class Aurora(pulumi.ComponentResource):
    """A cluster and its instances; the password of the administrator is RDS's business and in no state of ours."""

    cluster: aws.rds.Cluster
    instance_identifiers: pulumi.Output[list[str]]

    def __init__(self, name: str, args: AuroraArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:database:Aurora", name, None, opts)
        self._args = args
        inside = pulumi.ResourceOptions(parent=self)
        settings = args.settings
        full_name = args.naming.name()
        subnets = aws.rds.SubnetGroup(
            "database",
            name=full_name,
            description=f"Private subnets of {full_name}",
            subnet_ids=args.subnet_ids,
            tags=args.naming.tags(full_name),
            opts=inside,
        )
        parameters = self._parameter_group()
        logs = aws.cloudwatch.LogGroup(
            "postgresql",
            # The name is RDS's: it would make the group itself, without end of retention and without a key.
            name=f"/aws/rds/cluster/{full_name}/postgresql",
            retention_in_days=settings.log_retention_days,
            kms_key_id=args.logs_key_arn,
            tags=args.naming.tags(args.naming.name("postgresql")),
            opts=inside,
        )
        self.cluster = aws.rds.Cluster(
            "database",
            cluster_identifier=full_name,
            engine=_ENGINE,
            engine_version=settings.engine_version,
            database_name=settings.database_name,
            master_username=settings.master_username,
            manage_master_user_password=True,
            master_user_secret_kms_key_id=args.secrets_key_arn,
            port=settings.port,
            # No availability zones: with two given, Aurora adds a third and every preview after wants a replacement.
            db_subnet_group_name=subnets.name,
            vpc_security_group_ids=[args.security_group_id],
            db_cluster_parameter_group_name=parameters.name,
            storage_encrypted=True,
            kms_key_id=args.key_arn,
            iam_database_authentication_enabled=settings.iam_authentication,
            enabled_cloudwatch_logs_exports=["postgresql"],
            backup_retention_period=settings.backup_retention_days,
            preferred_backup_window=settings.backup_window,
            preferred_maintenance_window=settings.maintenance_window,
            copy_tags_to_snapshot=True,
            deletion_protection=settings.deletion_protection,
            skip_final_snapshot=not settings.final_snapshot,
            final_snapshot_identifier=(
                final_snapshot_name(args.naming, args.key_arn) if settings.final_snapshot else None
            ),
            apply_immediately=settings.apply_immediately,
            tags=args.naming.tags(full_name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[logs], protect=args.naming.protected),
        )
        self.instance_identifiers = pulumi.Output.all(*self._instances())
        self.register_outputs({"endpoint": self.cluster.endpoint})

    def _parameter_group(self) -> aws.rds.ClusterParameterGroup:
        args = self._args
        family = args.settings.parameter_group_family
        # The family is in the name, so that a new major version gets a group beside the old one.
        full_name = args.naming.name(family)
        return aws.rds.ClusterParameterGroup(
            "parameters",
            name=full_name,
            description=f"PostgreSQL settings of {args.naming.name()}",
            family=family,
            parameters=[
                aws.rds.ClusterParameterGroupParameterArgs(name=name, value=value, apply_method="immediate")
                for name, value in _PARAMETERS.items()
            ],
            tags=args.naming.tags(full_name),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _instances(self) -> list[pulumi.Output[str]]:
        args, settings = self._args, self._args.settings
        monitoring = self._monitoring_role()
        identifiers = []
        for number in range(1, settings.instances + 1):
            identifier = args.naming.name(str(number))
            instance = aws.rds.ClusterInstance(
                f"database-{number}",
                identifier=identifier,
                cluster_identifier=self.cluster.id,
                engine=_ENGINE,
                engine_version=settings.engine_version,
                instance_class=settings.instance_class,
                publicly_accessible=False,
                # Number 1 starts as the writer; the lower number is promoted first.
                promotion_tier=number - 1,
                auto_minor_version_upgrade=True,
                copy_tags_to_snapshot=True,
                monitoring_interval=settings.monitoring_interval_seconds,
                monitoring_role_arn=None if monitoring is None else monitoring.arn,
                performance_insights_enabled=settings.performance_insights,
                performance_insights_kms_key_id=args.key_arn if settings.performance_insights else None,
                performance_insights_retention_period=(
                    _INSIGHTS_RETENTION_DAYS if settings.performance_insights else None
                ),
                preferred_maintenance_window=settings.maintenance_window,
                apply_immediately=settings.apply_immediately,
                tags=args.naming.tags(identifier),
                opts=pulumi.ResourceOptions(
                    parent=self,
                    # RDS tries the role out, and refuses one whose policy is not there yet.
                    depends_on=[] if monitoring is None else [monitoring],
                    protect=args.naming.protected,
                ),
            )
            identifiers.append(instance.identifier)
        return identifiers

    def _monitoring_role(self) -> ServiceRole | None:
        args = self._args
        if args.settings.monitoring_interval_seconds == 0:
            return None
        return ServiceRole(
            "database-monitoring",
            ServiceRoleArgs(
                naming=args.naming,
                purpose="database-monitoring",
                service="monitoring.rds.amazonaws.com",
                description="Lets RDS write enhanced monitoring to CloudWatch Logs",
                partition=args.partition,
                managed_policies=("service-role/AmazonRDSEnhancedMonitoringRole",),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )


# All dynamic: none of them needs a restart.
_PARAMETERS = {
    "log_connections": "1",
    "log_disconnections": "1",
    "log_min_duration_statement": "1000",  # milliseconds: what takes longer is worth a look
    "rds.force_ssl": "1",
}


def declare(environment: Environment, upstream: Upstream) -> None:
    """Declare the layer on top of vpc and encryption."""
    vpc = VpcOutputs.read(upstream)
    keys = EncryptionOutputs.read(upstream)
    aurora = Aurora(
        "aurora",
        AuroraArgs(
            naming=Naming.of(environment, Layer.DATABASE),
            settings=environment.database,
            partition=environment.aws.partition,
            subnet_ids=vpc.private_subnet_ids,
            security_group_id=vpc.database_security_group_id,
            key_arn=keys.database_key_arn,
            secrets_key_arn=keys.secrets_key_arn,
            logs_key_arn=keys.logs_key_arn,
        ),
    )
    cluster = aurora.cluster
    DatabaseOutputs(
        cluster_identifier=cluster.cluster_identifier,
        cluster_arn=cluster.arn,
        endpoint=cluster.endpoint,
        reader_endpoint=cluster.reader_endpoint,
        port=cluster.port,
        database_name=cluster.database_name,
        master_username=cluster.master_username,
        master_secret_arn=cluster.master_user_secrets.apply(lambda found: str(found[0].secret_arn)),
        instance_identifiers=aurora.instance_identifiers,
    ).export()
