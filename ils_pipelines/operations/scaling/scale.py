"""Carrying a scaling out: node groups through EKS, pods through Kubernetes, each reported like work on its layer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ils_pipelines.engine.errors import OperationCancelled, ResourceFailed
from ils_pipelines.engine.models import (
    Change,
    DiffKind,
    EngineEvent,
    EventKind,
    Operation,
    OutputValue,
    Plan,
    PropertyDiff,
)
from ils_pipelines.engine.protocol import OnEvent, ignore_events
from ils_pipelines.operations.scaling.capacity import Room, rooms
from ils_pipelines.operations.scaling.checks import Found, desired_of, node_problems, pod_problems, room_problems
from ils_pipelines.operations.scaling.models import NodeBounds, Scaling, ScalingRefused
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.provisioning.progress import Action, LayerReport
from ils_pipelines.release import replicas
from ils_pipelines.release.cluster import Cluster, Object
from ils_pipelines.release.names import APP_NAME
from ils_pipelines.release.objects import AUTOSCALER, DEPLOYMENT, DISRUPTION_BUDGET, Kind, Ref
from ils_pipelines.release.rollout.wait import wait_for_rollout
from ils_pipelines.release.settings import RolloutLimits
from ils_pipelines.settings.layers import Layer
from ils_pipelines.targets.protocol import Target

NODES_PATIENCE = timedelta(minutes=15)
"""Until EKS has started or drained nodes; each stuck drain alone takes fifteen minutes until EKS gives up."""
_POLL_SECONDS = (0.1, 10.0)
_NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"


@dataclass(frozen=True)
class Scaler:
    """One scaling of one environment. Check before either of the others."""

    target: Target
    wanted: Scaling
    cluster: Cluster
    cluster_name: str
    on_event: OnEvent
    cancel: threading.Event

    @classmethod
    def of(
        cls,
        target: Target,
        wanted: Scaling,
        *,
        on_event: OnEvent = ignore_events,
        cancel: threading.Event | None = None,
    ) -> Scaler:
        """Raises `ScalingRefused` where there is no cluster."""
        outputs = layer_work(target, Layer.CLUSTER).outputs()
        name = target.environment.name
        if outputs is None or "cluster_name" not in outputs:
            raise ScalingRefused(name, [f"there is no cluster yet: ils up {name}"])
        cluster_name = str(outputs["cluster_name"].value)
        cluster = Cluster(target.kubernetes(cluster_name))
        return cls(target, wanted, cluster, cluster_name, on_event, cancel or threading.Event())

    @property
    def shrinks_pods(self) -> bool:
        """Pods that go, go before their nodes; pods that come need theirs."""
        return self.wanted.replicas is not None and self.wanted.replicas < self._found().replicas

    def check(self) -> None:
        """Raise `ScalingRefused` with everything that speaks against it."""
        name, app = self.target.environment.name, self.target.environment.app
        if self.wanted.empty:
            raise ScalingRefused(name, ["nothing was asked for: give --replicas, --min, --max, --nodes or --restore"])
        found, there = self._found(), self._rooms()
        problems = [*pod_problems(name, app, self.wanted, found), *node_problems(self.wanted, found, there)]
        if not self.wanted.nodes:
            problems += room_problems(name, self._most_wanted(found), there)
        if problems:
            raise ScalingRefused(name, problems)

    def nodes(self) -> LayerReport:
        """Set the bounds of the node groups and wait until there are as many nodes as they say."""
        started = time.monotonic()
        found = self._found()
        client = self.target.client("eks")
        changes: list[Change] = []
        for group, bounds in self.wanted.nodes.items():
            now, desired = found.groups[group], desired_of(bounds, found.groups[group])
            diffs = _diffs(
                [
                    ("scalingConfig.minSize", now.fewest, bounds.fewest),
                    ("scalingConfig.maxSize", now.most, bounds.most),
                    ("scalingConfig.desiredSize", now.desired, desired),
                ]
            )
            if diffs:
                change = Change(
                    urn=f"urn:eks:{self.cluster_name}::{_NODE_GROUP}::{group}",
                    type=_NODE_GROUP,
                    name=group,
                    operation=Operation.UPDATE,
                    diffs=diffs,
                    id=f"{self.cluster_name}:{group}",
                )
                changes.append(self._carry_out(Layer.CLUSTER, change, self._set_nodes(client, group, bounds, desired)))
        return self._report(Layer.CLUSTER, changes, len(self.wanted.nodes) - len(changes), started)

    def pods(self) -> LayerReport:
        """Set the number of pods, or the autoscaler's bounds, and wait until the pods serve."""
        started = time.monotonic()
        found, name = self._found(), self.target.environment.name
        if problems := list(room_problems(name, self._most_wanted(found), self._rooms())):
            raise ScalingRefused(name, problems)
        changes: list[Change] = []
        if found.bounds is not None and (self.wanted.fewest is not None or self.wanted.most is not None):
            fewest = found.bounds[0] if self.wanted.fewest is None else self.wanted.fewest
            most = found.bounds[1] if self.wanted.most is None else self.wanted.most
            diffs = _diffs([("spec.minReplicas", found.bounds[0], fewest), ("spec.maxReplicas", found.bounds[1], most)])
            if diffs:
                ref = self._ref(AUTOSCALER)
                change = self._change(ref, diffs)
                changes.append(
                    self._carry_out(
                        Layer.APP_RELEASE, change, lambda: replicas.set_bounds(self.cluster, ref, fewest, most)
                    )
                )
        count = self.wanted.waking if self.wanted.replicas is None and not found.replicas else self.wanted.replicas
        if count is not None and count != found.replicas:
            ref = self._ref(DEPLOYMENT)
            change = self._change(ref, _diffs([("spec.replicas", found.replicas, count)]))
            changes.append(self._carry_out(Layer.APP_RELEASE, change, lambda: self._set_pods(ref, count)))
        return self._report(Layer.APP_RELEASE, changes, 0 if changes else 1, started)

    # -- what there is ------------------------------------------------------------------------------------------------

    def _found(self) -> Found:
        deployment, autoscaler, budget = (
            self.cluster.get(self._ref(kind)) for kind in (DEPLOYMENT, AUTOSCALER, DISRUPTION_BUDGET)
        )
        name = self.target.environment.name
        if deployment is None and self.wanted.pods:
            raise ScalingRefused(name, [f"nothing is released yet: ils up {name}"])
        return Found(
            replicas=int(deployment["spec"]["replicas"]) if deployment else 0,
            bounds=(int(autoscaler["spec"]["minReplicas"]), int(autoscaler["spec"]["maxReplicas"]))
            if autoscaler
            else None,
            min_available=int(budget["spec"]["minAvailable"]) if budget else None,
            groups=self._groups(),
        )

    def _groups(self) -> dict[str, NodeBounds]:
        client = self.target.client("eks")
        names = client.get_paginator("list_nodegroups").paginate(clusterName=self.cluster_name)
        found = {}
        for name in (name for page in names for name in page["nodegroups"]):
            group = client.describe_nodegroup(clusterName=self.cluster_name, nodegroupName=name)["nodegroup"]
            sizes = group["scalingConfig"]
            found[name] = NodeBounds(sizes["minSize"], sizes["maxSize"], sizes["desiredSize"])
        return found

    def _rooms(self) -> tuple[Room, ...]:
        return rooms(self.cluster, self.target.environment.name, self.target.environment.app.resources)

    def _most_wanted(self, found: Found) -> int:
        """Pods that have to find room at once: those asked for, or the fewest that an autoscaler keeps."""
        if self.wanted.replicas is not None:
            return self.wanted.replicas
        return max(found.replicas or self.wanted.waking or 0, self.wanted.fewest or 0)

    # -- doing it -----------------------------------------------------------------------------------------------------

    def _set_nodes(self, client: Any, group: str, bounds: NodeBounds, desired: int) -> Callable[[], object]:
        def call() -> None:
            sizes = {"minSize": bounds.fewest, "maxSize": bounds.most, "desiredSize": desired}
            client.update_nodegroup_config(clusterName=self.cluster_name, nodegroupName=group, scalingConfig=sizes)
            client.get_waiter("nodegroup_active").wait(
                clusterName=self.cluster_name, nodegroupName=group, WaiterConfig={"Delay": 5, "MaxAttempts": 180}
            )
            self._wait_for_nodes(group, desired)

        return call

    def _wait_for_nodes(self, group: str, desired: int) -> None:
        end = time.monotonic() + NODES_PATIENCE.total_seconds()
        wait = _POLL_SECONDS[0]
        while (there := sum(1 for room in self._rooms() if room.group == group)) != desired:
            if time.monotonic() >= end:
                urn = f"urn:eks:{self.cluster_name}::{_NODE_GROUP}::{group}"
                reason = (
                    f"expected {desired} nodes that take pods after {NODES_PATIENCE.total_seconds() / 60:.0f} minutes, found "
                    f"{there}. See what holds them: kubectl get nodes,events -A"
                )
                raise ResourceFailed(urn, "scale", reason)
            if self.cancel.wait(wait):
                raise OperationCancelled(f"stopped waiting for the nodes of {group}; EKS goes on scaling them")
            wait = min(wait * 1.5, _POLL_SECONDS[1])

    def _set_pods(self, ref: Ref, count: int) -> Object:
        replicas.set_replicas(self.cluster, ref, count)
        environment = self.target.environment
        return wait_for_rollout(
            self.cluster,
            ref,
            ref.urn(environment.name),
            RolloutLimits.of(environment.app),
            note=lambda message: self._tell(Layer.APP_RELEASE, EventKind.NOTE, None, message),
            mask=str,
            cancel=self.cancel,
        )

    def _ref(self, kind: Kind) -> Ref:
        return Ref(kind.api_version, kind.kind, self.target.environment.app.namespace, APP_NAME)

    def _change(self, ref: Ref, diffs: tuple[PropertyDiff, ...]) -> Change:
        return Change(
            urn=ref.urn(self.target.environment.name),
            type=ref.type,
            name=ref.path,
            operation=Operation.UPDATE,
            diffs=diffs,
        )

    def _carry_out(self, layer: Layer, change: Change, call: Callable[[], object]) -> Change:
        started = time.monotonic()
        self._tell(layer, EventKind.STARTED, change)
        try:
            call()
        except ResourceFailed as error:
            self._tell(layer, EventKind.FAILED, change, str(error))
            raise
        self._tell(layer, EventKind.FINISHED, change, duration=timedelta(seconds=time.monotonic() - started))
        return change

    def _tell(
        self,
        layer: Layer,
        kind: EventKind,
        change: Change | None,
        message: str = "",
        duration: timedelta | None = None,
    ) -> None:
        event = EngineEvent(
            kind=kind,
            project=f"ils-{layer}",
            stack=self.target.environment.name,
            change=change,
            message=message,
            duration=duration,
        )
        self.on_event(event)

    def _report(self, layer: Layer, changes: Sequence[Change], unchanged: int, started: float) -> LayerReport:
        name = self.target.environment.name
        plan = Plan(project=f"ils-{layer}", stack=name, changes=tuple(changes), unchanged=unchanged)
        duration = timedelta(seconds=time.monotonic() - started)
        outputs: dict[str, OutputValue] = {}
        return LayerReport(name, layer, Action.SCALE, plan, outputs, duration)


def _diffs(values: Sequence[tuple[str, int | None, int]]) -> tuple[PropertyDiff, ...]:
    return tuple(
        PropertyDiff(path=path, kind=DiffKind.UPDATE, old=old, new=new) for path, old, new in values if old != new
    )
