"""Instances of Dagster on disk, as in production, and jobs that run in this process on the threaded executor."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dagster import DagsterEvent, DagsterInstance, DagsterRun, Definitions, EventLogEntry, JobDefinition
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run_iterator

from ils_pipelines.defs.step_jobs import step_executor

INSTANCE = """
telemetry:
  enabled: false
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
"""


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[DagsterInstance]:
    """A persistent instance: SQLite, as on one machine."""
    home = tmp_path / "dagster_home"
    home.mkdir()
    (home / "dagster.yaml").write_text(INSTANCE)
    with DagsterInstance.from_config(str(home)) as instance:
        yield instance


class Execution:
    """A finished run: its events in the order in which the executor yielded them."""

    def __init__(self, run: DagsterRun, yielded: list[DagsterEvent], instance: DagsterInstance) -> None:
        self.run = run
        self.yielded = yielded
        self.instance = instance

    @property
    def stored(self) -> list[EventLogEntry]:
        return list(self.instance.all_logs(self.run.run_id))

    def messages(self, step: str) -> list[str]:
        """What the step wrote with `context.log`, as it was stored."""
        return [entry.user_message for entry in self.stored if entry.step_key == step and not entry.is_dagster_event]

    def steps(self, event_type: str) -> list[str]:
        return [str(event.step_key) for event in self.yielded if event.event_type_value == event_type]


Execute = Callable[..., Execution]


@pytest.fixture
def execute(instance: DagsterInstance) -> Execute:
    """Runs a job on the threaded executor; `on_event` sees each event as it is yielded."""

    def _execute(
        job: JobDefinition,
        *,
        partition: str | None = None,
        on_event: Callable[[DagsterEvent], None] = lambda _: None,
    ) -> Execution:
        threaded = Definitions(jobs=[job], executor=step_executor).resolve_job_def(job.name)
        run = instance.create_run_for_job(
            threaded,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            tags={"dagster/partition": partition} if partition else {},
        )
        yielded = []
        with contextlib.closing(execute_run_iterator(InMemoryJob(threaded), run, instance)) as events:
            for event in events:
                yielded.append(event)
                on_event(event)
        finished = instance.get_run_by_id(run.run_id)
        assert finished is not None
        return Execution(finished, yielded, instance)

    return _execute
