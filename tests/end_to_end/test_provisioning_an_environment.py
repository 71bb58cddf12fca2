"""From an empty sandbox to a running environment, and back."""

from __future__ import annotations

import json
import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from ils_pipelines.settings.layers import DEPENDS_ON, Layer
from ils_pipelines.settings.loading import environments_directory
from tests.end_to_end.conftest import LocalSandbox, until
from tests.support.aws_inventory import client

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ENVIRONMENTS = ("dev", "staging", "production")


def operations(result: Any) -> set[str]:
    """What was done, or would be, to any resource of any layer."""
    return {operation for layer in result["layers"] for operation, count in layer["changes"].items() if count}


def up(sandbox: LocalSandbox, environment: str) -> Any:
    """`ils up`, with the plan approved where the environment asks for that."""
    if environment == "dev":
        return sandbox.ils_json("up", environment)
    digest = sandbox.ils_json("plan", environment)["digest"]
    return sandbox.ils_json("up", environment, "--approve", digest)


@dataclass(frozen=True)
class Provisioned:
    """What came of a plan and two ups of dev in an empty sandbox, and the requests that each made."""

    plan: Any
    first: Any
    second: Any
    of_plan: list[dict[str, Any]]
    of_first: list[dict[str, Any]]
    of_second: list[dict[str, Any]]
    at_once: set[str]
    """What take longest to be made, and were being made while none of them could be done."""


@pytest.fixture(scope="module")
def nothing(_started: LocalSandbox) -> Counter[str]:
    """What is in an empty sandbox."""
    _started.reset()
    return _started.inventory()


@pytest.fixture(scope="module")
def provisioned(_started: LocalSandbox, nothing: Counter[str]) -> Provisioned:
    """With the sandbox's clock slowed, and all but stopped as soon as the first of `SLOW` is being made."""
    if _started.checkpoint("vpc").exists():
        _started.reset()

    def run(command: str) -> tuple[Any, list[dict[str, Any]]]:
        _started.forget_requests()
        return _started.ils_json(command, "dev"), _started.requests()

    plan, of_plan = run("plan")
    _started.control("settings", {"seconds_per_minute": 0.4})
    _started.forget_requests()
    process = _started.start("up", "dev", "--json")
    try:
        until(lambda: process.poll() is not None or bool(_being_made(_started)), "the first of them to be made")
        _started.control("settings", {"seconds_per_minute": 60.0})
        until(lambda: process.poll() is not None or _being_made(_started) == set(SLOW), "all of them to be made")
        at_once = _being_made(_started)
    except BaseException:
        process.kill()
        process.communicate()
        raise
    finally:
        _started.control("settings", {"seconds_per_minute": 0.0})
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    of_first = _started.requests()
    second, of_second = run("up")
    return Provisioned(plan, json.loads(output), second, of_plan, of_first, of_second, at_once)


SLOW = ("CreateCluster", "CreateDBCluster", "CreateReplicationGroup")


def _being_made(sandbox: LocalSandbox) -> set[str]:
    return {request["operation"] for request in sandbox.requests(mutating=True)} & set(SLOW)


