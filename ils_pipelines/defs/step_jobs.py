"""Where the steps of a run are executed: in threads of its process, or each as a Kubernetes Job of its own.

Threads are right for steps that wait for AWS, which is nearly all of them (`ils_pipelines.defs.executor`). Jobs of their own
are for runs that are too much for one pod: each step starts anew, with memory and processors of its own, which costs half a
minute. It is chosen by configuration: of one run (`execution.config.kubernetes`, see deploy/run-config),
or of all runs of some jobs (the variable `ILS_KUBERNETES_STEPS`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from dagster import Executor, Field, InitExecutorContext, Int, Noneable, Permissive, executor

from ils_pipelines.defs.executor import DEFAULT_MAX_CONCURRENT, ThreadedExecutor
from ils_pipelines.errors import IlsError

JOBS_VARIABLE = "ILS_KUBERNETES_STEPS"
"""Names of jobs, with spaces between, whose steps are Kubernetes Jobs when a run does not say otherwise."""


class CannotRunStepsAsJobs(IlsError):
    """What was asked for needs another deployment of Dagster, or another configuration."""


@executor(
    name="steps",
    config_schema={
        "max_concurrent": Field(
            Int,
            default_value=DEFAULT_MAX_CONCURRENT,
            description="How many steps of one run may be under way at once.",
        ),
        "kubernetes": Field(
            Noneable(Permissive()),  # type: ignore[no-untyped-call]
            is_required=False,
            description="Each step is a Kubernetes Job: {} for Jobs as the run launcher has them, or the configuration of "
            "dagster_k8s.k8s_job_executor. None for threads, whatever the deployment says.",
        ),
    },
)
def step_executor(context: InitExecutorContext) -> Executor:
    """Independent steps side by side: in threads of the run's process or, where configured, as Kubernetes Jobs.

    Raises `CannotRunStepsAsJobs`.
    """
    at_once = context.executor_config["max_concurrent"]
    if not isinstance(at_once, int) or at_once < 1:
        raise ValueError(f"max_concurrent of the executor must be 1 or more, found {at_once!r}")
    asked = _asked(context)
    return ThreadedExecutor(at_once) if asked is None else _jobs(context, {"max_concurrent": at_once, **asked})


def _asked(context: InitExecutorContext) -> Mapping[str, Any] | None:
    """The configuration of Jobs, or None where threads are asked for."""
    if "kubernetes" in context.executor_config:
        asked: Any = context.executor_config["kubernetes"]
        return None if asked is None else dict(asked)
    named = os.environ.get(JOBS_VARIABLE, "").split()
    return {} if context.job.get_definition().name in named else None


def _jobs(context: InitExecutorContext, asked: Mapping[str, Any]) -> Executor:
    from dagster._config import process_config
    from dagster_k8s import K8sRunLauncher, k8s_job_executor

    if not isinstance(context.instance.run_launcher, K8sRunLauncher):
        raise CannotRunStepsAsJobs(
            "expected a Dagster whose runs are Kubernetes Jobs (deploy/dagster.yaml), because steps are to be, found "
            f"{type(context.instance.run_launcher).__name__}. Leave `kubernetes` out of the run's configuration, and the job "
            f"out of {JOBS_VARIABLE}."
        )
    checked = process_config(k8s_job_executor.config_schema.config_type, asked)
    if not checked.success or checked.value is None:
        wrong = "; ".join(error.message for error in checked.errors or ())
        raise CannotRunStepsAsJobs(
            f"expected under execution.config.kubernetes what dagster_k8s.k8s_job_executor takes, found: {wrong}"
        )
    create = k8s_job_executor.executor_creation_fn
    assert create is not None  # noqa: S101 every executor that is not abstract has one
    made = InitExecutorContext(context.job, k8s_job_executor, checked.value, context.instance)
    executor: Executor = create(made)
    return executor
