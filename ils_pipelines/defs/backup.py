"""Backup sets: an asset with a partition for each environment and day, its checks, and the schedules that take and judge it.

What fails of a set is in its manifest; here it fails the run, after everything else of the set was recorded.
"""

import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckKey,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetSelection,
    AssetSpec,
    Config,
    DailyPartitionsDefinition,
    Failure,
    MaterializeResult,
    MetadataValue,
    MultiPartitionKey,
    MultiPartitionsDefinition,
    PreviewWarning,
    RunRequest,
    define_asset_job,
    multi_asset,
    multi_asset_check,
)
from pydantic import Field

from ils_pipelines.defs.beside import not_beside_what_disturbs
from ils_pipelines.defs.cluster_jobs import run_cluster_job
from ils_pipelines.defs.environments import ENVIRONMENTS
from ils_pipelines.defs.executor import step_cancel_event
from ils_pipelines.defs.layers import OWNERS, asset_key
from ils_pipelines.defs.resources import EnvironmentTargets
from ils_pipelines.defs.schedules import environment_schedules
from ils_pipelines.errors import IlsError
from ils_pipelines.operations.backup.set_id import NIGHTLY, SetId
from ils_pipelines.provisioning.progress import PieceTold, publish
from ils_pipelines.settings.account import JobFamily
from ils_pipelines.settings.layers import Layer

if TYPE_CHECKING:
    from ils_pipelines.operations.backup.standing import Standing

BACKUP_SET, REPORT = "backup_set", "backup_report"
TAKE = "take"
"""The step that takes the set."""
TAKE_SET, JUDGE = "take_backup_set", "judge_backups"
FIRST_DAY = "2026-01-01"
DAYS = DailyPartitionsDefinition(start_date=FIRST_DAY, timezone="UTC", end_offset=1)
"""Up to the day that is under way: its set is taken in its early morning."""
SETS = MultiPartitionsDefinition({"day": DAYS, "environment": ENVIRONMENTS})
_KEY = AssetKey(BACKUP_SET)
_LAYERS = tuple(layer for layer in Layer if layer is not Layer.MONITORING)
_QUESTIONS = {
    "age": "The newest complete set of the environment is young enough.",
    "completeness": "The set of the day has every piece.",
    "signature": "The manifest is signed, and every piece was found as it was made.",
    "restorable": "A drill restored a set lately, and what it restored was right.",
}


class WhichSet(Config):
    """Which set of the day."""

    set: str = Field(default="", description="Its name, e.g. 2026-11-25T043000Z; the nightly one by default.")


def partition_of(set_id: SetId) -> str:
    return str(MultiPartitionKey({"day": f"{set_id.moment:%Y-%m-%d}", "environment": set_id.environment}))


def _set_of(partition: str, name: str = "") -> SetId:
    """The set of a partition. A `Failure` when it is of another day."""
    day, environment = partition.split("|")
    try:
        set_id = SetId.parse(environment, name) if name else SetId.nightly(environment, date.fromisoformat(day))
    except IlsError as refused:
        raise Failure(description=str(refused), allow_retries=False) from refused
    if f"{set_id.moment:%Y-%m-%d}" != day:
        raise Failure(
            description=f"expected a set of {day}, found {set_id.name}. Choose the partition of its day.",
            allow_retries=False,
        )
    return set_id


