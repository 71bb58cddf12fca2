"""Secrets that people fill in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ils_pipelines.settings.layers import Layer

Runs = Mapping[Layer, Any]
NAMES = ("database-url", "auth-provider", "lims-api-key")


@pytest.fixture
def run(applied: Runs) -> Any:
    return applied[Layer.SECRETS]


def test_there_is_a_place_for_each_secret_of_the_specification(run: Any, tier: str) -> None:
    assert {secret.inputs["name"] for secret in run.of("Secret")} == {f"ils-{tier}-{name}" for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_secret_lies_under_the_key_of_secrets(run: Any, name: str) -> None:
    assert run.one("Secret", name).inputs["kmsKeyId"].endswith("Key/secrets")


@pytest.mark.parametrize("name", NAMES)
def test_the_first_version_holds_no_value_and_is_taken_for_none(run: Any, name: str) -> None:
    value = run.one("SecretVersion", name).inputs["secretString"]
    assert value.startswith("not set")


@pytest.mark.parametrize("name", NAMES)
def test_what_a_person_puts_in_is_left_alone(run: Any, name: str) -> None:
    assert set(run.one("SecretVersion", name).ignore_changes) == {"secretString", "versionStages"}


@pytest.mark.parametrize("name", NAMES)
def test_a_value_would_be_secret_wherever_it_went(run: Any, name: str) -> None:
    version = run.one("SecretVersion", name)
    assert "secretString" in version.secret_inputs
    assert "secretString" in version.secret_outputs


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("database-url", ("host", "port", "dbname", "username", "password")),
        ("auth-provider", ("client_id", "client_secret")),
        ("lims-api-key", ("plain text",)),
    ],
)
def test_a_secret_tells_what_to_put_in(run: Any, name: str, fields: tuple[str, ...]) -> None:
    description = run.one("Secret", name).inputs["description"]
    assert [field for field in fields if field not in description] == []


@pytest.mark.parametrize(("name", "days"), [("dev", 0), ("staging", 0), ("production", 30)])
def test_a_deleted_secret_can_be_taken_back_as_long_as_the_tier_says(
    of_tier: Callable[[str], Runs], name: str, days: int
) -> None:
    secrets = of_tier(name)[Layer.SECRETS].of("Secret")
    assert {secret.inputs["recoveryWindowInDays"] for secret in secrets} == {days}


def test_addresses_are_handed_on_and_values_are_not(run: Any) -> None:
    assert {name: value.rsplit("/", 1)[-1] for name, value in run.outputs.items()} == {
        "database_url_secret_arn": "database-url",
        "auth_provider_secret_arn": "auth-provider",
        "lims_api_key_secret_arn": "lims-api-key",
    }
