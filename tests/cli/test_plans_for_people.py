"""How a plan reads in a terminal of a hundred columns."""

from __future__ import annotations

import io
from datetime import timedelta

from rich.console import Console

from ils_pipelines.commands.summary import print_next_step, print_plans
from ils_pipelines.engine.models import SECRET, Change, DiffKind, Operation, Plan, PropertyDiff
from ils_pipelines.provisioning.progress import Action, LayerReport
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import load_environment

SUBNET = "aws:ec2/subnet:Subnet"
CLUSTER = "aws:rds/cluster:Cluster"


def change(kind: str, name: str, operation: Operation, *diffs: PropertyDiff) -> Change:
    return Change(urn=f"urn:{kind}::{name}", type=kind, name=name, operation=operation, diffs=diffs)


def becomes(path: str, old: object, new: object, *, forces: bool = False) -> PropertyDiff:
    return PropertyDiff(path=path, kind=DiffKind.UPDATE, old=old, new=new, forces_replacement=forces)


def report(*changes: Change) -> LayerReport:
    plan = Plan(project="ils-vpc", stack="production", changes=changes, unchanged=3)
    return LayerReport("production", Layer.VPC, Action.PREVIEW, plan, {}, timedelta(seconds=1))


def shown(*changes: Change) -> list[str]:
    stream = io.StringIO()
    print_plans(Console(file=stream, width=100, highlight=False), [report(*changes)])
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_what_is_created_of_one_kind_stands_together_and_wraps_with_its_indent() -> None:
    lines = shown(*(change(SUBNET, f"private-subnet-{number:02}", Operation.CREATE) for number in range(20)))

    assert lines[1].startswith("  create   aws:ec2:Subnet  private-subnet-00, private-subnet-01")
    assert all(line.startswith(" " * 11) for line in lines[2:])
    assert len(lines) < 10, "twenty names"
    assert max(map(len, lines)) <= 100


def test_what_is_changed_or_deleted_stands_by_itself() -> None:
    lines = shown(change(SUBNET, "a", Operation.DELETE), change(SUBNET, "b", Operation.DELETE))

    assert lines[1:] == ["  delete   aws:ec2:Subnet  a", "  delete   aws:ec2:Subnet  b"]


def test_every_property_that_changes_has_its_line_and_a_long_one_wraps_inside_the_width() -> None:
    lines = shown(
        change(
            CLUSTER,
            "database",
            Operation.REPLACE,
            becomes("engineVersion", "15.2", "15", forces=True),
            becomes("masterPassword", SECRET, SECRET),
            becomes("policy", {"Statement": ["x" * 150]}, None),
        )
    )

    assert lines[1] == "  replace  aws:rds:Cluster  database"
    assert lines[2].strip() == 'engineVersion: "15.2" -> "15"  (forces replacement)'
    assert lines[3].strip() == 'masterPassword: "[secret]" -> "[secret]"'
    assert all(line.startswith(" " * 13) for line in lines[2:])
    assert max(map(len, lines)) <= 100


def next_step(environment: str, *changes: Change) -> str:
    stream = io.StringIO()
    print_next_step(Console(file=stream, width=100, highlight=False), load_environment(environment), [report(*changes)])
    return stream.getvalue()


def test_a_plan_ends_with_what_to_do_with_it() -> None:
    created = change(SUBNET, "a", Operation.CREATE)

    assert next_step("dev", created) == "apply it with: ils up dev\n"
    assert next_step("production", created).startswith("approve it with: ils approve production --plan ")
    assert max(map(len, next_step("production", created).splitlines())) <= 100
    assert next_step("production") == ""
