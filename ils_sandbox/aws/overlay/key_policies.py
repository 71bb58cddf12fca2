"""What a key's policy says to a use of the key.

Callers of the sandbox are administrators of the one account: what the policy leaves to the account, they may. So the policy
decides: whoever takes `kms:Decrypt` away in it, or leaves the account out, has taken it away here as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any

from ils_sandbox.aws.calls import ACCOUNT

_ACCOUNT_PRINCIPALS = frozenset({"*", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root"})


class Verdict(Enum):
    ALLOWED = "allowed"
    NOT_ALLOWED = "not allowed"
    DENIED = "explicitly denied"


def verdict(policy: str, action: str, principal: str, context: Mapping[str, str]) -> Verdict:
    """`principal` is the caller's ARN; `context` has the values of condition keys, those that are not in it are not set."""
    statements = json.loads(policy)["Statement"]
    listed = statements if isinstance(statements, list) else [statements]
    effects = {each["Effect"] for each in listed if _is_about(each, action, principal, context)}
    if "Deny" in effects:
        return Verdict.DENIED
    return Verdict.ALLOWED if "Allow" in effects else Verdict.NOT_ALLOWED


def _is_about(statement: Mapping[str, Any], action: str, principal: str, context: Mapping[str, str]) -> bool:
    if "NotAction" in statement:
        acts = not any(_like(action, each) for each in _list(statement["NotAction"]))
    else:
        acts = any(_like(action, each) for each in _list(statement.get("Action")))
    return acts and _is_by(statement, principal) and _holds(statement.get("Condition") or {}, context)


def _is_by(statement: Mapping[str, Any], principal: str) -> bool:
    """An administrator is whoever the account is; a service is nobody's caller."""
    if "NotPrincipal" in statement:
        return not _is_by({"Principal": statement["NotPrincipal"]}, principal)
    given = statement.get("Principal")
    named = _list(given.get("AWS")) if isinstance(given, Mapping) else _list(given)
    return any(each in _ACCOUNT_PRINCIPALS or each == principal for each in named)


def _holds(condition: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    known = {key.lower(): value for key, value in context.items()}
    return all(
        _compare(operator, known.get(key.lower()), _list(wanted))
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    )


def _compare(operator: str, value: str | None, wanted: Iterable[Any]) -> bool:
    """As IAM compares: a key that is not set fails what asks for a value, and passes what asks for another one."""
    texts = [str(each).lower() if isinstance(each, bool) else str(each) for each in wanted]
    if operator == "Null":
        return (value is None) is (texts == ["true"])
    base = operator.rpartition(":")[2]
    if base.endswith("IfExists"):
        if value is None:
            return True
        base = base.removesuffix("IfExists")
    negated = "Not" in base
    if value is None:
        return negated
    kind = base.replace("Not", "")
    if kind not in ("StringEquals", "StringLike", "StringEqualsIgnoreCase", "ArnEquals", "ArnLike", "Bool"):
        return False
    if kind in ("StringEqualsIgnoreCase", "Bool"):
        found = value.lower() in {each.lower() for each in texts}
    elif kind == "StringEquals":
        found = value in texts
    else:
        found = any(fnmatchcase(value, each) for each in texts)
    return found is not negated


def _like(action: str, pattern: str) -> bool:
    return fnmatchcase(action.lower(), pattern.lower())


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
