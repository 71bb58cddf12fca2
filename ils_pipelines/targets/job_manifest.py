"""The Kubernetes objects of a job. Fit for a namespace of Pod Security level `restricted`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ils_pipelines.targets.jobs import ClusterJob, KeyOf

CONTAINER = "job"
USER_ID = 1000
LABELS = {"app.kubernetes.io/managed-by": "ils-pipelines", "app.kubernetes.io/component": "job"}


def job_manifest(job: ClusterJob) -> dict[str, Any]:
    """Tried once: what failed is looked at, and asked for again by whoever needs it."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": job.name, "namespace": job.namespace, "labels": LABELS},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": int(job.timeout.total_seconds()),
            "ttlSecondsAfterFinished": int(job.kept.total_seconds()),
            "template": {"metadata": {"labels": LABELS}, "spec": _pod(job)},
        },
    }


def secret_manifest(job: ClusterJob) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": job.name, "namespace": job.namespace, "labels": LABELS},
        "type": "Opaque",
        "immutable": True,
        "stringData": dict(job.secrets),
    }


def _pod(job: ClusterJob) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": job.image,
        "command": list(job.command),
        "env": [
            *({"name": name, "value": value} for name, value in sorted(job.variables.items())),
            *({"name": name, "valueFrom": _source(found)} for name, found in sorted(job.taken.items())),
        ],
        # The limit of memory is the request: a node short of memory ends others first.
        "resources": {
            "requests": {"cpu": job.cpu, "memory": job.memory},
            "limits": {"memory": job.memory, "cpu": job.cpu},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 a directory of the container
    }
    if job.secrets:
        container["envFrom"] = [{"secretRef": {"name": job.name}}]
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        # A job asks AWS, not Kubernetes; the token that EKS exchanges for a role comes in a volume of its own.
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": job.scratch}}],
    }
    if job.service_account is not None:
        pod["serviceAccountName"] = job.service_account
    return pod


def _source(found: KeyOf) -> dict[str, Any]:
    return {"secretKeyRef" if found.secret else "configMapKeyRef": {"name": found.name, "key": found.key}}
