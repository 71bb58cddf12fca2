"""The platform makes the cluster that it runs on: the same command, and the values of Dagster's chart from what came out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import yaml

from tests.deploy.chart import ROOT
from tests.end_to_end.conftest import LocalSandbox

LAYERS = ["vpc", "encryption", "cluster", "database", "secrets"]

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSandbox]:
    folder = tmp_path_factory.mktemp("platform")
    (folder / "environments").mkdir()
    shutil.copy(ROOT / "deploy" / "platform.yaml", folder / "environments")
    sandbox = LocalSandbox(folder / "state")
    sandbox.env["ILS_ENVIRONMENTS_DIR"] = str(folder / "environments")
    sandbox.ils("sandbox", "start")
    yield sandbox
    sandbox.ils("sandbox", "stop")


def test_before_there_is_a_database_no_values_are_made_up(platform: LocalSandbox) -> None:
    refused = platform.ils("export", "platform", "--format", "dagster", code=1)

    assert "ils up platform" in refused.stderr
    assert refused.stdout == ""


def test_it_brings_up_its_own_layers_and_leaves_the_others_alone(platform: LocalSandbox) -> None:
    made = platform.ils_json("up", "platform")["layers"]
    again = platform.ils_json("up", "platform")["layers"]

    assert [each["layer"] for each in made if each["changes"].get("create")] == LAYERS
    assert [each["layer"] for each in again if any(each["changes"].values())] == []
    [status] = platform.ils_json("status", "platform")["environments"]
    assert [each["layer"] for each in status["layers"] if each["exists"]] == LAYERS


def test_dagsters_accounts_have_the_roles_that_the_file_gives_them(platform: LocalSandbox) -> None:
    platform.ils("up", "platform")
    keys = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox", "region_name": "us-east-1"}
    eks, iam = (boto3.client(name, endpoint_url=platform.endpoints["aws"], **keys) for name in ("eks", "iam"))
    there = {"clusterName": "ils-platform", "namespace": "dagster"}
    found = {
        each["serviceAccount"]: eks.describe_pod_identity_association(
            clusterName="ils-platform", associationId=each["associationId"]
        )["association"]
        for each in eks.list_pod_identity_associations(**there)["associations"]
    }

    assert {name: each["roleArn"].rpartition("/")[2] for name, each in found.items()} == {
        "dagster": "ils-platform-pods-dagster",
        "dagster-code": "ils-platform-pods-dagster-code",
        "dagster-run": "ils-platform-pods-dagster-run",
    }
    # Session tags would be asked for by the roles that are taken on.
    takes_on = {"dagster": False, "dagster-code": True, "dagster-run": True}
    assert {name: each["disableSessionTags"] for name, each in found.items()} == takes_on
    for account, may_assume in takes_on.items():
        role = f"ils-platform-pods-{account}"
        policy = iam.get_role_policy(RoleName=role, PolicyName=role)["PolicyDocument"]
        allowed = {action for statement in policy["Statement"] for action in statement["Action"]}
        assert "s3:PutObject" in allowed
        assert ("sts:AssumeRole" in allowed) is may_assume


def test_a_layer_that_it_does_without_is_neither_missed_nor_found_ill(platform: LocalSandbox) -> None:
    platform.ils("up", "platform")

    drift = platform.ils_json("drift", "platform")  # ends with exit code 1 for what was never provisioned
    platform.ils("health", "platform")

    assert {each["state"] for each in drift["layers"]} == {"as_applied"}


def test_the_values_of_the_chart_are_what_the_layers_put_out(platform: LocalSandbox, tmp_path: Path) -> None:
    platform.ils("up", "platform")
    file = tmp_path / "values.yaml"
    platform.ils("export", "platform", "--format", "dagster", "--output", str(file))
    values = yaml.safe_load(file.read_text())
    [status] = platform.ils_json("status", "platform")["environments"]
    [outputs] = [each["outputs"] for each in status["layers"] if each["layer"] == "database"]

    assert values["postgresql"]["postgresqlHost"] == outputs["endpoint"]
    assert values["postgresql"]["postgresqlDatabase"] == outputs["database_name"] == "dagster"
    assert values["postgresql"]["service"]["port"] == outputs["port"]
    logs = values["computeLogManager"]["config"]["s3ComputeLogManager"]
    assert (logs["bucket"], logs["region"]) == ("ils-dagster-logs-123456789012", "us-east-1")
    # All else is as it is shipped, and so without what is secret.
    assert values["runLauncher"] == yaml.safe_load((ROOT / "deploy/helm/values.yaml").read_text())["runLauncher"]
    assert "password" not in yaml.safe_dump(values["postgresql"]).lower()
