"""Who the pods are on the cluster, and what they may read there: their own configuration, by name, and nothing else."""

from __future__ import annotations

from ils_pipelines.release.manifests.parts import manifest
from ils_pipelines.release.names import APP_NAME, CONFIG_NAME, SECRET_NAME
from ils_pipelines.release.objects import ROLE, ROLE_BINDING, SERVICE_ACCOUNT, Manifest
from ils_pipelines.release.settings import Release

ROLE_ARN = "eks.amazonaws.com/role-arn"


def service_account(release: Release) -> Manifest:
    role_arn = release.app.service_account_role_arn
    annotations = {ROLE_ARN: role_arn} if role_arn else None
    content = {"automountServiceAccountToken": False}
    return manifest(release, SERVICE_ACCOUNT, APP_NAME, content, annotations=annotations)


def role(release: Release) -> Manifest:
    rules = [
        {"apiGroups": [""], "resources": [resource], "resourceNames": [name], "verbs": ["get"]}
        for resource, name in (("configmaps", CONFIG_NAME), ("secrets", SECRET_NAME))
    ]
    return manifest(release, ROLE, APP_NAME, {"rules": rules})


def role_binding(release: Release) -> Manifest:
    content = {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": APP_NAME},
        "subjects": [{"kind": "ServiceAccount", "name": APP_NAME, "namespace": release.namespace}],
    }
    return manifest(release, ROLE_BINDING, APP_NAME, content)
