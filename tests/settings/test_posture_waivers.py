"""Which posture controls do not hold in an environment on purpose."""

from typing import Any

import pytest

from ils_pipelines.settings.controls import ControlId
from ils_pipelines.settings.loading import environment_names, load_environment
from ils_pipelines.settings.posture import PostureWaiver
from tests.settings.conftest import Read

WAIVER: dict[str, Any] = {
    "control": "log-retention",
    "resource": "log group /aws/eks/*",
    "reason": "Logs are kept elsewhere for a year.",
    "expires": "2027-06-30",
}


def _paths(read: Read, **changes: Any) -> list[str]:
    waiver = {name: value for name, value in (WAIVER | changes).items() if value is not None}
    return [problem.path for problem in read({"posture_waivers": [waiver]}).problems]


def test_a_waiver_covers_the_resources_it_names(read: Read) -> None:
    environment = read({"posture_waivers": [WAIVER]}).environment
    assert environment is not None
    (waiver,) = environment.posture_waivers

    assert waiver.covers(ControlId.LOG_RETENTION, "log group /aws/eks/ils-dev/cluster")
    assert not waiver.covers(ControlId.LOG_RETENTION, "log group /ils-dev/flow-logs")
    assert not waiver.covers(ControlId.LOG_ENCRYPTION, "log group /aws/eks/ils-dev/cluster")


def test_a_waiver_without_a_resource_covers_them_all(read: Read) -> None:
    environment = read({"posture_waivers": [{**WAIVER, "resource": "*"}]}).environment

    assert environment is not None
    assert environment.posture_waivers[0].covers(ControlId.LOG_RETENTION, "anything")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("control", "log-retension"),
        ("control", None),
        ("reason", "because"),
        ("reason", None),
        ("expires", None),
        ("resource", ""),
    ],
)
def test_a_waiver_says_what_why_and_until_when(read: Read, field: str, value: Any) -> None:
    assert _paths(read, **{field: value}) == [f"posture_waivers[0].{field}"]


def test_an_unknown_control_is_answered_with_the_nearest_ones(read: Read) -> None:
    (problem,) = read({"posture_waivers": [WAIVER | {"control": "log-retension"}]}).problems

    assert "log-retention" in problem.remedy
    assert len(str(problem)) < 250


def test_an_expired_waiver_is_a_warning(read: Read) -> None:
    report = read({"posture_waivers": [WAIVER | {"expires": "2026-11-22"}]})

    assert report.problems == ()
    assert [warning.path for warning in report.warnings] == ["posture_waivers[0].expires"]


@pytest.mark.parametrize("name", environment_names())
def test_shipped_waivers_end_within_two_years_and_no_control_is_waived_twice(name: str) -> None:
    waivers: tuple[PostureWaiver, ...] = load_environment(name).posture_waivers

    assert waivers
    assert all(waiver.expires.year <= 2028 for waiver in waivers)
    covered = [(waiver.control, waiver.resource) for waiver in waivers]
    assert len(set(covered)) == len(covered)
