"""What Dagster is told of a layer's report."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from ils_pipelines.defs.metadata import MAX_ROWS, change_table, outputs_version, report_metadata
from ils_pipelines.engine.models import Change, DiffKind, Operation, OutputValue, Plan, PropertyDiff
from ils_pipelines.provisioning.estimate import CostLine, Estimate
from ils_pipelines.provisioning.progress import Action, LayerReport
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.prices import Source

PASSWORD = "correct horse battery staple"
OUTPUTS = {
    "endpoint": OutputValue(value="db.example.internal"),
    "token": OutputValue(value=PASSWORD, secret=True),
}


def change(name: str, operation: Operation, *diffs: PropertyDiff) -> Change:
    return Change(urn=f"urn:{name}", type="aws:rds/cluster:Cluster", name=name, operation=operation, diffs=diffs)


def plan(*changes: Change, unchanged: int = 0) -> Plan:
    return Plan(project="ils-database", stack="dev", changes=changes, unchanged=unchanged)


def report(made: Plan) -> LayerReport:
    return LayerReport("dev", Layer.DATABASE, Action.UP, made, OUTPUTS, timedelta(seconds=12.3456))


def test_an_update_has_a_row_for_each_property() -> None:
    table = change_table(
        plan(
            change(
                "main",
                Operation.UPDATE,
                PropertyDiff(path="backupRetentionPeriod", kind=DiffKind.UPDATE, old=7, new=30),
                PropertyDiff(path="tags.team", kind=DiffKind.ADD, new="platform"),
            )
        )
    )

    assert table.splitlines()[2:] == [
        "| update | aws:rds/cluster:Cluster | main | backupRetentionPeriod | 7 | 30 |",
        "| update | aws:rds/cluster:Cluster | main | tags.team |  | platform |",
    ]


def test_a_replacement_says_which_property_forces_it() -> None:
    diff = PropertyDiff(path="engine", kind=DiffKind.UPDATE, old="a", new="b", forces_replacement=True)

    assert "engine (forces replacement)" in change_table(plan(change("main", Operation.REPLACE, diff)))


def test_a_created_resource_has_one_row() -> None:
    diffs = [PropertyDiff(path=f"property{n}", kind=DiffKind.ADD, new=n) for n in range(9)]

    assert len(change_table(plan(change("main", Operation.CREATE, *diffs))).splitlines()) == 3


def test_no_change_is_said_in_words() -> None:
    assert change_table(plan(unchanged=7)) == "No change; 7 resources are as declared."


def test_text_that_markdown_would_take_for_its_own_stays_in_its_cell() -> None:
    diff = PropertyDiff(path="policy", kind=DiffKind.UPDATE, old="a|b", new="line\nbreak")

    assert "| a\\|b | line break |" in change_table(plan(change("main", Operation.UPDATE, diff)))


def test_a_huge_table_is_cut_and_says_so() -> None:
    table = change_table(plan(*(change(f"r{n}", Operation.CREATE) for n in range(MAX_ROWS + 5))))

    assert table.endswith("… and 5 more rows.")


def test_counts_duration_and_digest_are_told() -> None:
    made = plan(
        change("a", Operation.CREATE), change("b", Operation.CREATE), change("c", Operation.DELETE), unchanged=4
    )
    metadata = report_metadata(report(made))

    assert metadata["resources_create"].value == 2
    assert metadata["resources_delete"].value == 1
    assert metadata["resources_changed"].value == 3
    assert metadata["resources_unchanged"].value == 4
    assert metadata["duration_seconds"].value == 12.346
    assert metadata["plan_digest"].value == made.digest


def test_no_secret_reaches_the_metadata() -> None:
    metadata = report_metadata(report(plan()))

    assert metadata["outputs"].value == {"endpoint": "db.example.internal", "token": "[secret]"}
    assert PASSWORD not in repr(metadata)


def test_the_data_version_moves_with_the_outputs_and_not_with_secrets() -> None:
    rotated = {**OUTPUTS, "token": OutputValue(value="another", secret=True)}
    moved = {**OUTPUTS, "endpoint": OutputValue(value="other.example.internal")}

    assert outputs_version(OUTPUTS) == outputs_version(rotated)
    assert outputs_version(OUTPUTS) != outputs_version(moved)


def test_the_data_version_does_not_depend_on_the_order_of_the_outputs() -> None:
    assert outputs_version(OUTPUTS) == outputs_version(dict(reversed(OUTPUTS.items())))


def test_the_monthly_cost_and_what_it_changes_by_are_told() -> None:
    source = Source(url="https://aws.amazon.com/kms/pricing/", as_of=date(2026, 11, 23), through="the page")
    line = CostLine("aws:kms/key:Key", "database", "kms-key", Decimal(1), Decimal("1.00"), source)
    cost = Estimate("USD", "us-east-1", Decimal("0.40"), Decimal("1.00"), (line,), ("requests",), ("what: no price",))

    metadata = report_metadata(replace(report(plan()), cost=cost))

    assert metadata["monthly_cost"].value == 1.0
    assert metadata["monthly_cost_delta"].value == 0.6
    estimate = metadata["monthly_cost_estimate"].value
    assert (estimate["before"], estimate["after"], estimate["delta"]) == ("0.40", "1.00", "0.60")
    assert estimate["unknown"] == ["what: no price"]
    assert (estimate["lines"][0]["source"], estimate["lines"][0]["as_of"]) == (source.url, "2026-11-23")
    assert estimate["prices"] == [source.model_dump(mode="json")]


def test_without_an_estimate_no_cost_is_told() -> None:
    assert not any(name.startswith("monthly_cost") for name in report_metadata(report(plan())))
