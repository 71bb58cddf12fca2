"""Label and field selectors of list and watch requests, and the label selectors inside objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ils_sandbox.kubernetes.kinds import EVENT, NAMESPACE, NODE, POD, SECRET, Kind
from ils_sandbox.kubernetes.statuses import bad_request

Labels = Mapping[str, str]
Matcher = Callable[[dict[str, Any]], bool]
Requirement = Callable[[Labels], bool]

_KEY = r"[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?"
_SET = re.compile(rf"^({_KEY})\s+(in|notin)\s+\(([^()]*)\)$")
_EQUALS = re.compile(rf"^({_KEY})\s*(==|=|!=)\s*([-A-Za-z0-9_.]*)$")
_EXISTS = re.compile(rf"^(!?)\s*({_KEY})$")
_SPLIT = re.compile(r",(?![^()]*\))")

_COMMON_FIELDS = ("metadata.name", "metadata.namespace")
_EVENT_OBJECT = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
FIELDS: Mapping[Kind, tuple[str, ...]] = {
    POD: (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    NODE: ("spec.unschedulable",),
    NAMESPACE: ("status.phase",),
    SECRET: ("type",),
    EVENT: (*(f"involvedObject.{name}" for name in _EVENT_OBJECT), "reason", "reportingComponent", "source", "type"),
}


def label_requirements(text: str) -> tuple[Requirement, ...]:
    """The requirements of a selector such as `app=ils,tier in (a,b),!legacy`. Raises a 400."""
    return tuple(_requirement(part.strip()) for part in _SPLIT.split(text) if text.strip())


def _requirement(text: str) -> Requirement:
    if match := _SET.match(text):
        key, operator, listed = match.groups()
        values = frozenset(value.strip() for value in listed.split(","))
        if operator == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if match := _EQUALS.match(text):
        key, operator, value = match.groups()
        if operator == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if match := _EXISTS.match(text):
        absent, key = match.groups()
        return lambda labels: (key in labels) != bool(absent)
    raise bad_request(f'unable to parse requirement: found "{text}", expected: a label selector requirement')


def matches_selector(selector: Mapping[str, Any] | None, labels: Labels) -> bool:
    """Whether a LabelSelector object selects these labels. None selects nothing, an empty one everything."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_matches_expression(expression, labels) for expression in selector.get("matchExpressions") or ())


def _matches_expression(expression: Mapping[str, Any], labels: Labels) -> bool:
    key, values = expression["key"], expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels


def matcher(kind: Kind, label_selector: str, field_selector: str) -> Matcher:
    """What objects of `kind` a list or watch request asks for. Raises a 400 for a selector that makes no sense."""
    labels = label_requirements(label_selector)
    fields = tuple(_field(kind, part.strip()) for part in field_selector.split(",") if part.strip())
    if not labels and not fields:
        return lambda _obj: True

    def matches(obj: dict[str, Any]) -> bool:
        metadata = obj["metadata"]
        return all(requirement(metadata.get("labels") or {}) for requirement in labels) and all(
            (_at(obj, path) == value) != negated for path, value, negated in fields
        )

    return matches


def _field(kind: Kind, text: str) -> tuple[str, str, bool]:
    path, operator, value = re.match(r"^([^=!]*)(==|=|!=|)(.*)$", text).groups()  # type: ignore[union-attr]
    if not operator:
        raise bad_request(f"invalid selector: '{text}'; can't understand '{text}'")
    if path not in (*_COMMON_FIELDS, *FIELDS.get(kind, ())):
        if kind in FIELDS:
            raise bad_request(f"field label not supported: {path}")
        only = ", ".join(f'"{field}"' for field in _COMMON_FIELDS)
        raise bad_request(f'"{path}" is not a known field selector: only {only}')
    return path, value, operator == "!="


def _at(obj: dict[str, Any], path: str) -> str:
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
