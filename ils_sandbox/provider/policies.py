"""JSON documents compared by what they mean to AWS."""

from __future__ import annotations

import json
import re
from typing import Any

_ACCOUNT = re.compile(r"^\d{12}$")
_ROOT = re.compile(r"^arn:[\w-]+:iam::(\d{12}):root$")
_ONE_OR_MANY = frozenset({"Action", "NotAction", "Resource", "NotResource"})
_PRINCIPALS = frozenset({"Principal", "NotPrincipal"})


def meaning(document: str) -> Any:
    """A value that is equal for documents that mean the same; text that is not JSON means itself.

    In policies one value equals a list of it, the order of actions, resources, principals and condition values says
    nothing, an account id is its root principal, and AWS removes blanks.
    """
    try:
        parsed = json.loads(document)
    except ValueError:
        return document
    if isinstance(parsed, dict) and "Statement" in parsed:
        statements = parsed["Statement"]
        statements = statements if isinstance(statements, list) else [statements]
        return {**parsed, "Statement": [_statement(s) if isinstance(s, dict) else s for s in statements]}
    return parsed


def _statement(statement: dict[str, Any]) -> dict[str, Any]:
    return {key: _element(key, value) for key, value in statement.items() if value not in ("", None)}


def _element(key: str, value: Any) -> Any:
    if key in _ONE_OR_MANY:
        return _many(value)
    if key in _PRINCIPALS:
        if not isinstance(value, dict):
            return {"AWS": ["*"]} if value == "*" else value
        return {kind: sorted(_account(v) for v in _many(who)) for kind, who in value.items()}
    if key == "Condition" and isinstance(value, dict):
        return {
            operator: {k: _many(v) for k, v in tests.items()} if isinstance(tests, dict) else tests
            for operator, tests in value.items()
        }
    return value


def _many(value: Any) -> list[str]:
    """As a sorted list of strings."""
    values = value if isinstance(value, list) else [value]
    return sorted({json.dumps(v) if isinstance(v, bool) else str(v) for v in values})


def _account(principal: str) -> str:
    match = _ROOT.match(principal)
    return match.group(1) if match else principal
