"""The plan of a whole environment as Dagster keeps it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from ils_pipelines.defs.metadata import report_metadata
from ils_pipelines.defs.plan_report import plan_materialization
from ils_pipelines.engine.models import SECRET, Change, DiffKind, Operation, Plan, PropertyDiff
from ils_pipelines.provisioning.approval import environment_digest
from ils_pipelines.provisioning.estimate import Estimate
from ils_pipelines.provisioning.progress import Action, LayerReport
from ils_pipelines.settings.layers import Layer


def report(layer: Layer, *changes: Change, before: str = "0.10", after: str = "0.30") -> LayerReport:
    plan = Plan(project=f"ils-{layer}", stack="dev", changes=changes, unchanged=1)
    cost = Estimate("USD", "us-east-1", Decimal(before), Decimal(after), (), (), ())
    return LayerReport("dev", layer, Action.PREVIEW, plan, {}, timedelta(0), cost)


DATABASE = Change(
    urn="urn:database",
    type="aws:rds/cluster:Cluster",
    name="database",
    operation=Operation.UPDATE,
    diffs=(
        PropertyDiff(path="backupRetentionPeriod", kind=DiffKind.UPDATE, old=7, new=14),
        PropertyDiff(path="masterPassword", kind=DiffKind.UPDATE, old=SECRET, new=SECRET),
    ),
)
REPORTS = [report(Layer.VPC), report(Layer.DATABASE, DATABASE)]
PLANS = {each.layer: report_metadata(each) for each in REPORTS}


def test_every_change_is_in_one_table_per_layer_by_property_with_secrets_masked() -> None:
    table = str(plan_materialization("dev", PLANS).metadata["changes"].value)

    assert "## database" in table
    assert "| update | aws:rds/cluster:Cluster | database | backupRetentionPeriod | 7 | 14 |" in table
    assert "| masterPassword | [secret] | [secret] |" in table
    assert "No change: vpc." in table


def test_what_the_changes_of_a_layer_may_lead_to_in_others_is_said() -> None:
    table = str(plan_materialization("dev", PLANS).metadata["changes"].value)

    assert table.endswith(
        "monitoring, app_release: planned with what database puts out now; what its changes lead to there shows when they "
        "are made."
    )


def test_it_is_the_partition_of_its_environment_with_digest_and_cost_in_cents() -> None:
    plan = plan_materialization("dev", PLANS)

    assert (plan.asset_key.to_user_string(), plan.partition) == ("environment_plan", "dev")
    assert plan.metadata["plan_digest"].value == environment_digest({each.layer: each.plan.digest for each in REPORTS})
    assert plan.metadata["resources_changed"].value == 1
    assert (plan.metadata["monthly_cost"].value, plan.metadata["monthly_cost_delta"].value) == (0.6, 0.4)
