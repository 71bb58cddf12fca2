"""Workloads on the cluster: every pod and every template of pods outside Kubernetes' and AWS's own namespaces."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ils_pipelines.operations.live import Live, Record
from ils_pipelines.operations.posture.models import Observation
from ils_pipelines.release.objects import DEPLOYMENT, POD, REPLICA_SET, Kind

_TEMPLATED = (DEPLOYMENT, REPLICA_SET, Kind("batch/v1", "Job", "jobs"))
_NETWORK_POLICY = Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
SYSTEM_NAMESPACES = ("kube-", "amazon-", "aws-")
"""How the names of namespaces begin that are not ours to harden."""

Problem = Callable[[Record, Record], str]
"""What is wrong with a container, given its pod's spec too; empty when nothing is."""


def probes(live: Live) -> Iterator[Observation]:
    def missing(container: Record, spec: Record) -> str:
        if spec.get("restartPolicy") in {"Never", "OnFailure"}:
            return ""  # it runs to its end
        return ", ".join(f"no {probe}" for probe in ("livenessProbe", "readinessProbe") if probe not in container)

    yield from _containers(live, "liveness and readiness probe", missing, init_too=False)


def resources(live: Live) -> Iterator[Observation]:
    def missing(container: Record, _: Record) -> str:
        given = container.get("resources", {})
        return ", ".join(
            f"no {kind[:-1]} of {what}"
            for kind in ("requests", "limits")
            for what in ("cpu", "memory")
            if what not in given.get(kind, {})
        )

    yield from _containers(live, "requests and limits of cpu and memory", missing)


def image_tag(live: Live) -> Iterator[Observation]:
    def moving(container: Record, _: Record) -> str:
        image = str(container["image"])
        tag = image.rsplit("/", 1)[-1].partition(":")[2]
        return "" if "@sha256:" in image or tag not in {"", "latest"} else image

    yield from _containers(live, "an image with a fixed tag or digest", moving)


def image_digest(live: Live) -> Iterator[Observation]:
    def tagged(container: Record, _: Record) -> str:
        return "" if "@sha256:" in container["image"] else str(container["image"])

    yield from _containers(live, "an image by digest", tagged)


def privilege_escalation(live: Live) -> Iterator[Observation]:
    def allowed(container: Record, _: Record) -> str:
        context = container.get("securityContext", {})
        if context.get("privileged"):
            return "privileged"
        return "" if context.get("allowPrivilegeEscalation") is False else "allowPrivilegeEscalation is not false"

    yield from _containers(live, "allowPrivilegeEscalation false, not privileged", allowed)


def read_only_root(live: Live) -> Iterator[Observation]:
    def writable(container: Record, _: Record) -> str:
        read_only = container.get("securityContext", {}).get("readOnlyRootFilesystem")
        return "" if read_only is True else "the root file system is writable"

    yield from _containers(live, "readOnlyRootFilesystem true", writable)


def non_root(live: Live) -> Iterator[Observation]:
    def root(container: Record, spec: Record) -> str:
        context = {**spec.get("securityContext", {}), **container.get("securityContext", {})}
        if context.get("runAsUser") == 0:
            return "runAsUser 0"
        return "" if context.get("runAsNonRoot") is True else "runAsNonRoot is not true"

    yield from _containers(live, "runAsNonRoot true", root)


def capabilities(live: Live) -> Iterator[Observation]:
    def kept(container: Record, _: Record) -> str:
        found = container.get("securityContext", {}).get("capabilities", {})
        added = [each for each in found.get("add", ()) if each != "NET_BIND_SERVICE"]
        if added:
            return f"adds {', '.join(added)}"
        return "" if "ALL" in found.get("drop", ()) else "does not drop ALL"

    yield from _containers(live, "capabilities drop ALL", kept)


def seccomp(live: Live) -> Iterator[Observation]:
    def unconfined(container: Record, spec: Record) -> str:
        context = {**spec.get("securityContext", {}), **container.get("securityContext", {})}
        kind = context.get("seccompProfile", {}).get("type", "not set")
        return "" if kind in {"RuntimeDefault", "Localhost"} else f"seccompProfile {kind}"

    yield from _containers(live, "seccompProfile RuntimeDefault or Localhost", unconfined)


def service_account_token(live: Live) -> Iterator[Observation]:
    for name, _, spec in _pods(live):
        mounted = spec.get("automountServiceAccountToken") is not False
        found = "mounted" if mounted else "not mounted"
        yield Observation(name, "no token of the service account mounted", found, holds=not mounted)


def not_in_default(live: Live) -> Iterator[Observation]:
    for name, namespace, _ in _pods(live):
        yield Observation(name, "a namespace other than default", namespace, namespace != "default")


def network_policy(live: Live) -> Iterator[Observation]:
    policies = live.objects(_NETWORK_POLICY)
    namespaces = dict.fromkeys(namespace for _, namespace, _ in _pods(live))
    for namespace in namespaces:
        own = [each["metadata"]["name"] for each in policies if each["metadata"].get("namespace") == namespace]
        found = ", ".join(own) or "none, so every pod may talk to every other"
        yield Observation(f"namespace {namespace}", "a NetworkPolicy", found, bool(own))


def _containers(live: Live, expected: str, problem: Problem, *, init_too: bool = True) -> Iterator[Observation]:
    for name, _, spec in _pods(live):
        containers = [*spec.get("containers", ()), *(spec.get("initContainers", ()) if init_too else ())]
        for container in containers:
            found = problem(container, spec)
            yield Observation(f"{name} container {container['name']}", expected, found or "as expected", not found)


def _pods(live: Live) -> Iterator[tuple[str, str, Record]]:
    """Name, namespace and pod spec of whatever runs pods; what a controller made counts as the controller's."""
    for kind in (*_TEMPLATED, POD):
        for found in live.objects(kind):
            metadata = found["metadata"]
            namespace = metadata.get("namespace", "default")
            if namespace.startswith(SYSTEM_NAMESPACES) or _seen_at_its_controller(metadata):
                continue
            spec = found["spec"] if kind is POD else found["spec"]["template"]["spec"]
            yield f"{kind.kind} {namespace}/{metadata['name']}", namespace, spec


def _seen_at_its_controller(metadata: Record) -> bool:
    """Pods of other controllers, a DaemonSet's for example, are looked at one by one."""
    templated = {kind.kind for kind in _TEMPLATED}
    return any(owner.get("controller") and owner["kind"] in templated for owner in metadata.get("ownerReferences", ()))
