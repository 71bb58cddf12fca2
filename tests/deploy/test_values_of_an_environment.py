"""What `ils export ENV --format dagster` writes is what Dagster's chart renders, with what is the environment's own."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ils_pipelines.release.export.dagster_chart import dagster_values
from ils_pipelines.release.settings import DatabaseEndpoint
from ils_pipelines.settings.dagster import DagsterHome
from ils_pipelines.settings.environment import Environment
from tests.deploy.chart import VALUES, chart, objects
from tests.deploy.rendering import Rendering
from tests.support import helm

DATABASE = DatabaseEndpoint("ils-platform.cluster-abc.us-east-1.rds.amazonaws.com", 5433, "dagster")
DIGEST = f"sha256:{'d' * 64}"
IMAGES = (
    "123456789012.dkr.ecr.us-east-1.amazonaws.com/ils-pipelines:2.1.0",
    f"123456789012.dkr.ecr.us-east-1.amazonaws.com/ils-pipelines@{DIGEST}",
    f"registry.example.com:5000/ils/pipelines:2.1.0@{DIGEST}",
)


def values_for(image: str) -> str:
    environment = Environment.model_validate({"name": "platform", "aws": {"region": "eu-west-1"}})
    home = DagsterHome(image=image, logs_bucket="ils-dagster-logs")
    return dagster_values(environment, home, DATABASE, yaml.safe_load(VALUES.read_text(encoding="utf-8")))


@pytest.mark.parametrize("image", IMAGES)
def test_everything_of_ours_runs_the_environments_image(
    image: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(values_for(image), encoding="utf-8")
    program = helm.helm(tmp_path_factory.getbasetemp().parent)
    text = helm.rendered(program, chart(tmp_path), file, release="dagster", namespace="dagster")
    rendering = Rendering(tuple(objects(text)))

    specs = [each["spec"]["template"]["spec"] for each in rendering.of("Deployment").values()]
    assert {container["image"] for spec in specs for container in spec["containers"]} == {image}
    instance = yaml.safe_load(rendering.of("ConfigMap")["dagster-instance"]["data"]["dagster.yaml"])
    database = instance["run_storage"]["config"]["postgres_db"]
    assert (database["hostname"], database["port"], database["db_name"]) == (DATABASE.host, 5433, "dagster")
    logs = instance["compute_logs"]["config"]
    assert (logs["bucket"], logs["region"]) == ("ils-dagster-logs", "eu-west-1")


def test_the_file_says_where_it_is_from_and_repeats_nothing_by_reference() -> None:
    written = values_for(IMAGES[0])

    assert written.startswith(
        "# Values of Dagster's chart for platform; written by `ils export platform --format dagster`"
    )
    assert "*id" not in written
