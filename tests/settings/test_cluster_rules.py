"""Node groups and who reaches the Kubernetes API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Paths = Callable[..., list[str]]


def groups(*given: dict[str, Any]) -> dict[str, Any]:
    return {"cluster": {"node_groups": list(given)}}


@pytest.mark.parametrize(
    ("smallest", "desired", "largest"), [(3, 2, 5), (2, 6, 5), (6, 6, 5)], ids=["below", "above", "crossed"]
)
def test_node_counts_must_be_in_order(problem_paths: Paths, smallest: int, desired: int, largest: int) -> None:
    group = {"name": "general", "min_size": smallest, "desired_size": desired, "max_size": largest}
    assert problem_paths(groups(group)) == ["cluster.node_groups[0].desired_size"]


def test_a_group_of_exactly_one_size_is_accepted(problem_paths: Paths) -> None:
    assert problem_paths(groups({"name": "general", "min_size": 3, "desired_size": 3, "max_size": 3})) == []


def test_a_group_may_shrink_to_nothing(problem_paths: Paths) -> None:
    assert problem_paths(groups({"name": "general"}, {"name": "spot", "min_size": 0, "desired_size": 0})) == []


def test_node_group_names_must_differ(problem_paths: Paths) -> None:
    assert problem_paths(groups({"name": "a"}, {"name": "b"}, {"name": "a"})) == ["cluster.node_groups[2].name"]


def test_a_node_group_needs_a_name(problem_paths: Paths) -> None:
    assert problem_paths(groups({"min_size": 2})) == ["cluster.node_groups[0].name"]


def test_the_public_endpoint_cannot_be_opened_to_everybody(problem_paths: Paths) -> None:
    assert problem_paths({"cluster": {"public_access_cidrs": ["0.0.0.0/0"]}}) == ["cluster.public_access_cidrs[0]"]


def test_the_public_endpoint_can_be_opened_to_an_office(problem_paths: Paths) -> None:
    assert problem_paths({"cluster": {"public_access_cidrs": ["203.0.113.0/24"]}}) == []


@pytest.mark.parametrize(("nodes", "problems"), [("1.36", True), ("1.35", False), ("1.32", False), ("1.31", True)])
def test_nodes_are_neither_newer_than_the_cluster_nor_too_old(
    problem_paths: Callable[..., list[str]], nodes: str, *, problems: bool
) -> None:
    found = problem_paths({"cluster": {"version": "1.35", "node_version": nodes}})
    assert found == (["cluster.node_version"] if problems else [])
