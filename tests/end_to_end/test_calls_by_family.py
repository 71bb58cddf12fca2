"""Every call says for which family of jobs it is made, to AWS and to Kubernetes."""

from __future__ import annotations

import pytest

from tests.end_to_end.conftest import LocalSandbox


@pytest.mark.parametrize(
    ("command", "caller"), [("health", "health.dev"), ("status", "provision.dev")], ids=["health", "status"]
)
def test_a_command_calls_as_its_family(with_dev: LocalSandbox, command: str, caller: str) -> None:
    with_dev.forget_requests()
    with_dev.start(command, "dev").communicate()

    made = with_dev.requests()
    assert {each["caller"] for each in made} == {caller}
    assert {each["service"] == "kubernetes" for each in made} == {True, False}
