"""The checksum of a table's items is theirs, however they are written and in whatever order they come."""

from __future__ import annotations

import gzip
import json
import zlib
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ils_pipelines.operations.backup.items import ItemsDigest, read_through

SCALARS = st.one_of(
    st.text(max_size=5).map(lambda text: {"S": text}),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9).map(
        lambda number: {"N": str(number)}
    ),
    st.binary(max_size=5).map(lambda content: {"B": content}),
    st.booleans().map(lambda truth: {"BOOL": truth}),
    st.just({"NULL": True}),
    st.sets(st.text(max_size=3), min_size=1, max_size=3).map(lambda texts: {"SS": sorted(texts)}),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda values: {"L": values}),
        st.dictionaries(st.text(max_size=3), inner, max_size=3).map(lambda values: {"M": values}),
    ),
    max_leaves=5,
)
ITEMS = st.lists(st.dictionaries(st.text(min_size=1, max_size=5), VALUES, min_size=1, max_size=3), max_size=5)


def digest_of(items: Sequence[Any]) -> tuple[int, str]:
    digest = ItemsDigest()
    for item in items:
        digest.add(item)
    return digest.count, digest.checksum


def exported(items: Sequence[Any]) -> bytes:
    """As DynamoDB writes them: binary values in base64."""
    lines = (json.dumps({"Item": item}, default=lambda content: b64encode(content).decode()) for item in items)
    return gzip.compress("".join(f"{line}\n" for line in lines).encode())


def read(content: bytes, size: int = 7) -> tuple[int, str]:
    digest = ItemsDigest()
    chunks = [content[start : start + size] for start in range(0, len(content), size)]
    assert b"".join(read_through(digest, chunks)) == content
    return digest.count, digest.checksum


@given(ITEMS)
def test_an_export_has_the_checksum_of_the_table(items: list[Any]) -> None:
    assert read(exported(items)) == digest_of(items)


@given(ITEMS)
def test_the_order_does_not_matter(items: list[Any]) -> None:
    reordered = [dict(reversed(item.items())) for item in reversed(items)]
    assert digest_of(reordered) == digest_of(items)


@given(ITEMS, st.data())
def test_an_item_more_or_less_is_seen(items: list[Any], data: st.DataObject) -> None:
    more = [*items, data.draw(st.sampled_from([{"id": {"S": "more"}}, *items]))]
    assert digest_of(more) != digest_of(items)
    assert digest_of(more)[1] != digest_of(items)[1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"N": "1.50"}, {"N": "1.5"}),
        ({"N": "100"}, {"N": "1E+2"}),
        ({"N": "12345678901234567890123456789012345678"}, {"N": "12345678901234567890123456789012345678.0"}),
        ({"SS": ["a", "b"]}, {"SS": ["b", "a"]}),
        ({"NS": ["1", "2.0"]}, {"NS": ["2", "1"]}),
        ({"B": b"\x00"}, {"B": "AA=="}),
    ],
)
def test_what_dynamodb_takes_for_the_same_is_the_same(one: Any, other: Any) -> None:
    assert digest_of([{"v": one}]) == digest_of([{"v": other}])


@pytest.mark.parametrize(
    ("one", "other"), [({"N": "1"}, {"S": "1"}), ({"L": []}, {"M": {}}), ({"S": ""}, {"NULL": True})]
)
def test_what_it_does_not_is_not(one: Any, other: Any) -> None:
    assert digest_of([{"v": one}]) != digest_of([{"v": other}])


def test_a_file_of_several_parts_is_read_whole() -> None:
    first, second = [{"id": {"S": "1"}}], [{"id": {"S": "2"}}]
    assert read(exported(first) + exported(second)) == digest_of([*first, *second])


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_file_that_was_cut_off_is_refused(kept: float) -> None:
    content = exported([{"id": {"S": str(number)}} for number in range(1000)])
    with pytest.raises((ValueError, zlib.error)):
        read(content[: int(len(content) * kept)])
