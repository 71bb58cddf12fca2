"""The executor leans on private parts of Dagster: these are the promises that must hold whatever version is pinned."""

import os
import signal
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from dagster import (
    DagsterEvent,
    DagsterRunStatus,
    HookContext,
    In,
    JobDefinition,
    Nothing,
    OpExecutionContext,
    RetryPolicy,
    failure_hook,
    graph,
    op,
)

from ils_pipelines.defs.executor import step_cancel_event

WAIT_SECONDS = 20
Body = Callable[[OpExecutionContext], None]


def job_of(bodies: dict[str, Body], needs: dict[str, tuple[str, ...]] | None = None, **options: Any) -> JobDefinition:
    """A job of ops without data; `needs` says which ops each waits for."""
    needs = needs or {}

    def make(name: str) -> Any:
        @op(name=name, ins={need: In(Nothing) for need in needs.get(name, ())}, **options)
        def _op(context: OpExecutionContext) -> None:
            bodies[name](context)

        return _op

    @graph(name="tested")
    def tested() -> None:
        done: dict[str, Any] = {}
        for name in bodies:
            done[name] = make(name)(**{need: done[need] for need in needs.get(name, ())})

    return tested.to_job()


def nothing(_context: OpExecutionContext) -> None:
    return


def fails(_context: OpExecutionContext) -> None:
    raise RuntimeError("out of addresses")


def test_independent_steps_run_at_the_same_time(execute) -> None:
    all_three = threading.Barrier(3)

    def meet(_context: OpExecutionContext) -> None:
        all_three.wait(WAIT_SECONDS)

    result = execute(job_of({"cluster": meet, "database": meet, "cache": meet}))

    assert result.run.status == DagsterRunStatus.SUCCESS


def test_all_steps_share_the_process_and_none_runs_in_the_main_thread(execute) -> None:
    seen = {}

    def where(context: OpExecutionContext) -> None:
        seen[context.op.name] = (os.getpid(), threading.current_thread())

    execute(job_of({"one": where, "two": where}))

    assert {pid for pid, _ in seen.values()} == {os.getpid()}
    assert len({thread for _, thread in seen.values()} | {threading.main_thread()}) == 3


def test_a_step_starts_only_when_all_that_it_needs_has_finished(execute) -> None:
    finished: list[str] = []

    def note(context: OpExecutionContext) -> None:
        finished.append(context.op.name)

    needs = {"cluster": ("vpc", "encryption"), "database": ("vpc", "encryption"), "app": ("cluster", "database")}
    execute(job_of(dict.fromkeys(("vpc", "encryption", "cluster", "database", "app"), note), needs))

    assert set(finished[:2]) == {"vpc", "encryption"}
    assert set(finished[2:4]) == {"cluster", "database"}
    assert finished[4] == "app"


def test_a_failure_skips_what_needs_it_and_lets_the_rest_finish(execute) -> None:
    failed = threading.Event()

    def fail(context: OpExecutionContext) -> None:
        failed.set()
        fails(context)

    def after_the_failure(_context: OpExecutionContext) -> None:
        assert failed.wait(WAIT_SECONDS)

    job = job_of(
        {"vpc": nothing, "cluster": fail, "database": after_the_failure, "migrate": nothing, "app": nothing},
        {"cluster": ("vpc",), "database": ("vpc",), "migrate": ("database",), "app": ("cluster", "migrate")},
    )
    result = execute(job)

    assert result.run.status == DagsterRunStatus.FAILURE
    assert result.steps("STEP_FAILURE") == ["cluster"]
    assert set(result.steps("STEP_SUCCESS")) == {"vpc", "database", "migrate"}
    assert "app" not in result.steps("STEP_START")


def test_the_events_of_a_step_arrive_in_order_and_from_one_thread(execute) -> None:
    threads = set()
    result = execute(
        job_of({"one": nothing, "two": nothing, "three": nothing}),
        on_event=lambda _event: threads.add(threading.current_thread()),
    )

    of_step = defaultdict(list)
    for event in result.yielded:
        if event.step_key in {"one", "two", "three"} and event.event_type_value != "LOGS_CAPTURED":
            of_step[event.step_key].append(event.event_type_value)
    assert threads == {threading.current_thread()}
    for events in of_step.values():
        assert (events[0], events[-1]) == ("STEP_START", "STEP_SUCCESS")


