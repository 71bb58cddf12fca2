"""Where certificates are looked for, and for which layer each place speaks."""

from __future__ import annotations

from ils_pipelines.operations.certificates.models import Examined
from ils_pipelines.operations.certificates.sources import in_cluster, managed, served
from ils_pipelines.operations.probing import Probe
from ils_pipelines.settings.layers import Layer

SOURCES: tuple[Probe[Examined], ...] = (
    Probe("cluster", Layer.CLUSTER, "API of the cluster", served.cluster_api),
    Probe("cluster", Layer.CLUSTER, "OIDC providers", served.oidc_thumbprints),
    Probe("cluster", Layer.CLUSTER, "secrets of the cluster", in_cluster.secrets),
    Probe("cluster", Layer.CLUSTER, "config maps of the cluster", in_cluster.config_maps),
    Probe("database", Layer.DATABASE, "authorities of the database", managed.database_authorities),
    Probe("database", Layer.DATABASE, "endpoints of the database", served.database),
    Probe("cache", Layer.CACHE, "endpoint of the cache", served.cache),
    Probe("load_balancer", Layer.LOAD_BALANCER, "ACM certificates", managed.acm),
    Probe("load_balancer", Layer.LOAD_BALANCER, "IAM server certificates", managed.iam),
    Probe("load_balancer", Layer.LOAD_BALANCER, "the way in", served.load_balancer),
    Probe("load_balancer", Layer.LOAD_BALANCER, "configured endpoints", served.configured),
)
