"""The jobs of an environment: provision it, say what provisioning would do, tear it down.

None of them runs by itself: applying is somebody's decision.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from dagster import (
    AssetObservation,
    AssetSelection,
    Config,
    DagsterEventType,
    DagsterInstance,
    Failure,
    In,
    JobDefinition,
    MetadataValue,
    Nothing,
    OpDefinition,
    OpExecutionContext,
    define_asset_job,
    graph,
    op,
)
from pydantic import Field

from ils_pipelines.defs.beside import not_beside_a_set
from ils_pipelines.defs.environments import ENVIRONMENTS, forget_environment
from ils_pipelines.defs.layers import asset_key
from ils_pipelines.defs.metadata import leftovers_table, report_metadata
from ils_pipelines.defs.plan_report import plan_materialization
from ils_pipelines.defs.resources import EnvironmentTargets
from ils_pipelines.defs.steps import work_on_layer
from ils_pipelines.errors import IlsError
from ils_pipelines.provisioning.leftovers import leftovers_of
from ils_pipelines.provisioning.progress import Action, LeftoversFound, publish
from ils_pipelines.provisioning.teardown import check_teardown
from ils_pipelines.settings.ephemeral_files import forget_ephemeral
from ils_pipelines.settings.layers import Layer, built_upon

PROVISION = "provision_environment"
PREVIEW = "preview_environment"
TEARDOWN = "teardown_environment"
CONFIRM = "confirm_teardown"


def _run_tags(action: Action, max_runtime_seconds: int) -> dict[str, str]:
    return {"ils/action": str(action), "dagster/max_runtime": str(max_runtime_seconds)}


# Creating an environment takes about 18 minutes on AWS and a stuck node group up to 33: after two hours something is wrong.
provision_environment = define_asset_job(
    PROVISION,
    # Checks look at the whole environment and are asked for by themselves.
    selection=AssetSelection.assets(*(asset_key(layer) for layer in Layer)).without_checks(),
    description="Bring every layer of an environment to what its file says, independent layers side by side.",
    tags=_run_tags(Action.UP, 2 * 3600),
)


def _preview_op(layer: Layer) -> OpDefinition:
    @op(
        name=f"preview_{layer}",
        description=f"What provisioning would do to the {layer} layer. Changes nothing.",
        tags={"ils/layer": str(layer)},
    )
    def preview(context: OpExecutionContext, targets: EnvironmentTargets) -> None:
        report = work_on_layer(context, targets, layer, Action.PREVIEW)
        context.log_event(
            AssetObservation(
                asset_key=asset_key(layer),
                partition=context.partition_key,
                description="Plan",
                metadata={
                    **report_metadata(report),
                    "plan": MetadataValue.json(report.plan.model_dump(mode="json")),
                },
            )
        )

    return preview


@op(
    name="summarize_plan",
    description="The digest of the whole plan, which is what is approved where a change needs approval, and its cost.",
    ins={f"plan_of_{layer}": In(Nothing) for layer in Layer},
)
def _summarize_plan(context: OpExecutionContext) -> None:
    plan = plan_materialization(context.partition_key, dict(_plans_of_run(context.instance, context.run_id)))
    context.log_event(plan)
    context.log.info(
        f"Plan {plan.metadata['plan_digest'].value} of {context.partition_key}. Where a change needs approval, the job "
        "approve_plan gives it."
    )


def _plans_of_run(instance: DagsterInstance, run_id: str) -> Iterator[tuple[Layer, Mapping[str, MetadataValue[Any]]]]:
    """What was said of each plan that a run observed, by its layer."""
    for entry in instance.all_logs(run_id, of_type=DagsterEventType.ASSET_OBSERVATION):
        observation = entry.asset_observation
        if observation is not None:
            yield Layer(observation.asset_key.path[0]), observation.metadata


@graph(
    name=PREVIEW, description="Plan every layer of an environment and keep each plan with its asset. Changes nothing."
)
def _previews() -> None:
    # Side by side: each plan is made against the outputs that the layers below it have now, and where those do not exist
    # yet, against unknown ones.
    _summarize_plan(**{f"plan_of_{layer}": _preview_op(layer)() for layer in Layer})


preview_environment = _previews.to_job(
    name=PREVIEW, partitions_def=ENVIRONMENTS, tags=_run_tags(Action.PREVIEW, 30 * 60)
)


class TeardownConfirmation(Config):
    """What somebody has to say before an environment is deleted."""

    confirm: str = Field(default="", description="The name of the environment to delete, exactly as it is.")
    only_expired: bool = Field(
        default=False, description="Refuse unless it is ephemeral and its time is over: how the sensor asks."
    )


@op(
    name=CONFIRM,
    description="Refuses unless the environment's name was given, and nothing in it is protected or in use.",
)
def _confirm_teardown(context: OpExecutionContext, config: TeardownConfirmation, targets: EnvironmentTargets) -> None:
    not_beside_a_set(context)
    try:
        target = targets.open(context.partition_key)
        check_teardown(target, confirmed=config.confirm, only_expired=config.only_expired)
    except IlsError as refused:
        raise Failure(description=str(refused), allow_retries=False) from refused
    context.log.warning(f"Deleting every layer of {context.partition_key}.")


def _destroy_op(layer: Layer, built_upon_it: tuple[Layer, ...]) -> OpDefinition:
    @op(
        name=f"destroy_{layer}",
        description=f"Delete every resource of the {layer} layer.",
        ins={name: In(Nothing) for name in (CONFIRM, *(f"without_{other}" for other in built_upon_it))},
        tags={"ils/layer": str(layer)},
    )
    def destroy(context: OpExecutionContext, targets: EnvironmentTargets) -> None:
        report = work_on_layer(context, targets, layer, Action.DESTROY)
        context.log_event(
            AssetObservation(
                asset_key=asset_key(layer),
                partition=context.partition_key,
                description="Deleted",
                metadata=report_metadata(report),
            )
        )

    return destroy


@op(
    name="conclude_teardown",
    description="Lists what is left, by tag. Forgets an ephemeral environment, with its file and its partition.",
    ins={f"without_{layer}": In(Nothing) for layer in Layer},
)
def _conclude_teardown(context: OpExecutionContext, targets: EnvironmentTargets) -> None:
    target = targets.open(context.partition_key)
    environment = target.environment
    try:
        leftovers = leftovers_of(target)
    except IlsError as unknown:
        # Everything in the engine is gone all the same: that this is not known must not undo it.
        context.log.warning(str(unknown))
        context.add_output_metadata({"leftovers": MetadataValue.text(str(unknown))})
    else:
        publish(context.run_id, LeftoversFound(leftovers))
        unexplained = [each for each in leftovers if not each.kept]
        for each in unexplained:
            context.log.warning(f"left: {each.arn} ({each.region or 'no region'})")
        context.add_output_metadata(
            {
                "leftovers": MetadataValue.md(leftovers_table(leftovers)),
                "leftovers_unexplained": MetadataValue.int(len(unexplained)),
                "leftovers_kept": MetadataValue.int(len(leftovers) - len(unexplained)),
            }
        )
    if forget_ephemeral(environment):
        forget_environment(context.instance, environment.name)
        context.log.info(
            f"{environment.name} was made for a time, which is over: its file and its partition are removed."
        )


@graph(name=TEARDOWN, description="Delete an environment, the layers built upon others first. Asks for its name.")
def _teardown() -> None:
    confirmed = _confirm_teardown()
    gone: dict[Layer, Any] = {}
    while len(gone) < len(Layer):
        for layer in Layer:
            upper = built_upon(layer)
            if layer in gone or not gone.keys() >= set(upper):
                continue
            waits: Mapping[str, Any] = {CONFIRM: confirmed} | {f"without_{other}": gone[other] for other in upper}
            gone[layer] = _destroy_op(layer, upper)(**waits)
    _conclude_teardown(**{f"without_{layer}": done for layer, done in gone.items()})


teardown_environment = _teardown.to_job(
    name=TEARDOWN, partitions_def=ENVIRONMENTS, tags=_run_tags(Action.DESTROY, 2 * 3600)
)

OP_JOBS: tuple[JobDefinition, ...] = (preview_environment, teardown_environment)
