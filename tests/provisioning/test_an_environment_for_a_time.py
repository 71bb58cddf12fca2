"""An environment made from dev for a time: worked with by every command, torn down by its sensor, nothing left of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster import DagsterInstance, SensorResult, build_sensor_context

from ils_pipelines.definitions import defs
from ils_pipelines.defs.environments import PARTITIONS
from ils_pipelines.defs.expiry import expired_environments
from ils_pipelines.defs.launch import run_job
from ils_pipelines.instance import open_instance
from ils_pipelines.provisioning.progress import LeftoversFound
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import ephemeral_names, load_environment
from ils_pipelines.targets import open_target
from tests.end_to_end.conftest import LocalSandbox

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Made:
    sandbox: LocalSandbox
    before: Counter[str]
    up: Any

    @property
    def file(self) -> Path:
        return self.sandbox.directory / "environments" / "pr-7.yaml"


@pytest.fixture(scope="module")
def made(sandbox: LocalSandbox) -> Iterator[Made]:
    before = sandbox.inventory()
    made = Made(
        sandbox, before, sandbox.ils_json("up", "pr-7", "--from", "dev", "--ttl", "8h", "--cidr", "10.77.0.0/16")
    )
    yield made
    # The last test may have run in another process.
    if made.file.exists():
        sandbox.ils("down", "pr-7", "--confirm", "pr-7")


@pytest.fixture
def instance(made: Made, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterInstance]:
    monkeypatch.setenv("ILS_STATE_DIR", str(made.sandbox.directory))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with open_instance() as instance:
        yield instance


def test_every_layer_of_it_is_made(made: Made) -> None:
    assert [layer["layer"] for layer in made.up["layers"]] == [str(layer) for layer in Layer]
    assert all(layer["changes"]["create"] > 0 for layer in made.up["layers"])


def test_it_is_there_under_its_own_name_in_its_own_network_with_its_end_in_its_tags(
    made: Made, instance: DagsterInstance
) -> None:
    environment = load_environment("pr-7")
    vpcs = open_target(environment).client("ec2").describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["ils-pr-7"]}])

    [vpc] = vpcs["Vpcs"]
    tags = {tag["Key"]: tag["Value"] for tag in vpc["Tags"]}
    assert vpc["CidrBlock"] == "10.77.0.0/16"
    assert environment.ephemeral is not None
    assert tags["expires"] == f"{environment.ephemeral.expires:%Y-%m-%dT%H:%M:%SZ}"


def test_it_is_a_partition_and_its_runs_are_recorded_like_the_others(made: Made, instance: DagsterInstance) -> None:
    run = instance.get_run_by_id(made.up["run_id"])

    assert instance.has_dynamic_partition(PARTITIONS, "pr-7")
    assert run is not None
    assert run.tags["dagster/partition"] == "pr-7"


@pytest.mark.parametrize("command", ["plan", "drift", "health", "posture", "status"])
def test_every_command_knows_it(made: Made, command: str) -> None:
    result = made.sandbox.ils_json(command, "pr-7")

    assert result.get("success", True) is True


def test_its_name_is_taken(made: Made) -> None:
    refused = made.sandbox.ils("up", "pr-7", "--from", "dev", "--ttl", "8h", code=1)

    assert "there is an environment pr-7 already" in refused.stderr


def test_past_its_time_the_sensor_tears_it_down_and_nothing_is_left(made: Made, instance: DagsterInstance) -> None:
    """Last: the environment is gone afterwards."""
    volume = _made_by_a_controller()
    data = yaml.safe_load(made.file.read_text())
    data["ephemeral"] |= {"created": "2026-01-01T00:00:00Z", "expires": "2026-01-01T08:00:00Z"}
    made.file.write_text(yaml.safe_dump(data))
    with build_sensor_context(instance=instance, repository_def=defs.get_repository_def()) as context:
        result = expired_environments(context)
    assert isinstance(result, SensorResult)
    [request] = result.run_requests or ()
    said: list[Any] = []

    outcome = run_job(
        instance,
        "teardown_environment",
        str(request.partition_key),
        listener=said.append,
        run_config=request.run_config,
        extra_tags=request.tags,
    )

    assert outcome.success
    assert ephemeral_names() == ()
    assert not instance.has_dynamic_partition(PARTITIONS, "pr-7")
    assert made.sandbox.inventory() == made.before
    [found] = [each.leftovers for each in said if isinstance(each, LeftoversFound)]
    assert [each.name for each in found if not each.kept] == [f"volume/{volume}"]
    assert all("can be taken back" in each.kept for each in found if each.service == "kms")
    assert volume in made.sandbox.ils("leftovers", code=1).stdout
    _client().delete_volume(VolumeId=volume)
    assert made.sandbox.ils_json("leftovers")["success"] is True


def _client() -> Any:
    return open_target(load_environment("dev")).client("ec2")


def _made_by_a_controller() -> str:
    """A volume that no program of ours knows of, with the tags that its storage class gives."""
    tags = {
        "kubernetes.io/cluster/ils-pr-7": "owned",
        "managed-by": "ils-pipelines",
        "project": "ils",
        "environment": "pr-7",
    }
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    made = _client().create_volume(
        AvailabilityZone="us-east-1a", Size=1, TagSpecifications=[{"ResourceType": "volume", "Tags": listed}]
    )
    return str(made["VolumeId"])
