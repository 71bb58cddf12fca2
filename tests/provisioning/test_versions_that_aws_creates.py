"""Before anything is provisioned, AWS is asked whether it still, or already, creates the versions of the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from ils_pipelines.commands.versions import version_entries
from ils_pipelines.provisioning.versions import Verdict, VersionRefused, check_versions, verdicts
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.versions import TABLE_DATE, TABLE_LASTS, Support
from ils_pipelines.targets import open_target
from ils_pipelines.targets.protocol import Target
from tests.end_to_end.conftest import LocalSandbox

pytestmark = pytest.mark.timeout(600)

TODAY = date(2026, 11, 23)
Opened = Callable[..., Target]


@pytest.fixture
def opened(sandbox: LocalSandbox, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """The target of an environment with these sections, whatever its file would be refused for."""
    monkeypatch.setenv("ILS_STATE_DIR", str(sandbox.directory))

    def opened(**sections: Any) -> Target:
        environment = Environment(name="dev")
        changed = {name: getattr(environment, name).model_copy(update=fields) for name, fields in sections.items()}
        return open_target(environment.model_copy(update=changed))

    return opened


@pytest.fixture
def refusing(sandbox: LocalSandbox) -> Iterator[Callable[[str, str], None]]:
    """Has the sandbox let nobody make a call."""

    def refuse(service: str, operation: str) -> None:
        fault = {"service": service, "operation": operation, "error_code": "AccessDenied", "status": 403}
        sandbox.control("faults", {**fault, "times": 20, "after": 0}, method="POST")

    yield refuse
    sandbox.control("faults", method="DELETE")


@pytest.fixture
def silent(sandbox: LocalSandbox, refusing: Callable[[str, str], None]) -> LocalSandbox:
    """A sandbox whose EKS does not let us ask."""
    refusing("eks", "DescribeClusterVersions")
    return sandbox


def by_path(found: tuple[Verdict, ...]) -> dict[str, Verdict]:
    return {each.path: each for each in found}


def test_versions_are_judged_and_resolved_by_what_aws_says(opened: Opened, sandbox: LocalSandbox) -> None:
    sandbox.forget_requests()
    found = by_path(check_versions(opened(), TODAY))

    assert {path: (each.standing.version, each.resolved, each.source) for path, each in found.items()} == {
        "cluster.version": ("1.35", "1.35", "AWS"),
        "database.engine_version": ("15", "15.17", "AWS"),
        "cache.engine_version": ("7.1", "7.1", "AWS"),
    }
    assert found["cluster.version"].standing.until == date(2027, 3, 27)
    assert not sandbox.requests(mutating=True)
    assert len(sandbox.requests()) == 4


@pytest.mark.parametrize(
    ("section", "field", "version", "remedy"),
    [
        ("cluster", "version", "1.28", '"1.36" or "1.35"'),
        ("cluster", "version", "1.37", '"1.36" or "1.35"'),
        ("database", "engine_version", "15.2", '"15"'),
        ("database", "engine_version", "15.11", '"15"'),
        ("database", "engine_version", "18", '"17"'),
    ],
)
def test_what_aws_does_not_create_is_refused_with_what_it_does(
    opened: Opened, section: str, field: str, version: str, remedy: str
) -> None:
    with pytest.raises(VersionRefused) as refused:
        check_versions(opened(**{section: {field: version}}), TODAY)
    assert f"{section}.{field}" in str(refused.value)
    assert remedy in str(refused.value)
    assert "Nothing was changed" in str(refused.value)


def test_extended_support_and_its_approach_are_said_and_not_refused(opened: Opened) -> None:
    extended = by_path(check_versions(opened(cluster={"version": "1.33"}), TODAY))["cluster.version"]
    leaving = by_path(check_versions(opened(cluster={"version": "1.34"}), TODAY))["cluster.version"]
    assert extended.standing.support is Support.EXTENDED
    assert "extended support" in extended.says
    assert "leaves standard support on 2026-12-02" in leaving.says


def test_the_table_is_what_is_known_when_aws_does_not_answer(opened: Opened, silent: LocalSandbox) -> None:
    found = by_path(check_versions(opened(), TODAY))
    assert found["cluster.version"].standing.support is Support.STANDARD
    assert "table of 2026-11-01, as AWS did not answer" in found["cluster.version"].source
    assert found["database.engine_version"].source == "AWS"


def test_dates_that_rds_does_not_tell_are_those_of_the_table(
    opened: Opened, refusing: Callable[[str, str], None]
) -> None:
    refusing("rds", "DescribeDBMajorEngineVersions")

    found = by_path(check_versions(opened(), TODAY))["database.engine_version"]

    assert (found.resolved, found.current) == ("15.17", True)
    assert "dates: those are of the table of 2026-11-01" in found.source


def test_a_table_that_is_too_old_tells_nothing(opened: Opened, refusing: Callable[[str, str], None]) -> None:
    in_time, too_late = TABLE_DATE + TABLE_LASTS, TABLE_DATE + TABLE_LASTS + timedelta(days=1)
    target = opened(cluster={"version": "1.36"})
    heard = by_path(verdicts(target, too_late))
    refusing("eks", "DescribeClusterVersions")
    refusing("elasticache", "DescribeCacheEngineVersions")

    assert {each.current for each in heard.values()} == {True}
    assert {each.current for each in verdicts(target, in_time)} == {True}
    unheard = by_path(verdicts(target, too_late))
    assert {path for path, each in unheard.items() if not each.current} == {"cluster.version", "cache.engine_version"}
    assert unheard["cluster.version"].says.startswith("not known: the table of versions is of 2026-11-01")
    assert version_entries([unheard["cluster.version"]])[0]["support"] == "unknown"


def test_a_version_that_nobody_can_tell_of_is_refused(opened: Opened, silent: LocalSandbox) -> None:
    with pytest.raises(VersionRefused, match="newer than the version table"):
        check_versions(opened(cluster={"version": "1.37"}), TODAY)


@pytest.mark.slow
def test_nothing_starts_with_a_version_that_aws_does_not_create(sandbox: LocalSandbox, tmp_path: Any) -> None:
    """The file is accepted, as its version is newer than the table; AWS has the last word."""
    (tmp_path / "next.yaml").write_text('name: next\ncluster:\n  version: "1.99"\n')
    sandbox.env["ILS_ENVIRONMENTS_DIR"] = str(tmp_path)
    before = sandbox.inventory()
    try:
        for command in ("plan", "up"):
            refused = sandbox.ils(command, "next", code=1)
            assert "EKS 1.99 is not among the versions that AWS creates now" in refused.stderr
    finally:
        del sandbox.env["ILS_ENVIRONMENTS_DIR"]
    assert sandbox.inventory() == before
