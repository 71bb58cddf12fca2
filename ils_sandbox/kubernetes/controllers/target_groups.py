"""The AWS Load Balancer Controller, as far as target group bindings go: ready pods are registered with a target group.

What is asked of AWS is asked from a thread of its own: the AWS server tells this one of clusters and nodes while it answers,
so that waiting for it on the event loop could make both wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ils_sandbox.control.recording import SANDBOX_CLIENT
from ils_sandbox.kubernetes.controllers.ownership import ready, terminating
from ils_sandbox.kubernetes.controllers.runner import RETRY_SECONDS, Key, key_of
from ils_sandbox.kubernetes.events import Recorder
from ils_sandbox.kubernetes.kinds import POD, SERVICE, TARGET_GROUP_BINDING
from ils_sandbox.kubernetes.registry import Registry
from ils_sandbox.kubernetes.store import Change, Object, namespace_of

_SECONDS_TO_ANSWER = 5
_USUAL_REGION = "us-east-1"
FINALIZER = "elbv2.k8s.aws/resources"
_POLL_SECONDS = 0.01

Targets = frozenset[tuple[str, int]]
"""Addresses and ports."""


class Registrar:
    """What the controller asks of AWS, over the network as everybody."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._clients: dict[str, Any] = {}
        self._pool = ThreadPoolExecutor(1, "target-groups")
        # Loading boto3 takes a while: better at the start than when the first binding waits for it.
        self._pool.submit(self._client, _USUAL_REGION)

    def start(self, group: str, wanted: Targets) -> Future[None]:
        """Make `wanted` the targets of a group, in the background. The future raises what AWS answers."""
        return self._pool.submit(self._register, group, wanted)

    def stop(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _register(self, group: str, wanted: Targets) -> None:
        elb = self._client(group.split(":")[3])
        try:
            described = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        except elb.exceptions.TargetGroupNotFoundException:
            if wanted:
                raise
            return
        there = frozenset((each["Target"]["Id"], each["Target"]["Port"]) for each in described)
        if missing := wanted - there:
            elb.register_targets(TargetGroupArn=group, Targets=_listed(missing))
        if surplus := there - wanted:
            elb.deregister_targets(TargetGroupArn=group, Targets=_listed(surplus))

    def _client(self, region: str) -> Any:
        if region not in self._clients:
            import boto3
            from botocore.config import Config

            self._clients[region] = boto3.client(
                "elbv2",
                region_name=region,
                endpoint_url=self._endpoint,
                aws_access_key_id="sandbox",
                aws_secret_access_key="sandbox",  # noqa: S106 anything: the sandbox's AWS takes it
                config=Config(
                    user_agent=SANDBOX_CLIENT,
                    connect_timeout=_SECONDS_TO_ANSWER,
                    read_timeout=_SECONDS_TO_ANSWER,
                    retries={"total_max_attempts": 1},
                ),
            )
        return self._clients[region]


@dataclass(frozen=True)
class _Sync:
    """What a group was told, or is being told."""

    group: str
    targets: Targets
    done: Future[None]


class TargetGroupBindings:
    """Keeps the targets of each binding's group equal to the ready pods of its service."""

    def __init__(self, registry: Registry, registrar: Registrar) -> None:
        self._registry = registry
        self._registrar = registrar
        self._events = Recorder(registry, "targetGroupBinding")
        self._syncs: dict[str, _Sync] = {}
        """By the binding's uid."""

    @cached_property
    def _cluster(self) -> Any:
        return self._registry.cluster

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind is TARGET_GROUP_BINDING:
            yield key_of(change.obj)
        elif change.kind in (POD, SERVICE):
            for binding in self._cluster.objects(TARGET_GROUP_BINDING, namespace_of(change.obj)):
                yield key_of(binding)

    def reconcile(self, key: Key) -> float | None:
        binding = self._cluster.get(TARGET_GROUP_BINDING, *key)
        if binding is None:
            return None
        finalizers = binding["metadata"].get("finalizers", [])
        if not terminating(binding) and FINALIZER not in finalizers:
            self._registry.change(TARGET_GROUP_BINDING, binding, {"metadata": {"finalizers": [*finalizers, FINALIZER]}})
            return 0
        group, uid = binding["spec"]["targetGroupARN"], binding["metadata"]["uid"]
        wanted: Targets = frozenset() if terminating(binding) else self._targets(binding)
        sync = self._syncs.get(uid)
        if sync is not None and not sync.done.done():
            return _POLL_SECONDS
        if sync is None or (sync.group, sync.targets) != (group, wanted):
            self._syncs[uid] = _Sync(group, wanted, self._registrar.start(group, wanted))
            return _POLL_SECONDS
        if (error := sync.done.exception()) is not None:
            del self._syncs[uid]
            self._events.warning(TARGET_GROUP_BINDING, binding, "FailedReconcile", str(error))
            return RETRY_SECONDS
        self._settle(binding)
        return None

    def _settle(self, binding: Object) -> None:
        """Say that AWS knows what the binding asks for."""
        if not terminating(binding):
            status = {"observedGeneration": binding["metadata"]["generation"]}
            self._registry.set_status(TARGET_GROUP_BINDING, binding, status)
            return
        del self._syncs[binding["metadata"]["uid"]]
        kept = [each for each in binding["metadata"].get("finalizers", ()) if each != FINALIZER]
        self._registry.change(TARGET_GROUP_BINDING, binding, {"metadata": {"finalizers": kept or None}})

    def _targets(self, binding: Object) -> Targets:
        reference, namespace = binding["spec"]["serviceRef"], namespace_of(binding)
        service = self._cluster.get(SERVICE, namespace, reference["name"])
        if service is None:
            return frozenset()
        ports = [each for each in service["spec"]["ports"] if reference["port"] in (each["port"], each.get("name"))]
        selector = service["spec"].get("selector", {}).items()
        pods = [
            pod
            for pod in self._cluster.objects(POD, namespace)
            if selector and selector <= pod["metadata"].get("labels", {}).items() and _serves(pod)
        ]
        found = ((pod["status"]["podIP"], _container_port(pod, port)) for pod in pods for port in ports)
        return frozenset((address, number) for address, number in found if number is not None)


def _serves(pod: Object) -> bool:
    return ready(pod) and not terminating(pod) and bool(pod["status"].get("podIP"))


def _container_port(pod: Object, port: Object) -> int | None:
    """The number of the pod's port that a service's port leads to; None when the pod has no port of that name."""
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    named = (each for container in pod["spec"]["containers"] for each in container.get("ports", ()))
    return next((int(each["containerPort"]) for each in named if each.get("name") == target), None)


def _listed(targets: Targets) -> list[dict[str, Any]]:
    return [{"Id": address, "Port": port} for address, port in sorted(targets)]
