"""Kinds that a CustomResourceDefinition brings: served, checked against their schema, and gone with it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.contract.kubernetes.conftest import Place
from tests.support.kubernetes_api import MERGE, STRATEGIC

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "required": ["size"],
            "properties": {
                "size": {"type": "integer", "minimum": 1},
                "color": {"type": "string", "enum": ["red", "blue"], "default": "red"},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "parts": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["name"],
                        "properties": {"name": {"type": "string"}, "count": {"type": "integer"}},
                    },
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                },
            },
        },
        "status": {"type": "object", "properties": {"phase": {"type": "string"}}},
    },
}


@dataclass(frozen=True)
class Lenses:
    """A place where there are lenses."""

    place: Place
    group: str

    def path(self, name: str = "") -> str:
        return self.place.path("lenses", name, f"{self.group}/v1")

    def lens(self, name: str = "one", **spec: Any) -> dict[str, Any]:
        return {
            "apiVersion": f"{self.group}/v1",
            "kind": "Lens",
            "metadata": {"name": name},
            "spec": {"size": 3, **spec},
        }


@pytest.fixture
def lenses(place: Place) -> Iterator[Lenses]:
    group = f"g{uuid.uuid4().hex[:8]}.example.com"
    name = f"lenses.{group}"
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": SCHEMA},
        "subresources": {"status": {}},
    }
    names = {"kind": "Lens", "plural": "lenses", "singular": "lens", "shortNames": ["ln"], "listKind": "LensList"}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    place.ok("POST", DEFINITIONS, {"metadata": {"name": name}, "spec": spec})
    found = Lenses(place, group)
    place.eventually(lambda: place.call("GET", found.path()).code == 200, "the kind served")
    yield found
    place.call("DELETE", f"{DEFINITIONS}/{name}")
    place.eventually(lambda: place.call("GET", f"{DEFINITIONS}/{name}").code == 404, "the definition gone")


def test_a_definition_is_established_and_its_kind_is_discovered(lenses: Lenses) -> None:
    place = lenses.place

    def established() -> bool:
        found = place.ok("GET", f"{DEFINITIONS}/lenses.{lenses.group}").get("status", {}).get("conditions", ())
        return {each["type"] for each in found if each["status"] == "True"} >= {"Established", "NamesAccepted"}

    place.eventually(established, "established")
    listed = place.eventually(
        lambda: [
            each
            for each in place.ok("GET", f"/apis/{lenses.group}/v1")["resources"]
            if each["name"] == "lenses" and each["shortNames"] == ["ln"]
        ],
        "discovery",
    )
    assert (listed[0]["kind"], listed[0]["namespaced"]) == ("Lens", True)


def test_objects_are_made_read_listed_watched_and_deleted(lenses: Lenses) -> None:
    place = lenses.place
    start = place.ok("GET", lenses.path())["metadata"]["resourceVersion"]
    made = place.ok("POST", lenses.path(), lenses.lens())

    assert (made["metadata"]["generation"], made["spec"]) == (1, {"size": 3, "color": "red"})
    changed = place.ok("PATCH", lenses.path("one"), {"spec": {"size": 4}}, MERGE)
    assert (changed["metadata"]["generation"], changed["spec"]["size"]) == (2, 4)
    listed = place.ok("GET", lenses.path())
    assert (listed["kind"], [each["metadata"]["name"] for each in listed["items"]]) == ("LensList", ["one"])
    place.ok("DELETE", lenses.path("one"))
    assert place.call("GET", lenses.path("one")).message == f'lenses.{lenses.group} "one" not found'
    with place.watch(lenses.path(), resourceVersion=start) as events:
        assert [next(events)[0] for _ in range(3)] == ["ADDED", "MODIFIED", "DELETED"]


@pytest.mark.parametrize(
    ("spec", "field"),
    [({"size": "large"}, "spec.size"), ({"size": 0}, "spec.size"), ({"color": "green"}, "spec.color")],
)
def test_what_the_schema_does_not_allow_is_refused_by_its_field(
    lenses: Lenses, spec: dict[str, Any], field: str
) -> None:
    answer = lenses.place.call("POST", lenses.path(), lenses.lens(**spec))

    assert (answer.code, answer.body["reason"]) == (422, "Invalid")
    assert [cause["field"] for cause in answer.body["details"]["causes"]] == [field]


def test_a_field_that_is_required_is_asked_for(lenses: Lenses) -> None:
    answer = lenses.place.call("POST", lenses.path(), {**lenses.lens(), "spec": {}})

    (cause,) = answer.body["details"]["causes"]
    assert (answer.code, cause["field"], cause["reason"]) == (422, "spec.size", "FieldValueRequired")


def test_unknown_fields_are_pruned_but_where_the_schema_keeps_them(lenses: Lenses) -> None:
    made = lenses.place.ok("POST", lenses.path(), lenses.lens(colour="red", free={"any": {"thing": 1}}))
    strict = lenses.place.call("POST", lenses.path(), lenses.lens("two", colour="red"), fieldValidation="Strict")

    assert made["spec"] == {"size": 3, "color": "red", "free": {"any": {"thing": 1}}}
    assert (strict.code, 'unknown field "spec.colour"' in strict.message) == (400, True)


def test_appliers_share_the_items_of_a_list_that_is_a_map(lenses: Lenses) -> None:
    place, path = lenses.place, lenses.path("one")
    one, two = lenses.lens(parts=[{"name": "a", "count": 1}]), lenses.lens(parts=[{"name": "b"}])
    place.apply(path, one, "first")
    both = place.apply(path, two, "second")
    conflict = place.apply(path, lenses.lens(parts=[{"name": "a", "count": 2}]), "second")

    assert both.body["spec"]["parts"] == [{"name": "a", "count": 1}, {"name": "b"}]
    assert (conflict.code, conflict.body["reason"]) == (409, "Conflict")
    assert conflict.body["details"]["causes"][0]["field"] == '.spec.parts[name="a"].count'


def test_a_status_is_written_at_its_own_place(lenses: Lenses) -> None:
    place = lenses.place
    place.ok("POST", lenses.path(), {**lenses.lens(), "status": {"phase": "made"}})
    place.ok("PATCH", lenses.path("one"), {"status": {"phase": "changed"}}, MERGE)
    written = place.ok(
        "PATCH", f"{lenses.path('one')}/status", {"status": {"phase": "ready"}, "spec": {"size": 9}}, MERGE
    )

    assert (written["status"], written["spec"]["size"], written["metadata"]["generation"]) == ({"phase": "ready"}, 3, 1)


def test_a_strategic_patch_is_not_for_custom_kinds(lenses: Lenses) -> None:
    lenses.place.ok("POST", lenses.path(), lenses.lens())

    assert lenses.place.call("PATCH", lenses.path("one"), {"spec": {"size": 4}}, STRATEGIC).code == 415


def test_objects_go_with_their_definition(lenses: Lenses) -> None:
    place = lenses.place
    place.ok("POST", lenses.path(), lenses.lens())

    place.ok("DELETE", f"{DEFINITIONS}/lenses.{lenses.group}")

    place.eventually(lambda: place.call("GET", lenses.path("one")).code == 404, "all of the kind gone")
    place.eventually(lambda: place.call("GET", lenses.path()).code == 404, "the kind not served any more")
