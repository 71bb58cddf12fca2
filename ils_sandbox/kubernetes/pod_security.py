"""Pod Security admission at the `restricted` level, for namespaces whose label enforces it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ils_sandbox.kubernetes.kinds import NAMESPACE, POD
from ils_sandbox.kubernetes.statuses import forbidden
from ils_sandbox.kubernetes.store import Cluster, Object, name_of, namespace_of

ENFORCE = "pod-security.kubernetes.io/enforce"
RESTRICTED = "restricted"
_HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")
_VOLUMES = frozenset(
    {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
)
_PROFILES = ("RuntimeDefault", "Localhost")
_CAPABILITIES = frozenset({"NET_BIND_SERVICE"})


def check_pod_security(cluster: Cluster, pod: Object) -> None:
    """Raise a 403 that lists what the pod would have to change."""
    namespace = cluster.get(NAMESPACE, "", namespace_of(pod))
    if namespace is None or namespace["metadata"].get("labels", {}).get(ENFORCE) != RESTRICTED:
        return
    violations = [*_pod(pod["spec"]), *_containers(pod["spec"])]
    if violations:
        raise forbidden(POD, name_of(pod), f'violates PodSecurity "{RESTRICTED}:latest": {", ".join(violations)}')


def _pod(spec: Mapping[str, Any]) -> Iterator[str]:
    shared = [f"{name}=true" for name in _HOST_NAMESPACES if spec.get(name)]
    if shared:
        yield f"host namespaces ({', '.join(shared)})"
    for volume in spec.get("volumes", ()):
        kinds = volume.keys() - {"name"} - _VOLUMES
        if kinds:
            yield f'restricted volume types (volume "{volume["name"]}" uses restricted volume type "{min(kinds)}")'
    if spec.get("securityContext", {}).get("runAsUser") == 0:
        yield "runAsUser=0 (pod must not set runAsUser=0)"


def _containers(spec: Mapping[str, Any]) -> Iterator[str]:
    for group in ("initContainers", "containers"):
        for container in spec.get(group, ()):
            # A container's own setting wins over the pod's.
            context = {**spec.get("securityContext", {}), **container.get("securityContext", {})}
            yield from _container(f'container "{container["name"]}" must', context, container)


def _container(who: str, context: Mapping[str, Any], container: Mapping[str, Any]) -> Iterator[str]:
    if context.get("privileged"):
        yield f"privileged ({who} not set securityContext.privileged=true)"
    if any(port.get("hostPort") for port in container.get("ports", ())):
        yield f"hostPort ({who} not use hostPorts)"
    if context.get("allowPrivilegeEscalation") is not False:
        yield f"allowPrivilegeEscalation != false ({who} set securityContext.allowPrivilegeEscalation=false)"
    capabilities = context.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", ()) or not set(capabilities.get("add", ())) <= _CAPABILITIES:
        yield f'unrestricted capabilities ({who} set securityContext.capabilities.drop=["ALL"])'
    if context.get("runAsNonRoot") is not True:
        yield f"runAsNonRoot != true ({who} set securityContext.runAsNonRoot=true)"
    if container.get("securityContext", {}).get("runAsUser") == 0:
        yield f"runAsUser=0 ({who} not set runAsUser=0)"
    if context.get("seccompProfile", {}).get("type") not in _PROFILES:
        yield f'seccompProfile ({who} set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'
