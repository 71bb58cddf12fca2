"""A create of several calls that broke off at any of them is finished by `find`, `resume` and an update."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from ils_sandbox.provider.errors import ProviderError
from tests.sandbox.provider.bench import Bench, Made
from tests.sandbox.provider.case import Case
from tests.sandbox.provider.cases import CASES

SEVERAL = {
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:dynamodb/table:Table",
    "aws:ec2/internetGateway:InternetGateway",
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:ec2/vpc:Vpc",
    "aws:kms/key:Key",
    "aws:lb/listener:Listener",
    "aws:lb/loadBalancer:LoadBalancer",
    "aws:lb/targetGroup:TargetGroup",
}
"""Types whose create makes more than one mutating call."""


@pytest.fixture
def faults(bench: Bench) -> Iterator[Any]:
    """Lets the sandbox fail calls."""
    yield lambda **fault: bench.around.sandbox("faults", "POST", {"status": 400, "times": 1, **fault})
    bench.around.sandbox("faults", "DELETE")


def sizes(made: Made) -> dict[str, int]:
    """How many elements each collection among the outputs has: what must not depend on an interruption."""
    return {name: len(value) for name, value in made.plain.items() if isinstance(value, list | dict)}


@pytest.mark.parametrize("case", [case for case in CASES if case.token in SEVERAL], ids=lambda case: case.token)
def test_a_create_that_broke_off_at_any_call_is_finished(bench: Bench, faults: Any, case: Case) -> None:
    inputs = case.inputs(bench.around)
    bench.around.sandbox("requests", "DELETE")
    whole = bench.read(bench.create(case.token, inputs))
    assert whole is not None
    calls = [call for call in bench.around.sandbox("requests") if call["mutating"]]
    made_by = next(index for index, call in enumerate(calls) if call["operation"].startswith("Create"))
    later = calls[made_by + 1 :]
    assert later, "one call only: nothing can break off"
    for number, call in enumerate(later):
        before = sum(other["operation"] == call["operation"] for other in later[:number])
        faults(service=call["service"], operation=call["operation"], error_code="Broken", after=before)
        inputs = case.inputs(bench.around)
        urn = bench.urn(case.token)
        with pytest.raises(ProviderError):
            bench.create(case.token, inputs, urn)
        half = Made(urn, "", bench.check(urn, inputs), {})
        half.id = bench.find(half) or ""
        assert half.id

        asyncio.run(bench.provider.resume(urn, half.id, half.inputs))
        finished = bench.read(half)
        assert finished is not None
        if bench.diff(finished, inputs).detailed_diff:
            finished = bench.read(bench.update(finished, inputs))

        assert finished is not None
        assert bench.diff(finished, inputs).detailed_diff == {}
        assert sizes(finished) == sizes(whole), f"broken off at {call['operation']}"
