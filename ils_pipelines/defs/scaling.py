"""The job that changes how many pods and nodes there are, and the schedules of office hours that use it.

What it sets holds until the next change of the environment, which brings back what the file says.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial

from dagster import (
    AssetObservation,
    Config,
    DefaultScheduleStatus,
    Failure,
    OpExecutionContext,
    RunConfig,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SkipReason,
    graph,
    op,
)
from pydantic import Field

from ils_pipelines.defs.environments import ENVIRONMENTS
from ils_pipelines.defs.executor import step_cancel_event
from ils_pipelines.defs.layers import asset_key
from ils_pipelines.defs.metadata import report_metadata
from ils_pipelines.defs.resources import EnvironmentTargets
from ils_pipelines.defs.schedules import as_loaded
from ils_pipelines.defs.steps import told
from ils_pipelines.engine.protocol import OnEvent
from ils_pipelines.errors import IlsError
from ils_pipelines.provisioning.progress import Action, LayerReport
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import lasting_names

SCALE = "scale_environment"


class HowMany(Config):
    """What there is to be; what is left out stays as it is."""

    replicas: int | None = Field(default=None, description="Pods, where no autoscaler says so; 0 for none.")
    min: int | None = Field(default=None, description="Fewest pods of the autoscaler.")
    max: int | None = Field(default=None, description="Most pods of the autoscaler.")
    nodes: list[str] = Field(default=[], description="Of node groups: GROUP=FEWEST:MOST or GROUP=FEWEST:MOST:NOW.")
    restore: bool = Field(default=False, description="All as the environment's file says, whatever else is given.")
    outside_office_hours: bool = Field(
        default=False, description="No pods, and the nodes that the file leaves outside of office hours."
    )


@op(name="scale", description="Checks that it does no harm, then scales pods and nodes in the order that is safe.")
def _scale(context: OpExecutionContext, config: HowMany, targets: EnvironmentTargets) -> None:
    from ils_pipelines.operations.scaling.models import Scaling, as_in_file, outside_office_hours, parse_nodes
    from ils_pipelines.operations.scaling.scale import Scaler

    def wanted(environment: Environment) -> Scaling:
        if config.restore:
            return as_in_file(environment)
        if config.outside_office_hours:
            return outside_office_hours(environment)
        return Scaling(config.replicas, config.min, config.max, parse_nodes(config.nodes))

    def scaler(on_event: OnEvent) -> Scaler:
        target = targets.open(context.partition_key)
        return Scaler.of(target, wanted(target.environment), on_event=on_event, cancel=step_cancel_event())

    def nodes(on_event: OnEvent) -> LayerReport:
        return scaler(on_event).nodes()

    def pods(on_event: OnEvent) -> LayerReport:
        return scaler(on_event).pods()

    try:
        checked = scaler(lambda _event: None)
        checked.check()
        work = [(Layer.CLUSTER, nodes)] if checked.wanted.nodes else []
        if checked.wanted.pods:
            work.insert(0 if checked.shrinks_pods else len(work), (Layer.APP_RELEASE, pods))
    except IlsError as refused:
        raise Failure(description=str(refused), allow_retries=False) from refused
    for layer, do in work:
        report = told(context, layer, Action.SCALE, do)
        context.log_event(
            AssetObservation(
                asset_key=asset_key(layer),
                partition=context.partition_key,
                description="Scaled",
                metadata=report_metadata(report),
            )
        )


@graph(name=SCALE, description="Change how many pods and nodes there are, until the environment is changed next.")
def _scaling() -> None:
    _scale()


scale_environment = _scaling.to_job(
    name=SCALE,
    partitions_def=ENVIRONMENTS,
    tags={"ils/action": str(Action.SCALE), "dagster/max_runtime": str(3600)},
)


def _schedules() -> Iterator[ScheduleDefinition]:
    """Two for each lasting environment: turned on by its file, or by hand.

    Of ticks that were missed, Dagster carries out the last of each schedule, in whatever order: of the two, only the later
    says how things are to be now.
    """
    for name in lasting_names():
        environment = as_loaded(name)
        if environment is None:
            continue
        hours = environment.app.office_hours
        status = DefaultScheduleStatus.RUNNING if hours.enabled else DefaultScheduleStatus.STOPPED
        for what, clock, other, config in (
            ("start", hours.start, hours.end, HowMany(restore=True)),
            ("end", hours.end, hours.start, HowMany(outside_office_hours=True)),
        ):
            hour, minute = (int(part) for part in clock.split(":"))
            yield ScheduleDefinition(
                name=f"office_hours_{what}_{name}".replace("-", "_"),
                job=scale_environment,
                cron_schedule=f"{minute} {hour} * * 1-5",
                execution_timezone=hours.time_zone,
                description=f"{name}: "
                + ("all as its file says" if config.restore else "no pods, and few nodes or none"),
                execution_fn=_request(name, config, partial(hours.latest, other)),
                default_status=status,
            )


def _request(
    name: str, config: HowMany, other: Callable[[datetime], datetime]
) -> Callable[[ScheduleEvaluationContext], RunRequest | SkipReason]:
    """`other` says when the other schedule came last, given what time it is."""

    def tick(context: ScheduleEvaluationContext) -> RunRequest | SkipReason:
        moment, since = context.scheduled_execution_time, other(datetime.now(UTC))
        if since > moment:
            return SkipReason(
                f"the tick of {moment:%Y-%m-%d %H:%M %Z} comes too late: since {since:%Y-%m-%d %H:%M %Z}, {name} is to be "
                "otherwise again"
            )
        return RunRequest(partition_key=name, run_config=RunConfig(ops={"scale": config}))

    return tick


office_hours_schedules = tuple(_schedules())
