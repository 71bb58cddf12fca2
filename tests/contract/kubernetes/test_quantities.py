"""A quantity comes back in the server's form, which stays as it is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.kubernetes.conftest import Place

FORMS = {
    "0.5": "500m",
    "1000k": "1M",
    "1024": "1024",
    "1.5Gi": "1536Mi",
    "2.5Ki": "2560",
    "312.5Ki": "320k",
    "0.1Ki": "102400m",
    "1E": "1E",
    "1e3": "1e3",
    "12E3": "12E3",
}


@pytest.mark.parametrize(("given", "kept"), FORMS.items())
def test_a_quantity_is_kept_in_the_servers_form(place: Place, given: str, kept: str) -> None:
    path = place.path("limitranges", "one")
    limits = [{"type": "Container", "default": {"memory": given}}]
    made = place.ok("POST", place.path("limitranges"), {"metadata": {"name": "one"}, "spec": {"limits": limits}})
    put = place.ok("PUT", path, place.ok("GET", path))

    assert [memory(made), memory(put)] == [kept, kept]


def memory(limit_range: Any) -> str:
    found: str = limit_range["spec"]["limits"][0]["default"]["memory"]
    return found
