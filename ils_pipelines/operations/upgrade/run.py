"""Carrying an upgrade out: of each version the control plane, the add-ons, then the nodes, and a look after each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from ils_pipelines.engine.errors import OperationCancelled
from ils_pipelines.engine.models import Change, DiffKind, EngineEvent, EventKind, Operation, Plan, PropertyDiff
from ils_pipelines.engine.protocol import OnEvent, ignore_events
from ils_pipelines.operations.upgrade.models import (
    Preflight,
    Standing,
    Step,
    UpgradeRefused,
    UpgradeStopped,
    refuse_for,
)
from ils_pipelines.operations.upgrade.preflight import addon_versions, installed_addons, preflight, standing_of
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.provisioning.progress import Action, LayerReport
from ils_pipelines.release.cluster import Cluster
from ils_pipelines.release.names import APP_NAME
from ils_pipelines.release.objects import DEPLOYMENT, Kind, Ref
from ils_pipelines.settings.layers import Layer
from ils_pipelines.targets import open_target
from ils_pipelines.targets.protocol import Target

ROLLBACK_WINDOW = timedelta(days=7)
"""In which EKS takes a control plane back to the version before."""
PATIENCE = timedelta(minutes=60)
_POLL_SECONDS = (0.1, 10.0)
_ADDON = "aws:eks/addon:Addon"
_NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
_NODE = Kind("v1", "Node", "nodes", namespaced=False)


def check(target: Target, confirmed: str) -> Preflight:
    """What would be done. Raises `UpgradeRefused` with everything that speaks against it."""
    looked = preflight(target)
    refuse_for(target.environment, looked.blocking, due=bool(looked.steps), confirmed=confirmed)
    return looked


@dataclass
class Upgrade:
    """Of one environment's cluster to the version that its file says."""

    target: Target
    on_event: OnEvent = ignore_events
    cancel: threading.Event = field(default_factory=threading.Event)
    bake: timedelta = timedelta(minutes=10)
    """How long a new control plane is watched before nodes follow."""
    _changes: list[Change] = field(default_factory=list)

    def go(self, confirmed: str = "") -> LayerReport:
        """Raises `UpgradeRefused`, `UpgradeStopped`, and what an engine raises. The next one goes on where it ended."""
        started = time.monotonic()
        looked = check(self.target, confirmed)
        self._note(self._told(looked))
        for step in looked.steps:
            self._step(step, looked.standing.cluster)
        name = self.target.environment.name
        plan = Plan(project=f"ils-{Layer.CLUSTER}", stack=name, changes=tuple(self._changes), unchanged=0)
        duration = timedelta(seconds=time.monotonic() - started)
        outputs = layer_work(self.target, Layer.CLUSTER).outputs() or {}
        return LayerReport(name, Layer.CLUSTER, Action.UPGRADE, plan, outputs, duration)

    def _told(self, looked: Preflight) -> str:
        for each in looked.findings:
            self._note(f"{each.urgency}: {each.subject}: expected {each.expected}, found {each.found}")
        if not looked.steps:
            return f"{looked.standing.cluster} and its nodes have {looked.wanted} already"
        return f"the way is {' -> '.join([looked.standing.version, *(s.version for s in looked.steps if s.control_plane)])}"

    def _step(self, step: Step, cluster: str) -> None:
        if step.control_plane:
            nodes = standing_of(self.target).oldest_nodes
            self._note(f"control plane to {step.version}; nodes stay at {nodes}")
            self._apply(step.version, nodes)
            days = ROLLBACK_WINDOW.days
            self._note(f"the control plane has {step.version}; for {days} days EKS can take it back to the one before")
        self._addons(step, cluster)
        self._watch(cluster, self.bake if step.control_plane else timedelta(0))
        self._note(f"nodes to {step.version}")
        self._apply(step.version, step.version)
        self._watch(cluster, timedelta(0))

    def _apply(self, version: str, nodes: str) -> None:
        """The cluster's layer as its file would have it at this point of the way."""
        environment = self.target.environment
        there = environment.cluster.model_copy(update={"version": version, "node_version": nodes})
        target = open_target(environment.model_copy(update={"cluster": there}))
        done = layer_work(target, Layer.CLUSTER).up(on_event=self.on_event, cancel=self.cancel)
        self._changes += [applied.change for applied in done.applied]

    def _addons(self, step: Step, cluster: str) -> None:
        """Bring add-ons that the file does not pin to EKS's default, unless they are newer and go with the version."""
        eks = self.target.client("eks")
        for name, current in installed_addons(self.target, cluster).items():
            offered = addon_versions(self.target, name, step.version)
            pinned = self.target.environment.cluster.addon_versions.get(name)
            if pinned or not offered or current == offered[0]:
                continue
            if current in offered and _order(current) > _order(offered[0]):
                continue
            self._note(f"add-on {name} from {current} to {offered[0]}")
            eks.update_addon(clusterName=cluster, addonName=name, addonVersion=offered[0], resolveConflicts="OVERWRITE")
            self._wait(lambda name=name: _addon_active(eks, cluster, name), f"add-on {name}")  # type: ignore[misc]
            self._changes.append(_change(_ADDON, cluster, name, "addonVersion", current, offered[0]))

    def _watch(self, cluster: str, bake: timedelta) -> None:
        """See that nodes and application are well, and stay so. Raises `UpgradeStopped`."""
        kubernetes = Cluster(self.target.kubernetes(cluster))
        self._wait(lambda: not _problems(kubernetes, self.target.environment.app.namespace), "nodes and application")
        if bake:
            self._note(f"watching for {bake} before nodes follow")
            if self.cancel.wait(bake.total_seconds()):
                raise OperationCancelled("the upgrade was interrupted; the next one goes on with the nodes")
        if problems := _problems(kubernetes, self.target.environment.app.namespace):
            raise UpgradeStopped(f"{cluster} is not well, nothing more is upgraded: {'; '.join(problems)}")

    def _wait(self, done: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE.total_seconds()
        wait = _POLL_SECONDS[0]
        while not done():
            if time.monotonic() >= end:
                raise UpgradeStopped(f"expected {what} to be well within {PATIENCE}, found it is not. Upgrade again.")
            if self.cancel.wait(wait):
                raise OperationCancelled(f"stopped waiting for {what}; the next upgrade goes on where this ended")
            wait = min(wait * 1.5, _POLL_SECONDS[1])

    def _note(self, message: str) -> None:
        project, stack = f"ils-{Layer.CLUSTER}", self.target.environment.name
        self.on_event(EngineEvent(kind=EventKind.NOTE, project=project, stack=stack, message=message))

    # -- nodes --------------------------------------------------------------------------------------------------------

    def refresh_nodes(self) -> LayerReport:
        """Replace the nodes of groups whose image is not the newest of their version, never by force.

        Raises `UpgradeRefused` where one is old and something speaks against replacing it, `UpgradeStopped`.
        """
        started = time.monotonic()
        standing = standing_of(self.target)
        old = dict(self._old_groups(standing))
        if old:
            self._refuse_blocked(standing)
        for group, newest in old.items():
            self._refresh(standing.cluster, group, newest)
            self._watch(standing.cluster, timedelta(0))
        name = self.target.environment.name
        unchanged = len(standing.nodes) - len(self._changes)
        plan = Plan(project=f"ils-{Layer.CLUSTER}", stack=name, changes=tuple(self._changes), unchanged=unchanged)
        duration = timedelta(seconds=time.monotonic() - started)
        return LayerReport(name, Layer.CLUSTER, Action.UPGRADE, plan, {}, duration)

    def _old_groups(self, standing: Standing) -> Iterator[tuple[str, str]]:
        """Each node group whose image is not the newest, with that."""
        for group in standing.nodes:
            found = self._group(standing.cluster, group)
            newest = newest_release(self.target, found["version"], found["amiType"])
            if found["releaseVersion"] == newest:
                self._note(f"node group {group} has the newest image, {newest}")
            else:
                yield group, newest

    def _refuse_blocked(self, standing: Standing) -> None:
        said = [
            f"{each.subject}: expected {each.expected}, found {each.found}. {each.remedy}"
            for each in preflight(self.target).blocking
            if "budget" in each.subject or each.subject in standing.status
        ]
        if said:
            raise UpgradeRefused(self.target.environment.name, said)

    def _refresh(self, cluster: str, group: str, newest: str) -> None:
        eks, found = self.target.client("eks"), self._group(cluster, group)
        before = found["releaseVersion"]
        self._note(f"node group {group} from image {before} to {newest}")
        # Not forced: where a budget keeps a pod, EKS gives up after a quarter of an hour and leaves the nodes.
        eks.update_nodegroup_version(
            clusterName=cluster, nodegroupName=group, version=found["version"], releaseVersion=newest
        )
        self._wait(lambda: _group_active(eks, cluster, group), f"node group {group}")
        there = self._group(cluster, group)["releaseVersion"]
        if there != newest:
            raise UpgradeStopped(
                f"expected node group {group} of {cluster} to have the image {newest}, found {there}: EKS gave up. "
                "aws eks list-updates and describe-update name the pod that stayed."
            )
        self._changes.append(_change(_NODE_GROUP, cluster, group, "releaseVersion", before, newest))

    def _group(self, cluster: str, group: str) -> dict[str, Any]:
        eks = self.target.client("eks")
        found: dict[str, Any] = eks.describe_nodegroup(clusterName=cluster, nodegroupName=group)["nodegroup"]
        return found


def newest_release(target: Target, version: str, ami_type: str) -> str:
    """The newest release of the image that EKS has for nodes, as it publishes it. Raises `UpgradeRefused`."""
    from botocore.exceptions import BotoCoreError, ClientError

    architecture = "arm64" if "ARM" in ami_type else "x86_64"
    name = f"/aws/service/eks/optimized-ami/{version}/amazon-linux-2023/{architecture}/standard/recommended/release_version"
    try:
        return str(target.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])
    except (BotoCoreError, ClientError) as error:
        raise UpgradeRefused(
            target.environment.name,
            [f"expected the newest image of {version} in the parameter {name}, found none ({error}). Try again later."],
        ) from error


