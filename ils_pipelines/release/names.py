"""What things are called on the cluster, and the labels and annotations by which they are found again."""

from __future__ import annotations

APP_NAME = "ils"
CANARY_NAME = "ils-canary"
CONFIG_NAME = "ils-config"
SECRET_NAME = "ils-secrets"  # noqa: S105 the name of an object
DENY_ALL_NAME = "ils-default-deny"

FIELD_MANAGER = "ils-pipelines"
REPLICAS_MANAGER = "ils-pipelines-scaling"
"""Who sets the number of pods where it is nobody's in the release: at a deployment's first apply, and in scaling jobs."""

MANAGED_BY = "app.kubernetes.io/managed-by"
NAME_LABEL = "app.kubernetes.io/name"
INSTANCE_LABEL = "app.kubernetes.io/instance"
ENVIRONMENT_LABEL = "ils-pipelines/environment"
APPLIED = "ils-pipelines/applied"
"""Annotation with the manifest as it was applied last, values of secrets as digests: what drift is measured against."""
CONFIG_DIGEST = "ils-pipelines/config-digest"
SECRET_DIGEST = "ils-pipelines/secret-digest"  # noqa: S105 the name of an annotation
REVISION = "deployment.kubernetes.io/revision"
"""Annotation in which Kubernetes counts the templates of a deployment."""


def ownership_labels(environment: str) -> dict[str, str]:
    """Labels by which everything of an environment's release is found again."""
    return {MANAGED_BY: FIELD_MANAGER, ENVIRONMENT_LABEL: environment}


def selector(environment: str, name: str = APP_NAME) -> dict[str, str]:
    """Labels that select the pods of one deployment. They can never change: a deployment's selector is immutable."""
    return {NAME_LABEL: APP_NAME, INSTANCE_LABEL: f"{name}-{environment}"}


def all_pods(environment: str) -> dict[str, str]:
    """Labels that select every pod of the application, those of a canary included."""
    return {NAME_LABEL: APP_NAME, ENVIRONMENT_LABEL: environment}
