"""The job that restores for real, beside what is live, as planned and, where the file asks for it, approved."""

from datetime import datetime

from dagster import AssetObservation, Config, Failure, MetadataValue, OpExecutionContext, graph, op
from pydantic import Field

from ils_pipelines.defs.beside import not_beside_a_set
from ils_pipelines.defs.environments import ENVIRONMENTS
from ils_pipelines.defs.layers import asset_key
from ils_pipelines.defs.resources import EnvironmentTargets
from ils_pipelines.errors import IlsError
from ils_pipelines.settings.layers import Layer

RESTORE = "restore_environment"


class RestoreConfig(Config):
    """What is restored, and under which name."""

    into: str = Field(description="What the restored things are named, e.g. restored.")
    set: str = Field(default="", description="Name of the backup set.")
    to_time: str = Field(default="", description="Instead: the moment, such as 2026-11-25T04:30:00Z.")
    only: list[str] = Field(default=[], description="database, tables, cache; all by default.")


@op(name="restore", description="Restores a set, or what there was at a moment; what is live stays as it is.")
def _restore(context: OpExecutionContext, config: RestoreConfig, targets: EnvironmentTargets) -> None:
    from ils_pipelines.operations.restore.approving import approved
    from ils_pipelines.operations.restore.real import Request, Store, carry_out, plan_restore
    from ils_pipelines.provisioning.approval_place import approvals_of

    not_beside_a_set(context)
    try:
        target = targets.open(context.partition_key)
        moment = datetime.fromisoformat(config.to_time) if config.to_time else None
        stores = frozenset(Store(name) for name in config.only) or frozenset(Store)
        plan = plan_restore(target, Request(config.into, config.set, moment, stores))
        with approved(target, approvals_of(target), plan) as approval:
            carry_out(target, plan, on_item=lambda name, what: context.log.info(f"{name}: {what}"))
    except (IlsError, ValueError) as refused:
        raise Failure(description=str(refused), allow_retries=False) from refused
    rows = "\n".join(f"| {item.store.value} | {item.name} | {item.source} |" for item in plan.items)
    context.log_event(
        AssetObservation(
            asset_key=asset_key(Layer.DATABASE),
            partition=context.partition_key,
            description="Restored beside it",
            metadata={
                "restored": MetadataValue.md(f"| store | name | from |\n| --- | --- | --- |\n{rows}"),
                "manifest_sha256": MetadataValue.text(plan.manifest_sha256 or "none: to a moment"),
                "approved_by": MetadataValue.text(approval.by if approval else "nobody had to"),
                "left_out": MetadataValue.md("\n".join(f"* {each}" for each in plan.left_out) or "nothing"),
            },
        )
    )


@graph(name=RESTORE, description="Restore a backup set, or what there was at a moment, beside what is live, to stay.")
def _restoring() -> None:
    _restore()


restore_environment = _restoring.to_job(
    name=RESTORE,
    partitions_def=ENVIRONMENTS,
    tags={"ils/action": "restore", "dagster/max_runtime": str(12 * 3600)},
)
