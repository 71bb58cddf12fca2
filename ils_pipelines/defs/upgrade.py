"""The jobs that bring a cluster to the Kubernetes version that its file says, its nodes to the newest image, and the
database to the newest minor version.

The last two run by themselves, too, in the maintenance window of what is not production: they do nothing where nothing is
old, and no more than disruption budgets allow. Another version of Kubernetes is a decision.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta

from dagster import AssetObservation, Config, Failure, JobDefinition, OpExecutionContext, ScheduleDefinition, graph, op
from pydantic import Field

from ils_pipelines.defs.beside import not_beside_a_set
from ils_pipelines.defs.environments import ENVIRONMENTS
from ils_pipelines.defs.executor import step_cancel_event
from ils_pipelines.defs.layers import asset_key
from ils_pipelines.defs.metadata import report_metadata
from ils_pipelines.defs.resources import EnvironmentTargets
from ils_pipelines.defs.schedules import as_loaded, environment_schedule
from ils_pipelines.defs.steps import told
from ils_pipelines.engine.protocol import OnEvent
from ils_pipelines.errors import IlsError
from ils_pipelines.provisioning.progress import Action, LayerReport
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import lasting_names
from ils_pipelines.settings.schedules import NEVER
from ils_pipelines.settings.tiers import Tier
from ils_pipelines.settings.windows import opening_cron

UPGRADE = "cluster_upgrade"
REFRESH = "node_refresh"
DATABASE = "database_upgrade"
_TAGS = {"ils/action": str(Action.UPGRADE), "dagster/max_runtime": str(12 * 3600)}
"""An hour for each control plane and for each group of nodes, several times over."""


class How(Config):
    """How an upgrade is carried out."""

    confirm: str = Field(default="", description="The environment's name once more, where it asks for approval.")
    bake_minutes: float = Field(
        default=10, ge=0, description="How long a new control plane is watched before nodes follow."
    )


class DatabaseHow(Config):
    """How the database is upgraded."""

    confirm: str = Field(default="", description="The environment's name once more, where it asks for approval.")
    now: bool = Field(default=False, description="Instead of in the maintenance window: sessions are lost meanwhile.")


@op(name="upgrade", description="One minor version after the other: the control plane, the add-ons, then the nodes.")
def _upgrade(context: OpExecutionContext, config: How, targets: EnvironmentTargets) -> None:
    from ils_pipelines.operations.upgrade.run import Upgrade, check

    def work(on_event: OnEvent) -> LayerReport:
        target, bake = targets.open(context.partition_key), timedelta(minutes=config.bake_minutes)
        return Upgrade(target, on_event, step_cancel_event(), bake).go(config.confirm)

    try:
        check(targets.open(context.partition_key), config.confirm)
    except IlsError as refused:
        raise Failure(description=str(refused), allow_retries=False) from refused
    _do(context, "Upgraded", work)


@op(
    name="refresh",
    description="Replaces the nodes of groups whose image is not the newest, as disruption budgets allow.",
)
def _refresh(context: OpExecutionContext, targets: EnvironmentTargets) -> None:
    from ils_pipelines.operations.upgrade.run import Upgrade

    def work(on_event: OnEvent) -> LayerReport:
        return Upgrade(targets.open(context.partition_key), on_event, step_cancel_event()).refresh_nodes()

    _do(context, "Nodes refreshed", work)


@op(
    name="upgrade_database",
    description="Has RDS bring the database to the newest minor version, in its maintenance window or now.",
)
def _upgrade_database(context: OpExecutionContext, config: DatabaseHow, targets: EnvironmentTargets) -> None:
    from ils_pipelines.operations.upgrade.database import DatabaseUpgrade

    not_beside_a_set(context)

    def work(on_event: OnEvent) -> LayerReport:
        target = targets.open(context.partition_key)
        return DatabaseUpgrade(target, on_event, step_cancel_event(), now=config.now).go(config.confirm)

    _do(context, "Upgraded" if config.now else "Upgraded, or to be in the maintenance window", work, Layer.DATABASE)


def _do(
    context: OpExecutionContext, done: str, work: Callable[[OnEvent], LayerReport], layer: Layer = Layer.CLUSTER
) -> None:
    report = told(context, layer, Action.UPGRADE, work)
    context.log_event(
        AssetObservation(
            asset_key=asset_key(layer),
            partition=context.partition_key,
            description=done,
            metadata=report_metadata(report),
        )
    )


@graph(name=UPGRADE, description="Bring the cluster to the version that its file says, one minor at a time; resumable.")
def _upgrading() -> None:
    _upgrade()


@graph(name=REFRESH, description="Replace nodes whose image is old, one group after the other.")
def _refreshing() -> None:
    _refresh()


@graph(name=DATABASE, description="Bring the database to the newest minor version that its file allows; resumable.")
def _upgrading_database() -> None:
    _upgrade_database()


cluster_upgrade = _upgrading.to_job(name=UPGRADE, partitions_def=ENVIRONMENTS, tags=_TAGS)
node_refresh = _refreshing.to_job(name=REFRESH, partitions_def=ENVIRONMENTS, tags=_TAGS)
database_upgrade = _upgrading_database.to_job(name=DATABASE, partitions_def=ENVIRONMENTS, tags=_TAGS)

_BEFORE_WINDOW = timedelta(hours=2)
"""What RDS is to do in the window it is told before that opens, or it may wait for the next one."""


def _usual_refresh(environment: Environment) -> str:
    return NEVER if environment.tier is Tier.PRODUCTION else opening_cron(environment.database.maintenance_window)


def _usual_database(environment: Environment) -> str:
    """A person's confirmation is wanted where changes are approved: none is given by a schedule."""
    if environment.tier is Tier.PRODUCTION or environment.requires_approval:
        return NEVER
    return opening_cron(environment.database.maintenance_window, _BEFORE_WINDOW)


_MAINTENANCE: tuple[tuple[JobDefinition, Callable[[Environment], str], str], ...] = (
    (node_refresh, _usual_refresh, "replaces nodes whose image is old, as disruption budgets allow."),
    (database_upgrade, _usual_database, "has RDS bring the newest minor version in the maintenance window."),
)


def _schedules() -> Iterator[ScheduleDefinition]:
    """Of each lasting environment that is kept up to date by itself."""
    for name in lasting_names():
        environment = as_loaded(name)
        if environment is None:
            continue
        for job, usual, description in _MAINTENANCE:
            asked: str | None = getattr(environment.schedules, job.name)
            if (asked or usual(environment)) != NEVER:
                yield environment_schedule(job, name, usual(environment), description, setting=job.name)


maintenance_schedules = tuple(_schedules())
