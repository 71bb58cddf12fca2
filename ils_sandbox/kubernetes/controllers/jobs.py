"""Jobs: pods run until enough of them have succeeded, or too many failed, or the time is over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ils_sandbox.kubernetes import clock
from ils_sandbox.kubernetes.controllers.job_pods import (
    TRACKED,
    index_of,
    index_ranges,
    indexes_in,
    pod_for,
    tracked,
)
from ils_sandbox.kubernetes.controllers.ownership import condition, owned, ready, terminating
from ils_sandbox.kubernetes.controllers.pod_status import FAILED, SUCCEEDED, finished
from ils_sandbox.kubernetes.controllers.runner import Key, key_of, owner_keys
from ils_sandbox.kubernetes.events import Recorder
from ils_sandbox.kubernetes.kinds import JOB, POD
from ils_sandbox.kubernetes.registry import Deletion, Registry, Write
from ils_sandbox.kubernetes.settings import Settings
from ils_sandbox.kubernetes.statuses import ApiError
from ils_sandbox.kubernetes.store import Change, Object, name_of, namespace_of

_MOST_SECONDS_OF_BACKOFF = 600.0


@dataclass(frozen=True)
class Verdict:
    """How a job ends. `interim` is the condition that says so before its pods have gone."""

    interim: str
    final: str
    reason: str
    message: str


_COMPLETE = Verdict("SuccessCriteriaMet", "Complete", "CompletionsReached", "Reached expected number of succeeded pods")
_TOO_MANY_FAILED = Verdict(
    "FailureTarget", "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit"
)
_TOO_LATE = Verdict("FailureTarget", "Failed", "DeadlineExceeded", "Job was active longer than specified deadline")
VERDICTS = (_COMPLETE, _TOO_MANY_FAILED, _TOO_LATE)


class Jobs:
    def __init__(self, registry: Registry, settings: Settings) -> None:
        self._registry = registry
        self._settings = settings
        self._events = Recorder(registry, "job-controller")

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind is JOB:
            yield key_of(change.obj)
        elif change.kind is POD:
            yield from owner_keys(change.obj, JOB)

    def reconcile(self, key: Key) -> float | None:
        job = self._registry.cluster.get(JOB, *key)
        if job is None or terminating(job):
            self._release(key)
            return None
        if _ended(job):
            return self._expire(job)
        return self._work(job)

    def _work(self, job: Object) -> float | None:
        spec = job["spec"]
        job = {**job, "status": job.get("status", {})}
        if "startTime" not in job["status"] and not spec.get("suspend"):
            job = self._write(job, {"startTime": clock.now()})
        job = self._count(job)
        verdict = _interim(job) or self._verdict(job)
        if verdict is not None:
            self._finish(job, verdict)
            return None
        job = self._note_suspension(job)
        again = None
        if spec.get("suspend"):
            self._stop_all(job)
        else:
            again = self._keep_running(job)
        job = self._write(job, self._pod_counts(job))
        if "activeDeadlineSeconds" in spec and "startTime" in job["status"]:
            left = spec["activeDeadlineSeconds"] - clock.seconds_since(job["status"]["startTime"])
            again = min(max(0.05, left), again if again is not None else left)
        return again

    # -- counting -----------------------------------------------------------------------------------------------------

    def _pods(self, job: Object) -> list[Object]:
        return owned(self._registry.cluster, POD, job)

    def _active(self, job: Object) -> list[Object]:
        return [pod for pod in self._pods(job) if not finished(pod) and not terminating(pod)]

    def _pod_counts(self, job: Object) -> dict[str, Any]:
        active = self._active(job)
        going = sum(terminating(pod) and not finished(pod) for pod in self._pods(job))
        return {
            "active": len(active) or None,
            "ready": sum(ready(pod) for pod in active),
            "terminating": going,
            "uncountedTerminatedPods": {},
        }

    def _count(self, job: Object) -> Object:
        """Count pods that have ended, each once: whatever happens in between, a pod is noted before it may go."""
        ended = [pod for pod in self._pods(job) if tracked(pod) and (finished(pod) or _lost(job, pod))]
        if not ended:
            return job
        noted: dict[str, list[str]] = {"succeeded": [], "failed": []}
        for pod in ended:
            noted["succeeded" if pod["status"]["phase"] == SUCCEEDED else "failed"].append(pod["metadata"]["uid"])
        job = self._write(job, {"uncountedTerminatedPods": noted})
        for pod in ended:
            self._untrack(pod)
        status = job["status"]
        counted: dict[str, Any] = {name: status.get(name, 0) + len(uids) or None for name, uids in noted.items()}
        if _indexed(job):
            done = indexes_in(status.get("completedIndexes", ""))
            done |= {
                found for pod in ended if pod["status"]["phase"] == SUCCEEDED and (found := index_of(pod)) is not None
            }
            counted |= {"succeeded": len(done) or None, "completedIndexes": index_ranges(done) or None}
        return self._write(job, {**counted, "uncountedTerminatedPods": {"succeeded": None, "failed": None}})

    def _untrack(self, pod: Object) -> None:
        kept = [finalizer for finalizer in pod["metadata"]["finalizers"] if finalizer != TRACKED]
        self._registry.change(POD, pod, {"metadata": {"finalizers": kept or None}})

    def _release(self, key: Key) -> None:
        """Let the pods of a job go that has gone, or goes."""
        for pod in self._registry.cluster.objects(POD, key[0]):
            if tracked(pod) and key in owner_keys(pod, JOB):
                self._untrack(pod)

    # -- the end ------------------------------------------------------------------------------------------------------

    def _verdict(self, job: Object) -> Verdict | None:
        spec, status = job["spec"], job["status"]
        if status.get("failed", 0) > spec["backoffLimit"] or self._restarted_too_often(job):
            return _TOO_MANY_FAILED
        started = status.get("startTime")
        if started and clock.seconds_since(started) >= spec.get("activeDeadlineSeconds", float("inf")):
            return _TOO_LATE
        succeeded, active = status.get("succeeded", 0), bool(self._active(job))
        enough = succeeded >= spec["completions"] if "completions" in spec else succeeded > 0
        return _COMPLETE if enough and not active else None

    def _restarted_too_often(self, job: Object) -> bool:
        """Whether containers that are started again in place have failed more often than the limit allows."""
        if job["spec"]["template"]["spec"].get("restartPolicy") != "OnFailure":
            return False
        restarts = sum(
            container["restartCount"] + (1 if "waiting" in container["state"] and container["restartCount"] == 0 else 0)
            for pod in self._active(job)
            if pod["status"]["phase"] == "Running"
            for container in pod["status"].get("containerStatuses", ())
        )
        limit = job["spec"]["backoffLimit"]
        return bool(restarts > 0 if limit == 0 else restarts >= limit)

    def _finish(self, job: Object, verdict: Verdict) -> None:
        job = self._conclude(job, verdict, verdict.interim)
        for pod in self._active(job):
            self._registry.delete(POD, namespace_of(pod), name_of(pod), Deletion())
        job = self._count(job)
        job = self._write(job, self._pod_counts(job))
        if any(tracked(pod) or not finished(pod) for pod in self._pods(job)):
            return
        ended = {"completionTime": clock.now()} if verdict is _COMPLETE else {}
        job = self._write(self._conclude(job, verdict, verdict.final), ended)
        report = self._events.normal if verdict is _COMPLETE else self._events.warning
        reason, text = ("Completed", "Job completed") if verdict is _COMPLETE else (verdict.reason, verdict.message)
        report(JOB, job, reason, text)

    def _conclude(self, job: Object, verdict: Verdict, name: str) -> Object:
        if condition(job, name) is not None:
            return job
        found = _condition(name, "True", verdict.reason, verdict.message)
        return self._write(job, {"conditions": [*job["status"].get("conditions", ()), found]})

    def _expire(self, job: Object) -> float | None:
        """Delete a job that ended long enough ago, if it says after how long."""
        for pod in self._pods(job):
            if tracked(pod) and (finished(pod) or terminating(pod)):
                self._untrack(pod)
        ttl = job["spec"].get("ttlSecondsAfterFinished")
        if ttl is None:
            return None
        ended = next(found for verdict in VERDICTS if (found := condition(job, verdict.final)))
        left = float(ttl) - clock.seconds_since(ended["lastTransitionTime"])
        if left > 0:
            return left
        self._registry.delete(JOB, namespace_of(job), name_of(job), Deletion(propagation="Foreground"))
        return None

    # -- running ------------------------------------------------------------------------------------------------------

    def _note_suspension(self, job: Object) -> Object:
        before = condition(job, "Suspended")
        suspended = bool(job["spec"].get("suspend"))
        if (before["status"] == "True" if before else False) == suspended:
            return job
        reason, text = ("JobSuspended", "Job suspended") if suspended else ("JobResumed", "Job resumed")
        others = [found for found in job["status"].get("conditions", ()) if found["type"] != "Suspended"]
        found = _condition("Suspended", "True" if suspended else "False", reason, text)
        started = None if suspended else clock.now()
        self._events.normal(JOB, job, reason.removeprefix("Job"), text)
        return self._write(job, {"conditions": [*others, found], "startTime": started})

    def _stop_all(self, job: Object) -> None:
        for pod in self._active(job):
            self._registry.delete(POD, namespace_of(pod), name_of(pod), Deletion())

    def _keep_running(self, job: Object) -> float | None:
        """Make the missing pods, after a while when one has failed. Returns how long that while is."""
        spec, succeeded, active = job["spec"], job["status"].get("succeeded", 0), self._active(job)
        if "completions" in spec:
            wanted = max(0, min(spec["parallelism"], spec["completions"] - succeeded))
        else:
            wanted = len(active) if succeeded else spec["parallelism"]
        if len(active) > wanted:
            for pod in sorted(active, key=ready)[: len(active) - wanted]:
                self._registry.delete(POD, namespace_of(pod), name_of(pod), Deletion())
            return None
        if spec["podReplacementPolicy"] == "Failed":
            wanted -= sum(terminating(pod) and not finished(pod) for pod in self._pods(job))
        if len(active) >= wanted:
            return None
        wait = self._backoff(job)
        if wait > 0:
            return wait
        return self._create(job, wanted - len(active))

    def _backoff(self, job: Object) -> float:
        failed: int = job["status"].get("failed", 0)
        ends = [_end_of(pod) for pod in self._pods(job) if pod["status"]["phase"] == FAILED]
        if not failed or not ends:
            return 0.0
        pause = min(self._settings.backoff_seconds * 2.0 ** (failed - 1), _MOST_SECONDS_OF_BACKOFF)
        return pause - clock.seconds_since(max(ends))

    def _create(self, job: Object, count: int) -> float | None:
        free: list[int | None] = [None] * count
        if _indexed(job):
            taken = indexes_in(job["status"].get("completedIndexes", "")) | {index_of(pod) for pod in self._active(job)}
            every: list[int | None] = list(range(job["spec"]["completions"]))
            free = [index for index in every if index not in taken][:count]
        for index in free:
            try:
                created = self._registry.create(POD, namespace_of(job), pod_for(job, index), Write())
            except ApiError as error:
                self._events.warning(JOB, job, "FailedCreate", f"Error creating: {error}")
                return 1.0
            self._events.normal(JOB, job, "SuccessfulCreate", f"Created pod: {name_of(created)}")
        return None

    def _write(self, job: Object, changes: dict[str, Any]) -> Object:
        """Change some fields of the status; None takes one away."""
        live = self._registry.cluster.get(JOB, namespace_of(job), name_of(job)) or job
        status = {**live.get("status", {}), **changes}
        return self._registry.set_status(
            JOB, live, {name: value for name, value in status.items() if value is not None}
        )


def _ended(job: Object) -> bool:
    return any((found := condition(job, verdict.final)) and found["status"] == "True" for verdict in VERDICTS)


def _interim(job: Object) -> Verdict | None:
    """The verdict that has been found before and not been carried out to its end."""
    for verdict in VERDICTS:
        found = condition(job, verdict.interim)
        if found is not None and found["reason"] == verdict.reason:
            return verdict
    return None


def _indexed(job: Object) -> bool:
    return bool(job["spec"].get("completionMode") == "Indexed")


def _lost(job: Object, pod: Object) -> bool:
    """Whether a pod that is being deleted counts as failed already."""
    return terminating(pod) and job["spec"]["podReplacementPolicy"] == "TerminatingOrFailed"


def _end_of(pod: Object) -> str:
    ends = [
        status["state"]["terminated"]["finishedAt"]
        for status in pod["status"].get("containerStatuses", ())
        if "terminated" in status["state"]
    ]
    return max(ends, default=str(pod["metadata"]["creationTimestamp"]))


def _condition(name: str, status: str, reason: str, message: str) -> dict[str, Any]:
    now = clock.now()
    return {
        "type": name,
        "status": status,
        "reason": reason,
        "message": message,
        "lastProbeTime": now,
        "lastTransitionTime": now,
    }