@multi_asset(
    name=TAKE,
    specs=[
        AssetSpec(
            BACKUP_SET,
            deps=[asset_key(layer) for layer in _LAYERS],
            description="Everything that one night's backup of one environment produced, listed in a signed manifest: Aurora "
            "snapshot and its copy in the other region, logical dump, tables, cache, Kubernetes objects, stack states.",
            group_name="backups",
            kinds={"aws", "postgresql", "s3"},
            owners=list(OWNERS),
            partitions_def=SETS,
        )
    ],
)
def backup_set(
    context: AssetExecutionContext, config: WhichSet, targets: EnvironmentTargets
) -> Iterator[MaterializeResult]:  # type: ignore[type-arg]
    """Take the set, or what is missing of it, and look at every piece once more when S3 has copied it. After a sound one,
    older sets that the environment's file does not ask to keep are deleted."""
    from ils_pipelines.operations.backup.copies import await_copies
    from ils_pipelines.operations.backup.markdown import pieces_table, pruned_table, verification_table
    from ils_pipelines.operations.backup.prune import prune
    from ils_pipelines.operations.backup.run import PieceEvent, Progress, take_set
    from ils_pipelines.operations.backup.verify import verify_set

    set_id, run_id = _set_of(context.partition_key, config.set), context.run.run_id

    def told(progress: Progress) -> None:
        context.log.info(f"{progress.piece} {progress.event} {progress.text}".rstrip())
        publish(run_id, PieceTold(progress.piece, progress.event.value, progress.text))

    def copying(line: str) -> None:
        told(Progress("copies", PieceEvent.SAYS, line))

    not_beside_what_disturbs(context, set_id.environment)
    try:
        target = targets.open(set_id.environment, JobFamily.BACKUP)
        manifest = take_set(target, set_id, run_cluster_job, on_progress=told, cancel=step_cancel_event())
        await_copies(target, manifest, say=copying, cancel=step_cancel_event())
        verification = verify_set(target, set_id)
        pruned = prune(target, dry_run=False) if verification.sound else ()
    except IlsError as error:
        raise Failure(description=str(error), allow_retries=False) from error
    yield MaterializeResult(
        asset_key=BACKUP_SET,
        metadata={
            "set": set_id.name,
            "status": manifest.status.value,
            "pieces": MetadataValue.md(pieces_table(manifest)),
            "verification": MetadataValue.md(verification_table(verification)),
            "retention": MetadataValue.md(pruned_table(pruned)),
            "failed_pieces": MetadataValue.int(len(manifest.failures)),
            "bytes": MetadataValue.int(sum(piece.size for piece in manifest.pieces)),
            "seconds": MetadataValue.float(round((manifest.finished - manifest.started).total_seconds(), 3)),
            "manifest_sha256": manifest.digest,
        },
    )
    if not verification.sound:
        wrong = "; ".join(f"{each.piece} is {each.verdict}: {', '.join(each.problems)}" for each in verification.wrong)
        raise Failure(
            description=f"the set {set_id} is {manifest.status} and not sound: {wrong}. What is done is kept; "
            "run it again for the rest.",
            allow_retries=False,
        )


def _check_spec(name: str, description: str) -> AssetCheckSpec:
    with warnings.catch_warnings():
        # Dagster calls partitions of checks a preview; its exact pin in pyproject.toml keeps them as they are.
        warnings.simplefilter("ignore", PreviewWarning)
        return AssetCheckSpec(name, asset=_KEY, description=description, partitions_def=SETS)


@multi_asset_check(
    name="check_backups", specs=[_check_spec(name, text) for name, text in _QUESTIONS.items()], can_subset=True
)
def backup_checks(context: AssetCheckExecutionContext, targets: EnvironmentTargets) -> Iterator[AssetCheckResult]:
    """Of the newest set of the partition's day; age and restorability are of all sets of the environment."""
    from ils_pipelines.operations.backup.overview import overview
    from ils_pipelines.operations.backup.standing import age, completeness, restorable, signature

    nightly, now = _set_of(context.partition_key), datetime.now(UTC)
    try:
        target = targets.open(nightly.environment, JobFamily.BACKUP)
        sets = overview(target)
    except IlsError as error:
        raise Failure(description=str(error), allow_retries=False) from error
    of_day = next((each for each in sets if each.id.moment.date() == nightly.moment.date()), None)
    settings, set_id = target.environment.backup, of_day.id if of_day else nightly
    standings = {
        "age": lambda: age(sets, settings, now),
        "completeness": lambda: completeness(of_day, set_id),
        "signature": lambda: signature(of_day, set_id),
        "restorable": lambda: restorable(sets, settings, now),
    }
    for key in sorted(context.selected_asset_check_keys, key=lambda each: each.name):
        yield _result(key, standings[key.name]())


