"""The application's Deployment and why its pods are not ready."""

from __future__ import annotations

from collections.abc import Iterator

from ils_pipelines.operations.health.judging import finding, share
from ils_pipelines.operations.health.models import HealthFinding, HealthStatus
from ils_pipelines.operations.live import Record
from ils_pipelines.operations.view import View
from ils_pipelines.release.names import APP_NAME
from ils_pipelines.release.objects import DEPLOYMENT, NAMESPACE, POD
from ils_pipelines.release.rollout.troubles import REMEDIES, PodTrouble, trouble_of

_REMEDY = "Look at the pods' events and logs (kubectl describe pod, kubectl logs)."


def deployment(view: View) -> Iterator[HealthFinding]:
    namespace = view.environment.app.namespace
    component = f"deployment {namespace}/{APP_NAME}"
    if not any(each["metadata"]["name"] == namespace for each in view.live.objects(NAMESPACE)):
        return  # never released
    found = [each for each in view.live.objects(DEPLOYMENT) if _is(each, namespace, APP_NAME)]
    if not found:
        yield finding(component, "a deployment", "not there", "Release the application: ils up", HealthStatus.UNHEALTHY)
        return
    wanted = int(found[0]["spec"]["replicas"])
    available = int(found[0].get("status", {}).get("availableReplicas") or 0)
    if wanted == 0:
        yield finding(component, "pods available", "scaled to none", "Scale it up again.", HealthStatus.UNHEALTHY)
        return
    troubles = list(_troubles(view, found[0]))
    stuck = [each for each in troubles if each.reason in REMEDIES]
    advice = dict.fromkeys(REMEDIES[each.reason] for each in stuck)
    remedy = f"{'. '.join(advice)}." if advice else _REMEDY
    if stuck and available >= wanted:
        # A rollout that does not get on: the old pods serve, and the new ones never will.
        why = "; ".join(str(trouble) for trouble in stuck)
        found_text = f"{available} of {wanted} pods available, all of them old ({why})"
        yield finding(component, f"{wanted} pods available", found_text, remedy, HealthStatus.DEGRADED)
        return
    yield share(component, "pods available", available, wanted, remedy, map(str, troubles))


def _troubles(view: View, deployment: Record) -> Iterator[PodTrouble]:
    namespace = deployment["metadata"]["namespace"]
    labels = deployment["spec"]["selector"]["matchLabels"].items()
    for pod in view.live.objects(POD):
        metadata = pod["metadata"]
        if metadata.get("namespace") == namespace and labels <= metadata.get("labels", {}).items():
            trouble = trouble_of(pod)
            if trouble is not None:
                yield trouble


def _is(body: Record, namespace: str, name: str) -> bool:
    metadata = body["metadata"]
    return (metadata.get("namespace"), metadata["name"]) == (namespace, name)
