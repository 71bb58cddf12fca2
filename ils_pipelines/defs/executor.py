"""An executor that runs the independent steps of a run side by side, one thread each, in the run's own process.

A step of ours waits for AWS: it needs a thread, not a processor. Dagster's own choices are one step after the other
(`in_process_executor`) or a process per step, which pays for the imports again every time (one to two seconds each).

Dagster has no public interface for writing an executor. This is the only module that reaches into `dagster._core` for
one; it follows `dagster._core.execution.plan.execute_plan.inner_plan_execution_iterator` and the loop of
`dagster._core.executor.multiprocess`. The exact pin of Dagster in pyproject.toml keeps both as they are, and
tests/defs/test_threaded_executor.py says what must still hold when the pin moves.

Steps must be synchronous functions: the event loop of asynchronous ones is shared by the whole run.
"""

from __future__ import annotations

import contextvars
import os
import queue
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from dagster import (
    DagsterEvent,
    DagsterExecutionInterruptedError,
    Executor,
)
from dagster._core.events import EngineEventData
from dagster._core.execution.api import ExecuteRunWithPlanIterable
from dagster._core.execution.compute_logs import create_compute_log_file_key
from dagster._core.execution.context.system import (
    PlanExecutionContext,
    PlanOrchestrationContext,
    StepExecutionContext,
)
from dagster._core.execution.context_creation_job import PlanExecutionContextManager
from dagster._core.execution.plan.active import ActiveExecution
from dagster._core.execution.plan.execute_plan import (
    _handle_compute_log_setup_error,
    _handle_compute_log_teardown_error,
    _trigger_hook,
    dagster_event_sequence_for_step,
)
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.plan.step import ExecutionStep
from dagster._core.execution.retries import RetryMode

DEFAULT_MAX_CONCURRENT = 16
"""Steps at once in one run. An environment has eleven layers, so this is no limit, only a guard."""

POLL_SECONDS = 0.1
"""How long an interrupt may go unnoticed while every step waits."""

_cancel: contextvars.ContextVar[threading.Event] = contextvars.ContextVar("ils_step_cancel")


def step_cancel_event() -> threading.Event:
    """The event that is set when the run of the calling step is to end.

    A step hands it to the engine, so that what is under way is finished and recorded and nothing else is begun. Under
    another executor, which raises in the step's own thread instead, it is an event that nobody sets.
    """
    return _cancel.get(threading.Event())


@dataclass(frozen=True)
class _Finished:
    """What a step's thread puts last on the queue."""

    step_key: str
    events: tuple[DagsterEvent, ...]
    """All events of the step, those of its hooks left out."""
    error: BaseException | None
    """What escaped from the step; it ends the run."""


_Messages = queue.SimpleQueue[DagsterEvent | _Finished]


def _run_step(context: StepExecutionContext, cancel: threading.Event, messages: _Messages) -> None:
    """Execute one step to its end and put every event of it, in order, on the queue. Runs in the step's thread."""
    _cancel.set(cancel)
    error: BaseException | None = None
    events: list[DagsterEvent] = []
    try:
        for event in dagster_event_sequence_for_step(context):
            events.append(event)
            messages.put(event)
        for event in _trigger_hook(context, events):
            messages.put(event)
    except BaseException as escaped:  # noqa: BLE001 it is raised again by the thread that reads the queue
        error = escaped
    messages.put(_Finished(context.step.key, tuple(events), error))


class _StepThreads:
    """The threads of a run's steps and the one queue on which their events arrive."""

    def __init__(self, job_context: PlanExecutionContext) -> None:
        self._job_context = job_context
        self._threads: dict[str, threading.Thread] = {}
        self._messages: _Messages = queue.SimpleQueue()
        self.cancel = threading.Event()

    @property
    def running(self) -> list[str]:
        return list(self._threads)

    def start(self, step: ExecutionStep, active: ActiveExecution) -> None:
        known = active.get_known_state()
        # The set goes on changing as other steps finish, while this step's thread reads it.
        known = known._replace(ready_outputs=set(known.ready_outputs))
        context = self._job_context.for_step(step, known)
        # A copy of the context of this thread for each: Dagster keeps what it has loaded of partitions there.
        thread = threading.Thread(
            target=contextvars.copy_context().run,
            args=(_run_step, context, self.cancel, self._messages),
            name=f"step {step.key}",
        )
        self._threads[step.key] = thread
        thread.start()

    def next_message(self, timeout: float) -> DagsterEvent | _Finished | None:
        """The next event of any step, or None after `timeout` seconds without one."""
        try:
            message = self._messages.get(timeout=timeout)
        except queue.Empty:
            return None
        if isinstance(message, _Finished):
            self._threads.pop(message.step_key).join()
        return message

    def stop(self) -> None:
        """Ask every step to end and wait until it has."""
        self.cancel.set()
        for thread in self._threads.values():
            thread.join()


