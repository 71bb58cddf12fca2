"""The controllers every cluster runs."""

from __future__ import annotations

from ils_sandbox.kubernetes.controllers.cleaning import GarbageCollector, Namespaces, NodePods
from ils_sandbox.kubernetes.controllers.deployments import Deployments
from ils_sandbox.kubernetes.controllers.pods import Pods
from ils_sandbox.kubernetes.controllers.replica_sets import ReplicaSets
from ils_sandbox.kubernetes.controllers.runner import Controller
from ils_sandbox.kubernetes.registry import Registry
from ils_sandbox.kubernetes.settings import Settings


def controllers(registry: Registry, settings: Settings) -> tuple[Controller, ...]:
    return (
        Namespaces(registry),
        GarbageCollector(registry),
        Deployments(registry),
        ReplicaSets(registry),
        Pods(registry, settings),
        NodePods(registry),
    )
