"""A sensor that tells people of failed runs and of what checks find.

What was told and what still has to be sent is the sensor's cursor, which the instance keeps: it changes together with the
record of what was sent, when a look is done. A look that is interrupted is done again, and sends with the same ids; so that
none is for want of time, a look begins no message after half of what Dagster gives it.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from dagster import (
    AssetCheckSeverity,
    AssetMaterialization,
    AssetSpec,
    DagsterEventType,
    DagsterInstance,
    DagsterRun,
    DefaultSensorStatus,
    EventLogRecord,
    EventRecordsResult,
    MetadataValue,
    RunStatusChangeRecordsFilter,
    SensorEvaluationContext,
    SensorResult,
    sensor,
)
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ils_pipelines.defs.environments import ENVIRONMENTS
from ils_pipelines.defs.launch import PARTITION_TAG
from ils_pipelines.defs.layers import OWNERS
from ils_pipelines.defs.scans import FINDINGS
from ils_pipelines.errors import IlsError
from ils_pipelines.operations.findings import Finding, Urgency
from ils_pipelines.operations.notifications.composing import Source, of_findings
from ils_pipelines.operations.notifications.models import Memory, Message, Sent
from ils_pipelines.operations.notifications.outbox import Send, deliver, queue
from ils_pipelines.settings.account import JobFamily
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.loading import environment_names, load_environment
from ils_pipelines.settings.notifications import Channel
from ils_pipelines.targets.protocol import Target

SECONDS_BETWEEN_LOOKS = 30
_ENDS = (DagsterEventType.RUN_FAILURE, DagsterEventType.RUN_SUCCESS)
MOST_RUNS = 50
"""In one look at each kind of end."""
LONGEST_LOOK = timedelta(seconds=30)
"""Later, nothing is begun that is sent: Dagster ends a look after a minute, and its cursor is lost."""
FIRST_LOOK_BACK = timedelta(days=1)
"""What ended before the first look and is older than this is told to nobody."""

RUNBOOKS: Mapping[str, str] = {
    "age": "backups",
    "completeness": "backups",
    "monthly_costs": "costs",
    "restorable": "backups",
    "signature": "backups",
}
"""By check, where its runbook in docs/runbooks is not named after it."""

AUDIT = AssetSpec(
    "notifications",
    description="What was sent about an environment: when, where to, and what the other side answered.",
    group_name="reports",
    owners=list(OWNERS),
    partitions_def=ENVIRONMENTS,
)


class Cursor(BaseModel):
    """What one look leaves for the next."""

    model_config = ConfigDict(extra="forbid")

    seen: dict[str, str] = Field(default_factory=dict)
    """Dagster's own cursor by the kind of end: how far runs were looked at."""
    memory: Memory = Field(default_factory=Memory)


@sensor(
    name="notifications",
    minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
    default_status=DefaultSensorStatus.RUNNING,
    description="Sends failed runs and findings to the channels of each environment's file. Starts no run.",
    # A sensor has to have a target; this one requests no run of it.
    job_name="preview_environment",
)
def notifications(context: SensorEvaluationContext) -> SensorResult:
    is_over = _after(LONGEST_LOOK)
    cursor = read_cursor(context.cursor, context.log.error)
    environments = dict(_environments(context.log.warning))
    now = datetime.now(UTC)
    memory = cursor.memory
    for record in _ended(context.instance, cursor, now):
        memory = _remember(context.instance, record, environments, memory)
    events: list[AssetMaterialization] = []
    for environment in environments.values():
        send = _sender(environment)
        memory, sent = deliver(memory, environment.name, environment.notifications, send, now, is_over)
        events += [_audited(each) for each in sent]
    memory = memory.only_of(environment_names())
    for each in memory.waiting:
        if each.attempts:
            context.log.warning(
                f"not sent yet: {each.message.title} on {each.channel}, attempt {each.attempts}: {each.why}"
            )
    cursor.memory = memory
    reason = f"{len(events)} sent, {len(memory.waiting)} waiting"
    return SensorResult(cursor=cursor.model_dump_json(), asset_events=events, skip_reason=reason)


def _after(duration: timedelta) -> Callable[[], bool]:
    """Whether that has gone by since now."""
    end = time.monotonic() + duration.total_seconds()
    return lambda: time.monotonic() >= end


def read_cursor(text: str | None, complain: Callable[[str], object]) -> Cursor:
    """What the last look left; a new one when there was none, or when it cannot be read."""
    if not text:
        return Cursor()
    try:
        return Cursor.model_validate_json(text)
    except ValidationError as unreadable:
        complain(f"the sensor's cursor cannot be read, so what was told is told again: {unreadable}")
        return Cursor()


def _environments(complain: Callable[[str], object]) -> Iterator[tuple[str, Environment]]:
    for name in environment_names():
        try:
            yield name, load_environment(name)
        except IlsError as error:
            complain(f"nobody is told about {name}: {error}")


def _ended(instance: DagsterInstance, cursor: Cursor, now: datetime) -> Sequence[EventLogRecord]:
    """Runs that ended since the last look, in the order in which they did: whether something is over depends on it."""
    found = {kind: _ended_so(instance, kind, cursor, now, MOST_RUNS) for kind in _ENDS}
    # Where there are more of one kind, those of the other that ended after these wait for the next look.
    until = min((_end(each.records[-1]) for each in found.values() if each.has_more), default=None)
    ended: list[EventLogRecord] = []
    for kind, each in found.items():
        count = len([one for one in each.records if until is None or _end(one) <= until])
        if count:
            read = each if count == len(each.records) else _ended_so(instance, kind, cursor, now, count)
            cursor.seen[kind.value] = read.cursor
            ended += read.records
    return sorted(ended, key=_end)


