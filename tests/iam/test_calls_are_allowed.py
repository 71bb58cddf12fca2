"""Two whole lives of environments in a sandbox: the code makes no call, and touches no resource, that no policy allows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from ils_pipelines.engine.models import Stack
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.targets.protocol import Target
from tests.iam.evaluation import POLICIES, PROVISION, READ_ONLY, covering, refused, statements
from tests.iam.reach import out_of_reach
from tests.iam.rules import Allowed
from tools.iam.__main__ import RULES, recorded_requests
from tools.iam.beside import ATTACHED_POLICIES
from tools.iam.kubernetes_calls import Request
from tools.iam.rbac import BESIDE
from tools.iam.recording import Sandbox, full, live, sandbox, shipped
from tools.iam.seen import FAMILIES, Seen
from tools.iam.seen import PROVISION as MAKES

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

ACCOUNT = "123456789012"
CHANGES = tuple(name for name in PROVISION if name not in READ_ONLY)


@dataclass
class Life:
    """What was seen of one environment."""

    environment: str
    seen: Seen
    resources: list[dict[str, Any]]
    """As in Pulumi's deployment JSON, while everything was there."""

    @property
    def values(self) -> dict[str, str]:
        return {"PARTITION": "aws", "ACCOUNT_ID": ACCOUNT, "ENVIRONMENT": self.environment}


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> list[Life]:
    with sandbox(Path(tmp_path_factory.mktemp("iam"))) as running:
        return [_life(running, environment) for environment in (shipped("dev"), full())]


def _life(running: Sandbox, environment: Environment) -> Life:
    resources: list[dict[str, Any]] = []
    target = running.target(environment, MAKES)
    live(running, environment, at_its_height=lambda: resources.extend(_resources(target)))
    return Life(environment.name, running.seen(environment.name), resources)


def _resources(target: Target) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for layer in Layer:
        if layer is not Layer.APP_RELEASE:
            state = target.engine().export_state(Stack(f"ils-{layer}", target.environment.name, lambda: None))
            found += [
                each for each in state["deployment"]["resources"] if each["custom"] and "providers" not in each["type"]
            ]
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_makes_only_calls_that_its_own_policies_allow(lives: list[Life], family: str) -> None:
    assert any(life.seen.aws[family] for life in lives)
    for life in lives:
        assert refused(POLICIES[family], life.seen.aws[family]) == set(), "run: make iam"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_names_only_resources_that_its_own_policies_cover(lives: list[Life], family: str) -> None:
    for life in lives:
        assert out_of_reach(family, life.seen.touches[family]) == [], "add what it needs to the tables in tools/iam"


def test_nothing_is_asked_of_kubernetes_that_the_rules_do_not_allow(lives: list[Life]) -> None:
    documents = list(yaml.safe_load_all(RULES.read_text()))
    asked: dict[str, set[Request]] = defaultdict(set)
    for life in lives:
        for family, requests in life.seen.kubernetes.items():
            asked[family] |= requests
    beside = recorded_requests()
    for family, requests in asked.items():
        allowed = Allowed.to(documents, "Group", f"ils:{family}")
        assert allowed.refused(requests) == set(), f"{family} may not: run: make iam"
        assert allowed.unused({*requests, *beside[family], *BESIDE.get(family, ())}) == set(), (
            f"{family} need not: run: make iam"
        )


def test_every_resource_is_one_that_the_policies_let_change(lives: list[Life]) -> None:
    """By its name; or by its tags, and then it has them."""
    for life in lives:
        for each in life.resources:
            arn = (each.get("outputs") or {}).get("arn")
            if arn is None:
                continue
            found = covering(CHANGES, arn, life.values)
            assert found, f"no policy lets {life.environment} change {arn}: add its name to tools/iam/scopes.py"
            if all(
                "ResourceTag" in str(statement.get("Condition")) or "Tag" in statement["Sid"] for statement in found
            ):
                tags = each["outputs"].get("tags") or each["outputs"].get("tagsAll") or {}
                assert (tags.get("environment"), tags.get("project")) == (life.environment, "ils"), arn


def test_no_policy_of_one_environment_lets_change_another(lives: list[Life]) -> None:
    other = {"PARTITION": "aws", "ACCOUNT_ID": ACCOUNT, "ENVIRONMENT": "other"}
    shared = {"IamByName", "MasterSecret", "ServicesOwnRoles"}
    for life in lives:
        for each in life.resources:
            arn = (each.get("outputs") or {}).get("arn")
            for statement in covering(CHANGES, arn, other) if arn else ():
                tagged = "'environment'" in str(statement.get("Condition")) or "/environment" in str(
                    statement.get("Condition")
                )
                assert tagged or statement["Sid"] in shared, f"{statement['Sid']} of other covers {arn}"


def test_only_policies_that_may_be_attached_are_attached(lives: list[Life]) -> None:
    from fnmatch import fnmatchcase

    attached = {
        each["inputs"]["policyArn"]
        for life in lives
        for each in life.resources
        if each["type"] == "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    }
    patterns = [f"arn:aws:iam::aws:policy/{name}" for name in ATTACHED_POLICIES]

    assert attached
    assert [arn for arn in attached if not any(fnmatchcase(arn, pattern) for pattern in patterns)] == []


def test_roles_are_handed_only_to_services_that_may_have_them(lives: list[Life]) -> None:
    trusted = {
        service
        for life in lives
        for each in life.resources
        if each["type"] == "aws:iam/role:Role"
        for service in _services(each["inputs"]["assumeRolePolicy"])
    }
    [passing] = [each for each in statements(CHANGES) if "iam:PassRole" in each["Action"]]

    assert trusted <= set(passing["Condition"]["StringEquals"]["iam:PassedToService"])


def _services(trust: str) -> set[str]:
    import json

    found: set[str] = set()
    for statement in json.loads(trust)["Statement"]:
        service = statement["Principal"].get("Service", [])
        found |= {service} if isinstance(service, str) else set(service)
    return found
