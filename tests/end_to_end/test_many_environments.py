"""Several environments in one account: none costs another anything, and no more runs go at once than the instance says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from benchmarks.fleet import Fleet, fleet, name_of
from benchmarks.look import SCHEDULED
from benchmarks.queue import run_all

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

FIRST, COUNT, BOUND = name_of(1), 3, 2


@dataclass(frozen=True)
class Neighbourhood:
    fleet: Fleet
    alone: dict[str, Counter[str]]
    """What each job asked for the first environment, by job, when there was no other."""


@pytest.fixture(scope="module")
def neighbourhood(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbourhood]:
    with fleet(tmp_path_factory.mktemp("many")) as made:
        made.look("up", *made.add_up_to(1))
        alone = {job: asked(made, job) for job in SCHEDULED}
        made.look("up", *made.add_up_to(COUNT))
        yield Neighbourhood(made, alone)


def asked(made: Fleet, job: str) -> Counter[str]:
    return made.calls(lambda: made.look(job, FIRST))


@pytest.mark.parametrize("job", SCHEDULED)
def test_neighbours_cost_an_environment_no_calls(neighbourhood: Neighbourhood, job: str) -> None:
    alone, among_others = neighbourhood.alone[job], asked(neighbourhood.fleet, job)

    assert alone
    assert among_others - alone == Counter()


def test_no_more_runs_go_at_once_than_the_instance_allows(neighbourhood: Neighbourhood) -> None:
    ran = run_all(neighbourhood.fleet, "health_scan", neighbourhood.fleet.names, bound=BOUND)

    assert ran.failures == []
    assert ran.statuses == ["SUCCESS"] * COUNT
    assert 1 <= ran.at_once <= BOUND
