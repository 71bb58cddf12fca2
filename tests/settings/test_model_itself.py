"""Promises of the model that hold for every field and rule."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import DEPENDS_ON, Layer
from ils_pipelines.settings.rules import rules_of
from ils_pipelines.settings.section import Section


def sections(kind: type[Section]) -> Iterator[type[Section]]:
    yield kind
    for field in kind.model_fields.values():
        for inner in inside(field.annotation):
            yield from sections(inner)


def inside(annotation: Any) -> Iterator[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for argument in get_args(annotation):
        yield from inside(argument)


SECTIONS = sorted(set(sections(Environment)), key=lambda kind: kind.__name__)
FIELDS = [(kind, name) for kind in SECTIONS for name in kind.model_fields]


@pytest.mark.parametrize(("kind", "name"), FIELDS, ids=[f"{kind.__name__}.{name}" for kind, name in FIELDS])
def test_every_field_says_what_it_is(kind: type[Section], name: str) -> None:
    description = kind.model_fields[name].description
    assert description
    assert description.endswith(".")


def test_every_required_field_has_an_example_to_offer() -> None:
    without = [
        (kind.__name__, name)
        for kind, name in FIELDS
        if kind.model_fields[name].is_required() and not kind.model_fields[name].examples
    ]
    assert without == []


def test_every_rule_reads_fields_that_exist() -> None:
    rules = [(kind, location) for kind in SECTIONS for rule in rules_of(kind) for location in rule.reads]
    assert len(rules) > 20
    for kind, location in rules:
        place: Any = kind
        for step in location:
            assert step in place.model_fields, f"{kind.__name__}: {location}"
            place = next(inside(place.model_fields[step].annotation), None)


def test_an_environment_cannot_be_changed() -> None:
    environment = Environment(name="dev")
    with pytest.raises(ValidationError):
        environment.name = "other"  # type: ignore[misc]


def test_rules_hold_for_environments_made_in_code_too() -> None:
    with pytest.raises(ValidationError, match=r"cluster.version: EKS 1.28 can no longer be created"):
        Environment.model_validate({"name": "dev", "cluster": {"version": "1.28"}})


def test_an_environment_survives_being_written_and_read_again() -> None:
    environment = Environment(name="dev")
    assert Environment.model_validate(environment.model_dump(mode="json")) == environment


def test_every_layer_says_what_it_builds_on() -> None:
    assert set(DEPENDS_ON) == set(Layer)


def test_a_layer_builds_only_on_layers_before_it() -> None:
    order = list(Layer)
    assert all(order.index(below) < order.index(layer) for layer, belows in DEPENDS_ON.items() for below in belows)


def test_cluster_database_and_cache_do_not_wait_for_each_other() -> None:
    parallel = {Layer.CLUSTER, Layer.DATABASE, Layer.CACHE}
    assert all(not parallel & set(DEPENDS_ON[layer]) for layer in parallel)


def test_loading_settings_imports_nothing_heavy() -> None:
    code = (
        "import sys, ils_pipelines.settings.loading, ils_pipelines.settings.layers; "
        "print(*({'pulumi', 'pulumi_aws', 'boto3', 'botocore', 'dagster', 'kubernetes'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""
