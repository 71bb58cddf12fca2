"""Which versions can be created, and what is said about those that cannot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from ils_pipelines.settings.loading import FileReport
from ils_pipelines.settings.problems import Severity
from ils_pipelines.settings.version_rules import version_findings
from ils_pipelines.settings.versions import (
    RELEASES,
    Calendar,
    Product,
    Release,
    Support,
    classify,
    newest,
    parameter_group_family,
)

Read = Callable[..., FileReport]
TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("product", "version", "support"),
    [
        (Product.EKS, "1.28", Support.NOT_CREATABLE),
        (Product.EKS, "1.30", Support.NOT_CREATABLE),
        (Product.EKS, "1.31", Support.EXTENDED),
        (Product.EKS, "1.34", Support.STANDARD),
        (Product.EKS, "1.35", Support.STANDARD),
        (Product.EKS, "1.99", Support.UNKNOWN),
        (Product.EKS, "1", Support.UNKNOWN),
        (Product.AURORA_POSTGRESQL, "13", Support.EXTENDED),
        (Product.AURORA_POSTGRESQL, "15", Support.STANDARD),
        (Product.AURORA_POSTGRESQL, "15.17", Support.STANDARD),
        (Product.AURORA_POSTGRESQL, "15.2", Support.NOT_CREATABLE),
        (Product.AURORA_POSTGRESQL, "15.5", Support.NOT_CREATABLE),
        (Product.AURORA_POSTGRESQL, "15.99", Support.UNKNOWN),
        (Product.AURORA_POSTGRESQL, "15.x", Support.UNKNOWN),
        (Product.AURORA_POSTGRESQL, "9", Support.UNKNOWN),
        (Product.REDIS, "7.0", Support.STANDARD),
        (Product.REDIS, "7.1", Support.STANDARD),
        (Product.REDIS, "7.2", Support.UNKNOWN),
        (Product.VALKEY, "8.0", Support.STANDARD),
    ],
)
def test_versions_are_classified_as_aws_does(product: Product, version: str, support: Support) -> None:
    assert classify(product, version, TODAY).support is support


@pytest.mark.parametrize(
    ("day", "support"),
    [
        (date(2027, 3, 27), Support.STANDARD),
        (date(2027, 3, 28), Support.EXTENDED),
        (date(2028, 3, 27), Support.EXTENDED),
        (date(2028, 3, 28), Support.NOT_CREATABLE),
    ],
)
def test_a_version_changes_its_standing_the_day_after_its_dates(day: date, support: Support) -> None:
    assert classify(Product.EKS, "1.35", day).support is support


def test_alternatives_are_those_in_standard_support_newest_first() -> None:
    assert classify(Product.EKS, "1.28", TODAY).alternatives == ("1.36", "1.35", "1.34")


def test_every_release_ends_its_standard_support_before_its_extended_one() -> None:
    dates = [
        (release.standard_until, release.extended_until)
        for releases in RELEASES.values()
        for release in releases.values()
        if release.standard_until and release.extended_until
    ]
    assert dates
    assert all(standard < extended for standard, extended in dates)


@pytest.mark.parametrize(
    ("section", "field", "version"),
    [("cluster", "version", "1.28"), ("database", "engine_version", "15.2"), ("cache", "engine_version", "6.2")],
)
def test_a_version_that_cannot_be_created_fails_with_those_that_can(
    read: Read, section: str, field: str, version: str
) -> None:
    (problem,) = read({section: {field: version}}).problems
    assert problem.path == f"{section}.{field}"
    assert problem.value == version
    assert problem.remedy.startswith('Use "')


def test_the_remedy_for_the_specified_database_version_offers_the_same_major(read: Read) -> None:
    (problem,) = read({"database": {"engine_version": "15.2"}}).problems
    assert '"15"' in problem.remedy


def test_the_remedy_for_the_specified_kubernetes_version_tells_when_it_ended(read: Read) -> None:
    (problem,) = read({"cluster": {"version": "1.28"}}).problems
    assert "2025-11-26" in problem.message


def test_a_version_in_extended_support_passes_with_a_warning(read: Read) -> None:
    report = read({"cluster": {"version": "1.33", "upgrade_policy": "extended"}})
    assert report.environment is not None
    assert [(warning.path, warning.severity) for warning in report.warnings] == [("cluster.version", "warning")]


def test_extended_support_under_the_standard_policy_is_warned_about_too(read: Read) -> None:
    report = read({"cluster": {"version": "1.33"}})
    assert [warning.path for warning in report.warnings] == ["cluster.version", "cluster.upgrade_policy"]


@pytest.mark.parametrize(("days", "warned"), [(91, False), (90, True), (0, True)])
def test_the_end_of_standard_support_is_announced_ninety_days_ahead(read: Read, days: int, warned: bool) -> None:
    report = read({"cluster": {"version": "1.35"}}, date(2027, 3, 27) - timedelta(days=days))
    assert [warning.path for warning in report.warnings if warning.path == "cluster.version"] == (
        ["cluster.version"] if warned else []
    )


@pytest.mark.parametrize(
    ("section", "field", "version"),
    [("cluster", "version", "1.99"), ("database", "engine_version", "15.99"), ("database", "engine_version", "18")],
)
def test_what_is_newer_than_the_table_is_left_to_aws_to_judge(
    read: Read, section: str, field: str, version: str
) -> None:
    report = read({section: {field: version}})
    assert report.environment is not None
    (warning,) = report.warnings
    assert "newer than the version table of" in warning.message
    assert warning.remedy.startswith("AWS is asked of it before anything is provisioned")


@pytest.mark.parametrize(
    ("section", "field", "version"),
    [
        ("cluster", "version", "1"),
        ("cluster", "version", "v1.36"),
        ("database", "engine_version", "15.x"),
        ("database", "engine_version", "9"),
        ("cache", "engine_version", "7.2"),  # Redis OSS ends with 7.1
    ],
)
def test_what_is_no_version_is_refused(read: Read, section: str, field: str, version: str) -> None:
    (problem,) = read({section: {field: version}}).problems
    assert "is not in the version table" in problem.message


def test_the_specified_redis_version_is_in_standard_support(read: Read) -> None:
    report = read({"cache": {"engine_version": "7.0"}})
    assert (report.problems, report.warnings) == ((), ())


@pytest.mark.parametrize(
    ("product", "version", "resolved"),
    [
        (Product.AURORA_POSTGRESQL, "15", "15.17"),
        (Product.AURORA_POSTGRESQL, "15.10", "15.10"),
        (Product.EKS, "1.35", "1.35"),
        (Product.REDIS, "7.1", "7.1"),
    ],
)
def test_a_major_stands_for_its_newest_minor(product: Product, version: str, resolved: str) -> None:
    assert newest(product, version) == resolved


def test_what_aws_was_asked_of_and_does_not_name_cannot_be_created() -> None:
    calendar = Calendar({**RELEASES, Product.EKS: {"1.37": Release(None, None)}}, frozenset({Product.EKS}))
    assert classify(Product.EKS, "1.37", TODAY, calendar).support is Support.STANDARD
    (finding,) = version_findings(Product.EKS, "1.38", ("version",), TODAY, calendar)
    assert (finding.severity, finding.remedy) == (Severity.ERROR, 'Use "1.37".')
    assert "not among the versions that AWS creates now" in finding.message


def test_valkey_is_chosen_by_its_engine_and_version(read: Read) -> None:
    assert read({"cache": {"engine": "valkey", "engine_version": "8.1"}}).problems == ()


def test_a_redis_version_is_no_valkey_version(read: Read) -> None:
    problems = read({"cache": {"engine": "valkey", "engine_version": "7.1"}}).problems
    assert [problem.path for problem in problems] == ["cache.engine_version"]


@pytest.mark.parametrize(
    ("product", "version", "family"),
    [
        (Product.AURORA_POSTGRESQL, "15", "aurora-postgresql15"),
        (Product.AURORA_POSTGRESQL, "16.4", "aurora-postgresql16"),
        (Product.REDIS, "7.1", "redis7"),
        (Product.VALKEY, "8.1", "valkey8"),
    ],
)
def test_the_parameter_group_family_follows_the_version(product: Product, version: str, family: str) -> None:
    assert parameter_group_family(product, version) == family
