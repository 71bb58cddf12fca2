"""What every target promises: the rest of the product does not ask which one it has."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ils_pipelines.targets.errors import TargetUnavailable
from ils_pipelines.targets.protocol import Target
from tests.contract.targets.conftest import CLUSTER, Place


def test_preflight_passes_where_aws_answers(target: Target) -> None:
    target.preflight()


def test_preflight_says_what_to_do_where_nothing_answers(unreachable: Target) -> None:
    with pytest.raises(TargetUnavailable, match=r"(Start it with|Check the network)"):
        unreachable.preflight()


def test_preflight_changes_nothing(target: Target, place: Place) -> None:
    place.sandbox.forget_requests()
    target.preflight()

    assert place.sandbox.requests(mutating=True) == []


def test_opening_a_target_reaches_out_to_nothing(unreachable: Target) -> None:
    assert unreachable.environment.name == "dev"


def test_clients_work_in_the_environments_region(target: Target) -> None:
    client = target.client("ec2")

    assert client.meta.region_name == target.environment.aws.region
    assert CLUSTER in target.client("eks").list_clusters()["clusters"]


def test_clients_of_another_region_see_that_region(target: Target) -> None:
    elsewhere = target.client("eks", region="eu-west-1")

    assert elsewhere.meta.region_name == "eu-west-1"
    assert elsewhere.list_clusters()["clusters"] == []


def test_a_client_is_made_once_however_many_ask(target: Target) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: target.client("s3"), range(16)))

    assert len({id(client) for client in made}) == 1


def test_clients_slow_down_when_aws_throttles(target: Target) -> None:
    assert target.client("ec2").meta.config.retries["mode"] == "adaptive"


def test_the_clusters_api_answers(target: Target) -> None:
    from kubernetes.client import CoreV1Api

    with target.kubernetes(CLUSTER) as api:
        nodes: list[Any] = CoreV1Api(api).list_node().items

    assert len(nodes) == 2


def test_a_cluster_that_is_not_there_is_named(target: Target) -> None:
    with pytest.raises(TargetUnavailable, match="expected an EKS cluster named ils-nowhere, found none in us-east-1"):
        target.kubernetes("ils-nowhere")


def test_the_provider_is_configured_for_the_region_that_is_asked_for(target: Target) -> None:
    assert target.provider_config("eu-west-1")["region"] == "eu-west-1"
