"""Layer cache: Redis or Valkey on ElastiCache."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from ils_pipelines.settings.cache import Cache
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.stacks import aws
from ils_pipelines.stacks.naming import Naming
from ils_pipelines.stacks.outputs import CacheOutputs, EncryptionOutputs, VpcOutputs
from ils_pipelines.stacks.snapshots import final_snapshot_name
from ils_pipelines.stacks.upstream import Upstream


@dataclass(frozen=True)
class ReplicationGroupArgs:
    """What the cache needs."""

    naming: Naming
    settings: Cache
    secret_recovery_days: int
    subnet_ids: pulumi.Output[list[str]]
    security_group_id: pulumi.Output[str]
    key_arn: pulumi.Output[str]
    secrets_key_arn: pulumi.Output[str]
    fresh_token: str
    """For a cache that has none. ElastiCache takes 16 to 128 characters, and refuses most punctuation."""


class ReplicationGroup(pulumi.ComponentResource):
    """A primary with its replicas, TLS only, behind an auth token that is kept in Secrets Manager."""

    group: aws.elasticache.ReplicationGroup
    auth_token_secret_arn: pulumi.Output[str]

    def __init__(self, name: str, args: ReplicationGroupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:cache:ReplicationGroup", name, None, opts)
        self._args = args
        inside = pulumi.ResourceOptions(parent=self)
        settings = args.settings
        full_name = args.naming.name()
        several = settings.nodes > 1
        subnets = aws.elasticache.SubnetGroup(
            "cache",
            name=full_name,
            description=f"Private subnets of {full_name}",
            subnet_ids=args.subnet_ids,
            tags=args.naming.tags(full_name),
            opts=inside,
        )
        # The family is in the name, so that a new major version gets a group beside the old one.
        parameters_name = args.naming.name(settings.parameter_group_family)
        parameters = aws.elasticache.ParameterGroup(
            "parameters",
            name=parameters_name,
            description=f"Cache settings of {full_name}",
            family=settings.parameter_group_family,
            parameters=[
                # Sessions that expire soonest go first; what has no expiry is kept.
                aws.elasticache.ParameterGroupParameterArgs(name="maxmemory-policy", value="volatile-ttl")
            ],
            tags=args.naming.tags(parameters_name),
            opts=inside,
        )
        auth_token = self._auth_token()
        self.group = aws.elasticache.ReplicationGroup(
            "cache",
            replication_group_id=full_name,
            description=f"Sessions and cache of {full_name}",
            engine=settings.engine.value,
            engine_version=settings.engine_version,
            node_type=settings.node_type,
            num_cache_clusters=settings.nodes,
            automatic_failover_enabled=several,
            multi_az_enabled=several,
            port=settings.port,
            parameter_group_name=parameters.name,
            subnet_group_name=subnets.name,
            security_group_ids=[args.security_group_id],
            at_rest_encryption_enabled=True,
            kms_key_id=args.key_arn,
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            auth_token=auth_token,
            auto_minor_version_upgrade=True,
            snapshot_retention_limit=settings.snapshot_retention_days,
            snapshot_window=settings.snapshot_window,
            maintenance_window=settings.maintenance_window,
            final_snapshot_identifier=(
                final_snapshot_name(args.naming, args.key_arn) if settings.final_snapshot else None
            ),
            apply_immediately=settings.apply_immediately,
            tags=args.naming.tags(full_name),
            opts=pulumi.ResourceOptions(parent=self, protect=args.naming.protected),
        )
        self.register_outputs({"primary_endpoint": self.group.primary_endpoint_address})

    def _auth_token(self) -> pulumi.Output[str]:
        """The token, made once: every program brings a random one, and only the first is kept."""
        args = self._args
        full_name = args.naming.name("cache-auth-token")
        secret = aws.secretsmanager.Secret(
            "auth-token",
            name=full_name,
            description=f"Auth token of the cache {args.naming.name()}",
            kms_key_id=args.secrets_key_arn,
            recovery_window_in_days=args.secret_recovery_days,
            tags=args.naming.tags(full_name),
            opts=pulumi.ResourceOptions(parent=self, protect=args.naming.protected),
        )
        self.auth_token_secret_arn = secret.arn
        version = aws.secretsmanager.SecretVersion(
            "auth-token",
            secret_id=secret.id,
            secret_string=pulumi.Output.secret(args.fresh_token),
            opts=pulumi.ResourceOptions(
                parent=self, ignore_changes=["secretString"], additional_secret_outputs=["secretString"]
            ),
        )
        kept: pulumi.Output[str] = pulumi.Output.secret(version.secret_string)
        return kept


def declare(environment: Environment, upstream: Upstream) -> None:
    """Declare the layer on top of vpc and encryption."""
    vpc = VpcOutputs.read(upstream)
    keys = EncryptionOutputs.read(upstream)
    cache = ReplicationGroup(
        "replication-group",
        ReplicationGroupArgs(
            naming=Naming.of(environment, Layer.CACHE),
            settings=environment.cache,
            secret_recovery_days=environment.secrets.recovery_window_days,
            subnet_ids=vpc.private_subnet_ids,
            security_group_id=vpc.cache_security_group_id,
            key_arn=keys.cache_key_arn,
            secrets_key_arn=keys.secrets_key_arn,
            fresh_token=upstream.token,
        ),
    )
    group = cache.group
    CacheOutputs(
        replication_group_id=group.replication_group_id,
        primary_endpoint=group.primary_endpoint_address,
        reader_endpoint=group.reader_endpoint_address,
        port=group.port,
        auth_token_secret_arn=cache.auth_token_secret_arn,
    ).export()
