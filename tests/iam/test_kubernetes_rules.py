"""The rules in deploy/kubernetes/families.yaml: what they are made from, and what they never allow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ils_sandbox.kubernetes.kinds import KINDS
from tests.iam.rules import Allowed
from tools.iam.__main__ import LIVES, RULES, SUITE, recorded_requests, requests_file, rules
from tools.iam.kubernetes_calls import Request, placed
from tools.iam.rbac import BESIDE, listed, read

RECORDED = recorded_requests()
VERBS = {"create", "delete", "get", "list", "patch", "update", "watch"}
LOOKING = {"get", "list", "watch"}
HOME, BACKUPS = "ils-${ENVIRONMENT}", "ils-${ENVIRONMENT}-backup"


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(RULES.read_text()))


def allowed(documents: list[dict[str, Any]], family: str) -> Allowed:
    return Allowed.to(documents, "Group", f"ils:{family}")


def test_the_file_is_what_is_generated_from_the_recording() -> None:
    assert RULES.read_text() == rules(), "run: make iam"


@pytest.mark.parametrize("folder", [LIVES, SUITE], ids=["lives", "suite"])
def test_what_is_recorded_is_kept_as_it_was(folder: Path) -> None:
    kept = json.loads(requests_file(folder).read_text())

    assert listed(read(kept)) == kept


@pytest.mark.parametrize("family", sorted(RECORDED))
def test_a_family_may_do_what_it_was_seen_to_do_and_nothing_else(documents: list[dict[str, Any]], family: str) -> None:
    found, beside = allowed(documents, family), BESIDE.get(family, {})

    assert found.refused(RECORDED[family]) == set()
    assert found.unused({*RECORDED[family], *beside}) == set()


@pytest.mark.parametrize("family", sorted(BESIDE))
def test_what_is_allowed_beside_the_recording_is_not_in_it(family: str) -> None:
    """Otherwise its reason is out of date."""
    assert set(BESIDE[family]) & RECORDED[family] == set()


@pytest.mark.parametrize("family", ["certificates", "costs", "read-only"])
def test_looking_changes_nothing(documents: list[dict[str, Any]], family: str) -> None:
    assert {each.verb for each in allowed(documents, family).requests} <= LOOKING


def test_health_makes_a_job_beside_the_application_and_changes_nothing_else(documents: list[dict[str, Any]]) -> None:
    changes = {each for each in allowed(documents, "health").requests if each.verb not in LOOKING}

    assert changes == {
        *(Request("batch", "jobs", verb, HOME) for verb in ("create", "delete")),
        *(Request("networking.k8s.io", "networkpolicies", verb, HOME) for verb in ("create", "patch")),
    }


def test_backups_are_made_in_a_namespace_of_their_own(documents: list[dict[str, Any]]) -> None:
    changes = [each for each in allowed(documents, "backup").requests if each.verb not in LOOKING]

    assert {each.namespace for each in changes if each.resource != "namespaces"} == {BACKUPS}


def test_nobody_may_do_everything_or_give_more_than_he_has(documents: list[dict[str, Any]]) -> None:
    for each in documents:
        for rule in each.get("rules", ()):
            assert not {"*", "escalate", "bind", "impersonate"} & {
                *rule["verbs"],
                *rule["resources"],
                *rule["apiGroups"],
            }
            assert set(rule["verbs"]) <= VERBS


def test_rules_name_resources_that_there_are() -> None:
    known = {(kind.group, kind.plural) for kind in KINDS}
    foreign = {"elbv2.k8s.aws", *(each.group for beside in BESIDE.values() for each in beside)}
    for requests in RECORDED.values():
        for each in requests:
            assert (each.group, each.resource.partition("/")[0]) in known or each.group in foreign


SECRETS = Request("", "secrets", "list", "")
ELSEWHERE = Request("apps", "deployments", "patch", "kube-system")


@pytest.mark.parametrize(
    ("family", "asked", "refused"),
    [
        ("certificates", SECRETS, False),
        ("costs", SECRETS, True),
        ("provision", Request("apps", "deployments", "patch", HOME), False),
        ("provision", ELSEWHERE, True),
        ("drill", Request("", "secrets", "list", HOME), False),
        ("drill", Request("", "secrets", "list", "kube-system"), True),
        ("backup", Request("batch", "jobs", "create", HOME), True),
    ],
)
def test_a_request_of_another_family_or_in_another_place_is_found(
    documents: list[dict[str, Any]], family: str, asked: Request, refused: bool
) -> None:
    assert allowed(documents, family).refused([asked]) == ({asked} if refused else set())


def test_a_rule_that_nobody_uses_is_named(documents: list[dict[str, Any]]) -> None:
    left_out = Request("", "nodes", "list", "")

    assert allowed(documents, "costs").unused(RECORDED["costs"] - {left_out}) == {left_out}


def test_names_of_one_environment_become_those_of_any() -> None:
    there = Request("", "pods", "list", "ils-dev-backup")

    assert placed(there, "dev").namespace == BACKUPS
    assert placed(Request("", "pods", "list", "ils-dev"), "dev").namespace == HOME
    assert placed(Request("", "pods", "list", "ilsdrill-dev-0a1b2c3d"), "dev").namespace == ""
    assert placed(Request("", "pods", "list", "kube-system"), "dev").namespace == "kube-system"
