"""Pods: the scheduler and the kubelet in one. Containers do not run: the image's tag says what becomes of them, or a job's
command is run as a process of this machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from ils_sandbox.kubernetes import clock
from ils_sandbox.kubernetes.controllers.lost_nodes import node_answers
from ils_sandbox.kubernetes.controllers.ownership import condition, terminating
from ils_sandbox.kubernetes.controllers.pod_states import (
    Progress,
    container_statuses,
    init_statuses,
    missing_reference,
)
from ils_sandbox.kubernetes.controllers.pod_status import Statuses, finished, pod_status
from ils_sandbox.kubernetes.controllers.probe_events import UNHEALTHY, probe_events
from ils_sandbox.kubernetes.controllers.process_pods import ProcessPods
from ils_sandbox.kubernetes.controllers.runner import Key, key_of
from ils_sandbox.kubernetes.controllers.scheduling import choose_node
from ils_sandbox.kubernetes.events import Recorder
from ils_sandbox.kubernetes.kinds import CONFIG_MAP, NODE, POD, SECRET
from ils_sandbox.kubernetes.registry import Registry
from ils_sandbox.kubernetes.store import Change, EventType, Object, name_of, namespace_of
from ils_sandbox.kubernetes.surroundings import Surroundings

_SYNC_SECONDS = 1.0
"""How often a waiting container's references are looked at again."""


