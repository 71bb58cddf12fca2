"""The job that puts other secrets in the place of those that open the database and the cache.

It needs no approval: it changes who is let in and nothing that the environment's file says, and a secret that has leaked
must not have to wait.
"""

from dagster import AssetObservation, Config, MetadataValue, OpExecutionContext, graph, op
from pydantic import Field

from ils_pipelines.defs.beside import not_beside_a_set
from ils_pipelines.defs.environments import ENVIRONMENTS
from ils_pipelines.defs.executor import step_cancel_event
from ils_pipelines.defs.layers import asset_key
from ils_pipelines.defs.metadata import report_metadata
from ils_pipelines.defs.resources import EnvironmentTargets
from ils_pipelines.defs.steps import told
from ils_pipelines.engine.protocol import OnEvent
from ils_pipelines.operations.rotation.models import Proof, What
from ils_pipelines.provisioning.progress import Action, LayerReport
from ils_pipelines.settings.layers import Layer

ROTATE = "rotate_secrets"


class Which(Config):
    """What is rotated."""

    what: list[str] = Field(default=[str(each) for each in What], description="Any of database and cache.")


@op(
    name="rotate",
    description="Lets new secrets in, has the pods go over to them, and shows that the old ones are refused.",
)
def _rotate(context: OpExecutionContext, config: Which, targets: EnvironmentTargets) -> None:
    not_beside_a_set(context)
    proofs: list[Proof] = []

    def work(on_event: OnEvent) -> LayerReport:
        from ils_pipelines.operations.rotation.rotate import rotate

        target = targets.open(context.partition_key)
        done = rotate(target, map(What, config.what), on_event=on_event, cancel=step_cancel_event())
        proofs.extend(done.proofs)
        return done.report

    report = told(context, Layer.SECRETS, Action.ROTATE, work)
    context.log_event(
        AssetObservation(
            asset_key=asset_key(Layer.SECRETS),
            partition=context.partition_key,
            description="Rotated",
            metadata={**report_metadata(report), "proofs": MetadataValue.md("\n".join(f"* {each}" for each in proofs))},
        )
    )


@graph(
    name=ROTATE,
    description="Rotate the secrets of the database and the cache, proven end to end; pods go over by themselves.",
)
def _rotation() -> None:
    _rotate()


rotate_secrets = _rotation.to_job(
    name=ROTATE,
    partitions_def=ENVIRONMENTS,
    tags={"ils/action": str(Action.ROTATE), "dagster/max_runtime": str(3600)},
)
