"""A scaling is refused when it would do harm, with a sentence for everything that speaks against it."""

from __future__ import annotations

import pytest

from ils_pipelines.operations.scaling.capacity import Room
from ils_pipelines.operations.scaling.checks import Found, desired_of, node_problems, pod_problems, room_problems
from ils_pipelines.operations.scaling.models import (
    NodeBounds,
    Scaling,
    ScalingRefused,
    as_in_file,
    outside_office_hours,
    parse_nodes,
)
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.loading import load_environment

APP = Environment(name="dev").app
GROUPS = {"general": NodeBounds(2, 5, 2)}
FIXED = Found(replicas=3, bounds=None, min_available=1, groups=GROUPS)
AUTOSCALED = Found(replicas=4, bounds=(3, 10), min_available=1, groups=GROUPS)
ROOMS = (Room("a", "general", 5), Room("b", "general", 5))


def pods(wanted: Scaling, found: Found = FIXED) -> str:
    return "; ".join(pod_problems("dev", APP, wanted, found))


def nodes(wanted: Scaling, found: Found = FIXED) -> str:
    return "; ".join(node_problems(wanted, found, ROOMS))


@pytest.mark.parametrize("wanted", [Scaling(replicas=2), Scaling(replicas=0), Scaling(replicas=10)])
def test_pods_that_leave_the_budget_room_are_no_problem(wanted: Scaling) -> None:
    assert pods(wanted) == ""


def test_as_few_pods_as_the_budget_keeps_are_refused() -> None:
    assert "no node could be drained any more. Use 2 or more, or 0 for none" in pods(Scaling(replicas=1))
    assert "no node could be drained" in pods(Scaling(fewest=1), AUTOSCALED)


def test_more_pods_than_the_quota_holds_are_refused() -> None:
    assert "the namespace's quota has room for 30 pods" in pods(Scaling(replicas=30))
    assert "the namespace's quota has room for 30 pods" in pods(Scaling(most=40), AUTOSCALED)


def test_what_the_autoscaler_would_undo_is_refused() -> None:
    assert "ils scale dev --min … --max …" in pods(Scaling(replicas=5), AUTOSCALED)


def test_an_application_of_no_pods_can_be_woken_beside_its_autoscaler() -> None:
    asleep = Found(replicas=0, bounds=(3, 10), min_available=1, groups=GROUPS)

    assert pods(Scaling(replicas=3), asleep) == ""


def test_bounds_without_an_autoscaler_are_refused() -> None:
    assert "there is no autoscaler to bound" in pods(Scaling(fewest=2, most=4))


def test_bounds_that_cross_are_refused_against_what_is_there_too() -> None:
    assert "found 8 and 5" in pods(Scaling(fewest=8, most=5), AUTOSCALED)
    assert "found 12 and 10" in pods(Scaling(fewest=12), AUTOSCALED)


def test_pods_that_find_no_room_on_the_nodes_are_refused() -> None:
    assert list(room_problems("dev", 10, ROOMS)) == []
    assert "2 nodes have room for 10 pods of the application, not for 11" in "".join(room_problems("dev", 11, ROOMS))


def test_an_unknown_node_group_is_refused_naming_those_that_there_are() -> None:
    assert nodes(Scaling(nodes={"spot": NodeBounds(0, 3)})) == "there is no node group spot: there are general"


@pytest.mark.parametrize("bounds", [NodeBounds(3, 2), NodeBounds(0, 0), NodeBounds(1, 3, 4)])
def test_bounds_of_nodes_that_cannot_be_are_refused(bounds: NodeBounds) -> None:
    assert "node group general: expected" in nodes(Scaling(nodes={"general": bounds}))


def test_nodes_that_pods_need_are_not_taken_away() -> None:
    crowded = Found(replicas=8, bounds=None, min_available=1, groups=GROUPS)

    assert "have room for 5 pods of the application, which has 8" in nodes(
        Scaling(nodes={"general": NodeBounds(1, 5, 1)}), crowded
    )
    assert nodes(Scaling(replicas=4, nodes={"general": NodeBounds(1, 5, 1)}), crowded) == ""


def test_a_node_group_stays_as_near_to_where_it_is_as_its_bounds_allow() -> None:
    now = NodeBounds(2, 5, 4)

    assert desired_of(NodeBounds(1, 10), now) == 4
    assert desired_of(NodeBounds(1, 3), now) == 3
    assert desired_of(NodeBounds(6, 9), now) == 6
    assert desired_of(NodeBounds(1, 10, 7), now) == 7


def test_nodes_are_written_as_a_group_and_its_bounds() -> None:
    assert parse_nodes(["general=2:5", "spot=0:10:3"]) == {"general": NodeBounds(2, 5), "spot": NodeBounds(0, 10, 3)}
    for text in ("general", "general=2", "general=a:b", "=1:2", "general=1:2:3:4"):
        with pytest.raises(ScalingRefused, match="expected GROUP=FEWEST:MOST"):
            parse_nodes([text])


def test_outside_of_office_hours_there_are_no_pods_and_the_nodes_of_the_file() -> None:
    environment = Environment.model_validate({"name": "dev", "app": {"office_hours": {"nodes_outside": 1}}})

    assert outside_office_hours(environment) == Scaling(replicas=0, nodes={"general": NodeBounds(1, 5, 1)})


def test_within_them_all_is_as_the_file_says() -> None:
    dev, production = as_in_file(load_environment("dev")), as_in_file(load_environment("production"))

    assert (dev.replicas, dev.fewest, dev.nodes["general"]) == (3, None, NodeBounds(2, 5, 2))
    assert (production.replicas, production.waking, production.fewest, production.most) == (None, 3, 3, 10)
