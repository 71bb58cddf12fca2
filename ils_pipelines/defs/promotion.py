"""The job that releases into one environment exactly what runs, healthy, in another.

It writes the release into the file of the environment, as `ils promote` does. Where that asks for approval, it ends there:
the plan of what the file now says is approved and applied like any other.
"""

from dagster import AssetMaterialization, Config, Failure, MetadataValue, OpExecutionContext, graph, op
from pydantic import Field

from ils_pipelines.defs.environments import ENVIRONMENTS
from ils_pipelines.defs.layers import asset_key
from ils_pipelines.defs.metadata import report_metadata
from ils_pipelines.defs.resources import EnvironmentTargets
from ils_pipelines.defs.steps import work_on_layer
from ils_pipelines.errors import IlsError
from ils_pipelines.provisioning.progress import Action
from ils_pipelines.settings.layers import Layer

PROMOTE = "promote_release"


class WhereFrom(Config):
    """What is released."""

    source: str = Field(description="The environment in which the release runs; the run's own is the one that gets it.")


@op(name="promote", description="Writes what runs in the source into the environment's file, and releases it.")
def _promote(context: OpExecutionContext, config: WhereFrom, targets: EnvironmentTargets) -> None:
    from ils_pipelines.operations.promotion import promotable, promote

    into = context.partition_key
    try:
        release = promotable(targets.open(config.source))
        environment = promote(release, into)
    except IlsError as refused:
        raise Failure(description=str(refused), allow_retries=False) from refused
    context.log.info(f"app.image of {into} is now {release.image}, which is {release.origin}")
    if environment.requires_approval:
        context.log.warning(
            f"{into} is changed only as an approved plan: launch preview_environment, have its plan approved, then launch "
            "provision_environment"
        )
        return
    report = work_on_layer(context, targets, Layer.APP_RELEASE, Action.UP)
    context.log_event(
        AssetMaterialization(
            asset_key=asset_key(Layer.APP_RELEASE),
            partition=into,
            description=f"Promoted from {release.origin}",
            metadata={**report_metadata(report), "promoted_from": MetadataValue.text(release.origin)},
        )
    )


@graph(name=PROMOTE, description="Release into this environment exactly what runs, healthy, in another.")
def _promotion() -> None:
    _promote()


promote_release = _promotion.to_job(
    name=PROMOTE,
    partitions_def=ENVIRONMENTS,
    tags={"ils/action": "promote", "dagster/max_runtime": str(3600)},
)
