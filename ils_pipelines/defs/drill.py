"""DR drills: an asset whose materialization is the evidence of one, schedules of their own, and a sweep of what was left.

A drill restores beside what is live and writes to nothing that is, so that it may be run by itself.
"""

import warnings
from collections.abc import Iterator
from datetime import timedelta

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetSelection,
    Config,
    Failure,
    MaterializeResult,
    MetadataValue,
    OpExecutionContext,
    PreviewWarning,
    ScheduleDefinition,
    asset,
    define_asset_job,
    graph,
    op,
)
from pydantic import Field

from ils_pipelines.defs.backup import BACKUP_SET
from ils_pipelines.defs.environments import ENVIRONMENTS
from ils_pipelines.defs.layers import OWNERS, asset_key
from ils_pipelines.defs.resources import EnvironmentTargets
from ils_pipelines.defs.schedules import as_loaded, environment_schedule
from ils_pipelines.errors import IlsError
from ils_pipelines.operations.drill.models import Evidence, Measure, Verdict
from ils_pipelines.operations.drill.scenario import Scenario, scenario_of
from ils_pipelines.settings.account import JobFamily
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import lasting_names
from ils_pipelines.settings.schedules import NEVER
from ils_pipelines.settings.tiers import Tier

DRILL = "dr_drill"
SWEEP = "sweep_drills"
PASSED, TIMES = "drill_passed", "drill_times"
LONGEST = timedelta(hours=6)
_USUAL = {Tier.STAGING: "0 7 * * 0", Tier.PRODUCTION: "0 7 1 * *"}
"""After the night's backup sets, in UTC; of a tier that has none, a person rehearses."""
_NEEDS = (Layer.DATABASE, Layer.CACHE, Layer.TABLES, Layer.BACKUP_VAULT, Layer.APP_RELEASE)


class DrillConfig(Config):
    """What is rehearsed, and with which backup set."""

    scenario: str = Field(default=Scenario.FULL.value, description=", ".join(each.value for each in Scenario))
    set: str = Field(default="", description="Name of the backup set; the newest by default.")
    random: bool = Field(default=False, description="Any of the finished sets, instead of the newest.")


def _check_spec(name: str, description: str) -> AssetCheckSpec:
    with warnings.catch_warnings():
        # As in `ils_pipelines.defs.checks`.
        warnings.simplefilter("ignore", PreviewWarning)
        return AssetCheckSpec(name, asset=DRILL, description=description, partitions_def=ENVIRONMENTS)


@asset(
    name=DRILL,
    deps=[BACKUP_SET, *(asset_key(layer) for layer in _NEEDS)],
    partitions_def=ENVIRONMENTS,
    description="A backup set restored beside the environment, verified, timed and taken away again, with the evidence.",
    kinds={"aws", "postgresql", "kubernetes"},
    group_name="recovery",
    owners=list(OWNERS),
    check_specs=[
        _check_spec(
            PASSED, "What was restored is what was backed up, nothing is left of the drill, nothing live changed."
        ),
        _check_spec(TIMES, "RTO and RPO of the drill are within the targets of the environment's file."),
    ],
)
def dr_drill(context: AssetExecutionContext, config: DrillConfig, targets: EnvironmentTargets) -> MaterializeResult:  # type: ignore[type-arg]
    from ils_pipelines.operations.drill.choose import Wanted
    from ils_pipelines.operations.drill.conduct import conduct
    from ils_pipelines.operations.drill.run import Asked

    try:
        asked = Asked(scenario_of(config.scenario), Wanted(config.set, config.random))
        done = conduct(
            targets.open(context.partition_key, JobFamily.DRILL),
            asked,
            on_step=lambda name, what: context.log.info(f"{name}: {what}"),
        )
    except IlsError as refused:
        raise Failure(description=str(refused), allow_retries=False) from refused
    from ils_pipelines.reporting.drill import markdown_image, summary_markdown, timeline_png, trend_png

    evidence = done.evidence
    return MaterializeResult(
        metadata={
            "drill": MetadataValue.text(evidence.drill),
            "scenario": MetadataValue.text(evidence.scenario.value),
            "backup_set": MetadataValue.text(evidence.set or "none"),
            "manifest_sha256": MetadataValue.text(evidence.manifest_sha256 or "not verified"),
            "evidence": MetadataValue.text(done.place),
            "summary": MetadataValue.md(summary_markdown(evidence)),
            "timeline": MetadataValue.md(markdown_image(timeline_png(evidence), "timeline")),
            "trend": MetadataValue.md(markdown_image(trend_png(done.history), "trend of RTO and RPO")),
            **_seconds("rto", evidence.rto),
            **_seconds("rpo", evidence.rpo),
        },
        check_results=[_passed(evidence), _times(evidence)],
    )


