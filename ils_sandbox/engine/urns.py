"""Uniform resource names as Pulumi builds them, and the aliases a resource may have been known by."""

from __future__ import annotations

from typing import Any, NamedTuple

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_PREFIX = "pulumi:providers:"


class Urn(NamedTuple):
    """`urn:pulumi:<stack>::<project>::<qualified type>::<name>`; a qualified type is `<parent type>$<type>`."""

    stack: str
    project: str
    qualified_type: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Urn:
        prefix, stack_and_rest = text.split("urn:pulumi:", 1)
        if prefix:
            raise ValueError(f"{text!r} is not a URN")
        stack, project, qualified_type, name = stack_and_rest.split("::", 3)
        return cls(stack, project, qualified_type, name)

    @property
    def type(self) -> str:
        return self.qualified_type.rsplit("$", 1)[-1]

    def __str__(self) -> str:
        return f"urn:pulumi:{self.stack}::{self.project}::{self.qualified_type}::{self.name}"


def build(stack: str, project: str, parent: str, type_: str, name: str) -> str:
    """The URN of a resource; `parent` is its parent's URN or empty. The stack itself lends no type to its children."""
    if parent:
        parent_type = Urn.parse(parent).qualified_type
        if parent_type != STACK_TYPE:
            type_ = f"{parent_type}${type_}"
    return str(Urn(stack, project, type_, name))


def aliases(request: Any, stack: str, project: str, parent_aliases: tuple[str, ...]) -> tuple[str, ...]:
    """Every URN that the resource of a RegisterResourceRequest may have had, most specific first.

    A resource whose parent was renamed inherits an alias for each alias of its parent.
    """
    found: dict[str, None] = dict.fromkeys(request.aliasURNs)
    for alias in request.aliases:
        if alias.WhichOneof("alias") == "urn":
            found[alias.urn] = None
            continue
        spec = alias.spec
        parent = request.parent
        if spec.WhichOneof("parent") == "parentUrn":
            parent = spec.parentUrn
        elif spec.noParent:
            parent = ""
        old_parents = (parent, *parent_aliases) if parent == request.parent else (parent,)
        for old_parent in old_parents:
            urn = build(
                spec.stack or stack,
                spec.project or project,
                old_parent,
                spec.type or request.type,
                spec.name or request.name,
            )
            found[urn] = None
    for old_parent in parent_aliases:
        parent_name, old_name = Urn.parse(request.parent).name, Urn.parse(old_parent).name
        name = request.name
        # Pulumi's SDKs rename children along with a parent whose name they start with.
        if parent_name != old_name and name.startswith(parent_name):
            found[build(stack, project, old_parent, request.type, old_name + name.removeprefix(parent_name))] = None
        found[build(stack, project, old_parent, request.type, name)] = None
    return tuple(found)
