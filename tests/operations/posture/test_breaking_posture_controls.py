"""Each control is broken in a live environment, behind the product's back, and caught."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from ils_pipelines.operations.posture.models import Verdict
from ils_pipelines.settings.controls import ControlId
from tests.operations.posture.cases import application, cluster, database, edge, network, stores
from tests.operations.posture.site import BY_ID, NOT_EMULATED, Case, Site

# The first test of a process waits for the sandbox and for dev.
pytestmark = pytest.mark.timeout(600)

CASES: tuple[Case, ...] = (
    *network.CASES,
    *cluster.CASES,
    *database.CASES,
    *stores.CASES,
    *edge.CASES,
    *application.CASES,
)


def test_there_is_a_way_to_break_every_control() -> None:
    broken = {case.control for case in CASES} | set(cluster.BARE) | NOT_EMULATED

    assert broken == set(ControlId)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_broken_control_is_caught_and_names_the_resource(site: Site, case: Case) -> None:
    with case.breaks(site) as resource:
        result = site.evaluate(case.control).results[0]
    mended = site.evaluate(case.control).results[0]

    assert result.verdict is Verdict.FAILED, result
    named = [finding for finding in result.findings if resource in finding.resource]
    assert named, result.findings
    assert all(finding.expected and finding.found and finding.remedy for finding in named)
    assert not [finding for finding in mended.findings if resource in finding.resource]
    assert mended.verdict is not Verdict.UNKNOWN


def test_what_a_cluster_was_made_without_is_caught(site: Site) -> None:
    bare = site.bare("bare")
    with contextmanager(cluster.bare_cluster)(site) as resource:
        report = bare.evaluate(*cluster.BARE)

    assert {(result.control.id, result.verdict) for result in report.results} == {
        (control, Verdict.FAILED) for control in cluster.BARE
    }
    assert {finding.resource for finding in report.findings} == {resource}


@pytest.mark.parametrize("control", sorted(NOT_EMULATED))
def test_what_the_sandbox_cannot_tell_is_unknown(site: Site, control: ControlId) -> None:
    table = next(case for case in stores.CASES if case.control is ControlId.TABLE_ENCRYPTION)
    with table.breaks(site):
        result = site.evaluate(control).results[0]

    assert result.verdict is Verdict.UNKNOWN
    assert "list_protected_resources" in result.reason


def test_a_workload_as_it_should_be_gives_no_finding(site: Site) -> None:
    pods = [control for control in BY_ID if control.startswith("pod-")]
    with contextmanager(application.deployment())(site) as resource:
        report = site.evaluate(*pods)

    assert all(any(resource in each for each in result.resources) for result in report.results)
    assert not [finding for finding in report.findings if resource in finding.resource]
