"""Which resources a call names: their ARNs, made of the values of its parameters, and the tags that say whose a new one is.

The table in `resource_names` says of each parameter what it names. Values that are ARNs already, and the ids of EC2, need no
row. What AWS makes up (ids, numbers, times) stands as `*`, so that calls of one kind look alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.resource_names import EC2_IDS, FIRST, NAMES, WHOLE

WHOSE = ("environment", "project")
"""The tags that say whose a resource is."""

_TAGS = frozenset({"BackupPlanTags", "BackupVaultTags", "TagList", "TagSpecifications", "Tagging", "Tags", "tags"})
_DESCRIBES = _TAGS | {"Filter", "Filters", "filters"}
"""Parameters whose values name nothing that is asked for."""
_PARAMETER = re.compile(r"\{(?P<name>[A-Za-z_.]+)(?::(?P<kept>[*a-z]+))?\}")
_EC2_ID = re.compile(r"([a-z]+)-[0-9a-f]{8,17}")
_MADE_UP = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![A-Za-z0-9])(?=[a-f]*\d)[0-9a-f]{8,}(?![A-Za-z0-9])|\d{6,}"
)
"""Identifiers, and numbers long enough to be moments."""


@dataclass(frozen=True)
class Named:
    """What a call names."""

    resources: tuple[str, ...] = ()
    """ARNs, sorted."""
    tags: tuple[tuple[str, str], ...] = ()
    """Those of `WHOSE` that are in the request, sorted."""


def named_in(call: Call) -> Named:
    """What the parameters of a call name: nothing in one that botocore does not know."""
    if call.model is None:
        return Named()
    return named(call.service, call.params, region=call.region, account=call.account)


def named(service: str, params: Mapping[str, Any], *, region: str, account: str) -> Named:
    """What these parameters, as they are passed to boto3, name."""
    place = {"_region": region, "_account": account}
    found = {arn for row in NAMES.get(service, ()) for arn in _filled(row, params, place)}
    for text in _texts({name: value for name, value in params.items() if name not in _DESCRIBES}):
        if text.startswith("arn:"):
            found.add(_arn(text, account))
        elif service == "ec2" and (made_up := _EC2_ID.fullmatch(text)) and made_up[1] in EC2_IDS:
            found.add(f"arn:aws:ec2:{region}:{account}:{EC2_IDS[made_up[1]]}/*")
    tags = {pair for name, value in params.items() if name in _TAGS for pair in _pairs(value) if pair[0] in WHOSE}
    return Named(tuple(sorted(found)), tuple(sorted(tags)))


def parameters(row: str) -> tuple[str, ...]:
    """The parameters that a row of the table needs."""
    return tuple(name for name, _ in _wanted(row))


def _wanted(row: str) -> list[tuple[str, str | None]]:
    return [(found["name"], found["kept"]) for found in _PARAMETER.finditer(row) if not found["name"].startswith("_")]


def _filled(row: str, params: Mapping[str, Any], place: Mapping[str, str]) -> Iterator[str]:
    wanted = _wanted(row)
    for values in product(*(tuple(_values(params, name.split("."))) for name, _ in wanted)):
        given = list(zip(wanted, values, strict=True))
        # What takes a name mostly takes an ARN as well, and that is found without a table.
        if all(kept == WHOLE or not value.startswith("arn:") for (_, kept), value in given):
            texts = {name: _kept(value, kept, place["_account"]) for (name, kept), value in given}
            yield _replaced(row, {**texts, **place})


def _replaced(row: str, texts: Mapping[str, str]) -> str:
    return _PARAMETER.sub(lambda found: texts[found["name"]], row)


def _kept(value: str, kept: str | None, account: str) -> str:
    if kept == WHOLE:
        return "*"
    first, slash, _ = value.partition("/")
    return _folded(f"{first}/*" if kept == FIRST and slash else value.removeprefix("https://"), account)


def _values(value: Any, path: list[str]) -> Iterator[str]:
    """What is at that path: of each member of a list; of a mapping, its keys."""
    if isinstance(value, list):
        for each in value:
            yield from _values(each, path)
    elif isinstance(value, Mapping):
        if not path:
            yield from value
        elif path[0] in value:
            yield from _values(value[path[0]], path[1:])
    elif isinstance(value, str) and value and not path:
        yield value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(each)


def _arn(text: str, account: str) -> str:
    parts = text.split(":", 5)
    return ":".join([*parts[:5], *(_folded(each, account) for each in parts[5:])])


def _folded(text: str, account: str) -> str:
    return _MADE_UP.sub(lambda found: account if found[0] == account else "*", text)


def _pairs(value: Any) -> Iterable[tuple[str, str]]:
    """Keys and values of tags, however a service writes them."""
    if isinstance(value, list):
        for each in value:
            yield from _pairs(each)
    elif isinstance(value, Mapping):
        keys = [value[key] for key in ("Key", "TagKey") if isinstance(value.get(key), str)]
        if keys:
            yield keys[0], value.get("Value", value.get("TagValue", ""))
            return
        for key, each in value.items():
            if isinstance(each, str):
                yield key, each
            else:
                yield from _pairs(each)
