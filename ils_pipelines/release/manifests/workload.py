"""The deployment and its pods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ils_pipelines.release.manifests.parts import manifest
from ils_pipelines.release.manifests.tracing import sidecar
from ils_pipelines.release.names import (
    APP_NAME,
    CANARY_NAME,
    CONFIG_DIGEST,
    CONFIG_NAME,
    SECRET_DIGEST,
    SECRET_NAME,
    all_pods,
    ownership_labels,
    selector,
)
from ils_pipelines.release.objects import DEPLOYMENT, Manifest
from ils_pipelines.release.settings import Release, content_digest
from ils_pipelines.settings.workload import Probe

USER_ID = 1000


@dataclass(frozen=True)
class Variant:
    """Which of the two deployments, and what its pods read."""

    name: str = APP_NAME
    config: str = CONFIG_NAME
    secret: str = SECRET_NAME


CANARY = Variant(CANARY_NAME, f"{CONFIG_NAME}-canary", f"{SECRET_NAME}-canary")


def deployment(release: Release) -> Manifest:
    """With autoscaling the number of pods is not the release's to say: it would undo what the autoscaler does."""
    return of_variant(release, Variant(), None if release.app.autoscaling.enabled else release.app.replicas)


def of_variant(release: Release, variant: Variant, replicas: int | None) -> Manifest:
    rollout = release.app.rollout
    labels = selector(release.environment, variant.name)
    spec: dict[str, Any] = {
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": int(release.progress_deadline.total_seconds()),
        "selector": {"matchLabels": labels},
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": rollout.max_surge, "maxUnavailable": rollout.max_unavailable},
        },
        "template": {"metadata": _pod_metadata(release, labels), "spec": _pod(release, variant)},
    }
    if replicas is not None:
        spec["replicas"] = replicas
    version = {"app.kubernetes.io/version": release.version}
    return manifest(release, DEPLOYMENT, variant.name, {"spec": spec}, labels=version)


def _pod_metadata(release: Release, labels: dict[str, str]) -> dict[str, Any]:
    annotations = {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(release.app.port),
        "prometheus.io/path": "/metrics",
        # Pods read their configuration when they start: another one must start other pods.
        CONFIG_DIGEST: content_digest(release.config),
        SECRET_DIGEST: content_digest(release.secrets),
    }
    return {"labels": {**labels, **ownership_labels(release.environment)}, "annotations": annotations}


def _pod(release: Release, variant: Variant) -> dict[str, Any]:
    return {
        "serviceAccountName": APP_NAME,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": release.app.rollout.stop_seconds,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": _apart(release)}},
        "containers": [_container(release, variant), *sidecar(release.app)],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}],
    }


def _apart(release: Release) -> list[dict[str, Any]]:
    """Prefer other nodes, then other zones: one that fails takes one pod with it."""
    pods = {"matchLabels": all_pods(release.environment)}
    return [
        {"weight": weight, "podAffinityTerm": {"topologyKey": key, "labelSelector": pods}}
        for weight, key in ((100, "kubernetes.io/hostname"), (50, "topology.kubernetes.io/zone"))
    ]


def _container(release: Release, variant: Variant) -> dict[str, Any]:
    app = release.app
    return {
        "name": APP_NAME,
        "image": app.image,
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": "http", "containerPort": app.port, "protocol": "TCP"}],
        "envFrom": [{"configMapRef": {"name": variant.config}}, {"secretRef": {"name": variant.secret}}],
        "resources": {
            "requests": {"cpu": app.resources.cpu_request, "memory": app.resources.memory_request},
            "limits": {"cpu": app.resources.cpu_limit, "memory": app.resources.memory_limit},
        },
        "livenessProbe": _probe(app.liveness),
        "readinessProbe": _probe(app.readiness),
        "lifecycle": {"preStop": {"sleep": {"seconds": app.rollout.drain_seconds}}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 a path in the container
    }


def _probe(probe: Probe) -> dict[str, Any]:
    return {
        "httpGet": {"path": probe.path, "port": "http"},
        "initialDelaySeconds": probe.initial_delay_seconds,
        "periodSeconds": probe.period_seconds,
        "timeoutSeconds": probe.timeout_seconds,
        "failureThreshold": probe.failures,
    }
