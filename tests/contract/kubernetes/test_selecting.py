"""Which objects a list shows: selectors of labels and fields, pages."""

from __future__ import annotations

import pytest

from tests.contract.kubernetes.conftest import Place
from tests.support.kubernetes_api import config_map, deployment

COLORS = {"a": "red", "b": "red", "c": "blue", "d": ""}


@pytest.fixture
def colored(place: Place) -> Place:
    for name, color in COLORS.items():
        body = config_map(name)
        body["metadata"]["labels"] = {"color": color, "letter": name} if color else {"letter": name}
        place.ok("POST", place.path("configmaps"), body)
    return place


def names(place: Place, plural: str = "configmaps", **query: str) -> list[str]:
    found = place.ok("GET", place.path(plural), **query)["items"]
    return [each["metadata"]["name"] for each in found if each["metadata"]["name"] != "kube-root-ca.crt"]


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("color=red", "ab"),
        ("color==blue", "c"),
        ("color!=red", "cd"),
        ("color", "abc"),
        ("!color", "d"),
        ("color in (red, blue)", "abc"),
        ("color notin (red)", "cd"),
        ("color=red,letter notin (a)", "b"),
        ("letter,!color", "d"),
        ("color=green", ""),
    ],
)
def test_by_labels(colored: Place, selector: str, found: str) -> None:
    assert names(colored, labelSelector=selector) == list(found)


@pytest.mark.parametrize("selector", ["color in red", "=red", "color in (red"])
def test_a_selector_that_cannot_be_read_is_a_bad_request(place: Place, selector: str) -> None:
    assert place.call("GET", place.path("configmaps"), labelSelector=selector).code == 400


def test_by_fields(colored: Place) -> None:
    assert names(colored, fieldSelector="metadata.name=b") == ["b"]
    assert names(colored, fieldSelector="metadata.name!=b,metadata.name!=c") == ["a", "d"]
    assert names(colored, fieldSelector=f"metadata.namespace={colored.namespace},metadata.name=a") == ["a"]


def test_pods_by_phase_and_node(place: Place) -> None:
    place.ok("POST", place.deployment(""), deployment(replicas=2))
    place.eventually(lambda: len(names(place, "pods", fieldSelector="status.phase=Running")) == 2, "two pods run")

    pod = place.ok("GET", place.path("pods"))["items"][0]
    node = pod["spec"]["nodeName"]
    assert pod["metadata"]["name"] in names(place, "pods", fieldSelector=f"spec.nodeName={node}")
    assert names(place, "pods", fieldSelector="spec.nodeName=nowhere") == []


def test_events_by_what_they_are_about(place: Place) -> None:
    place.ok("POST", place.deployment(""), deployment(replicas=1))
    selector = "involvedObject.kind=Deployment,involvedObject.name=web"

    found = place.eventually(
        lambda: place.ok("GET", place.path("events"), fieldSelector=selector)["items"], "an event of the deployment"
    )

    assert {each["reason"] for each in found} == {"ScalingReplicaSet"}


@pytest.mark.parametrize(
    ("plural", "field", "why"),
    [
        ("configmaps", "data.a", '"data.a" is not a known field selector: only "metadata.name", "metadata.namespace"'),
        ("pods", "spec.color", "field label not supported: spec.color"),
    ],
)
def test_a_field_that_cannot_be_selected_by_is_a_bad_request(place: Place, plural: str, field: str, why: str) -> None:
    answer = place.call("GET", place.path(plural), fieldSelector=f"{field}=1")

    assert (answer.code, answer.body["reason"], answer.message) == (400, "BadRequest", why)


def test_pages_show_one_moment(colored: Place) -> None:
    path = colored.path("configmaps")
    pages = [colored.ok("GET", path, limit="2", labelSelector="letter")]
    colored.ok("DELETE", f"{path}/d")

    while token := pages[-1]["metadata"].get("continue"):
        pages.append(colored.ok("GET", path, limit="2", labelSelector="letter", **{"continue": token}))

    assert [each["metadata"]["name"] for page in pages for each in page["items"]] == ["a", "b", "c", "d"]
    assert len({page["metadata"]["resourceVersion"] for page in pages}) == 1


def test_a_page_says_how_many_are_left_where_nothing_selects(colored: Place) -> None:
    root = colored.path("configmaps", "kube-root-ca.crt")
    colored.eventually(lambda: colored.call("GET", root).code == 200, "the one that every namespace gets")
    metadata = colored.ok("GET", colored.path("configmaps"), limit="1")["metadata"]

    assert metadata["remainingItemCount"] == len(COLORS)  # kube-root-ca.crt is one more


def test_a_token_that_is_none_is_refused(place: Place) -> None:
    assert place.call("GET", place.path("configmaps"), limit="1", **{"continue": "nonsense"}).code in (400, 410)
