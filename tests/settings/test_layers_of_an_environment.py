"""An environment may have some of the layers only."""

from __future__ import annotations

from pathlib import Path

import pytest

from ils_pipelines.settings.layers import DEPENDS_ON, Layer
from tests.settings.conftest import Read

PLATFORM = Path(__file__).parents[2] / "deploy" / "platform.yaml"
IMAGE = "registry.example.com/ils-pipelines:1.0.0"
HOME = {"image": IMAGE, "logs_bucket": "ils-dagster-logs"}


def test_it_has_all_of_them_unless_its_file_says_otherwise(read: Read) -> None:
    environment = read({}).environment

    assert environment is not None
    assert environment.layers == tuple(Layer)


@pytest.mark.parametrize("layer", [layer for layer in Layer if DEPENDS_ON[layer]])
def test_a_layer_is_refused_without_those_it_builds_on(read: Read, layer: Layer) -> None:
    [problem] = read({"layers": [str(layer)]}).problems

    assert problem.path == "layers[0]"
    assert all(str(needed) in problem.remedy for needed in DEPENDS_ON[layer])


def test_what_is_said_of_a_layer_that_it_does_not_have_does_not_matter(read: Read) -> None:
    """In AWS a load balancer needs a zone; who has no load balancer does not."""
    aws = {"target": "aws", "aws": {"account_id": "123456789012"}, "engine": {"backend": "s3://state?region=us-east-1"}}

    assert [each.path for each in read(aws).problems] == ["load_balancer.zone"]
    assert read({**aws, "layers": ["vpc", "encryption"]}).problems == ()


@pytest.mark.parametrize("missing", ["cluster", "database"])
def test_dagster_needs_a_cluster_and_a_database(read: Read, missing: str) -> None:
    layers = [each for each in ("vpc", "encryption", "cluster", "database") if each != missing]
    [problem] = read({"layers": layers, "dagster": HOME}).problems

    assert problem.path == "dagster"
    assert problem.remedy == f"Add {missing} to layers."


@pytest.mark.parametrize("bucket", ["Logs", "a", "logs_of_dagster", "-logs"])
def test_a_name_that_no_bucket_can_have_is_refused(read: Read, bucket: str) -> None:
    [problem] = read({"dagster": {**HOME, "logs_bucket": bucket}}).problems

    assert problem.path == "dagster.logs_bucket"


def test_the_platforms_file_is_valid(read: Read) -> None:
    report = read(PLATFORM.read_text(encoding="utf-8").replace("name: platform", "name: dev"))

    assert report.problems == ()
    assert report.environment is not None
    assert report.environment.dagster is not None
