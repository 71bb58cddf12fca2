"""The objects of a release, as plain dicts ready to be applied."""

from __future__ import annotations

import base64
from typing import Any

from ils_pipelines.release.objects import (
    CONFIG_MAP,
    DEPLOYMENT,
    NAMESPACE,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    TARGET_GROUP_BINDING,
    Kind,
    Manifest,
    canonical,
)
from ils_pipelines.release.settings import APP_NAME, Release, digest

FIELD_MANAGER = "ils-pipelines"
MANAGED_BY = "app.kubernetes.io/managed-by"
ENVIRONMENT_LABEL = "ils-pipelines/environment"
APPLIED = "ils-pipelines/applied"
"""Annotation with the manifest as it was applied last, values of secrets as digests: what drift is measured against."""
CONFIG_DIGEST = "ils-pipelines/config-digest"
SECRET_DIGEST = "ils-pipelines/secret-digest"  # noqa: S105 the name of an annotation

CONFIG_NAME = "ils-config"
SECRET_NAME = "ils-secrets"  # noqa: S105 the name of an object
USER_ID = 1000
SECONDS_TO_LEAVE_SERVICE = 5
"""How long a stopping pod goes on serving, until every proxy knows that it is about to go."""
SECONDS_TO_STOP = 40
"""From being told to stop to being killed, the seconds above included."""


def selector(release: Release) -> dict[str, str]:
    """Labels that select the pods. They can never change: a deployment's selector is immutable."""
    return {"app.kubernetes.io/name": APP_NAME, "app.kubernetes.io/instance": f"{APP_NAME}-{release.environment}"}


def ownership_labels(environment: str) -> dict[str, str]:
    """Labels by which everything of an environment's release is found again."""
    return {MANAGED_BY: FIELD_MANAGER, ENVIRONMENT_LABEL: environment}


def manifests(release: Release) -> tuple[Manifest, ...]:
    """All objects of a release, in the order in which they are applied."""
    return (
        _namespace(release),
        _object(release, SERVICE_ACCOUNT, APP_NAME, {"automountServiceAccountToken": False}),
        _object(release, CONFIG_MAP, CONFIG_NAME, {"data": dict(release.config)}),
        _object(release, SECRET, SECRET_NAME, {"type": "Opaque", "data": _encoded(release)}),
        _service(release),
        _deployment(release),
        *_target_group_binding(release),
    )


def _encoded(release: Release) -> dict[str, str]:
    return {key: base64.b64encode(value.encode()).decode() for key, value in release.secrets.items()}


def _object(
    release: Release, kind: Kind, name: str, content: dict[str, Any], labels: dict[str, str] | None = None
) -> Manifest:
    metadata: dict[str, Any] = {
        "name": name,
        "labels": {
            **selector(release),
            "app.kubernetes.io/part-of": "integrated-lens-system",
            **ownership_labels(release.environment),
            **(labels or {}),
        },
    }
    if kind.namespaced:
        metadata["namespace"] = release.namespace
    body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **content}
    shown = body if kind is not SECRET else {**body, "data": secret_digests(content["data"])}
    metadata_shown = {**metadata, "annotations": {APPLIED: canonical(shown)}}
    return Manifest(kind, {**body, "metadata": metadata_shown})


def secret_digests(data: dict[str, str]) -> dict[str, str]:
    """Digests in the place of a Secret's values: they tell whether a value changed and nothing else."""
    return {key: digest(value) for key, value in data.items()}


def _namespace(release: Release) -> Manifest:
    levels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    return _object(release, NAMESPACE, release.namespace, {}, levels)


def _service(release: Release) -> Manifest:
    port = {"name": "http", "port": 5000, "targetPort": "http", "protocol": "TCP"}
    return _object(
        release, SERVICE, APP_NAME, {"spec": {"type": "ClusterIP", "selector": selector(release), "ports": [port]}}
    )


def _target_group_binding(release: Release) -> tuple[Manifest, ...]:
    """What registers the pods with the load balancer. Says all that the controller's webhook would fill in otherwise."""
    if release.target_group is None:
        return ()
    spec = {
        "targetGroupARN": release.target_group.arn,
        "targetType": "ip",
        "ipAddressType": "ipv4",
        "vpcID": release.target_group.vpc_id,
        "serviceRef": {"name": APP_NAME, "port": "http"},
    }
    return (_object(release, TARGET_GROUP_BINDING, APP_NAME, {"spec": spec}),)


def _deployment(release: Release) -> Manifest:
    spec = {
        "replicas": release.replicas,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": int(release.progress_deadline.total_seconds()),
        "selector": {"matchLabels": selector(release)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {"metadata": _pod_metadata(release), "spec": _pod(release)},
    }
    return _object(release, DEPLOYMENT, APP_NAME, {"spec": spec}, {"app.kubernetes.io/version": release.version})


def _pod_metadata(release: Release) -> dict[str, Any]:
    annotations = {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(release.port),
        "prometheus.io/path": "/metrics",
        # Pods read their configuration when they start: another one must start other pods.
        CONFIG_DIGEST: digest(canonical(dict(release.config))),
        SECRET_DIGEST: digest(canonical(dict(release.secrets))),
    }
    labels = {**selector(release), **ownership_labels(release.environment)}
    return {"labels": labels, "annotations": annotations}


def _pod(release: Release) -> dict[str, Any]:
    return {
        "serviceAccountName": APP_NAME,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": SECONDS_TO_STOP,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": _apart(release)}},
        "containers": [_container(release)],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}],
    }


def _apart(release: Release) -> list[dict[str, Any]]:
    """Prefer other nodes, then other zones: one that fails takes one pod with it."""
    return [
        {
            "weight": weight,
            "podAffinityTerm": {"topologyKey": key, "labelSelector": {"matchLabels": selector(release)}},
        }
        for weight, key in ((100, "kubernetes.io/hostname"), (50, "topology.kubernetes.io/zone"))
    ]


def _container(release: Release) -> dict[str, Any]:
    return {
        "name": APP_NAME,
        "image": release.image,
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": "http", "containerPort": release.port, "protocol": "TCP"}],
        "envFrom": [{"configMapRef": {"name": CONFIG_NAME}}, {"secretRef": {"name": SECRET_NAME}}],
        "resources": {
            "requests": {"cpu": "250m", "memory": "256Mi"},
            "limits": {"cpu": "500m", "memory": "512Mi"},
        },
        "livenessProbe": {
            "httpGet": {"path": "/health", "port": "http"},
            "initialDelaySeconds": 30,
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": 3,
        },
        "readinessProbe": {
            "httpGet": {"path": "/ready", "port": "http"},
            "initialDelaySeconds": 10,
            "periodSeconds": 5,
            "timeoutSeconds": 3,
            "failureThreshold": 3,
        },
        "lifecycle": {"preStop": {"sleep": {"seconds": SECONDS_TO_LEAVE_SERVICE}}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 a path in the container
    }