def _ended_so(instance: DagsterInstance, kind: Any, cursor: Cursor, now: datetime, most: int) -> EventRecordsResult:
    seen = cursor.seen.get(kind.value)
    since = None if seen else (now - FIRST_LOOK_BACK).timestamp()
    wanted = RunStatusChangeRecordsFilter(kind, after_timestamp=since)
    return instance.fetch_run_status_changes(wanted, limit=most, cursor=seen, ascending=True)


def _end(record: EventLogRecord) -> tuple[float, int]:
    return record.timestamp, record.storage_id


def _remember(
    instance: DagsterInstance, record: EventLogRecord, environments: Mapping[str, Environment], memory: Memory
) -> Memory:
    """The memory with what the run found, and with what is to be sent of it."""
    run = instance.get_run_by_id(record.run_id)
    environment = environments.get(_environment_of(run)) if run else None
    if run is None or environment is None:
        return memory  # of no environment, or of one that is gone
    at = datetime.fromtimestamp(record.timestamp, UTC)
    settings = environment.notifications
    for source, findings in _found(instance, environment.name, run.run_id, run.job_name):
        memory, messages = of_findings(memory, settings, source, findings, run_id=run.run_id, at=at)
        memory = queue(memory, settings, messages)
    return memory


def _environment_of(run: DagsterRun) -> str:
    """What comes by environment and by day has a tag for each."""
    return run.tags.get(f"{PARTITION_TAG}/environment") or run.tags.get(PARTITION_TAG, "")


def _found(
    instance: DagsterInstance, environment: str, run_id: str, job: str
) -> Iterator[tuple[Source, tuple[Finding, ...]]]:
    """What each check of a run found, and what made the run itself fail: nothing, when it succeeded."""
    evaluations = instance.get_records_for_run(run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION).records
    for record in evaluations:
        event = record.event_log_entry.dagster_event
        evaluation: Any = event.event_specific_data if event else None
        check, asset = evaluation.check_name, evaluation.asset_key.to_user_string()
        source = Source(environment, f"{check} of {asset}", runbook_name(check))
        yield source, _findings(evaluation)
    yield Source(environment, f"job {job}", "failed-run"), tuple(_failures(instance, run_id, job))


def runbook_name(check: str) -> str:
    """Of the file in docs/runbooks, without its ending."""
    return RUNBOOKS.get(check, check).replace("_", "-")


def _findings(evaluation: Any) -> tuple[Finding, ...]:
    listed = evaluation.metadata.get(FINDINGS)
    if listed is not None:
        return tuple(_finding(entry) for entry in listed.value)
    if evaluation.passed:
        return ()
    urgency = Urgency.CRITICAL if evaluation.severity is AssetCheckSeverity.ERROR else Urgency.WARNING
    remedy = "The check's metadata in the Dagster UI say more."
    return (
        Finding(evaluation.check_name, urgency, "a check that passes", evaluation.description or "it failed", remedy),
    )


def _finding(entry: Mapping[str, Any]) -> Finding:
    due = datetime.fromisoformat(entry["due"]) if entry["due"] else None
    return Finding(entry["subject"], Urgency(entry["urgency"]), entry["expected"], entry["found"], entry["remedy"], due)


def _failures(instance: DagsterInstance, run_id: str, job: str) -> Iterator[Finding]:
    remedy = "Read the run's log in the Dagster UI. What changes nothing may simply be started again."
    failed = False
    for record in instance.get_records_for_run(run_id, of_type=DagsterEventType.STEP_FAILURE).records:
        event = record.event_log_entry.dagster_event
        if event is not None:
            failed = True
            data = event.step_failure_data
            said = data.user_failure_data.description if data.user_failure_data else None
            found = said or (data.error.message.strip() if data.error else "it failed")
            yield Finding(f"step {event.step_key}", Urgency.CRITICAL, "a step that succeeds", found, remedy)
    for record in instance.get_records_for_run(run_id, of_type=DagsterEventType.RUN_FAILURE).records:
        event = record.event_log_entry.dagster_event
        if event is not None and not failed:
            yield Finding(
                f"a run of {job}", Urgency.CRITICAL, "a run that succeeds", event.message or "it failed", remedy
            )


def _sender(environment: Environment) -> Send:
    """Opens the target when there is something to send, not at every look."""
    opened: list[Target] = []

    def send_on(channel: Channel, message: Message) -> str:
        from ils_pipelines.operations.notifications.channels import NotSent, send
        from ils_pipelines.operations.notifications.patience import LONGEST, within
        from ils_pipelines.targets import open_target

        try:
            if not opened:
                opened.append(open_target(environment, JobFamily.NOTIFICATIONS))
        except IlsError as error:
            raise NotSent(str(error)) from error
        return within(LONGEST, lambda: send(opened[0], channel, message))

    return send_on


def _audited(sent: Sent) -> AssetMaterialization:
    message = sent.message
    return AssetMaterialization(
        AUDIT.key,
        partition=message.environment,
        description=f"{message.title} on {sent.channel}",
        metadata={
            "channel": MetadataValue.text(f"{sent.channel} ({sent.kind})"),
            "urgency": MetadataValue.text(message.urgency.value),
            "message": MetadataValue.json(message.model_dump(mode="json")),
            "attempts": MetadataValue.int(sent.attempts),
            "answer": MetadataValue.text(sent.answer),
            "sent_at": MetadataValue.text(f"{sent.at:%Y-%m-%dT%H:%M:%SZ}"),
        },
    )
