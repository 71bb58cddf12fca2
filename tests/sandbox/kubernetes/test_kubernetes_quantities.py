"""Quantities: their value, and the form an API server gives them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernetes.utils.quantity import parse_quantity

from ils_sandbox.kubernetes.quantities import canonical, parse


@pytest.mark.parametrize(
    ("given_as", "kept_as"),
    [
        ("0.5", "500m"),
        ("250m", "250m"),
        ("1000m", "1"),
        ("2", "2"),
        ("1024Mi", "1Gi"),
        ("512Mi", "512Mi"),
        ("1536Mi", "1536Mi"),
        ("1.5Gi", "1536Mi"),
        ("1000k", "1M"),
        ("312.5Ki", "320k"),
        ("0", "0"),
        ("1e3", "1e3"),
        (0.25, "250m"),
        (3, "3"),
    ],
)
def test_the_servers_form(given_as: str | float, kept_as: str) -> None:
    assert canonical(given_as) == kept_as


@given(
    st.integers(0, 10**6),
    st.sampled_from(["", "m", "k", "M", "G", "Ki", "Mi", "Gi"]),
    st.sampled_from(["", ".5", ".25"]),
)
@settings(deadline=None)
def test_the_form_changes_and_the_value_does_not(number: int, suffix: str, fraction: str) -> None:
    text = f"{number}{fraction}{suffix}"

    if suffix != "m" or not fraction:
        assert parse(canonical(text)) == parse(text) == parse_quantity(text)
    assert canonical(canonical(text)) == canonical(text)


@pytest.mark.parametrize("text", ["lots", "1 Gi", "1GiB", "", "--1", "1e"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        parse(text)