def _mutating(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [request for request in requests if request["mutating"]]


def test_a_plan_foretells_the_up(provisioned: Provisioned) -> None:
    first = provisioned.first
    assert first["success"]
    assert {layer["layer"] for layer in first["layers"]} == {str(layer) for layer in Layer}
    assert operations(first) == {"create"}
    assert _created(provisioned.plan) == _created(first)


def _created(result: Any) -> dict[str, int]:
    return {layer["layer"]: layer["changes"].get("create", 0) for layer in result["layers"]}


def test_neither_a_plan_nor_a_second_up_makes_a_mutating_request(provisioned: Provisioned) -> None:
    assert _mutating(provisioned.of_first)
    assert _mutating(provisioned.of_plan) == []
    assert operations(provisioned.second) == set()
    assert _mutating(provisioned.of_second) == []


def test_independent_layers_are_made_at_the_same_time(provisioned: Provisioned) -> None:
    assert provisioned.at_once == set(SLOW)


@pytest.mark.long
@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_larger_tiers_leave_nothing_either_in_no_region(
    sandbox: LocalSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    document = yaml.safe_load((environments_directory() / f"{environment}.yaml").read_text())
    (tmp_path / f"{environment}.yaml").write_text(yaml.safe_dump(_mortal(document)))
    monkeypatch.setitem(sandbox.env, "ILS_ENVIRONMENTS_DIR", str(tmp_path))
    before = sandbox.inventory()
    sandbox.ils("up", environment)
    assert operations(sandbox.ils_json("plan", environment)) == set()
    made = sandbox.inventory() - before
    assert {kind.split()[0] for kind in made} == {"us-east-1", "us-west-2"}

    sandbox.ils("down", environment, "--confirm", environment)

    assert sandbox.inventory() == before


def _mortal(document: dict[str, Any]) -> dict[str, Any]:
    """The environment's file as somebody leaves it who means to delete production."""
    reason = "The region is given up, and the data was moved."
    waiver = {"rule": "deletion_protection", "reason": reason, "expires": "2999-12-31"}
    unprotected = {
        section: {**document[section], "deletion_protection": False}
        for section in ("cluster", "database", "tables", "load_balancer")
    }
    return {**document, **unprotected, "protection": False, "requires_approval": False, "waivers": [waiver]}


@pytest.mark.long
def test_the_three_environments_live_beside_each_other(sandbox: LocalSandbox) -> None:
    for environment in ENVIRONMENTS:
        up(sandbox, environment)

    for environment in ENVIRONMENTS:
        assert operations(sandbox.ils_json("plan", environment)) == set()


KILL_POINTS = 5


@pytest.mark.long
def test_killed_at_any_moment_the_next_up_reaches_the_same_end(sandbox: LocalSandbox) -> None:
    """SIGKILL after a growing number of mutating calls: no duplicate, no orphan, and nothing left to do."""
    sandbox.ils("up", "dev")
    expected = sandbox.inventory()
    calls = len(sandbox.requests(mutating=True))
    for number in range(KILL_POINTS):
        sandbox.reset()
        sandbox.control("settings", {"latency_seconds": 0.03})  # so that calls are under way when it dies
        threshold = 1 + number * (calls - 2) // (KILL_POINTS - 1)
        process = sandbox.start("up", "dev", "--json", start_new_session=True)
        until(
            lambda process=process, threshold=threshold: (
                process.poll() is not None or len(sandbox.requests(mutating=True)) >= threshold
            ),
            f"{threshold} mutating calls",
        )
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        sandbox.control("settings", {"latency_seconds": 0.0})

        sandbox.ils("up", "dev")

        assert sandbox.inventory() == expected, f"killed after {threshold} of {calls} mutating calls"
        assert operations(sandbox.ils_json("up", "dev")) == set()


def test_a_corrupt_checkpoint_is_named_kept_and_nothing_is_changed(with_dev: LocalSandbox) -> None:
    sandbox = with_dev
    path = sandbox.checkpoint("vpc")
    sound = path.read_text()
    path.write_text(sound[:1000])
    before = sandbox.inventory()
    sandbox.forget_requests()

    failed = sandbox.ils("up", "dev", code=1)

    assert str(path) in failed.stderr.replace("\n", "")
    assert "Traceback" not in failed.stderr
    assert sandbox.requests(mutating=True) == []
    assert sandbox.inventory() == before
    path.write_text(sound)


def test_secrets_are_in_no_file_of_the_state_folder_but_the_sandboxs_own(with_dev: LocalSandbox) -> None:
    """The cache's token and the database's password stay in Secrets Manager and the cluster."""
    sandbox = with_dev
    secrets_manager = client(sandbox.endpoints["aws"], "secretsmanager")
    secrets = []
    for entry in secrets_manager.list_secrets()["SecretList"]:
        value = secrets_manager.get_secret_value(SecretId=entry["ARN"])["SecretString"]
        secrets.append(json.loads(value)["password"] if value.startswith("{") else value)
    assert len(secrets) >= 2

    looked = 0
    for path in _files(sandbox.directory):
        content = path.read_bytes()
        looked += 1
        for secret in secrets:
            assert secret.encode() not in content, path
    assert looked > 10


def _files(directory: Path) -> list[Path]:
    emulated = directory / "sandbox"
    return [path for path in directory.rglob("*") if path.is_file() and emulated not in path.parents]


def test_a_failing_layer_keeps_the_others_and_the_next_up_finishes(sandbox: LocalSandbox) -> None:
    fault = {
        "service": "elasticache",
        "operation": "CreateReplicationGroup",
        "error_code": "InsufficientCacheClusterCapacity",
        "status": 400,
        "times": 1,
        "after": 0,
    }
    sandbox.control("faults", fault, method="POST")

    failed = sandbox.ils("up", "dev", "--json", code=1)

    result = json.loads(failed.stdout)
    assert not result["success"]
    assert "InsufficientCacheClusterCapacity" in failed.stderr
    layers = {layer["layer"] for layer in result["layers"]}
    assert {"vpc", "encryption", "cluster", "database"} <= layers
    assert "app_release" not in layers
    assert sandbox.ils_json("up", "dev")["success"]


def test_an_environment_that_is_taken_down_leaves_nothing(nothing: Counter[str], with_dev: LocalSandbox) -> None:
    sandbox = with_dev
    assert sandbox.inventory() != nothing

    sandbox.ils("down", "dev", "--confirm", "dev")

    assert sandbox.inventory() == nothing
    assert not sandbox.checkpoint("vpc").exists()


def test_the_layers_depend_on_each_other_as_the_design_says() -> None:
    assert set(DEPENDS_ON[Layer.APP_RELEASE]) == {
        Layer.CLUSTER,
        Layer.DATABASE,
        Layer.CACHE,
        Layer.SECRETS,
        Layer.LOAD_BALANCER,
    }
    for layer in (Layer.CLUSTER, Layer.DATABASE, Layer.CACHE):
        assert set(DEPENDS_ON[layer]) == {Layer.VPC, Layer.ENCRYPTION}
