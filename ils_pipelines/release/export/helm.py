"""A release as a Helm chart: one chart for all environments, with a file of values for each.

The chart's templates are written by hand, so that somebody who knows Helm finds what is usual there; that their rendering
is what is applied is for the tests to say.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from ils_pipelines.release.export.plain import as_yaml
from ils_pipelines.release.settings import Release
from ils_pipelines.settings.workload import Probe

CHART = Path(__file__).parent / "chart"
_HEAD = """\
# Values of environment {environment}; written by `ils export {environment} --format helm`.
# Secrets are given beside them and are in no file here: helm upgrade --install … -f secrets.yaml, with
#   secrets: {{{keys}}}
"""


def write_chart(release: Release, directory: Path) -> tuple[Path, ...]:
    """Write the chart and the environment's values into `directory`, beside those of other environments."""
    shutil.copytree(CHART, directory, dirs_exist_ok=True)
    values = directory / f"values-{release.environment}.yaml"
    values.write_text(values_file(release), encoding="utf-8")
    written = (directory / file.relative_to(CHART) for file in sorted(CHART.rglob("*")) if file.is_file())
    return (*written, values)


def values_file(release: Release) -> str:
    keys = ", ".join(f"{key}: …" for key in sorted(release.secrets))
    return _HEAD.format(environment=release.environment, keys=keys) + as_yaml(values_of(release))


def values_of(release: Release) -> dict[str, Any]:
    """What the chart's templates ask for, secrets left out."""
    app, rollout = release.app, release.app.rollout
    return {
        "environment": release.environment,
        "namespace": release.namespace,
        "image": app.image,
        "version": release.version,
        "replicas": app.replicas,
        "port": app.port,
        "resources": {
            "requests": {"cpu": app.resources.cpu_request, "memory": app.resources.memory_request},
            "limits": {"cpu": app.resources.cpu_limit, "memory": app.resources.memory_limit},
        },
        "liveness": _probe(app.liveness),
        "readiness": _probe(app.readiness),
        "rollout": {
            "maxSurge": rollout.max_surge,
            "maxUnavailable": rollout.max_unavailable,
            "deadlineSeconds": int(release.progress_deadline.total_seconds()),
            "drainSeconds": rollout.drain_seconds,
            "stopSeconds": rollout.stop_seconds,
        },
        "autoscaling": {
            "enabled": app.autoscaling.enabled,
            "minReplicas": app.autoscaling.min_replicas,
            "maxReplicas": app.autoscaling.max_replicas,
            "cpuPercent": app.autoscaling.cpu_percent,
            "memoryPercent": app.autoscaling.memory_percent,
            "scaleDownSeconds": app.autoscaling.scale_down_seconds,
            "scaleUpSeconds": app.autoscaling.scale_up_seconds,
        },
        "canaryByLoadBalancer": app.canary.by_load_balancer,
        "minAvailable": app.min_available,
        "quota": {
            "pods": app.quota.pods,
            "cpuRequests": app.quota.cpu_requests,
            "memoryRequests": app.quota.memory_requests,
            "cpuLimits": app.quota.cpu_limits,
            "memoryLimits": app.quota.memory_limits,
        },
        "network": {
            "loadBalancerCidrs": list(release.network.load_balancer_cidrs),
            "dataCidrs": list(release.network.data_cidrs),
            "databasePort": release.network.database_port,
            "cachePort": release.network.cache_port,
            "scrapingNamespaces": list(app.scraping_namespaces),
        },
        "tracing": {
            "mode": str(app.tracing.mode),
            "collectorNamespace": app.tracing.collector_namespace,
            "sidecarImage": app.tracing.sidecar_image or "",
        },
        "targetGroup": {
            "arn": release.target_group.arn if release.target_group else "",
            "vpcId": release.target_group.vpc_id if release.target_group else "",
        },
        "roleArn": app.service_account_role_arn or "",
        "config": dict(release.config),
        "secrets": {},
    }


def _probe(probe: Probe) -> dict[str, Any]:
    return {
        "path": probe.path,
        "initialDelaySeconds": probe.initial_delay_seconds,
        "periodSeconds": probe.period_seconds,
        "timeoutSeconds": probe.timeout_seconds,
        "failures": probe.failures,
    }
