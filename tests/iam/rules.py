"""What rules of Kubernetes allow, as its API server reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.iam.kubernetes_calls import Request

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Allowed:
    """What the roles that are bound to one subject allow."""

    requests: frozenset[Request]
    """Empty namespace: in all of them."""

    @classmethod
    def to(cls, documents: Sequence[Document], kind: str, name: str) -> Allowed:
        """Of a `Group` or a `ServiceAccount`."""
        roles = {_key(each): each["rules"] for each in documents if each["kind"] in ("Role", "ClusterRole")}
        found: set[Request] = set()
        for each in documents:
            if not each["kind"].endswith("Binding"):
                continue
            if any((subject["kind"], subject["name"]) == (kind, name) for subject in each["subjects"]):
                namespace = each["metadata"].get("namespace", "")
                role = each["roleRef"]
                where = namespace if role["kind"] == "Role" else ""
                for rule in roles[role["kind"], where, role["name"]]:
                    found |= set(_requests(rule, namespace))
        return cls(frozenset(found))

    def refused(self, requests: Iterable[Request]) -> set[Request]:
        """Those of these requests that no rule allows."""
        anywhere = {(each.group, each.resource, each.verb) for each in self.requests if not each.namespace + each.name}
        return {
            each
            for each in requests
            if each not in self.requests and (each.group, each.resource, each.verb) not in anywhere
        }

    def unused(self, requests: Iterable[Request]) -> set[Request]:
        """What is allowed, and none of these requests needs."""
        asked = {(each.group, each.resource, each.verb): set[str]() for each in requests}
        for each in requests:
            asked[each.group, each.resource, each.verb].add(each.namespace)
        return {
            each
            for each in self.requests
            if not (places := asked.get((each.group, each.resource, each.verb)))
            or (each.namespace and each.namespace not in places)
        }


def _key(document: Document) -> tuple[str, str, str]:
    metadata = document["metadata"]
    return document["kind"], metadata.get("namespace", ""), metadata["name"]


def _requests(rule: Document, namespace: str) -> Iterable[Request]:
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            for verb in rule["verbs"]:
                for name in rule.get("resourceNames", [""]):
                    yield Request(group, resource, verb, namespace, name)
