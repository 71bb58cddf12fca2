"""The instance of a team: runs are Jobs of the cluster, and nothing hangs on one process."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from ils_sandbox.control.recording import KindOfCall, RecordedRequest
from tests.deploy.deployment import BUCKET, NAMESPACE, ROOT, Deployment, ask, deployed, eventually
from tests.iam.rules import Allowed
from tools.iam.kubernetes_calls import Request, requests_of

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

LAUNCH = """mutation Launch($job: String!, $partition: String!, $config: RunConfigData, $ops: [String!]) {
  launchRun(executionParams: {
    selector: {
      repositoryLocationName: "ils_pipelines", repositoryName: "__repository__", jobName: $job, solidSelection: $ops
    }
    runConfigData: $config
    mode: "default"
    executionMetadata: {tags: [{key: "dagster/partition", value: $partition}]}
  }) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
       ... on RunConfigValidationInvalid { errors { message } } } }"""
STATUS = "query Status($run: ID!) { runOrError(runId: $run) { __typename ... on Run { status } } }"
EVENTS = """query Events($run: ID!) { logsForRun(runId: $run) {
  ... on EventConnection { events { __typename ... on MessageEvent { message stepKey } } } } }"""

COUNT = "query { runsOrError { ... on Runs { count } } }"
JOB = "drift_scan"
"""Of an environment that was never provisioned: it looks, and finds nothing, in a few seconds."""


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(tmp_path_factory.mktemp("deploy")) as started:
        yield started


def launch(
    address: str,
    partition: str = "dev",
    job: str = JOB,
    ops: list[str] | None = None,
    config: Mapping[str, Any] | None = None,
) -> str:
    asked = {"job": job, "partition": partition, "ops": ops, "config": config or {}}
    launched = ask(address, LAUNCH, **asked)["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    return str(launched["run"]["runId"])


def status(address: str, run: str) -> str:
    found = ask(address, STATUS, run=run)["runOrError"]
    assert found["__typename"] == "Run", found
    return str(found["status"])


def ended(address: str, run: str) -> str:
    def over() -> str | None:
        now = status(address, run)
        return now if now in ("SUCCESS", "FAILURE", "CANCELED") else None

    return str(eventually(over, f"the end of run {run}"))


def events(address: str, run: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(address, EVENTS, run=run)["logsForRun"]["events"]
    return found


def jobs_of(deployment: Deployment, run: str) -> list[dict[str, Any]]:
    return [job for job in deployment.jobs() if run in job["metadata"]["name"]]


def test_a_run_is_a_job_of_the_cluster_whose_events_and_logs_are_seen(deployment: Deployment) -> None:
    with (
        deployment.webserver() as address,
        deployment.process("dagster-daemon", "run", "--workspace", "workspace.yaml"),
    ):
        run = launch(address)
        assert ended(address, run) == "SUCCESS"
        told = events(address, run)

    [job] = jobs_of(deployment, run)
    assert job["status"]["succeeded"] == 1
    assert {"RunStartEvent", "AssetCheckEvaluationEvent", "MaterializationEvent", "RunSuccessEvent"} <= {
        event["__typename"] for event in told
    }
    stored = deployment.aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"compute-logs/storage/{run}/")
    assert any(each["Key"].endswith(".err") and each["Size"] for each in stored["Contents"])


def test_steps_are_jobs_of_their_own_when_the_run_is_configured_so(deployment: Deployment) -> None:
    config = yaml.safe_load((ROOT / "deploy" / "run-config" / "kubernetes-steps.yaml").read_text())
    layers = ["preview_vpc", "preview_encryption"]
    deployment.cluster.control("DELETE", "requests")
    with (
        deployment.webserver() as address,
        deployment.process("dagster-daemon", "run", "--workspace", "workspace.yaml"),
    ):
        run = launch(address, job="preview_environment", ops=layers, config=config)
        assert ended(address, run) == "SUCCESS"
        told = events(address, run)

    steps = [job for job in deployment.jobs() if job["metadata"]["labels"].get("dagster/run-id") == run]
    by_component = Counter(job["metadata"]["labels"]["app.kubernetes.io/component"] for job in steps)
    assert by_component == {"run_worker": 1, "step_worker": 2}
    assert all(job["status"]["succeeded"] == 1 for job in steps)
    # Each step tells of itself as it would from a thread, and where it went.
    assert {event["stepKey"] for event in told if event["__typename"] == "ObservationEvent"} == set(layers)
    assert {event["stepKey"] for event in told if event["__typename"] == "ExecutionStepSuccessEvent"} == set(layers)
    [memory] = {
        job["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"]
        for job in steps
        if job["metadata"]["labels"]["app.kubernetes.io/component"] == "step_worker"
    }
    assert memory == "4Gi"
    assert rules_of("dagster-run").refused(asked_of(deployment)) == set()


def rules_of(account: str) -> Allowed:
    """What a service account may do, steps as Jobs of their own included."""
    files = (ROOT / "deploy" / "kubernetes" / name for name in ("access.yaml", "step-jobs.yaml"))
    documents = [each for file in files for each in yaml.safe_load_all(file.read_text())]
    return Allowed.to(documents, "ServiceAccount", account)


def asked_of(deployment: Deployment) -> set[Request]:
    """What Dagster asked of the cluster since it was last forgotten."""
    recorded = map(RecordedRequest.model_validate, deployment.cluster.control("GET", "requests"))
    calls = [KindOfCall.of(each) for each in recorded if "kubectl" not in each.client]
    return {request for call in calls for request in requests_of(call)}


AFTERWARDS = """
import sys
from dagster import DagsterInstance
with DagsterInstance.get() as instance:
    run = instance.get_run_by_id(sys.argv[1])
    print(instance.run_launcher.get_run_worker_debug_info(run))
    instance.run_launcher._api_client.delete_job(f"dagster-run-{run.run_id}", sys.argv[2])
    print(instance.run_launcher.get_run_worker_debug_info(run))