def test_each_step_logs_under_its_own_name_and_sqlite_keeps_every_message(execute) -> None:
    steps = [f"step_{number}" for number in range(8)]
    together = threading.Barrier(len(steps))

    def chatter(context: OpExecutionContext) -> None:
        together.wait(WAIT_SECONDS)
        for number in range(25):
            context.log.info(f"{context.op.name} says {number}")

    result = execute(job_of(dict.fromkeys(steps, chatter)))

    assert result.run.status == DagsterRunStatus.SUCCESS
    for step in steps:
        assert result.messages(step) == [f"{step} says {number}" for number in range(25)]


def test_a_step_sees_the_partition_of_the_run(execute) -> None:
    seen = []
    execute(job_of({"one": lambda context: seen.append(context.partition_key)}), partition="staging")

    assert seen == ["staging"]


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_sets_the_cancel_event_waits_for_what_runs_and_starts_nothing_else(execute, signal_number) -> None:
    recorded = []

    def under_way(context: OpExecutionContext) -> None:
        os.kill(os.getpid(), signal_number)
        assert step_cancel_event().wait(WAIT_SECONDS)
        recorded.append(context.op.name)

    job = job_of({"vpc": under_way, "cluster": nothing}, {"cluster": ("vpc",)})
    result = execute(job)

    assert recorded == ["vpc"]
    assert "cluster" not in result.steps("STEP_START")
    assert result.run.status == DagsterRunStatus.FAILURE
    assert any("Interrupted" in (event.message or "") for event in result.yielded)


def test_a_run_that_somebody_asked_to_end_is_canceled_not_failed(execute, instance) -> None:
    def under_way(context: OpExecutionContext) -> None:
        instance.report_run_canceling(context.run)
        os.kill(os.getpid(), signal.SIGINT)
        assert step_cancel_event().wait(WAIT_SECONDS)

    result = execute(job_of({"vpc": under_way, "cluster": nothing}, {"cluster": ("vpc",)}))

    assert result.run.status == DagsterRunStatus.CANCELED


def test_no_cancel_event_is_set_while_nothing_is_interrupted(execute) -> None:
    seen = []
    execute(job_of({"one": lambda _context: seen.append(step_cancel_event().is_set())}))

    assert seen == [False]


def test_closing_the_events_ends_the_steps_before_it_returns(execute) -> None:
    ended = []

    def under_way(context: OpExecutionContext) -> None:
        assert step_cancel_event().wait(WAIT_SECONDS)
        ended.append(context.op.name)

    class GivingUpError(Exception):
        pass

    def give_up(event: DagsterEvent) -> None:
        if event.event_type_value == "STEP_START":
            raise GivingUpError

    with pytest.raises(GivingUpError):
        execute(job_of({"one": under_way}), on_event=give_up)

    assert ended == ["one"]


def test_a_step_with_a_retry_policy_is_retried(execute) -> None:
    attempts = []

    def second_time_lucky(context: OpExecutionContext) -> None:
        attempts.append(context.retry_number)
        if len(attempts) == 1:
            fails(context)

    result = execute(job_of({"one": second_time_lucky}, retry_policy=RetryPolicy(max_retries=1)))

    assert attempts == [0, 1]
    assert result.run.status == DagsterRunStatus.SUCCESS


def test_hooks_run_after_their_step(execute) -> None:
    told = []

    @failure_hook
    def tell(context: HookContext) -> None:
        told.append(context.op.name)

    result = execute(job_of({"one": fails, "two": nothing}).with_hooks({tell}))

    assert told == ["one"]
    assert result.steps("HOOK_COMPLETED") == ["one"]


def test_what_the_steps_print_is_captured_once_for_the_run(execute) -> None:
    result = execute(job_of({"one": nothing, "two": nothing}))

    captured = [event for event in result.yielded if event.event_type_value == "LOGS_CAPTURED"]
    assert [sorted(event.logs_captured_data.step_keys) for event in captured] == [["one", "two"]]


def test_no_thread_is_left_behind(execute) -> None:
    before = set(threading.enumerate())
    execute(job_of({"one": nothing, "two": fails, "three": nothing}, {"three": ("two",)}))

    assert set(threading.enumerate()) <= before
