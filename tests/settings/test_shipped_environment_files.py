"""The three files in `environments/`, against the specification they come from."""

from __future__ import annotations

from datetime import date
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.loading import FileReport, load_environment, read_environment

FILES = Path(__file__).resolve().parents[2] / "environments"
TODAY = date(2026, 11, 23)  # so that no support date changes the outcome
NAMES = ("dev", "staging", "production")


@pytest.fixture(scope="module", params=NAMES)
def report(request: pytest.FixtureRequest) -> FileReport:
    return read_environment(FILES / f"{request.param}.yaml", TODAY)


def environment(name: str) -> Environment:
    found = read_environment(FILES / f"{name}.yaml", TODAY).environment
    assert found is not None
    return found


def at(environment: Environment, path: str) -> Any:
    value = reduce(
        lambda part, step: part[int(step)] if step.isdigit() else getattr(part, step), path.split("."), environment
    )
    return [str(element) for element in value] if isinstance(value, tuple) else value


def test_a_shipped_file_has_no_problem(report: FileReport) -> None:
    assert report.problems == ()


def test_a_shipped_file_lives_in_the_sandbox(report: FileReport) -> None:
    assert report.environment is not None
    assert report.environment.target == "sandbox"


def test_the_files_are_found_from_inside_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ILS_ENVIRONMENTS_DIR", raising=False)
    monkeypatch.chdir(FILES.parent / "tests")
    assert load_environment("dev").name == "dev"


SEED: tuple[tuple[str, Any, Any], ...] = (
    # what, dev, production
    ("network.cidr", "10.0.0.0/16", "10.0.0.0/16"),
    ("network.public_subnets", ["10.0.1.0/24", "10.0.2.0/24"], ["10.0.1.0/24", "10.0.2.0/24"]),
    ("network.private_subnets", ["10.0.11.0/24", "10.0.12.0/24"], ["10.0.11.0/24", "10.0.12.0/24"]),
    ("network.nat", "single", "per_az"),
    ("cluster.node_groups.0.min_size", 2, 2),
    ("cluster.node_groups.0.max_size", 5, 10),
    ("cluster.log_retention_days", 7, 30),
    (
        "cluster.log_types",
        ["api", "audit", "authenticator", "controllerManager", "scheduler"],
        ["api", "audit", "authenticator", "controllerManager", "scheduler"],
    ),
    ("database.engine_version", "15", "15"),
    ("database.database_name", "ilsdb", "ilsdb"),
    ("database.instances", 1, 3),
    ("database.backup_retention_days", 7, 30),
    ("database.backup_window", "03:00-04:00", "03:00-04:00"),
    ("database.port", 5432, 5432),
    ("database.deletion_protection", False, True),
    ("cache.engine", "redis", "redis"),
    ("cache.nodes", 1, 3),
    ("cache.port", 6379, 6379),
    ("tables.recovery_days", 1, 35),
    ("tables.deletion_protection", False, True),
    ("secrets.recovery_window_days", 0, 30),
    ("load_balancer.domain", "dev.ils.example.com", "ils.example.com"),
    ("load_balancer.access_log_days", 7, 30),
    ("load_balancer.deletion_protection", False, True),
    ("app.port", 5000, 5000),
    ("app.replicas", 3, 3),
    ("app.namespace", "ils-dev", "ils-production"),
    ("protection", False, True),
    ("requires_approval", False, True),
)


@pytest.mark.parametrize(("path", "dev", "production"), SEED, ids=[row[0] for row in SEED])
def test_the_tiers_have_the_values_of_the_specification(path: str, dev: Any, production: Any) -> None:
    def plain(value: Any) -> Any:
        return value if isinstance(value, (int, list)) else str(value)

    assert plain(at(environment("dev"), path)) == dev
    assert plain(at(environment("production"), path)) == production


@pytest.mark.parametrize(
    "path",
    [
        "cluster.node_groups.0.max_size",
        "cluster.log_retention_days",
        "database.instances",
        "database.backup_retention_days",
        "cache.nodes",
        "tables.recovery_days",
        "load_balancer.access_log_days",
        "backup_vault.recovery_point_days",
        "backup_vault.lock_days",
        "monitoring.log_retention_days",
        "monitoring.thresholds.database_connections",
    ],
)
def test_staging_lies_between_dev_and_production(path: str) -> None:
    small, middle, large = (at(environment(name), path) for name in NAMES)
    assert small < middle < large


def test_production_has_spot_nodes_beside_on_demand_ones() -> None:
    assert {group.capacity.value for group in environment("production").cluster.node_groups} == {"on_demand", "spot"}


def test_every_environment_has_copies_in_another_region() -> None:
    assert {environment(name).backup_vault.dr_region for name in NAMES} == {"us-west-2"}
    assert {environment(name).aws.region for name in NAMES} == {"us-east-1"}


def test_only_production_s_backups_are_beyond_everybody() -> None:
    modes = {name: environment(name).backup_vault.lock_mode.value for name in NAMES}
    assert modes == {"dev": "governance", "staging": "governance", "production": "compliance"}


@pytest.mark.parametrize("name", NAMES)
def test_recovery_points_are_taken_after_the_windows_of_the_databases(name: str) -> None:
    found = environment(name)
    ends = [window.rpartition("-")[2] for window in (found.database.backup_window, found.cache.snapshot_window)]
    assert found.backup_vault.start > max(ends)
