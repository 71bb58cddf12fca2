"""Where the steps of a run are executed is configuration; what the deployment cannot do is said before anything is done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster import DagsterInstance, Definitions, InitExecutorContext, JobDefinition, job, op, validate_run_config
from dagster._core.definitions.job_base import InMemoryJob

from ils_pipelines.definitions import defs
from ils_pipelines.defs.executor import ThreadedExecutor
from ils_pipelines.defs.step_jobs import JOBS_VARIABLE, CannotRunStepsAsJobs, step_executor

ROOT = Path(__file__).parents[2]
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "here",
    "contexts": [{"name": "here", "context": {"cluster": "here", "user": "here"}}],
    "clusters": [{"name": "here", "cluster": {"server": "http://127.0.0.1:9"}}],
    "users": [{"name": "here", "user": {}}],
}


@op
def nothing() -> None:
    return


@job
def heavy() -> None:
    nothing()


def made(instance: DagsterInstance, **config: Any) -> Any:
    """The executor of a run of `heavy` that is configured so."""
    configured = {"max_concurrent": 16, **config}
    resolved: JobDefinition = Definitions(jobs=[heavy], executor=step_executor).resolve_job_def("heavy")
    create = step_executor.executor_creation_fn
    assert create is not None
    return create(InitExecutorContext(InMemoryJob(resolved), step_executor, configured, instance))


def test_steps_are_threads_of_the_runs_process(instance: DagsterInstance) -> None:
    assert isinstance(made(instance), ThreadedExecutor)


def test_jobs_are_refused_where_runs_are_none(instance: DagsterInstance) -> None:
    with pytest.raises(CannotRunStepsAsJobs, match="found DefaultRunLauncher"):
        made(instance, kubernetes={})


def test_a_deployment_may_name_jobs_whose_steps_are_always_jobs(
    instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(JOBS_VARIABLE, "backup_set heavy")
    with pytest.raises(CannotRunStepsAsJobs):
        made(instance)


@pytest.mark.parametrize("named", ["heavyweight", "backup_set drill_environment"])
def test_other_jobs_are_not_concerned(instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv(JOBS_VARIABLE, named)

    assert isinstance(made(instance), ThreadedExecutor)


def test_a_run_may_ask_for_threads_all_the_same(instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(JOBS_VARIABLE, "heavy")

    assert isinstance(made(instance, kubernetes=None), ThreadedExecutor)


@pytest.mark.parametrize("at_once", [0, -1])
def test_nothing_at_once_is_refused(instance: DagsterInstance, at_once: int) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        made(instance, max_concurrent=at_once)


@pytest.fixture
def in_a_cluster(tmp_path: Path) -> Iterator[DagsterInstance]:
    """An instance whose runs are Jobs."""
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(KUBECONFIG))
    launcher = {
        "service_account_name": "dagster-run",
        "instance_config_map": "dagster-instance",
        "dagster_home": "/opt/dagster",
        "load_incluster_config": False,
        "kubeconfig_file": str(tmp_path / "kubeconfig"),
    }
    overrides = {"run_launcher": {"module": "dagster_k8s", "class": "K8sRunLauncher", "config": launcher}}
    with DagsterInstance.local_temp(str(tmp_path), overrides=overrides) as instance:
        yield instance


def test_steps_are_jobs_in_a_cluster_with_as_many_at_once_as_the_run_says(in_a_cluster: DagsterInstance) -> None:
    executor = made(in_a_cluster, max_concurrent=3, kubernetes={})

    assert type(executor).__name__ == "StepDelegatingExecutor"
    assert executor._max_concurrent == 3


def test_what_kubernetes_steps_do_not_take_is_named(in_a_cluster: DagsterInstance) -> None:
    with pytest.raises(CannotRunStepsAsJobs, match="memory_of_each"):
        made(in_a_cluster, kubernetes={"memory_of_each": "4Gi"})


def test_the_file_of_the_deployment_is_a_configuration_of_the_jobs() -> None:
    config = yaml.safe_load((ROOT / "deploy" / "run-config" / "kubernetes-steps.yaml").read_text())

    assert validate_run_config(defs.resolve_job_def("preview_environment"), config)["execution"]
