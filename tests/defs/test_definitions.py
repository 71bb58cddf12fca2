"""The code location as Dagster loads it: what is in it, how it is wired, what loading it costs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from dagster import AssetKey, DagsterInstance, Definitions, OpDefinition

from ils_pipelines.defs.environments import register_environments
from ils_pipelines.settings.loading import environment_names

ROOT = Path(__file__).resolve().parents[2]
REPORTING_JOBS = {
    "certificate_scan",
    "cost_report",
    "monthly_cost_report",
    "drift_scan",
    "health_scan",
    "posture_report",
}
"""Jobs that change nothing, and may run by themselves."""
NOT_AT_LOAD = (
    "kubernetes",
    "pulumi",
    "pulumi_aws",
    "boto3",
    "botocore",
    "moto",
    "ils_sandbox",
    "matplotlib",
    "OpenSSL",
)

ASSETS = {
    "vpc": {"deps": set(), "kinds": {"pulumi", "aws", "vpc"}, "group": "infrastructure"},
    "encryption": {"deps": set(), "kinds": {"pulumi", "aws", "kms"}, "group": "infrastructure"},
    "cluster": {"deps": {"vpc", "encryption"}, "kinds": {"pulumi", "aws", "eks"}, "group": "infrastructure"},
    "database": {"deps": {"vpc", "encryption"}, "kinds": {"pulumi", "aws", "postgresql"}, "group": "infrastructure"},
    "cache": {"deps": {"vpc", "encryption"}, "kinds": {"pulumi", "aws", "redis"}, "group": "infrastructure"},
    "tables": {"deps": {"encryption"}, "kinds": {"pulumi", "aws", "dynamodb"}, "group": "infrastructure"},
    "secrets": {"deps": {"encryption"}, "kinds": {"pulumi", "aws", "secretsmanager"}, "group": "infrastructure"},
    "load_balancer": {"deps": {"vpc"}, "kinds": {"pulumi", "aws", "elb"}, "group": "infrastructure"},
    "backup_vault": {"deps": {"tables"}, "kinds": {"pulumi", "aws", "backup"}, "group": "infrastructure"},
    "monitoring": {
        "deps": {"encryption", "cluster", "database", "cache", "tables", "load_balancer", "backup_vault"},
        "kinds": {"pulumi", "aws", "cloudwatch"},
        "group": "infrastructure",
    },
    "app_release": {
        "deps": {"cluster", "database", "cache", "secrets", "load_balancer"},
        "kinds": {"kubernetes"},
        "group": "application",
    },
}


@pytest.fixture(scope="module")
def defs() -> Definitions:
    from ils_pipelines.definitions import defs

    return defs


def test_there_is_one_asset_per_layer_with_its_lineage_kinds_and_group(defs: Definitions) -> None:
    specs = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs() if "ils/layer" in spec.tags}

    assert {
        name: {
            "deps": {dep.asset_key.to_user_string() for dep in spec.deps},
            "kinds": set(spec.kinds),
            "group": spec.group_name,
        }
        for name, spec in specs.items()
    } == ASSETS


def test_every_asset_has_an_owner_a_description_and_the_tag_of_its_layer(defs: Definitions) -> None:
    for spec in defs.resolve_all_asset_specs():
        assert list(spec.owners) == ["team:platform"]
        assert spec.description
        assert spec.tags.get("ils/layer", spec.key.to_user_string()) == spec.key.to_user_string()


def test_assets_and_jobs_have_one_partition_per_environment_file(defs: Definitions) -> None:
    """Kept in the instance, so that environments may come and go while Dagster runs."""
    graph = defs.resolve_asset_graph()
    partitions = [graph.get(AssetKey(name)).partitions_def for name in ASSETS]
    jobs = ("provision_environment", "preview_environment", "teardown_environment")
    partitions += [defs.resolve_job_def(job).partitions_def for job in jobs]

    with DagsterInstance.ephemeral() as instance:
        register_environments(instance)
        for each in partitions:
            assert each is not None
            assert list(each.get_partition_keys(dynamic_partitions_store=instance)) == list(environment_names())


def test_no_asset_is_applied_by_itself_or_retried(defs: Definitions) -> None:
    for assets in defs.resolve_asset_graph().assets_defs:
        assert not assets.is_executable or assets.op.retry_policy is None
        assert all(spec.automation_condition is None for spec in assets.specs)
    scheduled = {schedule.job.name for schedule in defs.schedules or ()}
    # Drills restore beside what is live, and take away what drills made; backups change nothing that is there; office hours
    # are kept where a file turns them on; nodes and the database are kept up to date outside of production, without force.
    maintenance = {"scale_environment", "node_refresh", "database_upgrade"}
    recovery = {"dr_drill_job", "sweep_drills", "judge_backups", "take_backup_set"}
    assert scheduled <= REPORTING_JOBS | recovery | maintenance
    sensors = {sensor.name: [target.job_name for target in sensor.targets] for sensor in defs.sensors or ()}
    assert sensors == {
        "environment_files": ["preview_environment"],  # requests no run
        "expired_environments": ["teardown_environment"],  # of ephemeral environments past their time
        "notifications": ["preview_environment"],  # requests no run
    }


@pytest.mark.parametrize(
    "job", ["provision_environment", "preview_environment", "teardown_environment", "approve_plan"]
)
def test_no_step_of_a_job_is_tried_again_by_itself(defs: Definitions, job: str) -> None:
    for node in defs.resolve_job_def(job).nodes:
        assert node.definition.retry_policy is None if isinstance(node.definition, OpDefinition) else True
        assert node.retry_policy is None


def test_provisioning_covers_every_layer(defs: Definitions) -> None:
    job = defs.resolve_job_def("provision_environment")

    assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == set(ASSETS)


def test_previews_wait_for_nothing_and_are_summed_up(defs: Definitions) -> None:
    graph = defs.resolve_job_def("preview_environment").graph
    waiting = [
        node.name for node in graph.nodes if graph.dependency_structure.input_to_upstream_outputs_for_node(node.name)
    ]

    assert {node.name for node in graph.nodes} == {f"preview_{layer}" for layer in ASSETS} | {"summarize_plan"}
    assert waiting == ["summarize_plan"]


def test_teardown_goes_the_other_way_after_the_confirmation(defs: Definitions) -> None:
    structure = defs.resolve_job_def("teardown_environment").graph.dependency_structure

    def waits_for(layer: str) -> set[str]:
        inputs = structure.input_to_upstream_outputs_for_node(f"destroy_{layer}")
        return {output.node_name for outputs in inputs.values() for output in outputs}

    assert waits_for("app_release") == {"confirm_teardown"}
    for layer, expected in ASSETS.items():
        upper = {other for other, spec in ASSETS.items() if layer in spec["deps"]}
        assert waits_for(layer) == {"confirm_teardown"} | {f"destroy_{other}" for other in upper}, expected


def test_every_job_has_the_executor_of_the_location_and_a_longest_runtime(defs: Definitions) -> None:
    for name in ("provision_environment", "preview_environment", "teardown_environment"):
        job = defs.resolve_job_def(name)
        assert job.executor_def.name == "steps"
        assert int(job.run_tags["dagster/max_runtime"]) > 0


_MEASURE = """
import json, sys, time
start = time.process_time()
import dagster
imported = time.process_time()
import ils_pipelines.definitions
ils_pipelines.definitions.defs.get_repository_def()
loaded = time.process_time()
print(json.dumps({"ratio": (loaded - imported) / (imported - start), "modules": list(sys.modules)}))
"""


def test_loading_costs_less_than_importing_dagster_imports_no_heavy_client_and_warns_of_nothing() -> None:
    measured, said = [], ""
    for _ in range(2):  # the first may compile bytecode
        result = subprocess.run([sys.executable, "-c", _MEASURE], cwd=ROOT, capture_output=True, text=True, check=True)
        measured.append(json.loads(result.stdout))
        said += result.stderr

    imported = {module.split(".")[0] for module in measured[-1]["modules"]}
    assert imported.isdisjoint(NOT_AT_LOAD)
    assert measured[-1]["ratio"] < 1.0
    assert said == ""


@pytest.mark.slow
def test_the_workspace_loads_over_grpc_as_the_server_does_it(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "dagster", "definitions", "validate", "--workspace", str(ROOT / "workspace.yaml")],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "DAGSTER_HOME": str(tmp_path), "DAGSTER_DISABLE_TELEMETRY": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout + result.stderr
    assert "Validation successful for code location ils_pipelines" in result.stdout + result.stderr
