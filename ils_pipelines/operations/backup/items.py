"""What the items of a DynamoDB table are, in two numbers: the same for an export and for the table that is made of it.

Each item is written in one way, whatever order its attributes and sets come in and however its numbers are spelt. The
checksum is the sum of the hashes of all items, so that their order does not matter either.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from decimal import Context
from typing import Any

from ils_pipelines.operations.backup.orderless import OrderlessDigest

_NUMBERS = Context(prec=40)
"""DynamoDB's have 38 digits."""
_GZIP = 31

Item = Mapping[str, Mapping[str, Any]]
"""As DynamoDB writes one: `{"id": {"S": "1"}}`; binary values are bytes, or base64 in JSON."""


class ItemsDigest(OrderlessDigest):
    """Is told the items, one by one."""

    def add(self, item: Item) -> None:
        text = json.dumps(_attributes(item), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        self.add_hash(hashlib.sha256(text.encode()).digest())


def _attributes(item: Item) -> dict[str, Any]:
    return {name: _value(value) for name, value in item.items()}


def _value(typed: Mapping[str, Any]) -> list[Any]:
    ((kind, value),) = typed.items()
    if kind == "M":
        return [kind, _attributes(value)]
    if kind == "L":
        return [kind, [_value(each) for each in value]]
    if kind.endswith("S") and kind != "S":
        return [kind, sorted(str(_scalar(kind[0], each)) for each in value)]
    return [kind, _scalar(kind, value)]


def _scalar(kind: str, value: Any) -> Any:
    if kind == "N":
        return str(_NUMBERS.create_decimal(value).normalize(_NUMBERS))
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def items_of_table(dynamodb: Any, name: str) -> ItemsDigest:
    """Read a whole table. Raises botocore's ClientError."""
    digest = ItemsDigest()
    for page in dynamodb.get_paginator("scan").paginate(TableName=name, ConsistentRead=True):
        for item in page["Items"]:
            digest.add(item)
    return digest


def read_through(digest: ItemsDigest, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks of a gzipped file of an export, its items told to the digest on the way. Raises `ValueError`, zlib.error."""
    unzip, rest = zlib.decompressobj(_GZIP), b""
    for chunk in chunks:
        packed = chunk
        while packed:
            # A file may be several gzip files, one after the other.
            unzip = zlib.decompressobj(_GZIP) if unzip.eof else unzip
            *lines, rest = (rest + unzip.decompress(packed)).split(b"\n")
            packed = unzip.unused_data
            for line in lines:
                digest.add(json.loads(line)["Item"])
        yield chunk
    if not unzip.eof or rest:
        raise ValueError("the file ends in the middle")
