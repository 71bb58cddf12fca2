"""An environment from nothing to running and on, by the commands that the README shows, against a real sandbox."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from dagster import AssetKey, DagsterInstance, DagsterRunStatus
from rich.cells import cell_len

from ils_pipelines.settings.layers import Layer
from tests.cli.conftest import Finished, Terminal

LAYERS = [str(layer) for layer in Layer]
NO_CHANGES = {"create": 0, "update": 0, "replace": 0, "delete": 0, "adopt": 0}

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Provisioned:
    """`dev` after `ils up dev --json` and `ils up dev`."""

    terminal: Terminal
    first: Finished
    second: Finished


@pytest.fixture(scope="module")
def provisioned(sandbox: Terminal) -> Provisioned:
    return Provisioned(sandbox, sandbox.ils("up", "dev", "--json"), sandbox.ils("up", "dev"))


@pytest.fixture(scope="module")
def planned(provisioned: Provisioned) -> Finished:
    """What `ils plan dev --json` says of what is up."""
    return provisioned.terminal.ils("plan", "dev", "--json")


@pytest.fixture
def instance(provisioned: Provisioned) -> Iterator[DagsterInstance]:
    with DagsterInstance.from_config(str(provisioned.terminal.dagster_home)) as instance:
        yield instance


def test_the_first_up_creates_every_layer_and_ends_with_one_json_object(provisioned: Provisioned) -> None:
    assert provisioned.first.code == 0, provisioned.first.stderr
    result = provisioned.first.json

    assert (result["environment"], result["success"]) == ("dev", True)
    assert [layer["layer"] for layer in result["layers"]] == LAYERS
    for layer in result["layers"]:
        assert layer["changes"]["create"] > 0
        assert layer["changes"] == {**NO_CHANGES, "create": layer["changes"]["create"]}
        assert layer["seconds"] > 0


def test_progress_goes_to_standard_error(provisioned: Provisioned) -> None:
    for layer in LAYERS:
        assert f"{layer:<12} started" in provisioned.first.stderr
    assert "create aws:ec2:Vpc" in provisioned.first.stderr


def test_the_second_up_changes_nothing_and_says_so_in_a_table_that_fits_a_hundred_columns(
    provisioned: Provisioned,
) -> None:
    result = provisioned.second

    assert result.code == 0, result.stderr
    assert "no change made" in result.stdout
    assert max(cell_len(line) for line in result.stdout.splitlines()) <= 100
    for layer in LAYERS:
        assert any(line.split()[:1] == [layer] for line in result.stdout.splitlines())


def test_the_plan_of_what_is_up_is_empty_and_has_a_digest(planned: Finished) -> None:
    assert planned.code == 0, planned.stderr
    assert len(planned.json["digest"]) == 64
    for layer in planned.json["layers"]:
        assert layer["plan"]["changes"] == []


def test_what_was_planned_to_cost_is_what_it_costs(provisioned: Provisioned, planned: Finished) -> None:
    """Priced from the file while nothing exists, and from the checkpoints afterwards."""
    before = {layer["layer"]: layer["monthly_cost"] for layer in provisioned.first.json["layers"]}
    found = {layer["layer"]: layer["monthly_cost"] for layer in planned.json["layers"]}

    assert {name: cost["before"] for name, cost in found.items()} == {
        name: cost["after"] for name, cost in before.items()
    }
    assert all((cost["before"], cost["unknown"]) == ("0.00", []) for cost in before.values())
    assert all(cost["delta"] == "0.00" for cost in found.values())
    total = Decimal(planned.json["monthly_cost"]["after"])
    assert total == sum(Decimal(cost["after"]) for cost in found.values()) > 100


def test_the_plan_ends_with_its_cost_and_what_is_not_in_it(provisioned: Provisioned) -> None:
    shown = provisioned.terminal.ils("plan", "staging").stdout

    assert "estimated cost of staging" in shown
    assert "on-demand list prices of us-east-1, from the Price List API at http://127.0.0.1:" in " ".join(shown.split())
    assert "Left out, as it depends on use:" in shown
    assert max(cell_len(line) for line in shown.splitlines()) <= 100


def test_the_plan_of_an_environment_that_does_not_exist_covers_every_layer(provisioned: Provisioned) -> None:
    result = provisioned.terminal.ils("plan", "staging", "--json")

    assert result.code == 0, result.stderr
    assert [layer["layer"] for layer in result.json["layers"]] == LAYERS
    assert all(layer["changes"]["create"] > 0 for layer in result.json["layers"])
    assert (
        provisioned.terminal.ils("status", "staging", "--json").json["environments"][0]["layers"][0]["exists"] is False
    )


def test_status_shows_what_exists_and_where_it_is(provisioned: Provisioned) -> None:
    result = provisioned.terminal.ils("status", "dev", "--json")

    assert result.code == 0, result.stderr
    [environment] = result.json["environments"]
    layers = {layer["layer"]: layer for layer in environment["layers"]}
    assert list(layers) == LAYERS
    assert all(layer["exists"] and layer["resources"] > 0 for layer in layers.values())
    assert layers["cluster"]["outputs"]["endpoint"].startswith("https://127.0.0.1:")


def test_the_runs_are_in_the_instance_that_the_ui_shows(provisioned: Provisioned, instance: DagsterInstance) -> None:
    run = instance.get_run_by_id(provisioned.first.json["run_id"])

    assert run is not None
    assert (run.job_name, run.status) == ("provision_environment", DagsterRunStatus.SUCCESS)
    assert run.tags["dagster/partition"] == "dev"


def test_each_materialization_tells_its_changes_outputs_and_digest(
    provisioned: Provisioned, instance: DagsterInstance
) -> None:
    run_id = provisioned.first.json["run_id"]
    for layer in provisioned.first.json["layers"]:
        records = instance.fetch_materializations(AssetKey(layer["layer"]), limit=100).records
        [materialization] = [record.asset_materialization for record in records if record.run_id == run_id]
        assert materialization is not None
        metadata = materialization.metadata
        assert materialization.partition == "dev"
        assert metadata["resources_create"].value == layer["changes"]["create"]
        assert metadata["outputs"].value
        assert "| create |" in metadata["changes"].value
        assert len(metadata["plan_digest"].value) == 64


def test_a_layer_that_did_not_change_keeps_its_data_version(
    provisioned: Provisioned, instance: DagsterInstance
) -> None:
    for layer in LAYERS:
        records = instance.fetch_materializations(AssetKey(layer), limit=100).records
        versions = {(record.asset_materialization.tags or {})["dagster/data_version"] for record in records}
        assert len(records) >= 2
        assert len(versions) == 1


def test_what_somebody_changed_by_hand_is_put_back_when_that_is_asked_for(
    provisioned: Provisioned, tmp_path: Path
) -> None:
    terminal, kubeconfig = provisioned.terminal, tmp_path / "kubeconfig"
    assert terminal.ils("kubeconfig", "dev", "--file", str(kubeconfig)).code == 0
    kubectl = [str(Path(sys.executable).with_name("kubectl")), "--kubeconfig", str(kubeconfig)]
    subprocess.run([*kubectl, "scale", "deployment", "ils", "--replicas", "4"], check=True, capture_output=True)

    refused = terminal.ils("up", "dev")
    put_back = terminal.ils("up", "dev", "--take-over")

    assert refused.code == 1
    assert "kubectl (scale) manages spec.replicas" in refused.stderr
    assert "ils up --take-over" in refused.stderr
    assert put_back.code == 0, put_back.stderr
    there = subprocess.run([*kubectl, "get", "deployment", "ils", "-o", "json"], check=True, capture_output=True)
    assert json.loads(there.stdout)["spec"]["replicas"] == 3


@pytest.mark.long
def test_an_environment_that_requires_approval_is_applied_only_as_the_approved_plan(provisioned: Provisioned) -> None:
    terminal = provisioned.terminal

    refused = terminal.ils("up", "staging")
    assert refused.code == 1
    assert "staging is changed only as a plan that somebody approved" in refused.stderr

    other = terminal.ils("up", "staging", "--approve", "0" * 64)
    assert other.code == 1
    assert "Nothing was changed" in other.stderr

    digest = terminal.ils("plan", "staging", "--json").json["digest"]
    recorded = terminal.ils("approve", "staging", "--plan", digest[:16], "--by", "alice", "--reason", "CHG-1", "--json")
    assert recorded.code == 0, recorded.stderr
    assert recorded.json["approval"]["digest"] == digest

    approved = terminal.ils("up", "staging", "--json")
    assert approved.code == 0, approved.stderr
    used = json.loads((terminal.state / "approvals.jsonl").read_text().splitlines()[-1])
    assert (used["kind"], used["run"]) == ("used", approved.json["run_id"])
    [shown] = terminal.ils("approvals", "staging", "--json").json["approvals"]
    assert (shown["by"], shown["reason"], shown["use"]["run"]) == ("alice", "CHG-1", approved.json["run_id"])

    unchanged = terminal.ils("up", "staging", "--json")
    assert unchanged.code == 0, "nothing to change needs no approval: " + unchanged.stderr
