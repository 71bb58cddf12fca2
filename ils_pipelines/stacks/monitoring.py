"""Layer monitoring: what collects and keeps logs, metrics and traces, a dashboard to look at, and alarms."""

from __future__ import annotations

import pulumi

from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.stacks.alarm_catalog import Watched, alarms
from ils_pipelines.stacks.alarms import Alarms, AlarmsArgs
from ils_pipelines.stacks.dashboard import Dashboard, DashboardArgs
from ils_pipelines.stacks.keys import current_account_id
from ils_pipelines.stacks.naming import Naming
from ils_pipelines.stacks.outputs import (
    BackupVaultOutputs,
    CacheOutputs,
    ClusterOutputs,
    DatabaseOutputs,
    EncryptionOutputs,
    LoadBalancerOutputs,
    MonitoringOutputs,
    TablesOutputs,
)
from ils_pipelines.stacks.sampling import Sampling, SamplingArgs
from ils_pipelines.stacks.telemetry import OTLP_ENDPOINT, Telemetry, TelemetryArgs
from ils_pipelines.stacks.upstream import Upstream


def declare(environment: Environment, upstream: Upstream) -> None:
    """Declare the layer on top of those whose metrics it watches."""
    naming = Naming.of(environment, Layer.MONITORING)
    settings = environment.monitoring
    keys = EncryptionOutputs.read(upstream)
    watched = Watched(
        cluster=ClusterOutputs.read(upstream),
        database=DatabaseOutputs.read(upstream),
        cache=CacheOutputs.read(upstream),
        tables=TablesOutputs.read(upstream),
        load_balancer=LoadBalancerOutputs.read(upstream),
        backups=BackupVaultOutputs.read(upstream),
    )
    telemetry = Telemetry(
        "telemetry",
        TelemetryArgs(
            naming=naming,
            settings=settings,
            partition=environment.aws.partition,
            cluster_name=watched.cluster.cluster_name,
            addon_versions=environment.cluster.addon_versions,
            logs_key_arn=keys.logs_key_arn,
        ),
    )
    if settings.tracing:
        Sampling("sampling", SamplingArgs(naming=naming, settings=settings))
    alerting = Alarms(
        "alarms",
        AlarmsArgs(
            naming=naming,
            account_id=current_account_id(),
            key_arn=keys.alarms_key_arn,
            subscriptions=settings.subscriptions,
            alarms=alarms(environment, watched),
        ),
    )
    dashboard = Dashboard(
        "dashboard",
        DashboardArgs(
            naming=naming,
            region=environment.aws.region,
            container_insights=settings.container_insights,
            cache_nodes=environment.cache.nodes,
            watched=watched,
            alarm_arns=alerting.arns,
        ),
    )
    MonitoringOutputs(
        alarm_topic_arn=alerting.topic.arn,
        alarm_names=alerting.names,
        dashboard_name=dashboard.name,
        log_group_names=telemetry.log_groups,
        cluster_name=watched.cluster.cluster_name,
        addon_names=telemetry.addons,
        otlp_endpoint=pulumi.Output.from_input(OTLP_ENDPOINT if settings.tracing else ""),
        prometheus_endpoint=telemetry.prometheus_endpoint,
    ).export()