def _problems(cluster: Cluster, namespace: str) -> list[str]:
    """What is not well: nodes that are not ready, pods of the application that are missing."""
    found = []
    for node in cluster.find(_NODE, {}):
        ready = any(
            c["type"] == "Ready" and c["status"] == "True" for c in node.get("status", {}).get("conditions", ())
        )
        if not ready:
            found.append(f"node {node['metadata']['name']} is not ready")
    deployment = cluster.get(Ref(DEPLOYMENT.api_version, DEPLOYMENT.kind, namespace, APP_NAME))
    if deployment is not None:
        wanted, available = deployment["spec"]["replicas"], deployment.get("status", {}).get("availableReplicas", 0)
        if available < wanted:
            found.append(f"{available} of {wanted} pods of the application are available")
    return found


def _addon_active(eks: Any, cluster: str, name: str) -> bool:
    status = eks.describe_addon(clusterName=cluster, addonName=name)["addon"]["status"]
    if status in ("UPDATE_FAILED", "DEGRADED"):
        raise UpgradeStopped(
            f"add-on {name} of {cluster} is {status}: aws eks describe-addon says why. Upgrade again then."
        )
    return bool(status == "ACTIVE")


def _group_active(eks: Any, cluster: str, group: str) -> bool:
    found = eks.describe_nodegroup(clusterName=cluster, nodegroupName=group)["nodegroup"]
    if found["status"] == "DEGRADED":
        issues = "; ".join(each.get("message", "") for each in found.get("health", {}).get("issues", ()))
        raise UpgradeStopped(f"node group {group} of {cluster} is degraded: {issues or 'EKS does not say why'}")
    return bool(found["status"] == "ACTIVE")


def _order(version: str) -> tuple[int, ...]:
    """Of `v1.20.4-eksbuild.1`."""
    return tuple(int(part) for part in version.lstrip("v").replace("-eksbuild", "").split(".") if part.isdigit())


def _change(type_: str, cluster: str, name: str, property_: str, old: str, new: str) -> Change:
    diff = PropertyDiff(path=property_, kind=DiffKind.UPDATE, old=old, new=new)
    urn = f"urn:eks:{cluster}::{type_}::{name}"
    return Change(urn=urn, type=type_, name=name, operation=Operation.UPDATE, diffs=(diff,), id=f"{cluster}:{name}")
