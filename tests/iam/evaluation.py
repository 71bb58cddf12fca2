"""What a set of policies allows, as far as it can be told without an account."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tools.iam.actions import Calls, actions

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "iam"
RULES = FOLDER.parent / "kubernetes" / "families.yaml"
PARTS = ("network", "platform", "data")
READ_ONLY = tuple(f"read-only-{part}" for part in PARTS)
SCANS = ("certificates", "costs", "health")
PROVISION = (*READ_ONLY, *(f"provision-{part}" for part in PARTS))
DRILL = ("drill", "drill-stores", "drill-cluster")
POLICIES: Mapping[str, tuple[str, ...]] = {
    "read-only": READ_ONLY,
    "provision": PROVISION,
    "backup": ("backup",),
    "drill": (*READ_ONLY, *DRILL),
    "notifications": ("notifications",),
    **{scan: (scan,) for scan in SCANS},
}
"""What docs/production.md attaches to the role of each family."""


def policy(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return document


def statements(names: Iterable[str], values: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
    """The statements of these policies, with values in the place of `${NAME}`."""
    for name in names:
        text = (FOLDER / f"{name}.json").read_text()
        for key, value in (values or {}).items():
            text = text.replace(f"${{{key}}}", value)
        yield from json.loads(text)["Statement"]


def allowed_actions(names: Iterable[str]) -> set[str]:
    return {action for each in statements(names) if each["Effect"] == "Allow" for action in each["Action"]}


def refused(names: Iterable[str], calls: Calls) -> set[str]:
    """The actions that these calls need and no statement of these policies allows for anything."""
    return set(actions(calls) - allowed_actions(names))


def covering(names: Iterable[str], arn: str, values: Mapping[str, str]) -> list[dict[str, Any]]:
    """The statements that allow to change the resource `arn`, by what their `Resource` says."""
    return [
        each
        for each in statements(names, values)
        if each["Effect"] == "Allow"
        and any(fnmatchcase(arn, pattern) for pattern in each["Resource"] if pattern != "*")
    ]


def expanded(text: str, values: Mapping[str, str]) -> str:
    """As the guide's command does it: unknown names stay."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        return os.path.expandvars(text)
    finally:
        os.environ.clear()
        os.environ.update(before)
