"""What the application sends is taken, and what is asked of it is let in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Warned = Callable[..., list[str]]


@pytest.fixture
def warned(read: Any) -> Warned:
    return lambda **sections: [warning.path for warning in read(sections).warnings]


def test_traces_go_to_a_collector_that_is_there(warned: Warned) -> None:
    traced = {"tracing": {"mode": "collector"}}
    assert warned(app=traced) == ["app.tracing.mode"]
    assert warned(app=traced, monitoring={"tracing": True}) == []


def test_another_collector_is_somebody_elses(warned: Warned) -> None:
    assert warned(app={"tracing": {"mode": "collector", "collector_namespace": "observability"}}) == []


def test_metrics_that_are_scraped_are_let_out(warned: Warned) -> None:
    scraped = {"prometheus": "cloudwatch"}
    assert warned(monitoring=scraped) == ["app.scraping_namespaces"]
    assert warned(monitoring=scraped, app={"scraping_namespaces": ["opentelemetry-operator-system"]}) == []
