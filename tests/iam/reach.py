"""What policies let be touched: whether one of their statements covers each resource that a call names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from ils_sandbox.aws.calls import ACCOUNT
from tests.iam.evaluation import POLICIES, statements
from tools.iam.actions import FREE, action
from tools.iam.reference import Action, reference
from tools.iam.seen import Touch

Statement = Mapping[str, Any]
PASSING = "iam:PassRole"
_NEVER = frozenset({"ec2:CreateAction", "kms:ViaService"})
"""Told only of what services do beside a call; every recorded call is one of its own."""
_HANDS_ON_NO_ROLE = (
    "eks:AssociateAccess",
    "eks:CreateAccess",
    "eks:DeleteAccess",
    "eks:DisassociateAccess",
    "eks:UpdateAccess",
    "iam:",
)
"""Changes of who is let in, and of roles themselves; all others that name a role hand it to a service. The Reference does not
say so of EKS."""


@dataclass(frozen=True)
class Reach:
    """The statements of a family's policies, for one environment.

    Conditions count where the call says what they ask for: tags in the request, the policy that is attached, and that
    nothing but the caller itself calls. What a resource's own tags are no call says, nor whom a role is passed to: such a
    condition counts as met in what allows, and as not met in what denies.
    """

    statements: tuple[Statement, ...]

    @classmethod
    def of(cls, names: Iterable[str], environment: str) -> Reach:
        return _reach(tuple(names), environment)

    def missed(self, call: Touch) -> Iterator[str]:
        """What the call asks for and may not have, in words. Whether its action is allowed for anything at all is told by
        `evaluation.refused`.
        """
        name = action(call.service, call.operation)
        if name in FREE or not self._about(name, "Allow"):
            return
        asked = reference(name)
        for arn in _asked_for(asked, call):
            if not self._allows(name, arn, call):
                yield f"{name} on {arn}"
        if not asked.reads and not name.startswith(_HANDS_ON_NO_ROLE):
            for arn in call.resources:
                if reference(PASSING).type_of(arn) and not self._allows(PASSING, arn, call):
                    yield f"{PASSING} on {arn}"

    def _allows(self, name: str, arn: str, call: Touch) -> bool:
        known = _known(call)
        return any(
            _covers(each, arn) and _met(each, known, unknown=True) for each in self._about(name, "Allow")
        ) and not any(_covers(each, arn) and _met(each, known, unknown=False) for each in self._about(name, "Deny"))

    def _about(self, name: str, effect: str) -> list[Statement]:
        return [each for each in self.statements if each["Effect"] == effect and name in each["Action"]]


def out_of_reach(family: str, calls: Iterable[Touch]) -> list[str]:
    """What calls of a family name and its policies do not cover, in words, each once."""
    return sorted(
        {
            f"{family} may not {missed}"
            for call in calls
            for missed in Reach.of(POLICIES[family], call.environment).missed(call)
        }
    )


@cache
def _reach(names: tuple[str, ...], environment: str) -> Reach:
    values = {"PARTITION": "aws", "ACCOUNT_ID": ACCOUNT, "ENVIRONMENT": environment, "HOSTED_ZONE_ID": "*"}
    return Reach(tuple(statements(names, values)))


def _asked_for(asked: Action, call: Touch) -> list[str]:
    """The resources that the action is checked for: those that the call names; all, for a reading call that names none; and
    what it makes, which has no name yet: always, or when it gets tags.
    """
    named = {arn: kind for arn in call.resources if (kind := asked.type_of(arn))}
    made = [
        kind.all_of(ACCOUNT)
        for kind in asked.types
        if kind.made and (kind.required or call.tags) and kind not in named.values()
    ]
    if named or made or not asked.reads:
        return [*named, *made]
    needed = [kind for kind in asked.types if kind.required] or asked.types
    return [kind.all_of(ACCOUNT) for kind in needed]


def _known(call: Touch) -> dict[str, str | None]:
    """What a condition can ask of the request, by its key: None for what there is not."""
    tags = dict(call.tags)
    attached = [arn for arn in call.resources if call.service == "iam" and ":policy/" in arn]
    return {
        **{f"aws:RequestTag/{key}": tags.get(key) for key in ("environment", "project")},
        **dict.fromkeys(_NEVER),
        **({"iam:PolicyARN": attached[0]} if attached else {}),
    }


def _met(statement: Statement, known: Mapping[str, str | None], *, unknown: bool) -> bool:
    return all(
        _OPERATORS[operator](known[key], wanted if isinstance(wanted, list) else [wanted]) if key in known else unknown
        for operator, asked in statement.get("Condition", {}).items()
        for key, wanted in asked.items()
    )


def _equals(value: str | None, wanted: list[str]) -> bool:
    return value in wanted


def _like(value: str | None, wanted: list[str]) -> bool:
    return value is not None and any(matches(value, pattern) for pattern in wanted)


def _not_like(value: str | None, wanted: list[str]) -> bool:
    return not _like(value, wanted)


def _null(value: str | None, wanted: list[str]) -> bool:
    return (value is None) is (wanted == ["true"])


_OPERATORS = {
    "ArnLike": _like,
    "ArnNotLike": _not_like,
    "Null": _null,
    "StringEquals": _equals,
    "StringLike": _like,
}


def _covers(statement: Statement, arn: str) -> bool:
    return any(matches(arn, pattern) for pattern in statement["Resource"])


def matches(text: str, pattern: str) -> bool:
    """As IAM does it: `*` is any text, `?` any letter, and nothing else means anything."""
    return _compiled(pattern).fullmatch(text) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)
