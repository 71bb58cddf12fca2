"""The job with which somebody approves a plan. Nothing approves by itself, so nothing starts it but a person."""

from dagster import Config, Failure, MetadataValue, OpExecutionContext, graph, op
from pydantic import Field

from ils_pipelines.defs.environments import ENVIRONMENTS
from ils_pipelines.defs.resources import EnvironmentTargets
from ils_pipelines.errors import IlsError
from ils_pipelines.provisioning.approval import approve
from ils_pipelines.provisioning.approval_place import approvals_of

APPROVE = "approve_plan"


class ApprovedPlan(Config):
    """Who approves what, and why. All three are kept as evidence."""

    plan: str = Field(
        default="", description="The digest of the plan, sixteen digits or more, as the preview ends with."
    )
    by: str = Field(default="", description="Who approves.")
    reason: str = Field(default="", description="Why, in one line: a ticket, a change request.")


@op(name="record_approval", description="Plans the environment anew and records the approval if it is of that plan.")
def _record_approval(context: OpExecutionContext, config: ApprovedPlan, targets: EnvironmentTargets) -> None:
    try:
        target = targets.open(context.partition_key)
        approval = approve(target, approvals_of(target), digest=config.plan, by=config.by, reason=config.reason)
    except IlsError as refused:
        raise Failure(description=str(refused), allow_retries=False) from refused
    context.log.info(f"{approval.by} approved plan {approval.digest} of {approval.environment}: {approval.reason}")
    context.add_output_metadata(
        {
            "approval": MetadataValue.text(approval.id),
            "plan_digest": MetadataValue.text(approval.digest),
            "by": MetadataValue.text(approval.by),
            "identity": MetadataValue.text(approval.identity or "unknown"),
            "reason": MetadataValue.text(approval.reason),
            "expires": MetadataValue.text(approval.expires.isoformat()),
            "code": MetadataValue.text(approval.code.name),
        }
    )


@graph(name=APPROVE, description="Approve a plan of an environment: once, for a limited time, for the code as it is.")
def _approval() -> None:
    _record_approval()


approve_plan = _approval.to_job(
    name=APPROVE, partitions_def=ENVIRONMENTS, tags={"ils/action": "approve", "dagster/max_runtime": str(30 * 60)}
)
