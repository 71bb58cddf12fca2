"""The posture where people meet it: in a terminal and in Dagster."""

from __future__ import annotations

import pytest
from dagster import AssetCheckEvaluation, AssetKey, DagsterInstance, Definitions, ExecuteInProcessResult

from ils_pipelines.definitions import defs as code_location
from ils_pipelines.defs.environments import register_environments
from ils_pipelines.settings.controls import ControlId
from ils_pipelines.settings.layers import Layer
from tests.end_to_end.conftest import LocalSandbox
from tests.operations.posture.cases import network
from tests.operations.posture.site import Site

pytestmark = pytest.mark.timeout(600)

SSH = next(case for case in network.CASES if case.control is ControlId.NO_PUBLIC_SSH)


@pytest.fixture
def defs(monkeypatch: pytest.MonkeyPatch, sandbox: LocalSandbox) -> Definitions:
    monkeypatch.setenv("ILS_STATE_DIR", str(sandbox.directory))
    return code_location


def _report(defs: Definitions) -> ExecuteInProcessResult:
    job = defs.resolve_job_def("posture_report")
    with DagsterInstance.ephemeral() as instance:
        register_environments(instance)
        return job.execute_in_process(instance=instance, partition_key="dev")


def _not_passed(checked: dict[str, AssetCheckEvaluation]) -> set[str]:
    return {layer for layer, evaluation in checked.items() if not evaluation.passed}


def test_the_command_succeeds_when_no_control_fails(sandbox: LocalSandbox, shipped: Site) -> None:
    shown = sandbox.ils("posture", "dev").stdout

    assert "80 controls on dev" in shown
    assert "accepted until 2027-" in shown
    assert max(len(line) for line in shown.splitlines()) <= 100


def test_the_command_fails_and_names_what_is_wrong(sandbox: LocalSandbox, site: Site) -> None:
    with SSH.breaks(site) as group:
        shown = sandbox.ils("posture", "dev", code=1).stdout
        document = sandbox.ils_json("posture", "dev", code=1)

    assert group in shown
    assert "no-public-ssh" in shown
    assert document["success"] is False
    failed = [control for control in document["controls"] if control["verdict"] == "failed"]
    assert {control["control"] for control in failed} == {"no-public-ssh", "public-ingress-only-web"}
    finding = failed[0]["findings"][0]
    assert group in finding["resource"]
    assert finding.keys() == {"resource", "expected", "found", "remedy"}


def test_every_layer_has_a_posture_check_with_the_partitions_of_its_asset(defs: Definitions) -> None:
    graph = defs.resolve_asset_graph()
    checks = {key.asset_key: graph.get(key) for key in graph.asset_check_keys if key.name == "posture"}

    assert set(checks) == {AssetKey(str(layer)) for layer in Layer}
    for key, check in checks.items():
        assert check.partitions_def is not None
        assert check.partitions_def == graph.get(key).partitions_def
        assert check.blocking is False


def test_the_job_checks_every_layer_and_writes_the_report(defs: Definitions, shipped: Site) -> None:
    result = _report(defs)

    checked = {evaluation.asset_key.to_user_string(): evaluation for evaluation in result.get_asset_check_evaluations()}
    assert set(checked) == {str(layer) for layer in Layer}
    assert {evaluation.partition for evaluation in checked.values()} == {"dev"}
    assert _not_passed(checked) == set()
    report = result.asset_materializations_for_node("write_posture_report")[0]
    assert report.partition == "dev"
    assert "# Posture of dev" in str(report.metadata["report"].value)


def test_a_failed_check_lists_the_resource_and_the_remedy(defs: Definitions, site: Site) -> None:
    with SSH.breaks(site) as group:
        result = _report(defs)

    checked = {evaluation.asset_key.to_user_string(): evaluation for evaluation in result.get_asset_check_evaluations()}
    assert _not_passed(checked) == {"vpc"}
    assert checked["vpc"].severity.value == "ERROR"
    table = str(checked["vpc"].metadata["failed"].value)
    assert group in table
    assert "Remove the rule" in table


def test_checks_and_report_of_a_run_share_one_look(defs: Definitions, sandbox: LocalSandbox, shipped: Site) -> None:
    sandbox.forget_requests()

    _report(defs)

    asked = [request["operation"] for request in sandbox.requests()]
    assert asked.count("DescribeVpcs") == 1


def test_provisioning_runs_no_check(defs: Definitions) -> None:
    nodes = {node.name for node in defs.resolve_job_def("provision_environment").graph.nodes}

    assert nodes == {str(layer) for layer in Layer}