def _seconds(name: str, measure: Measure) -> dict[str, MetadataValue]:
    """As numbers, which Dagster plots over the materializations."""
    target: dict[str, MetadataValue] = {f"{name}_target_seconds": MetadataValue.float(measure.target_seconds)}
    return target if measure.seconds is None else {**target, f"{name}_seconds": MetadataValue.float(measure.seconds)}


def _passed(evidence: Evidence) -> AssetCheckResult:
    return AssetCheckResult(
        check_name=PASSED,
        passed=evidence.passed,
        severity=AssetCheckSeverity.ERROR,
        description=evidence.causes[0] if evidence.causes else f"{len(evidence.checks)} checks passed",
        metadata={
            "causes": MetadataValue.md("\n".join(f"* {cause}" for cause in evidence.causes) or "none"),
            "checks": MetadataValue.int(len(evidence.checks)),
            "leftovers": MetadataValue.int(len(evidence.leftovers)),
        },
    )


def _times(evidence: Evidence) -> AssetCheckResult:
    verdicts = {"RTO": evidence.rto.verdict, "RPO": evidence.rpo.verdict}
    return AssetCheckResult(
        check_name=TIMES,
        passed=Verdict.BREACHED not in verdicts.values() and evidence.rto.verdict is Verdict.MET,
        severity=AssetCheckSeverity.WARN,
        description=", ".join(f"{name} {verdict.value}" for name, verdict in verdicts.items()),
    )


drill_job = define_asset_job(
    f"{DRILL}_job",
    selection=AssetSelection.assets(DRILL),
    description="Rehearse a loss: restore a backup set beside the environment and verify it. Changes nothing that is live.",
    tags={"ils/action": "drill", "dagster/max_runtime": str(int(LONGEST.total_seconds()))},
)


def _schedules() -> Iterator[ScheduleDefinition]:
    """One for each lasting environment that rehearses by itself."""
    for name in lasting_names():
        environment = as_loaded(name)
        if environment is None:
            continue
        usual, asked = _USUAL.get(environment.tier), environment.schedules.drill
        if asked == NEVER or (asked or usual) is None:
            continue
        description = "restores its newest backup set beside it, verifies it, and takes it away again."
        yield environment_schedule(drill_job, name, asked or usual or "", description, setting="drill", name=DRILL)


drill_schedules = tuple(_schedules())


@op(name="sweep", description="Takes away what drills left that nobody is at work with any more.")
def _sweep(context: OpExecutionContext, targets: EnvironmentTargets) -> None:
    from ils_pipelines.operations.drill.leftovers import left_by_drills
    from ils_pipelines.operations.restore.sweep import sweep
    from ils_pipelines.provisioning.layers import layer_work

    target = targets.open(context.partition_key, JobFamily.DRILL)
    try:
        if layer_work(target, Layer.VPC).outputs() is None:
            return  # where there is nothing, nothing was rehearsed
        found = left_by_drills(target)
        swept = sweep(target, found.made, on_removed=lambda made: context.log.info(f"took away {made}"))
    except IlsError as error:
        raise Failure(description=str(error)) from error
    left = (*(f"{made} could not be taken away: {why}" for made, why in swept.failures), *found.unseen)
    if left:
        raise Failure(description="; ".join(left))


@graph(name=SWEEP, description="Take away what drills left behind when they were killed.")
def _sweeping() -> None:
    _sweep()


sweep_drills = _sweeping.to_job(
    name=SWEEP, partitions_def=ENVIRONMENTS, tags={"ils/action": "sweep", "dagster/max_runtime": str(2 * 3600)}
)


def _sweep_schedules() -> Iterator[ScheduleDefinition]:
    """One for each lasting environment: drills may be started by hand in any.

    In runs, not in a sensor: looking takes long, and needs the state and the role of drills, which are the runs' alone.
    """
    for position, name in enumerate(lasting_names()):
        if as_loaded(name) is not None:
            description = "takes away what killed drills left, found by name, tag and age."
            yield environment_schedule(sweep_drills, name, f"{(25 + position * 10) % 60} 2-23/3 * * *", description)


sweep_schedules = tuple(_sweep_schedules())