class Pods:
    def __init__(self, registry: Registry, surroundings: Surroundings) -> None:
        settings, processes = surroundings.settings, surroundings.processes
        self._outcome_of = surroundings.images.of
        self._registry = registry
        self._processes = processes
        self._process_pods = ProcessPods(registry.cluster, settings, processes, surroundings.services)
        processes.on_exit = self._exited
        self._settings = settings
        self._scheduler = Recorder(registry, "default-scheduler")
        self._kubelet = Recorder(registry, "kubelet")
        self._since: dict[str, float] = {}
        """By the pod's uid: the monotonic time since when its containers are under way, or it stops."""
        self.wake: Callable[[Key], None] = lambda _key: None
        """Set by the runner: has a pod looked at when no object has changed."""

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind is POD:
            yield key_of(change.obj)
        if change.kind is NODE:
            for pod in self._registry.cluster.objects(POD):
                if pod["spec"].get("nodeName") in (None, name_of(change.obj)):
                    yield key_of(pod)
        elif change.kind is POD and change.type is EventType.DELETED:
            for pod in self._registry.cluster.objects(POD):
                if not pod["spec"].get("nodeName"):
                    yield key_of(pod)
        elif change.kind in (CONFIG_MAP, SECRET):
            for pod in self._registry.cluster.objects(POD, namespace_of(change.obj)):
                if pod["status"]["phase"] == "Pending":
                    yield key_of(pod)

    def reconcile(self, key: Key) -> float | None:
        pod = self._registry.cluster.get(POD, *key)
        if pod is None or not node_answers(self._registry.cluster, pod):
            return None
        if terminating(pod):
            return self._stop(pod)
        if finished(pod):
            return None
        if not pod["spec"].get("nodeName"):
            return self._schedule(pod)
        return self._run(pod)

    def _stop(self, pod: Object) -> float | None:
        elapsed = self._elapsed(f"stop {pod['metadata']['uid']}")
        grace = float(pod["metadata"].get("deletionGracePeriodSeconds", 0))
        wait = min(self._settings.pod_stop_seconds, grace)
        uid = pod["metadata"]["uid"]
        if not self._processes.stop(uid, kill=elapsed >= grace) and elapsed < grace:
            return grace - elapsed  # or as soon as the last process has ended
        if elapsed < wait:
            return wait - elapsed
        if not pod["metadata"].get("finalizers"):
            for prefix in ("", "stop "):
                self._since.pop(prefix + uid, None)
            self._processes.forget(uid)
            self._registry.cluster.remove(POD, pod)
        return None

    def _exited(self, uid: str) -> None:
        """A process of the pod has ended: look at the pod at once."""
        for pod in self._registry.cluster.objects(POD):
            if pod["metadata"]["uid"] == uid:
                self.wake(key_of(pod))

    def _schedule(self, pod: Object) -> float | None:
        node, reason = choose_node(self._registry.cluster, pod)
        now = clock.now()
        if node:
            pod = self._registry.change(POD, pod, {"spec": {"nodeName": node}})
            scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": now}
            self._registry.set_status(POD, pod, {**pod["status"], "conditions": [scheduled]})
            message = f"Successfully assigned {namespace_of(pod)}/{name_of(pod)} to {node}"
            self._scheduler.normal(POD, pod, "Scheduled", message)
            return None
        before = condition(pod, "PodScheduled")
        if before is None or before.get("message") != reason:
            unscheduled = {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": reason,
                "lastTransitionTime": before["lastTransitionTime"] if before else now,
            }
            self._registry.set_status(POD, pod, {**pod["status"], "conditions": [unscheduled]})
            self._scheduler.warning(POD, pod, "FailedScheduling", reason)
        return None

    def _run(self, pod: Object) -> float | None:
        process = self._process_pods.handles(pod)
        problem = missing_reference(self._registry.cluster, pod) or (
            self._process_pods.problem(pod) if process else None
        )
        if problem:
            self._since.pop(pod["metadata"]["uid"], None)
        elapsed = 0.0 if problem else self._elapsed(pod["metadata"]["uid"])
        settings = self._settings
        progress = Progress(
            elapsed, settings.pod_ready_seconds, problem, self._outcome_of, alive=settings.liveness_seconds
        )
        if process and not problem:
            init, containers, again = self._process_pods.advance(pod, progress)
        else:
            init = init_statuses(pod, progress)
            containers, again = container_statuses(pod, progress)
        self._announce(pod, containers)
        self._write_status(pod, init, containers)
        return _SYNC_SECONDS if problem else again

    def _elapsed(self, what: str) -> float:
        return time.monotonic() - self._since.setdefault(what, time.monotonic())

    def _announce(self, pod: Object, containers: Statuses) -> None:
        """Events about what is new in the containers' states."""
        before = {status["name"]: status for status in pod["status"].get("containerStatuses", ())}
        for status in containers:
            for reason, message in probe_events(pod, before.get(status["name"]), status):
                tell = self._kubelet.warning if reason == UNHEALTHY else self._kubelet.normal
                tell(POD, pod, reason, message)
            state = status["state"]
            if before.get(status["name"], {}).get("state", {}).keys() == state.keys() and "waiting" not in state:
                continue
            waiting = state.get("waiting", {})
            if waiting and waiting != before.get(status["name"], {}).get("state", {}).get("waiting"):
                if waiting["reason"] != "ContainerCreating":
                    self._kubelet.warning(
                        POD, pod, "Failed", f"Error: {waiting['reason']}: {waiting.get('message', '')}"
                    )
            elif "running" in state:
                self._kubelet.normal(POD, pod, "Started", f"Started container {status['name']}")

    def _write_status(self, pod: Object, init: Statuses, containers: Statuses) -> None:
        status = pod_status(pod, init, containers, self._host_ip(pod))
        started = any("waiting" not in found["state"] or found["restartCount"] for found in (*init, *containers))
        if started and "podIP" not in status:
            status["podIP"] = self._free_ip()
            status["podIPs"] = [{"ip": status["podIP"]}]
        self._registry.set_status(POD, pod, status)

    def _host_ip(self, pod: Object) -> str:
        node = self._registry.cluster.get(NODE, "", pod["spec"]["nodeName"])
        addresses = node["status"]["addresses"] if node else []
        return next((address["address"] for address in addresses if address["type"] == "InternalIP"), "127.0.0.1")

    def _free_ip(self) -> str:
        used = {pod["status"].get("podIP") for pod in self._registry.cluster.objects(POD)}
        return next(
            address
            for third in range(128, 256)
            for fourth in range(1, 255)
            if (address := f"10.0.{third}.{fourth}") not in used
        )
