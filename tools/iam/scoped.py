"""Policies whose actions come from the recording, and where they are allowed from the tables in `scopes`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any

from tools.iam.scopes.scope import Scope


class ScopesDiffer(Exception):
    """The tables and what is called do not name the same actions."""


def scoped(
    family: str, tables: Mapping[str, Iterable[Scope]], needed: Set[str], elsewhere: Set[str] = frozenset()
) -> dict[str, dict[str, Any]]:
    """The policies of a family by name. `needed` are the actions of its calls, `elsewhere` those that policies which are
    attached beside these allow.

    Raises `ScopesDiffer` for what is needed and has no scope, and for scopes that nobody needs.
    """
    known = {action for scopes in tables.values() for each in scopes for action in each.actions}
    problems = [
        *(
            f"{family} needs {action}, and no scope says where: add it to tools/iam/scopes/{family}.py"
            for action in sorted(needed - known - elsewhere)
        ),
        *(
            f"tools/iam/scopes/{family}.py allows {action}, which nothing was seen to call: take it out there, or give the "
            "reason in UNSEEN of tools/iam/beside.py"
            for action in sorted(known - needed)
        ),
    ]
    if problems:
        raise ScopesDiffer("\n".join(problems))
    return {
        name: {"Version": "2012-10-17", "Statement": [each.statement() for each in scopes]}
        for name, scopes in tables.items()
    }