@multi_asset(
    name="write_backup_report",
    specs=[
        AssetSpec(
            REPORT,
            deps=[_KEY],
            description="The backup sets that there are of an environment, which were found sound, which a drill restored.",
            group_name="reports",
            kinds={"aws", "markdown"},
            owners=list(OWNERS),
            partitions_def=SETS,
        )
    ],
)
def backup_report(context: AssetExecutionContext, targets: EnvironmentTargets) -> MaterializeResult:  # type: ignore[type-arg]
    from ils_pipelines.operations.backup.markdown import sets_table
    from ils_pipelines.operations.backup.overview import overview

    try:
        sets = overview(targets.open(_set_of(context.partition_key).environment, JobFamily.BACKUP))
    except IlsError as error:
        raise Failure(description=str(error), allow_retries=False) from error
    metadata = {"sets": MetadataValue.md(sets_table(sets)), "bytes": MetadataValue.int(sum(each.size for each in sets))}
    return MaterializeResult(asset_key=REPORT, metadata=metadata)


def _result(key: AssetCheckKey, standing: "Standing") -> AssetCheckResult:
    """Only what is known to be good passes; what is unknown is a warning."""
    from ils_pipelines.operations.backup.standing import Answer

    age_of = (
        {"age_hours": MetadataValue.float(round(standing.since.total_seconds() / 3600, 2))} if standing.since else {}
    )
    return AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=standing.good,
        severity=AssetCheckSeverity.ERROR if standing.answer is Answer.BAD else AssetCheckSeverity.WARN,
        description=standing.reason,
        metadata={"answer": standing.answer.value, **age_of},
    )


def _tags(action: str, longest: timedelta) -> dict[str, str]:
    return {"ils/action": action, "dagster/max_runtime": str(int(longest.total_seconds()))}


take_backup_set = define_asset_job(
    TAKE_SET,
    selection=AssetSelection.assets(BACKUP_SET),
    description="Take the backup set of an environment and a day, or what is missing of it, and verify it.",
    tags=_tags("backup", timedelta(hours=12)),
)
judge_backups = define_asset_job(
    JUDGE,
    selection=AssetSelection.assets(REPORT) | AssetSelection.checks(backup_checks),
    description="Judge the backups of an environment: age, completeness, signature, restorability. Changes nothing.",
    tags=_tags("judge-backups", timedelta(minutes=30)),
)

BACKUP_ASSETS, BACKUP_JOBS = (backup_set, backup_report), (take_backup_set, judge_backups)


def _of_day(environment: str, tick: datetime) -> RunRequest:
    day = f"{tick.astimezone(UTC):%Y-%m-%d}"
    return RunRequest(partition_key=str(MultiPartitionKey({"day": day, "environment": environment})))


def _set_of_tick(environment: str, tick: datetime) -> RunRequest:
    """The set is named after the tick, however late it is taken: a tick that comes twice finds it complete."""
    config = {"ops": {TAKE: {"config": {"set": SetId(environment, tick).name}}}}
    return _of_day(environment, tick).with_replaced_attrs(run_config=config)


BACKUP_SCHEDULES = (
    *environment_schedules(
        take_backup_set,
        lambda _position: f"{NIGHTLY.minute} {NIGHTLY.hour} * * *",
        "takes its backup set every night, after the window of the automated ones.",
        _set_of_tick,
        setting="backup",
    ),
    *environment_schedules(
        judge_backups,
        lambda position: f"{position * 10 % 60} 8,20 * * *",
        "judges its backups every morning and evening, whether or not the night's run started.",
        _of_day,
        setting="backup_checks",
    ),
)
