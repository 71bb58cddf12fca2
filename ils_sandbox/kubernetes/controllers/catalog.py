"""The controllers every cluster runs."""

from __future__ import annotations

from ils_sandbox.kubernetes.controllers.autoscalers import Autoscalers
from ils_sandbox.kubernetes.controllers.budgets import DisruptionBudgets
from ils_sandbox.kubernetes.controllers.cleaning import GarbageCollector, Namespaces, NodePods
from ils_sandbox.kubernetes.controllers.cron_jobs import CronJobs
from ils_sandbox.kubernetes.controllers.custom_definitions import CustomDefinitions
from ils_sandbox.kubernetes.controllers.deployments import Deployments
from ils_sandbox.kubernetes.controllers.drained_nodes import DrainedNodes
from ils_sandbox.kubernetes.controllers.endpoints import Endpoints
from ils_sandbox.kubernetes.controllers.jobs import Jobs
from ils_sandbox.kubernetes.controllers.lost_nodes import LostNodes
from ils_sandbox.kubernetes.controllers.node_leases import NodeLeases
from ils_sandbox.kubernetes.controllers.pods import Pods
from ils_sandbox.kubernetes.controllers.quotas import ResourceQuotas
from ils_sandbox.kubernetes.controllers.replica_sets import ReplicaSets
from ils_sandbox.kubernetes.controllers.runner import Controller
from ils_sandbox.kubernetes.controllers.target_groups import Registrar, TargetGroupBindings
from ils_sandbox.kubernetes.registry import Registry
from ils_sandbox.kubernetes.surroundings import Surroundings


def controllers(registry: Registry, surroundings: Surroundings, registrar: Registrar | None) -> tuple[Controller, ...]:
    """`registrar` is None where there is no AWS: nobody looks after target group bindings then."""
    # After a change they run in this order. Replica sets come before deployments, so that pods that are to go have gone
    # before others take their place: a rollout stays within its bounds at every moment.
    settings = surroundings.settings
    return (
        Namespaces(registry),
        CustomDefinitions(registry),
        GarbageCollector(registry),
        ReplicaSets(registry),
        Deployments(registry),
        CronJobs(registry),
        Jobs(registry, settings),
        Pods(registry, surroundings),
        NodePods(registry),
        LostNodes(registry, settings),
        NodeLeases(registry),
        DrainedNodes(registry),
        Autoscalers(registry, settings, surroundings.metrics),
        DisruptionBudgets(registry),
        ResourceQuotas(registry),
        Endpoints(registry),
        *((TargetGroupBindings(registry, registrar),) if registrar is not None else ()),
    )
