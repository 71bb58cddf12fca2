"""Property values on their way between the wire, the checkpoint and people."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.provider.experimental.property_value import PropertyValue

from ils_pipelines.engine.models import SECRET, UNKNOWN
from ils_pipelines.engine.property_paths import Path, parse
from ils_sandbox.engine import paths, values


class Reversing:
    """A crypter that is plain to see through, so that a test can."""

    def encrypt(self, plaintext: str) -> str:
        return plaintext[::-1]

    def decrypt(self, ciphertext: str) -> str:
        return ciphertext[::-1]


plain_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1), inner, max_size=4),
    max_leaves=12,
)
properties = st.recursive(
    st.builds(
        lambda value, secret: values.from_plain(value).with_secret(secret),
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
        st.booleans(),
    ),
    lambda inner: (
        st.builds(lambda v, s: PropertyValue(v, is_secret=s), st.lists(inner, max_size=3), st.booleans())
        | st.builds(
            lambda v, s: PropertyValue(v, is_secret=s),
            st.dictionaries(st.text(min_size=1, max_size=4), inner, max_size=3),
            st.booleans(),
        )
    ),
    max_leaves=10,
)


@given(properties)
def test_a_value_comes_back_from_the_checkpoint_with_its_secrets(value: PropertyValue) -> None:
    stored = json.loads(json.dumps(values.to_checkpoint(value, Reversing())))

    assert values.from_checkpoint(stored, Reversing()) == value


@given(st.dictionaries(st.text(min_size=1, max_size=5), properties, max_size=3))
def test_properties_come_back_from_the_wire_as_they_were(sent: dict[str, PropertyValue]) -> None:
    assert values.from_wire(values.to_wire(sent)) == sent


@given(plain_values)
def test_revealed_values_are_the_plain_ones(value: Any) -> None:
    assert values.to_plain(values.from_plain(value), reveal=True) == value


def test_an_unknown_crosses_the_wire_as_the_sdks_sentinel() -> None:
    sent = {"a": PropertyValue([PropertyValue.computed()])}

    struct = values.to_wire(sent)

    assert struct["a"][0] == values.UNKNOWN_SENTINEL
    assert values.to_plain(values.from_wire(struct)["a"]) == [UNKNOWN]


def test_secrets_and_unknowns_are_masked_wherever_they_stand() -> None:
    value = PropertyValue(
        {"a": PropertyValue([PropertyValue("hush", is_secret=True)]), "b": PropertyValue.computed(), "c": PropertyValue(5.0)}
    )  # fmt: skip

    assert values.to_plain(value) == {"a": [SECRET], "b": UNKNOWN, "c": 5}


@given(properties)
def test_a_secret_mark_does_not_make_a_difference(value: PropertyValue) -> None:
    assert values.same(value, value.with_secret(not value.is_secret))


def test_an_unknown_is_never_the_same_as_anything() -> None:
    assert not values.same(PropertyValue.computed(), PropertyValue.computed())


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("tags", ("tags",)),
        ("tags.Name", ("tags", "Name")),
        ("ingress[0].fromPort", ("ingress", 0, "fromPort")),
        ('tags["a.b"]', ("tags", "a.b")),
        ('tags["say \\"hi\\""].x', ("tags", 'say "hi"', "x")),
        ("groups[*].size", ("groups", "*", "size")),
        ("groups.*.size", ("groups", "*", "size")),
    ],
)
def test_property_paths_are_read_as_pulumi_writes_them(text: str, path: Path) -> None:
    assert parse(text) == path


@pytest.mark.parametrize("text", ["tags[", "a..b", 'tags["x', "a[b]"])
def test_what_is_no_property_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a property path"):
        parse(text)


def _kept(new: dict[str, Any], old: dict[str, Any], *ignored: str) -> dict[str, Any]:
    wrapped = [{key: values.from_plain(value) for key, value in side.items()} for side in (new, old)]
    return {key: values.to_plain(value) for key, value in paths.keep_old(wrapped[0], wrapped[1], ignored).items()}


def test_an_ignored_property_keeps_its_old_value() -> None:
    assert _kept({"size": 5, "name": "b"}, {"size": 3, "name": "a"}, "size") == {"size": 3, "name": "b"}


def test_an_ignored_property_that_was_not_there_stays_away() -> None:
    assert _kept({"size": 5}, {}, "size") == {}


def test_an_ignored_property_that_the_program_dropped_stays() -> None:
    assert _kept({}, {"size": 3}, "size") == {"size": 3}


def test_a_star_ignores_the_property_in_every_element() -> None:
    new = {"groups": [{"size": 1, "name": "x"}, {"size": 1, "name": "y"}]}
    old = {"groups": [{"size": 7, "name": "a"}, {"size": 8, "name": "b"}]}

    assert _kept(new, old, "groups[*].size") == {"groups": [{"size": 7, "name": "x"}, {"size": 8, "name": "y"}]}
