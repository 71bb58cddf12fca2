"""A second deployment with a few pods of the new release beside the old ones, step by step, with checks after each.

The Service selects the pods of both, so that the new ones get their share of the requests; where the load balancer weighs,
they have a Service and a target group of their own. They read a ConfigMap and a Secret of their own: the old pods, should
they start anew, still find what they were released with.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from ils_pipelines.engine.errors import OperationCancelled
from ils_pipelines.engine.protocol import ignore_events
from ils_pipelines.release.apply import Applier
from ils_pipelines.release.binding import wait_until_bound
from ils_pipelines.release.canary.checks import Check
from ils_pipelines.release.canary.traffic import Traffic
from ils_pipelines.release.cluster import Cluster
from ils_pipelines.release.errors import CanaryFailed
from ils_pipelines.release.manifests.configuration import config_map, secret
from ils_pipelines.release.manifests.network import canary_binding, canary_service, service
from ils_pipelines.release.manifests.workload import CANARY, of_variant
from ils_pipelines.release.names import CANARY_NAME, selector
from ils_pipelines.release.objects import DEPLOYMENT, POD, TARGET_GROUP_BINDING, Kind, Manifest, Ref
from ils_pipelines.release.plan import Survey
from ils_pipelines.release.rollout.troubles import trouble_of
from ils_pipelines.release.rollout.wait import wait_for_rollout
from ils_pipelines.release.settings import Release, RolloutLimits


def canary_pods(weight: int, stable: int) -> int:
    """How many new pods beside `stable` old ones are at least `weight` percent of all. At least one."""
    return max(1, -(-weight * stable // (100 - weight)))


@dataclass(frozen=True)
class CanaryRun:
    """One release tried in one cluster."""

    cluster: Cluster
    release: Release = field(repr=False)
    checks: Sequence[Check]
    limits: RolloutLimits
    release_applier: Applier
    """Of the release itself: whoever follows it hears of its trial too."""
    cancel: threading.Event
    traffic: Traffic | None = None
    """None where the number of pods says how many requests the new ones get."""

    def ref(self, kind: Kind) -> Ref:
        return Ref(kind.api_version, kind.kind, self.release.namespace, CANARY_NAME)

    def go(self, stable: int) -> None:
        """All steps. Raises `CanaryFailed`, `RolloutFailed`, `NotBound` and `OperationCancelled`; what it made is then still
        there, among what a survey finds to be left over. Whatever happens, the load balancer sends nobody there any more."""
        try:
            self._steps(stable)
        finally:
            self.end()

    def end(self) -> None:
        """Send nobody to the new pods alone any more. Asks AWS only where the load balancer weighs."""
        if self.traffic is not None and self.traffic.restore():
            self.release_applier.note("the load balancer sends all requests to the pods that serve")

    def _steps(self, stable: int) -> None:
        told = self.release_applier
        for weight in self.release.app.canary.steps:
            count = canary_pods(weight, stable)
            share = round(100 * count / (count + stable))
            requests = "" if self.traffic is None else f", {weight} % of the requests go there"
            told.note(f"canary at {weight} %: {count} of {count + stable} pods ({share} %) are new{requests}")
            self._applier(count).apply()
            ref = self.ref(DEPLOYMENT)
            urn = ref.urn(self.release.environment)
            wait_for_rollout(self.cluster, ref, urn, self.limits, note=told.note, mask=told.masked, cancel=self.cancel)
            if self.traffic is not None:
                self._weigh(self.traffic, weight, count)
            if self.cancel.wait(self.release.app.canary.pause_seconds):
                raise OperationCancelled("the canary was interrupted; what it made is removed by the next release")
            problems = [*self._restarts(), *(found for check in self.checks if (found := check.problem()))]
            if problems:
                raise CanaryFailed(urn, weight, [told.masked(problem) for problem in problems])

    def _weigh(self, traffic: Traffic, weight: int, count: int) -> None:
        """Send requests to the new pods once the load balancer has seen that all of them are well."""
        told, binding = self.release_applier, self.ref(TARGET_GROUP_BINDING)
        urn, patience = binding.urn(self.release.environment), self.limits.binding
        wait_until_bound(self.cluster, binding, urn, patience=patience, note=told.note, cancel=self.cancel)
        if weight == self.release.app.canary.steps[0]:
            traffic.shift(0)  # targets are looked at only in groups that a listener names
        traffic.wait_until_healthy(count, self.limits.deadline, note=told.note, cancel=self.cancel)
        traffic.shift(weight)

    def remove(self) -> None:
        applier = self._applier(1)
        applier.remove([ref for ref in applier.survey.live if ref != service(self.release).ref])

    def _restarts(self) -> list[str]:
        """New pods that are not ready any more, or whose container had to be started again."""
        problems = []
        labels = selector(self.release.environment, CANARY_NAME)
        for pod in self.cluster.find(POD, labels, self.release.namespace):
            trouble = trouble_of(pod)
            restarts = sum(each.get("restartCount", 0) for each in pod.get("status", {}).get("containerStatuses", ()))
            if trouble is not None:
                problems.append(str(trouble))
            elif restarts:
                problems.append(f"pod {pod['metadata']['name']}: its containers were started again {restarts} times")
        return problems

    def _applier(self, count: int) -> Applier:
        wanted = self._manifests(count)
        refs = [manifest.ref for manifest in wanted]
        live = {ref: body for ref in refs if (body := self.cluster.get(ref)) is not None}
        found = Survey(self.release.environment, wanted, live)
        # Not told as changes: they are no part of the release, and gone at its end.
        return Applier(self.cluster, found, ignore_events, self.cancel, self.release.secrets)

    def _manifests(self, count: int) -> tuple[Manifest, ...]:
        made = (
            config_map(self.release, CANARY.config),
            secret(self.release, CANARY.secret),
            of_variant(self.release, CANARY, count),
        )
        group = self.release.canary_group
        if self.traffic is None or group is None:
            return made
        # The application's own Service as well: it must lead to the new pods no more, should it have done so.
        return (service(self.release), *made, canary_service(self.release), canary_binding(self.release, group))
