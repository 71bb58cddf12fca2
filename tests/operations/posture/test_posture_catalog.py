"""The controls as data, and which resources are an environment's own."""

from __future__ import annotations

import re

import pytest

from ils_pipelines.operations.posture.controls import CONTROLS
from ils_pipelines.operations.posture.models import Control
from ils_pipelines.operations.posture.report import evaluator_of
from ils_pipelines.operations.scope import Scope
from ils_pipelines.settings.controls import ControlId

LAYERS = {
    "vpc",
    "encryption",
    "cluster",
    "database",
    "cache",
    "tables",
    "secrets",
    "load_balancer",
    "monitoring",
    "backup_vault",
    "app_release",
}
IDS = re.compile(r"CKV2?_(AWS|K8S)_\d+|(EC2|EKS|RDS|ElastiCache|DynamoDB|ELB|ACM)\.\d+")


def test_the_controls_cover_all_45_rows_and_every_name_once() -> None:
    assert {control.number for control in CONTROLS} == set(range(1, 46))
    assert sorted(control.id for control in CONTROLS) == sorted(ControlId)


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)
def test_a_control_says_what_it_is_about_and_who_looks(control: Control) -> None:
    assert callable(evaluator_of(control))
    assert control.layer in LAYERS
    assert re.fullmatch(r".+[^.]", control.title)
    assert control.remedy.endswith((".", "…"))
    assert control.absent.startswith("no ")
    assert all(IDS.fullmatch(each) for each in (*control.checkov, *control.fsbp))


def test_no_two_controls_share_an_evaluator() -> None:
    assert len({control.evaluator for control in CONTROLS}) == len(CONTROLS)


DEV = Scope("dev", frozenset({"dev-2", "staging", "d"}))


@pytest.mark.parametrize(
    "name",
    ["ils-dev", "ils-dev-sessions", "/ils-dev/flow-logs", "/aws/eks/ils-dev/cluster", "alias/ils-dev-cluster"],
)
def test_names_of_an_environment_are_its_own(name: str) -> None:
    assert DEV.owns_name(name)


@pytest.mark.parametrize(
    "name", ["ils-dev-2", "ils-dev-2-sessions", "/ils-dev-2/flow-logs", "ils-development", "ils-staging", "dev", ""]
)
def test_names_of_other_environments_are_not(name: str) -> None:
    assert not DEV.owns_name(name)


def test_tags_say_whose_a_resource_is() -> None:
    assert DEV.owns_tags({"environment": "dev", "project": "ils", "Name": "anything"})
    assert not DEV.owns_tags({"environment": "dev", "project": "other"})
    assert not DEV.owns_tags({"environment": "dev-2", "project": "ils"})
    assert not DEV.owns_tags({})