"""
"""What the daemon asks when a run was lost, and when one is ended by hand: with what runs of this test do not wait for."""


def test_the_servers_ask_nothing_of_the_cluster_that_their_role_does_not_allow(deployment: Deployment) -> None:
    deployment.cluster.control("DELETE", "requests")
    with (
        deployment.webserver() as address,
        deployment.process("dagster-daemon", "run", "--workspace", "workspace.yaml"),
    ):
        run = launch(address)
        assert ended(address, run) == "SUCCESS"
    command = [sys.executable, "-c", AFTERWARDS, run, NAMESPACE]
    subprocess.run(command, env=deployment.variables, cwd=ROOT, check=True, capture_output=True)

    allowed, asked = rules_of("dagster"), asked_of(deployment)
    assert asked
    assert allowed.refused(asked) == set()
    assert allowed.unused(asked) == set(), "nobody uses these rules"


def test_the_read_only_twin_answers_and_starts_nothing(deployment: Deployment) -> None:
    with deployment.webserver("--read-only") as address:
        before = ask(address, COUNT)["runsOrError"]["count"]
        refused = ask(address, LAUNCH, job=JOB, partition="dev", ops=None, config={})["launchRun"]

        assert refused["__typename"] == "UnauthorizedError"
        assert ask(address, COUNT)["runsOrError"]["count"] == before


def test_a_webserver_that_is_started_anew_has_lost_no_run(deployment: Deployment) -> None:
    with deployment.process("dagster-daemon", "run", "--workspace", "workspace.yaml"):
        with deployment.webserver() as address:
            run = launch(address)
        with deployment.webserver() as address:
            assert ended(address, run) == "SUCCESS"


def test_two_daemons_launch_no_run_twice(deployment: Deployment) -> None:
    daemon = ("dagster-daemon", "run", "--workspace", "workspace.yaml")
    with deployment.webserver() as address, deployment.process(*daemon), deployment.process(*daemon):
        runs = [launch(address, environment) for environment in ("dev", "staging", "production")]
        # Both may take one from the queue. A Job is named after its run, so the second is refused, and that daemon then says
        # of the run that it failed: seen by everybody, and nothing was done twice.
        outcomes = [ended(address, run) for run in runs]
        for run in runs:
            eventually(lambda run=run: jobs_of(deployment, run)[0]["status"].get("completionTime"), f"the end of {run}")
        told = {run: [event["__typename"] for event in events(address, run)] for run in runs}

    assert set(outcomes) <= {"SUCCESS", "FAILURE"}
    for run, outcome in zip(runs, outcomes, strict=True):
        assert len(jobs_of(deployment, run)) == 1
        assert told[run].count("RunStartEvent") <= 1
        assert outcome == "FAILURE" or told[run].count("RunSuccessEvent") == 1
