"""Cron jobs: a job whenever the schedule is due, and no more old ones than asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from ils_sandbox.kubernetes import clock
from ils_sandbox.kubernetes.controllers.ownership import condition, owned, reference, terminating
from ils_sandbox.kubernetes.controllers.runner import Key, key_of, owner_keys
from ils_sandbox.kubernetes.events import Recorder
from ils_sandbox.kubernetes.kinds import CRON_JOB, JOB
from ils_sandbox.kubernetes.registry import Deletion, Registry, Write
from ils_sandbox.kubernetes.schedules import Schedule
from ils_sandbox.kubernetes.statuses import ApiError
from ils_sandbox.kubernetes.store import Change, Object, name_of, namespace_of

SCHEDULED_FOR = "batch.kubernetes.io/cronjob-scheduled-timestamp"
_MOST_MISSED = timedelta(days=2)
"""How far back a missed time is looked for; a cron job that slept longer starts with the last time since then."""


class CronJobs:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._events = Recorder(registry, "cronjob-controller")

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind is CRON_JOB:
            yield key_of(change.obj)
        elif change.kind is JOB:
            yield from owner_keys(change.obj, CRON_JOB)

    def reconcile(self, key: Key) -> float | None:
        cron_job = self._registry.cluster.get(CRON_JOB, *key)
        if cron_job is None or terminating(cron_job):
            return None
        cron_job = self._note_jobs(cron_job)
        self._forget(cron_job)
        if cron_job["spec"].get("suspend"):
            return None
        now = datetime.now(UTC)
        schedule, zone = Schedule.parse(cron_job["spec"]["schedule"]), _zone(cron_job)
        due = schedule.last(max(_last_time(cron_job), now - _MOST_MISSED), now, zone)
        if due is not None and not self._too_late(cron_job, due, now):
            self._start(cron_job, due)
        following = schedule.after(now, zone)
        return None if following is None else max(0.01, (following - datetime.now(UTC)).total_seconds())

    def _too_late(self, cron_job: Object, due: datetime, now: datetime) -> bool:
        deadline = cron_job["spec"].get("startingDeadlineSeconds")
        return deadline is not None and due + timedelta(seconds=deadline) < now

    def _jobs(self, cron_job: Object) -> list[Object]:
        return [job for job in owned(self._registry.cluster, JOB, cron_job) if not terminating(job)]

    def _note_jobs(self, cron_job: Object) -> Object:
        jobs = self._jobs(cron_job)
        status: dict[str, Any] = dict(cron_job.get("status", {}))
        status["active"] = [_reference(job) for job in jobs if not _ended(job)]
        completed = [job["status"]["completionTime"] for job in jobs if "completionTime" in job.get("status", {})]
        if completed:
            status["lastSuccessfulTime"] = max([*completed, status.get("lastSuccessfulTime", "")])
        return self._registry.set_status(CRON_JOB, cron_job, {name: value for name, value in status.items() if value})

    def _forget(self, cron_job: Object) -> None:
        """Delete finished jobs beyond the history limits, oldest first."""
        finished = [job for job in self._jobs(cron_job) if _ended(job)]
        for kind, limit in (("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")):
            found = [job for job in finished if condition(job, kind)]
            for job in found[: max(0, len(found) - cron_job["spec"][limit])]:
                deletion = Deletion(propagation="Background")
                self._registry.delete(JOB, namespace_of(job), name_of(job), deletion)
                self._events.normal(CRON_JOB, cron_job, "SuccessfulDelete", f"Deleted job {name_of(job)}")

    def _start(self, cron_job: Object, due: datetime) -> None:
        policy = cron_job["spec"]["concurrencyPolicy"]
        active = [job for job in self._jobs(cron_job) if not _ended(job)]
        if active and policy == "Forbid":
            self._events.normal(
                CRON_JOB, cron_job, "JobAlreadyActive", "Not starting job because prior execution is running"
            )
            return
        for job in active if policy == "Replace" else ():
            self._registry.delete(JOB, namespace_of(job), name_of(job), Deletion(propagation="Background"))
        body = _job(cron_job, due)
        try:
            created = self._registry.create(JOB, namespace_of(cron_job), body, Write())
        except ApiError as error:
            if error.reason != "AlreadyExists":
                self._events.warning(CRON_JOB, cron_job, "FailedCreate", f"Error creating job: {error}")
                raise
        else:
            self._events.normal(CRON_JOB, cron_job, "SuccessfulCreate", f"Created job {name_of(created)}")
        live = self._registry.cluster.get(CRON_JOB, *key_of(cron_job)) or cron_job
        status = {**live.get("status", {}), "lastScheduleTime": _written(due)}
        self._registry.set_status(CRON_JOB, live, status)


def _job(cron_job: Object, due: datetime) -> Object:
    template = json.loads(json.dumps(cron_job["spec"]["jobTemplate"]))
    metadata = template.get("metadata", {})
    return {
        "metadata": {
            "name": f"{name_of(cron_job)}-{int(due.timestamp()) // 60}",
            "labels": metadata.get("labels", {}),
            "annotations": {**metadata.get("annotations", {}), SCHEDULED_FOR: due.isoformat().replace("+00:00", "Z")},
            "ownerReferences": [reference(CRON_JOB, cron_job)],
        },
        "spec": template["spec"],
    }


def _zone(cron_job: Object) -> tzinfo:
    name = cron_job["spec"].get("timeZone")
    return ZoneInfo(name) if name else UTC


def _last_time(cron_job: Object) -> datetime:
    """When it was scheduled last, or made."""
    status = cron_job.get("status", {})
    return clock.parse(status.get("lastScheduleTime") or cron_job["metadata"]["creationTimestamp"])


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _ended(job: Object) -> bool:
    return any((found := condition(job, kind)) and found["status"] == "True" for kind in ("Complete", "Failed"))


def _reference(job: Object) -> dict[str, Any]:
    metadata = job["metadata"]
    return {
        "kind": JOB.kind,
        "namespace": namespace_of(job),
        "name": name_of(job),
        "uid": metadata["uid"],
        "apiVersion": JOB.api_version,
        "resourceVersion": metadata["resourceVersion"],
    }
