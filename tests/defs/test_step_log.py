"""What somebody who reads a step's log in the UI gets to see."""

import logging
import time
from datetime import timedelta

import pytest
from dagster import DagsterLogManager
from dagster._core.log_manager import DagsterLogHandler, DagsterLogHandlerMetadata

from ils_pipelines.defs.step_log import StepLog
from ils_pipelines.engine.models import Change, EngineEvent, EventKind, Operation

WAIT_SECONDS = 10


class Entries(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append((record.levelno, record.dagster_meta["orig_message"]))


@pytest.fixture
def entries() -> Entries:
    return Entries()


@pytest.fixture
def log(entries: Entries) -> DagsterLogManager:
    metadata = DagsterLogHandlerMetadata(
        run_id=None, job_name=None, job_tags={}, step_key=None, op_name=None, resource_name=None, resource_fn_name=None
    )
    handler = DagsterLogHandler(metadata=metadata, loggers=[], handlers=[entries])
    return DagsterLogManager(dagster_handler=handler, managed_loggers=[])


def event(kind: EventKind, message: str = "") -> EngineEvent:
    change = Change(urn="urn:vpc", type="aws:ec2/vpc:Vpc", name="main", operation=Operation.CREATE)
    duration = timedelta(seconds=1.25) if kind is EventKind.FINISHED else None
    return EngineEvent(kind=kind, project="ils-vpc", stack="dev", change=change, message=message, duration=duration)


def test_a_finished_change_is_one_line_with_its_time(log, entries) -> None:
    with StepLog(log) as told:
        told(event(EventKind.STARTED))
        told(event(EventKind.FINISHED))

    assert entries.records == [(logging.INFO, "create aws:ec2/vpc:Vpc main finished in 1.2 s")]


def test_a_failure_is_an_error_with_its_reason(log, entries) -> None:
    with StepLog(log) as told:
        told(event(EventKind.FAILED, "no addresses left"))

    assert entries.records == [(logging.ERROR, "create aws:ec2/vpc:Vpc main failed: no addresses left")]


def test_what_takes_long_is_told_while_it_does_and_no_longer(log, entries) -> None:
    with StepLog(log, still_seconds=0.01) as told:
        told(event(EventKind.STARTED))
        deadline = time.monotonic() + WAIT_SECONDS
        while not entries.records and time.monotonic() < deadline:
            time.sleep(0.005)
        told(event(EventKind.FINISHED))

    assert entries.records[0] == (logging.INFO, "under way: create main (0 s)")
    assert entries.records[-1] == (logging.INFO, "create aws:ec2/vpc:Vpc main finished in 1.2 s")
