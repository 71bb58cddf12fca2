"""A second deployment with a few pods of the new release beside the old ones, step by step, with checks after each.

The Service selects the pods of both, so that the new ones get their share of the requests. They read a ConfigMap and a
Secret of their own: the old pods, should they start anew, still find what they were released with.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from ils_pipelines.engine.errors import OperationCancelled
from ils_pipelines.engine.protocol import ignore_events
from ils_pipelines.release.apply import Applier
from ils_pipelines.release.canary.checks import Check
from ils_pipelines.release.cluster import Cluster
from ils_pipelines.release.errors import CanaryFailed
from ils_pipelines.release.manifests.configuration import config_map, secret
from ils_pipelines.release.manifests.workload import CANARY, of_variant
from ils_pipelines.release.names import CANARY_NAME, selector
from ils_pipelines.release.objects import DEPLOYMENT, POD, Manifest, Ref
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

    @property
    def ref(self) -> Ref:
        return Ref(DEPLOYMENT.api_version, DEPLOYMENT.kind, self.release.namespace, CANARY_NAME)

    def go(self, stable: int) -> None:
        """All steps. Raises `CanaryFailed`, `RolloutFailed` and `OperationCancelled`; what it made is then still there,
        among what a survey finds to be left over."""
        told = self.release_applier
        for weight in self.release.app.canary.steps:
            count = canary_pods(weight, stable)
            share = round(100 * count / (count + stable))
            told.note(f"canary at {weight} %: {count} of {count + stable} pods ({share} %) are new")
            self._applier(count).apply()
            urn = self.ref.urn(self.release.environment)
            wait_for_rollout(
                self.cluster, self.ref, urn, self.limits, note=told.note, mask=told.masked, cancel=self.cancel
            )
            if self.cancel.wait(self.release.app.canary.pause_seconds):
                raise OperationCancelled("the canary was interrupted; what it made is removed by the next release")
            problems = [*self._restarts(), *(found for check in self.checks if (found := check.problem()))]
            if problems:
                raise CanaryFailed(urn, weight, [told.masked(problem) for problem in problems])

    def remove(self) -> None:
        applier = self._applier(1)
        applier.remove(list(applier.survey.live))

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
        return (
            config_map(self.release, CANARY.config),
            secret(self.release, CANARY.secret),
            of_variant(self.release, CANARY, count),
        )
