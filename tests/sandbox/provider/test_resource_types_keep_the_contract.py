"""What every resource type of the provider does, against the sandbox's AWS server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from pulumi.provider.experimental.provider import CreateRequest

from ils_sandbox.provider.errors import ProviderError
from ils_sandbox.provider.marks import MARK
from ils_sandbox.provider.registry import TYPES
from ils_sandbox.provider.values import UNKNOWN, plain, property_value
from tests.sandbox.provider.bench import Bench, Made
from tests.sandbox.provider.case import Case, Inputs
from tests.sandbox.provider.cases import CASES


def each(of: Callable[[Case], bool]) -> pytest.MarkDecorator:
    """The test runs for every resource type that is so."""
    chosen = [case for case in CASES if of(case)]
    names = [f"{case.token[4:].split('/')[0]}:{case.token.rpartition(':')[2]}" for case in chosen]
    return pytest.mark.parametrize("case", chosen, ids=names)


every_type = each(lambda case: True)
changed_in_place = each(lambda case: case.edit is not None)
changed_by_others = each(lambda case: case.drift is not None)
repaired_in_place = each(lambda case: case.drift is not None and not case.repaired_by_replacement)
deleted_for_good = each(lambda case: not case.survives_delete)
recognised_by_mark = each(lambda case: not case.shares_identity)
found_again = each(lambda case: not case.makes_nothing)
named = each(lambda case: TYPES[case.token].naming is not None)


def laid_over(inputs: Inputs, edit: Inputs) -> Inputs:
    return {name: value for name, value in {**inputs, **edit}.items() if value is not None}


def make(bench: Bench, case: Case) -> tuple[Inputs, Made]:
    inputs = case.inputs(bench.around)
    return inputs, bench.create(case.token, inputs)


def test_every_registered_type_has_a_case() -> None:
    assert sorted(case.token for case in CASES) == sorted(TYPES)


@every_type
def test_outputs_hold_every_input_that_was_given(bench: Bench, case: Case) -> None:
    inputs, made = make(bench, case)
    for name, given in inputs.items():
        value = made.plain[name]
        assert {k: value[k] for k in given} == given if isinstance(given, dict) else value == given


@every_type
def test_a_second_look_at_the_same_program_finds_no_difference(bench: Bench, case: Case) -> None:
    inputs, made = make(bench, case)
    assert bench.diff(made, inputs).detailed_diff == {}


@every_type
def test_reading_back_gives_what_was_created(bench: Bench, case: Case) -> None:
    inputs, made = make(bench, case)
    found = bench.read(made)
    assert found is not None
    assert bench.diff(found, inputs).detailed_diff == {}
    missing = {name: value for name, value in made.plain.items() if value and found.plain.get(name) != value}
    assert {name: found.plain.get(name) for name in missing} == missing
    assert plain(found.inputs) == plain(made.inputs)


@every_type
def test_reading_without_a_state_gives_what_was_created(bench: Bench, case: Case) -> None:
    """As after a crash: the checkpoint has the inputs, and `find` gave the id."""
    inputs, made = make(bench, case)
    found = bench.read(Made(made.urn, made.id, made.inputs, {}))
    assert found is not None
    assert bench.diff(found, inputs).detailed_diff == {}


@changed_in_place
def test_an_edit_is_made_in_place(bench: Bench, case: Case) -> None:
    inputs, made = make(bench, case)
    assert case.edit is not None
    edited = laid_over(inputs, case.edit(bench.around))
    difference = bench.diff(made, edited)
    assert difference.changes
    assert difference.replaces == []
    updated = bench.update(made, edited)
    assert bench.diff(updated, edited).detailed_diff == {}
    found = bench.read(updated)
    assert found is not None
    assert bench.diff(found, edited).detailed_diff == {}


@every_type
def test_some_changes_replace(bench: Bench, case: Case) -> None:
    inputs, made = make(bench, case)
    changed = case.replacement(bench.around)
    difference = bench.diff(made, laid_over(inputs, changed))
    assert set(changed) <= set(difference.replaces)


@every_type
def test_an_unknown_value_counts_as_a_change(bench: Bench, case: Case) -> None:
    inputs, made = make(bench, case)
    unknown = dict.fromkeys(case.replacement(bench.around), property_value(UNKNOWN))
    difference = bench.diff(made, laid_over(inputs, unknown))
    assert set(unknown) <= set(difference.replaces)


@changed_by_others
def test_a_change_by_somebody_else_is_seen(bench: Bench, case: Case) -> None:
    inputs, made = make(bench, case)
    assert case.drift is not None
    case.drift(bench.around, made)
    found = bench.read(made)
    assert found is not None
    assert [path for path in bench.diff(found, inputs).detailed_diff if path.startswith(case.drifted)]
    top = case.drifted.split(".")[0].split("[")[0]
    assert plain(found.inputs).get(top) != plain(made.inputs).get(top)


@repaired_in_place
def test_what_drifted_can_be_put_right(bench: Bench, case: Case) -> None:
    inputs, made = make(bench, case)
    assert case.drift is not None
    case.drift(bench.around, made)
    drifted = bench.read(made)
    assert drifted is not None
    repaired = bench.update(drifted, inputs)
    found = bench.read(repaired)
    assert found is not None
    assert bench.diff(found, inputs).detailed_diff == {}


@every_type
def test_deleting_it_once_or_twice_leaves_nothing(bench: Bench, case: Case) -> None:
    _, made = make(bench, case)
    bench.delete(made)
    assert (bench.read(made) is None) is not case.survives_delete
    bench.delete(made)


@found_again
def test_what_an_interrupted_create_made_is_found(bench: Bench, case: Case) -> None:
    _, made = make(bench, case)
    assert bench.find(made) == made.id
    assert bench.find(made, frozenset({made.id})) is None


@every_type
def test_nothing_is_found_before_anything_was_created(bench: Bench, case: Case) -> None:
    urn = bench.urn(case.token)
    checked = bench.check(urn, case.inputs(bench.around))
    assert bench.find(Made(urn, "", checked, {})) is None


@deleted_for_good
def test_what_was_deleted_is_not_found(bench: Bench, case: Case) -> None:
    _, made = make(bench, case)
    bench.delete(made)
    assert bench.find(made) is None


@recognised_by_mark
def test_what_another_resource_made_is_not_found(bench: Bench, case: Case) -> None:
    _, made = make(bench, case)
    other = Made(bench.urn(case.token), "", made.inputs, {})
    assert bench.find(other) is None


@named
def test_something_of_the_same_name_is_refused_not_taken_over(bench: Bench, case: Case) -> None:
    inputs, _ = make(bench, case)
    with pytest.raises(ProviderError, match=r"already exists|already has"):
        bench.create(case.token, inputs)


@every_type
def test_the_mark_is_never_shown(bench: Bench, case: Case) -> None:
    _, made = make(bench, case)
    found = bench.read(made)
    assert found is not None
    assert MARK not in str(made.plain) + str(found.plain) + str(plain(found.inputs))


@every_type
def test_a_preview_makes_nothing_and_leaves_outputs_unknown(bench: Bench, case: Case) -> None:
    urn = bench.urn(case.token)
    checked = bench.check(urn, case.inputs(bench.around))
    response = asyncio.run(bench.provider.create(CreateRequest(urn, checked, 60, preview=True)))
    foreseen: dict[str, Any] = plain(response.properties)
    assert not response.resource_id
    assert all(foreseen[field.name] is UNKNOWN for field in TYPES[case.token].outputs)
    assert bench.find(Made(urn, "", checked, {})) is None
