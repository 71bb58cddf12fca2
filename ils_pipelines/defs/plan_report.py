"""The plan of a whole environment as an asset: what somebody reads before it is approved, and what was read afterwards."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from dagster import AssetMaterialization, AssetSpec, MetadataValue

from ils_pipelines.defs.environments import ENVIRONMENTS
from ils_pipelines.defs.layers import OWNERS
from ils_pipelines.engine.models import Operation
from ils_pipelines.provisioning.approval import environment_digest
from ils_pipelines.provisioning.foresight import not_foreseen
from ils_pipelines.settings.layers import Layer

PLAN = "environment_plan"

PLAN_ASSET = AssetSpec(
    PLAN,
    description="What provisioning would do to an environment, property by property, and what it would cost. Written by the "
    "job preview_environment; its digest is what is approved.",
    group_name="reports",
    kinds={"aws", "kubernetes", "markdown"},
    owners=list(OWNERS),
    partitions_def=ENVIRONMENTS,
)
"""No run of its own: a plan is made of those of all layers."""

LayerPlans = Mapping[Layer, Mapping[str, MetadataValue[Any]]]
"""What was said of each layer's plan, see `ils_pipelines.defs.metadata.report_metadata`."""


def plan_materialization(environment: str, plans: LayerPlans) -> AssetMaterialization:
    """All layers' change tables below each other, with digest, monthly cost and the difference it makes."""
    changed = {layer: int(plan["resources_changed"].value) for layer, plan in plans.items()}
    tables = [f"## {layer}\n\n{plans[layer]['changes'].value}" for layer in Layer if changed.get(layer)]
    unchanged = [str(layer) for layer in Layer if layer in plans and not changed[layer]]
    if unchanged:
        tables.append(f"No change: {', '.join(unchanged)}.")
    tables += not_foreseen({layer: _counts(plan) for layer, plan in plans.items()})
    return AssetMaterialization(
        asset_key=PLAN,
        partition=environment,
        metadata={
            "changes": MetadataValue.md("\n\n".join(tables)),
            "plan_digest": MetadataValue.text(plan_digest(plans)),
            "resources_changed": MetadataValue.int(sum(changed.values())),
            "monthly_cost": MetadataValue.float(_sum(plans, "monthly_cost")),
            "monthly_cost_delta": MetadataValue.float(_sum(plans, "monthly_cost_delta")),
        },
    )


def _counts(plan: Mapping[str, MetadataValue[Any]]) -> dict[str, int]:
    """How many resources by operation, as the plan itself counts them."""
    said = {operation: plan.get(f"resources_{operation}") for operation in Operation}
    said[Operation.SAME] = plan["resources_unchanged"]
    return {str(operation): int(count.value) for operation, count in said.items() if count is not None}


def plan_digest(plans: LayerPlans) -> str:
    return environment_digest({layer: str(plan["plan_digest"].value) for layer, plan in plans.items()})


def _sum(plans: LayerPlans, name: str) -> float:
    """Added up as decimals: the sum of cents in binary fractions is not one in cents."""
    return float(sum((Decimal(str(plan[name].value)) for plan in plans.values()), Decimal(0)))
