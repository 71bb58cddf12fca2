"""Two whole lives of environments in a sandbox: the code makes no call, and touches no resource, that no policy allows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ils_pipelines.engine.models import Stack
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.layers import Layer
from ils_pipelines.targets.protocol import Target
from tests.iam.evaluation import PROVISION, READ_ONLY, covering, refused, statements
from tools.iam.beside import ATTACHED_POLICIES
from tools.iam.recording import SCANS, full, plan, sandbox, shipped, watch

pytestmark = pytest.mark.long

ACCOUNT = "123456789012"
CHANGES = tuple(name for name in PROVISION if name not in READ_ONLY)


@dataclass
class Life:
    """What was seen of one environment."""

    environment: str
    looking: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    changing: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    scanning: dict[str, dict[str, set[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(set)))
    """By the scan that has a policy of its own."""
    resources: list[dict[str, Any]] = field(default_factory=list)
    """As in Pulumi's deployment JSON, while everything was there."""

    @property
    def values(self) -> dict[str, str]:
        return {"PARTITION": "aws", "ACCOUNT_ID": ACCOUNT, "ENVIRONMENT": self.environment}


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> list[Life]:
    found = []
    with sandbox(Path(tmp_path_factory.mktemp("iam"))) as running:
        for environment in (shipped("dev"), full()):
            target = running.target(environment)
            life = Life(environment.name)
            with running.recorded(life.looking):
                plan(target)
            with running.recorded(life.changing):
                for layer in Layer:
                    layer_work(target, layer).up()
            life.resources = _resources(target)
            with running.recorded(life.looking):
                watch(target)
                plan(target)
            for scan, look in SCANS.items():
                with running.recorded(life.scanning[scan]):
                    look(target)
            with running.recorded(life.changing):
                for layer in reversed(Layer):
                    layer_work(target, layer).destroy()
            found.append(life)
    return found


def _resources(target: Target) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for layer in Layer:
        if layer is not Layer.APP_RELEASE:
            state = target.engine().export_state(Stack(f"ils-{layer}", target.environment.name, lambda: None))
            found += [
                each for each in state["deployment"]["resources"] if each["custom"] and "providers" not in each["type"]
            ]
    return found


def test_looking_makes_only_calls_that_the_read_only_policies_allow(lives: list[Life]) -> None:
    for life in lives:
        assert refused(READ_ONLY, life.looking) == set(), "run: make iam"


@pytest.mark.parametrize("scan", SCANS)
def test_a_scan_makes_only_calls_that_its_own_policy_allows(lives: list[Life], scan: str) -> None:
    for life in lives:
        assert life.scanning[scan]
        assert refused([scan], life.scanning[scan]) == set(), "run: make iam"


def test_provisioning_and_deleting_make_only_calls_that_the_policies_allow(lives: list[Life]) -> None:
    for life in lives:
        assert refused(PROVISION, life.changing) == set(), "run: make iam"


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
