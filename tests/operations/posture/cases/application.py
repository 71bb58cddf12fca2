"""Adding workloads and roles to the cluster as nobody should."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from ils_pipelines.settings.controls import ControlId
from tests.operations.posture.site import Case, Site, case

_NAMESPACE = "rogue"
_PROBE = {"httpGet": {"path": "/health", "port": 5000}}

GOOD: dict[str, Any] = {
    "automountServiceAccountToken": False,
    "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "main",
            "image": f"registry.example.com/tool:1.0@sha256:{'a' * 64}",
            "livenessProbe": _PROBE,
            "readinessProbe": _PROBE,
            "resources": {
                "requests": {"cpu": "10m", "memory": "16Mi"},
                "limits": {"cpu": "20m", "memory": "32Mi"},
            },
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
        }
    ],
}
"""The spec of a pod for which every control holds."""

Change = Callable[[dict[str, Any], dict[str, Any]], None]
"""Makes a spec wrong: given the spec and its container."""


def deployment(
    change: Change = lambda _spec, _container: None, *, namespace: str = _NAMESPACE
) -> Callable[[Site], Iterator[str]]:
    """A deployment without pods, in a namespace that admits everything."""

    def added(site: Site) -> Iterator[str]:
        from kubernetes.client import AppsV1Api, CoreV1Api

        core, apps = CoreV1Api(site.kubernetes()), AppsV1Api(site.kubernetes())
        spec = deepcopy(GOOD)
        change(spec, spec["containers"][0])
        labels = {"app": "rogue"}
        body = {
            "metadata": {"name": "rogue"},
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": spec},
            },
        }
        if namespace != "default":
            core.create_namespace({"metadata": {"name": namespace}})
        apps.create_namespaced_deployment(namespace, body)
        try:
            yield f"Deployment {namespace}/rogue"
        finally:
            apps.delete_namespaced_deployment("rogue", namespace)
            if namespace != "default":
                core.delete_namespace(namespace)

    return added


def _container(**values: Any) -> Callable[[Site], Iterator[str]]:
    """Sets fields of the container; None takes one away."""

    def change(_: dict[str, Any], container: dict[str, Any]) -> None:
        for name, value in values.items():
            if value is None:
                del container[name]
            else:
                container[name] = value

    return _named(change)


def _context(**values: Any) -> Callable[[Site], Iterator[str]]:
    return _named(lambda _, container: container["securityContext"].update(values))


def _pod(**values: Any) -> Callable[[Site], Iterator[str]]:
    return _named(lambda spec, _: spec.update(values))


def _named(change: Change) -> Callable[[Site], Iterator[str]]:
    def added(site: Site) -> Iterator[str]:
        for name in deployment(change)(site):
            yield f"{name} container main"

    return added


def _token(site: Site) -> Iterator[str]:
    yield from deployment(lambda spec, _: spec.update(automountServiceAccountToken=True))(site)


def _in_default(site: Site) -> Iterator[str]:
    yield from deployment(namespace="default")(site)


def _without_policy(site: Site) -> Iterator[str]:
    for _ in deployment()(site):
        yield f"namespace {_NAMESPACE}"


def _wide_role(site: Site) -> Iterator[str]:
    from kubernetes.client import RbacAuthorizationV1Api

    rbac = RbacAuthorizationV1Api(site.kubernetes())
    namespace = site.environment.app.namespace
    rule = {"apiGroups": [""], "resources": ["*"], "verbs": ["get"]}
    rbac.create_namespaced_role(namespace, {"metadata": {"name": "rogue"}, "rules": [rule]})
    try:
        yield f"Role {namespace}/rogue"
    finally:
        rbac.delete_namespaced_role("rogue", namespace)


CASES: tuple[Case, ...] = (
    case(ControlId.NETWORK_POLICY, "none", _without_policy),
    case(ControlId.POD_PROBES, "no readiness", _container(readinessProbe=None)),
    case(ControlId.POD_PROBES, "no liveness", _container(livenessProbe=None)),
    case(ControlId.POD_RESOURCES, "no limits", _container(resources={"requests": {"cpu": "1", "memory": "1Mi"}})),
    case(ControlId.POD_IMAGE_TAG, "latest", _container(image="registry.example.com:5000/tool:latest")),
    case(ControlId.POD_IMAGE_TAG, "no tag", _container(image="registry.example.com:5000/tool")),
    case(ControlId.POD_IMAGE_DIGEST, "tag", _container(image="tool:1.0")),
    case(ControlId.POD_PRIVILEGE_ESCALATION, "allowed", _context(allowPrivilegeEscalation=True)),
    case(ControlId.POD_READ_ONLY_ROOT, "writable", _context(readOnlyRootFilesystem=False)),
    case(ControlId.POD_NON_ROOT, "not asked for", _context(runAsNonRoot=False)),
    case(ControlId.POD_NON_ROOT, "user 0", _context(runAsUser=0)),
    case(ControlId.POD_CAPABILITIES, "kept", _context(capabilities={"drop": ["NET_RAW"]})),
    case(ControlId.POD_CAPABILITIES, "added", _context(capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]})),
    case(ControlId.POD_SECCOMP, "unconfined", _context(seccompProfile={"type": "Unconfined"})),
    case(ControlId.POD_SERVICE_ACCOUNT_TOKEN, "mounted", _token),
    case(ControlId.RBAC_WILDCARDS, "resources", _wide_role),
    case(ControlId.DEFAULT_NAMESPACE, "there", _in_default),
)