def _execute_steps(
    job_context: PlanExecutionContext, active: ActiveExecution, threads: _StepThreads
) -> Iterator[DagsterEvent]:
    """Run every step of the plan, dependencies first, and yield their events. Returns once no thread is left."""
    escaped: BaseException | None = None
    interrupted = False
    while threads.running or not (interrupted or escaped or active.is_complete):
        if active.check_for_interrupts():
            interrupted = True
            active.mark_interrupted()
            threads.cancel.set()
            yield DagsterEvent.engine_event(
                job_context,
                "Interrupted: waiting for what is under way to be finished and recorded, starting nothing else",
                EngineEventData.interrupted(threads.running),
            )
        if not interrupted and not escaped:
            for step in active.get_steps_to_execute():
                threads.start(step, active)
            yield from active.concurrency_event_iterator(job_context)

        message = threads.next_message(POLL_SECONDS)
        if isinstance(message, _Finished):
            escaped = escaped or message.error
            # Only now, with its thread gone, may the step count as done, or be started once more.
            for event in message.events:
                active.handle_event(event)
            active.verify_complete(job_context, message.step_key)
        elif message is not None:
            yield message
        if not interrupted and not escaped:
            yield from active.plan_events_iterator(job_context)

    if escaped is not None:
        raise escaped
    if interrupted:
        raise DagsterExecutionInterruptedError("The run was interrupted before all of its steps had been executed.")


def _threaded_plan_iterator(
    job_context: PlanExecutionContext, execution_plan: ExecutionPlan, max_concurrent: int
) -> Iterator[DagsterEvent]:
    compute_logs = job_context.instance.compute_log_manager
    step_keys = [step.key for step in execution_plan.get_steps_to_execute_in_topo_order()]
    threads = _StepThreads(job_context)
    with (
        InstanceConcurrencyContext(job_context.instance, job_context.dagster_run) as pools,
        ActiveExecution(
            execution_plan,
            retry_mode=job_context.retry_mode,
            max_concurrent=max_concurrent,
            instance_concurrency_context=pools,
            step_dependency_config=job_context.step_dependency_config,
        ) as active,
        ExitStack() as capture,
    ):
        # File descriptors belong to the process, so what the steps print is captured once, for the run.
        log_key = compute_logs.build_log_key_for_run(job_context.run_id, create_compute_log_file_key())  # type: ignore[no-untyped-call]
        try:
            log_context = capture.enter_context(compute_logs.capture_logs(log_key))
            yield DagsterEvent.capture_logs(job_context, step_keys, log_key, log_context)
        except Exception:  # noqa: BLE001 whatever a log manager raises, the run goes on and the event says what it was
            yield from _handle_compute_log_setup_error(job_context, sys.exc_info())
        try:
            yield from _execute_steps(job_context, active, threads)
        finally:
            threads.stop()
        try:
            capture.close()
        except Exception:  # noqa: BLE001 as above
            yield from _handle_compute_log_teardown_error(job_context, sys.exc_info())


class ThreadedExecutor(Executor):
    """Runs independent steps in threads of the run's process. See the module's docstring."""

    def __init__(self, max_concurrent: int) -> None:
        self._max_concurrent = max_concurrent

    @property
    def retries(self) -> RetryMode:
        """Enabled for the steps that declare a policy; steps that apply a layer declare none."""
        return RetryMode.ENABLED

    def execute(self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan) -> Iterator[DagsterEvent]:
        data = EngineEventData.in_process(os.getpid(), execution_plan.step_keys_to_execute)
        yield DagsterEvent.engine_event(plan_context, f"Executing steps in threads (pid: {os.getpid()})", data)
        yield from ExecuteRunWithPlanIterable(
            execution_plan=plan_context.execution_plan,
            iterator=lambda job_context, execution_plan: _threaded_plan_iterator(
                job_context, execution_plan, self._max_concurrent
            ),
            execution_context_manager=PlanExecutionContextManager(
                job=plan_context.job,
                retry_mode=plan_context.retry_mode,
                execution_plan=plan_context.execution_plan,
                run_config=plan_context.run_config,
                dagster_run=plan_context.dagster_run,
                instance=plan_context.instance,
                raise_on_error=plan_context.raise_on_error,
                output_capture=plan_context.output_capture,
                step_dependency_config=self.step_dependency_config,
            ),
        )
        yield DagsterEvent.engine_event(plan_context, f"Finished steps in threads (pid: {os.getpid()})", data)
