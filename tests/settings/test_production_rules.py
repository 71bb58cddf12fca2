"""What the production tier asks for, and how an environment may decide otherwise."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from ils_pipelines.settings.loading import FileReport

Read = Callable[..., FileReport]
Paths = Callable[..., list[str]]

GOOD: dict[str, Any] = {
    "tier": "production",
    "protection": True,
    "network": {"nat": "per_az", "flow_logs": {"retention_days": 30}},
    "cluster": {"deletion_protection": True, "log_retention_days": 30},
    "database": {
        "instances": 3,
        "deletion_protection": True,
        "final_snapshot": True,
        "backup_retention_days": 30,
        "log_retention_days": 30,
    },
    "cache": {"nodes": 3},
    "load_balancer": {"deletion_protection": True, "access_log_days": 30},
    "monitoring": {"log_retention_days": 30},
    "secrets": {"recovery_window_days": 30},
    "tables": {"recovery_days": 35, "deletion_protection": True},
}

DEMANDS: tuple[tuple[str, str, Any], ...] = (
    # rule, path, a value that breaks it
    ("deletion_protection", "protection", False),
    ("deletion_protection", "cluster.deletion_protection", False),
    ("deletion_protection", "database.deletion_protection", False),
    ("deletion_protection", "database.final_snapshot", False),
    ("deletion_protection", "tables.deletion_protection", False),
    ("deletion_protection", "secrets.recovery_window_days", 0),
    ("deletion_protection", "load_balancer.deletion_protection", False),
    ("multi_az", "database.instances", 1),
    ("multi_az", "cache.nodes", 1),
    ("multi_az", "network.nat", "single"),
    ("point_in_time_recovery", "database.backup_retention_days", 6),
    ("point_in_time_recovery", "tables.recovery_days", 6),
    ("log_retention", "network.flow_logs.retention_days", 14),
    ("log_retention", "cluster.log_retention_days", 14),
    ("log_retention", "database.log_retention_days", 14),
    ("log_retention", "load_balancer.access_log_days", 14),
    ("log_retention", "monitoring.log_retention_days", 14),
)
demands = pytest.mark.parametrize(("rule", "path", "value"), DEMANDS, ids=[row[1] for row in DEMANDS])


def broken(path: str, value: Any, **more: Any) -> dict[str, Any]:
    sections = deepcopy(GOOD) | more
    *way, last = path.split(".")
    place = sections
    for step in way:
        place = place[step]
    place[last] = value
    return sections


def waiver(rule: str, expires: str = "2027-06-30") -> dict[str, str]:
    return {"rule": rule, "reason": "Agreed with the operations team for the pilot.", "expires": expires}


def test_a_production_environment_that_has_it_all_is_accepted(problem_paths: Paths) -> None:
    assert problem_paths(GOOD) == []


@demands
def test_production_must_obey(problem_paths: Paths, rule: str, path: str, value: Any) -> None:
    assert problem_paths(broken(path, value)) == [path]


@demands
def test_other_tiers_need_not(problem_paths: Paths, rule: str, path: str, value: Any) -> None:
    assert problem_paths(broken(path, value, tier="staging")) == []


@demands
def test_a_waiver_with_a_reason_allows_it(problem_paths: Paths, rule: str, path: str, value: Any) -> None:
    assert problem_paths(broken(path, value, waivers=[waiver(rule)])) == []


@demands
def test_the_remedy_names_the_rule_to_waive(read: Read, rule: str, path: str, value: Any) -> None:
    assert f"rule: {rule}" in read(broken(path, value)).problems[0].remedy


def test_an_expired_waiver_allows_nothing(problem_paths: Paths) -> None:
    sections = broken("cache.nodes", 1, waivers=[waiver("multi_az", "2026-11-22")])
    assert problem_paths(sections) == ["cache.nodes"]


def test_a_waiver_holds_on_its_last_day(problem_paths: Paths) -> None:
    assert problem_paths(broken("cache.nodes", 1, waivers=[waiver("multi_az", "2026-11-23")])) == []


def test_an_expired_waiver_that_is_no_longer_needed_is_a_warning(read: Read) -> None:
    report = read(GOOD | {"waivers": [waiver("multi_az", "2026-11-22")]})
    assert report.environment is not None
    assert [warning.path for warning in report.warnings] == ["waivers[0].expires"]


def test_a_waiver_needs_a_reason_worth_reading(problem_paths: Paths) -> None:
    assert problem_paths({"waivers": [waiver("multi_az") | {"reason": "because"}]}) == ["waivers[0].reason"]


def test_a_waiver_needs_an_end(problem_paths: Paths) -> None:
    given = waiver("multi_az")
    del given["expires"]
    assert problem_paths({"waivers": [given]}) == ["waivers[0].expires"]


def test_an_aws_environment_names_its_account(problem_paths: Paths) -> None:
    assert problem_paths({"target": "aws"}) == ["aws.account_id", "engine.backend", "load_balancer.zone"]


def test_an_aws_environment_with_an_account_is_accepted(problem_paths: Paths) -> None:
    account = {"account_id": "123456789012"}
    needed = {"engine": {"backend": "s3://ils-state"}, "load_balancer": {"zone": "example.com"}}
    assert problem_paths({"target": "aws", "aws": account, **needed}) == []


def test_production_is_warned_of_a_state_that_only_one_machine_has(read: Read) -> None:
    report = read(GOOD | {"engine": {"backend": "file:///var/lib/ils"}})

    assert report.problems == ()
    assert [warning.path for warning in report.warnings] == ["engine.backend"]


def test_database_and_cache_may_not_share_a_port(problem_paths: Paths) -> None:
    assert problem_paths({"cache": {"port": 5432}}) == ["cache.port"]


@pytest.mark.parametrize("name", ["postgres", "rdsadmin", "admin"])
def test_a_master_user_that_everybody_guesses_is_refused(problem_paths: Paths, name: str) -> None:
    assert problem_paths({"database": {"master_username": name}}) == ["database.master_username"]
