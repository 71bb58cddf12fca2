"""What each layer hands to the layers above it, by name.

The names are the wall between layers: they are what is exported from a stack and what `read` asks for.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar, Self

import pulumi

from ils_pipelines.settings.layers import Layer
from ils_pipelines.stacks.upstream import Upstream


@dataclass(frozen=True)
class LayerOutputs:
    """Outputs of one layer; every field is one stack output of the same name."""

    layer: ClassVar[Layer]

    def export(self) -> None:
        """Make them outputs of the current stack."""
        for field in fields(self):
            pulumi.export(field.name, getattr(self, field.name))

    @classmethod
    def read(cls, upstream: Upstream) -> Self:
        """Take them from a layer below."""
        return cls(**{field.name: upstream.output(cls.layer, field.name) for field in fields(cls)})


Text = pulumi.Output[str]
Texts = pulumi.Output[list[str]]


@dataclass(frozen=True)
class VpcOutputs(LayerOutputs):
    """Network and security groups."""

    layer = Layer.VPC

    vpc_id: Text
    vpc_cidr: Text
    public_subnet_ids: Texts
    """In the order of the availability zones."""
    private_subnet_ids: Texts
    nat_public_ips: Texts
    """Addresses the environment calls out from; empty without NAT."""
    cluster_security_group_id: Text
    """Of the control plane's network interfaces."""
    nodes_security_group_id: Text
    database_security_group_id: Text
    cache_security_group_id: Text
    load_balancer_security_group_id: Text


@dataclass(frozen=True)
class EncryptionOutputs(LayerOutputs):
    """ARNs of the keys, by what they encrypt."""

    layer = Layer.ENCRYPTION

    cluster_key_arn: Text
    """Kubernetes secrets."""
    database_key_arn: Text
    """Aurora storage, snapshots and performance insights."""
    cache_key_arn: Text
    """ElastiCache storage and snapshots."""
    tables_key_arn: Text
    """DynamoDB tables and their backups."""
    secrets_key_arn: Text
    """Secrets Manager."""
    logs_key_arn: Text
    """CloudWatch log groups."""
    alarms_key_arn: Text
    """The topic that alarms are published to."""


@dataclass(frozen=True)
class ClusterOutputs(LayerOutputs):
    """The Kubernetes cluster."""

    layer = Layer.CLUSTER

    cluster_name: Text
    cluster_arn: Text
    cluster_version: Text
    endpoint: Text
    """Address of the Kubernetes API, https."""
    certificate_authority: Text
    """PEM of the API's CA, base64."""
    eks_security_group_id: Text
    """The security group EKS itself made."""
    node_role_arn: Text
    node_group_names: Texts
    addon_names: Texts
    app_role_arn: Text
    """What the application's pods may do in AWS."""
    load_balancer_controller_role_arn: Text
    cluster_autoscaler_role_arn: Text
    """Empty where nodes are people's to scale."""
    """Of the service account kube-system/aws-load-balancer-controller."""


@dataclass(frozen=True)
class DatabaseOutputs(LayerOutputs):
    """The Aurora cluster."""

    layer = Layer.DATABASE

    cluster_identifier: Text
    cluster_arn: Text
    endpoint: Text
    """Host name of the writer."""
    reader_endpoint: Text
    port: pulumi.Output[int]
    database_name: Text
    master_username: Text
    master_secret_arn: Text
    """Secret, made and rotated by RDS, with `username` and `password` as JSON."""
    instance_identifiers: Texts


@dataclass(frozen=True)
class CacheOutputs(LayerOutputs):
    """The replication group."""

    layer = Layer.CACHE

    replication_group_id: Text
    primary_endpoint: Text
    """Host name that takes writes; TLS only."""
    reader_endpoint: Text
    port: pulumi.Output[int]
    auth_token_secret_arn: Text
    """Secret whose string is the auth token."""


@dataclass(frozen=True)
class TablesOutputs(LayerOutputs):
    """The DynamoDB tables."""

    layer = Layer.TABLES

    sessions_table_name: Text
    sessions_table_arn: Text
    analytics_table_name: Text
    analytics_table_arn: Text
    """Of the table; its indexes are under `<arn>/index/`."""


@dataclass(frozen=True)
class SecretsOutputs(LayerOutputs):
    """The secrets people fill in."""

    layer = Layer.SECRETS

    database_url_secret_arn: Text
    """JSON: host, port, dbname, username, password."""
    auth_provider_secret_arn: Text
    """JSON: client_id, client_secret."""
    lims_api_key_secret_arn: Text


@dataclass(frozen=True)
class LoadBalancerOutputs(LayerOutputs):
    """The load balancer."""

    layer = Layer.LOAD_BALANCER

    load_balancer_arn: Text
    load_balancer_arn_suffix: Text
    """What CloudWatch calls it: `app/<name>/<id>`."""
    dns_name: Text
    """What DNS has to point the domain at."""
    zone_id: Text
    """The hosted zone of `dns_name`, for an alias record."""
    https_listener_arn: Text
    target_group_arn: Text
    """Where the application's pods are to be registered, by their addresses."""
    target_group_arn_suffix: Text
    """What CloudWatch calls it: `targetgroup/<name>/<id>`."""
    canary_target_group_arn: Text
    """Likewise, for new pods that are being tried; empty where the load balancer does not weigh."""
    canary_target_group_arn_suffix: Text
    vpc_id: Text
    """Where the targets are."""
    certificate_arn: Text
    url: Text
    """What people open, once DNS points there."""
    access_log_bucket: Text


@dataclass(frozen=True)
class BackupVaultOutputs(LayerOutputs):
    """Where backups are kept, here and in the other region."""

    layer = Layer.BACKUP_VAULT

    vault_name: Text
    vault_arn: Text
    plan_id: Text
    """The nightly plan of AWS Backup."""
    backup_role_arn: Text
    """Whom AWS Backup takes recovery points as."""
    bucket: Text
    """Takes backup sets; what is put into it is copied to `dr_bucket`."""
    transfer_bucket: Text
    """What is exported on its way into a set, and out of it; nothing stays there."""
    backup_key_arn: Text
    """Multi-region key of vault and bucket."""
    signing_key_arn: Text
    """Multi-region key that signs the manifests of backup sets."""
    dr_region: Text
    dr_vault_name: Text
    dr_vault_arn: Text
    dr_bucket: Text
    dr_transfer_bucket: Text
    dr_backup_key_arn: Text
    """The replica of `backup_key_arn`, in the other region."""
    dr_signing_key_arn: Text
    """Likewise of `signing_key_arn`."""


@dataclass(frozen=True)
class MonitoringOutputs(LayerOutputs):
    """Where to look, and who is told."""

    layer = Layer.MONITORING

    alarm_topic_arn: Text
    alarm_names: Texts
    dashboard_name: Text
    log_group_names: Texts
    """Of pods and nodes; empty where nothing collects them."""
    cluster_name: Text
    """Where the add-ons are."""
    addon_names: Texts
    """EKS add-ons that collect; empty where nothing does."""
    otlp_endpoint: Text
    """Where pods send traces, OTLP over HTTP; empty without tracing."""
    prometheus_endpoint: Text
    """Of the Prometheus workspace; empty where there is none."""
