"""Which probes there are, and for which layer each speaks."""

from __future__ import annotations

from ils_pipelines.operations.health.models import HealthFinding
from ils_pipelines.operations.health.probes import (
    application,
    backups,
    cache,
    cluster,
    database,
    keys,
    load_balancer,
    monitoring,
    network,
)
from ils_pipelines.operations.probing import Probe
from ils_pipelines.settings.layers import Layer

PROBES: tuple[Probe[HealthFinding], ...] = (
    Probe("vpc", Layer.VPC, "NAT gateways", network.nat_gateways),
    Probe("encryption", Layer.ENCRYPTION, "KMS keys", keys.keys),
    Probe("cluster", Layer.CLUSTER, "EKS cluster", cluster.control_plane),
    Probe("cluster", Layer.CLUSTER, "add-ons", cluster.addons),
    Probe("cluster", Layer.CLUSTER, "node groups", cluster.node_groups),
    Probe("cluster", Layer.CLUSTER, "nodes", cluster.nodes),
    Probe("database", Layer.DATABASE, "database cluster", database.cluster),
    Probe("database", Layer.DATABASE, "database instances", database.instances),
    Probe("cache", Layer.CACHE, "cache", cache.group),
    Probe("cache", Layer.CACHE, "cache nodes", cache.nodes),
    Probe("load_balancer", Layer.VPC, "load balancers", load_balancer.load_balancers),
    Probe("load_balancer", Layer.VPC, "target groups", load_balancer.target_groups),
    Probe("backup_vault", Layer.BACKUP_VAULT, "backup keys", keys.keys),
    Probe("backup_vault", Layer.BACKUP_VAULT, "backup vaults", backups.vaults),
    Probe("backup_vault", Layer.BACKUP_VAULT, "backup plan", backups.plan),
    Probe("backup_vault", Layer.BACKUP_VAULT, "backup buckets", backups.buckets),
    Probe("backup_vault", Layer.BACKUP_VAULT, "copying of backup sets", backups.copying),
    Probe("monitoring", Layer.MONITORING, "alarms", monitoring.alarms),
    Probe("monitoring", Layer.MONITORING, "alarm topic", monitoring.topic),
    Probe("monitoring", Layer.MONITORING, "telemetry add-ons", cluster.addons),
    Probe("app_release", Layer.CLUSTER, "deployment", application.deployment),
)

PROBED: tuple[Layer, ...] = tuple(layer for layer in Layer if any(probe.speaks_for is layer for probe in PROBES))
"""Layers that have a health at all."""
