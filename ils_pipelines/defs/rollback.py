"""The job with which somebody goes back to an earlier release. A failed release goes back by itself, without it.

It needs no approval: what it restores was approved when it was released, and whoever is on call must not have to wait.
"""

from dagster import AssetMaterialization, Config, MetadataValue, OpExecutionContext, graph, op
from pydantic import Field

from ils_pipelines.defs.environments import ENVIRONMENTS
from ils_pipelines.defs.executor import step_cancel_event
from ils_pipelines.defs.layers import asset_key
from ils_pipelines.defs.metadata import report_metadata
from ils_pipelines.defs.resources import EnvironmentTargets
from ils_pipelines.defs.steps import told
from ils_pipelines.engine.protocol import OnEvent
from ils_pipelines.provisioning.progress import Action, LayerReport
from ils_pipelines.settings.layers import Layer

ROLL_BACK = "roll_back_release"


class WhereTo(Config):
    """Which release is released again, and why."""

    to: int = Field(default=0, description="Number of the release, as `ils releases` lists them; 0 is the one before.")
    reason: str = Field(default="", description="Why, in one line; it is kept in the history.")


@op(name="roll_back", description="Releases the code and the configuration of an earlier release again.")
def _roll_back(context: OpExecutionContext, config: WhereTo, targets: EnvironmentTargets) -> None:
    def work(on_event: OnEvent) -> LayerReport:
        from ils_pipelines.provisioning.rollback import roll_back

        target = targets.open(context.partition_key)
        return roll_back(target, config.to or None, reason=config.reason, on_event=on_event, cancel=step_cancel_event())

    report = told(context, Layer.APP_RELEASE, Action.ROLLBACK, work)
    context.log_event(
        AssetMaterialization(
            asset_key=asset_key(Layer.APP_RELEASE),
            partition=context.partition_key,
            description="Rolled back",
            metadata={**report_metadata(report), "reason": MetadataValue.text(config.reason or "none given")},
        )
    )


@graph(name=ROLL_BACK, description="Release an earlier release of the application again: the one before, or by number.")
def _rollback() -> None:
    _roll_back()


roll_back_release = _rollback.to_job(
    name=ROLL_BACK,
    partitions_def=ENVIRONMENTS,
    tags={"ils/action": str(Action.ROLLBACK), "dagster/max_runtime": str(3600)},
)
