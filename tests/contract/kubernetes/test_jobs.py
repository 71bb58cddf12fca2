"""Jobs and cron jobs: pods run to their end, counted, repeated, given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.kubernetes.conftest import Place

JOBS = "batch/v1"


def template(image: str = "job:1", policy: str = "Never") -> dict[str, Any]:
    return {"spec": {"restartPolicy": policy, "containers": [{"name": "work", "image": image}]}}


def job(image: str = "job:1", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "j"}, "spec": {"template": template(image), **spec}}


def create(place: Place, body: dict[str, Any]) -> dict[str, Any]:
    created: dict[str, Any] = place.ok("POST", place.path("jobs", group_version=JOBS), body)
    return created


def found(place: Place, name: str = "j") -> dict[str, Any]:
    job: dict[str, Any] = place.ok("GET", place.path("jobs", name, JOBS))
    return job


def conditions(job: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {c["type"]: c for c in job.get("status", {}).get("conditions", ()) if c["status"] == "True"}


def ended(place: Place, name: str = "j") -> dict[str, Any]:
    def over() -> dict[str, Any] | None:
        job = found(place, name)
        return job if {"Complete", "Failed"} & conditions(job).keys() else None

    job: dict[str, Any] = place.eventually(over, "the end of the job")
    return job


def pods(place: Place) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = place.ok("GET", place.path("pods"))["items"]
    return listed


def test_a_job_selects_its_pods_by_its_own_uid(place: Place) -> None:
    created = create(place, job(suspend=True))

    uid = created["metadata"]["uid"]
    assert created["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    labels = {"job-name": "j", "controller-uid": uid}
    assert created["spec"]["template"]["metadata"]["labels"] == {
        **labels,
        **{f"batch.kubernetes.io/{name}": value for name, value in labels.items()},
    }
    assert {name: value for name, value in created["spec"].items() if name not in ("selector", "template")} == {
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "completions": 1,
        "manualSelector": False,
        "parallelism": 1,
        "podReplacementPolicy": "TerminatingOrFailed",
        "suspend": True,
    }


def test_a_job_is_complete_when_its_pod_has_succeeded(place: Place) -> None:
    create(place, job())

    done = ended(place)

    status = done["status"]
    assert (status["succeeded"], status.get("active", 0), status.get("failed", 0)) == (1, 0, 0)
    assert status["completionTime"] >= status["startTime"]
    assert list(conditions(done)) == ["SuccessCriteriaMet", "Complete"]
    complete = conditions(done)["Complete"]
    assert (complete["reason"], complete["message"]) == (
        "CompletionsReached",
        "Reached expected number of succeeded pods",
    )
    (pod,) = pods(place)
    assert pod["metadata"]["labels"]["job-name"] == "j"
    assert "finalizers" not in pod["metadata"]


def test_completions_run_a_few_at_a_time(place: Place) -> None:
    create(place, job(completions=4, parallelism=2))

    assert ended(place)["status"]["succeeded"] == 4
    assert len(pods(place)) == 4


def test_each_index_of_an_indexed_job_succeeds_once(place: Place) -> None:
    create(place, job(completions=3, parallelism=3, completionMode="Indexed"))

    done = ended(place)

    assert done["status"]["completedIndexes"] == "0-2"
    assert sorted(
        pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"] for pod in pods(place)
    ) == [
        "0",
        "1",
        "2",
    ]
    assert {pod["spec"]["hostname"] for pod in pods(place)} == {"j-0", "j-1", "j-2"}
    assert pods(place)[0]["spec"]["containers"][0]["env"] == [
        {
            "name": "JOB_COMPLETION_INDEX",
            "valueFrom": {
                "fieldRef": {
                    "apiVersion": "v1",
                    "fieldPath": "metadata.labels['batch.kubernetes.io/job-completion-index']",
                }
            },
        }
    ]


def test_a_job_that_fails_too_often_has_failed(place: Place) -> None:
    create(place, job("job:crash", backoffLimit=0))

    failed = ended(place)

    assert list(conditions(failed)) == ["FailureTarget", "Failed"]
    why = conditions(failed)["Failed"]
    assert (why["reason"], why["message"]) == (
        "BackoffLimitExceeded",
        "Job has reached the specified backoff limit",
    )
    assert failed["status"]["failed"] == 1
    assert "completionTime" not in failed["status"]


def test_a_job_that_takes_too_long_has_failed_and_its_pods_go(place: Place) -> None:
    create(place, job("job:never-ready", activeDeadlineSeconds=1))

    failed = ended(place)

    why = conditions(failed)["Failed"]
    assert (why["reason"], why["message"]) == ("DeadlineExceeded", "Job was active longer than specified deadline")
    place.eventually(lambda: not pods(place), "no pod")


def test_a_suspended_job_has_no_pods_until_it_is_resumed(place: Place) -> None:
    create(place, job(suspend=True))
    place.eventually(lambda: "Suspended" in conditions(found(place)), "a suspended job")
    assert not pods(place)
    assert "startTime" not in found(place)["status"]

    place.ok("PATCH", place.path("jobs", "j", JOBS), {"spec": {"suspend": False}}, "application/merge-patch+json")

    assert ended(place)["status"]["succeeded"] == 1


def test_a_job_goes_some_time_after_its_end_when_it_says_so(place: Place) -> None:
    create(place, job(ttlSecondsAfterFinished=0))

    path = place.path("jobs", "j", JOBS)
    place.eventually(lambda: place.call("GET", path).code == 404, "the job gone")
    place.eventually(lambda: not pods(place), "its pods gone")


def test_deleting_a_running_job_in_the_background_takes_its_pods(place: Place) -> None:
    create(place, job("job:never-ready"))
    place.eventually(lambda: pods(place), "a pod")

    place.ok("DELETE", place.path("jobs", "j", JOBS), {"propagationPolicy": "Background"})

    place.eventually(lambda: not pods(place), "no pod")


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"template": template(policy="Always")}, "spec.template.spec.restartPolicy: Required value: valid values:"),
        ({"parallelism": -1}, "spec.parallelism: Invalid value: -1: must be greater than or equal to 0"),
        (
            {"completionMode": "Indexed", "parallelism": 2},
            "spec.completions: Required value: when completion mode is Indexed",
        ),
    ],
)
def test_a_job_that_makes_no_sense_is_invalid(place: Place, spec: dict[str, Any], why: str) -> None:
    answer = place.call("POST", place.path("jobs", group_version=JOBS), job(**spec))

    assert (answer.code, answer.body["reason"]) == (422, "Invalid")
    assert why in answer.message


def test_the_template_of_a_job_cannot_change(place: Place) -> None:
    create(place, job(suspend=True))
    change = {"spec": {"template": {"spec": {"containers": [{"name": "work", "image": "job:2"}]}}}}

    answer = place.call("PATCH", place.path("jobs", "j", JOBS), change, "application/strategic-merge-patch+json")

    assert answer.code == 422
    assert "field is immutable" in answer.message


# -- cron jobs --------------------------------------------------------------------------------------------------------


def cron_job(place: Place, **spec: Any) -> None:
    """A cron job that was due some minutes ago and has not run since."""
    path = place.path("cronjobs", group_version=JOBS)
    body = {"schedule": "* * * * *", "suspend": True, "jobTemplate": {"spec": {"template": template()}}, **spec}
    place.ok("POST", path, {"metadata": {"name": "c"}, "spec": body})
    last = (datetime.now(UTC) - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    status = {"status": {"lastScheduleTime": last}}
    place.ok("PATCH", f"{path}/c/status", status, "application/merge-patch+json")
    place.ok("PATCH", f"{path}/c", {"spec": {"suspend": False}}, "application/merge-patch+json")


def jobs(place: Place) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = place.ok("GET", place.path("jobs", group_version=JOBS))["items"]
    return listed


def test_a_cron_job_that_is_due_starts_a_job_for_that_minute(place: Place) -> None:
    cron_job(place)

    (started, *_) = place.eventually(lambda: jobs(place), "a job")

    due = datetime.fromisoformat(started["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"])
    assert datetime.now(UTC) - due < timedelta(minutes=2)
    assert started["metadata"]["name"] == f"c-{int(due.timestamp()) // 60}"
    assert started["metadata"]["ownerReferences"][0]["kind"] == "CronJob"

    def status() -> Any:
        status = place.ok("GET", place.path("cronjobs", "c", JOBS))["status"]
        return status if "lastSuccessfulTime" in status else None

    noted = place.eventually(status, "a success")
    assert datetime.fromisoformat(noted["lastScheduleTime"]) == due


def test_a_cron_job_may_be_too_late_to_start(place: Place) -> None:
    cron_job(place, schedule="0 0 1 1 *", startingDeadlineSeconds=60)
    cron = place.ok("GET", place.path("cronjobs", "c", JOBS))

    assert cron["spec"]["startingDeadlineSeconds"] == 60
    assert not jobs(place)


@pytest.mark.parametrize("schedule", ["60 * * * *", "* * * *", "every minute"])
def test_a_schedule_that_cannot_be_read_is_invalid(place: Place, schedule: str) -> None:
    spec = {"schedule": schedule, "jobTemplate": {"spec": {"template": template()}}}

    answer = place.call("POST", place.path("cronjobs", group_version=JOBS), {"metadata": {"name": "c"}, "spec": spec})

    assert answer.code == 422
    assert "spec.schedule: Invalid value" in answer.message
