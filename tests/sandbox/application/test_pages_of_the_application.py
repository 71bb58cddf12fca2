"""What stands in for the application's image: what its pages say without neighbours. `tests/operations/watch` has them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ils_sandbox.application.pages import Application, Page
from ils_sandbox.data.addresses import reserve

NOBODY = "127.0.0.1:1"


def get(path: str, variables: dict[str, str] | None = None, method: str = "GET", **build: Any) -> Page:
    return asyncio.run(Application(variables or {}, **build).answer(method, path))


def test_it_lives_without_any_neighbour_and_is_not_ready() -> None:
    assert get("/health") == Page(200, {"status": "ok"})
    ready = get("/ready")
    assert ready.status == 503
    assert ready.body["missing"] == {
        "database": "DATABASE_URL is not set",
        "cache": "REDIS_HOST, REDIS_PORT, REDIS_AUTH_TOKEN not set",
    }


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/", 404), ("GET", "/health/", 404), ("POST", "/ready", 405)]
)
def test_it_answers_nothing_else(method: str, path: str, status: int) -> None:
    assert get(path, method=method).status == status


def test_a_build_that_fails_says_so_on_the_page_that_its_probe_asks_for() -> None:
    assert (get("/health", lives=False).status, get("/ready", gets_ready=False).status) == (500, 503)
    assert get("/health", gets_ready=False).status == 200


def test_a_server_that_says_nothing_is_missing_after_a_while() -> None:
    """It takes connections, and that is all."""
    endpoint, listener = reserve(0)
    with listener:
        port = listener.getsockname()[1]
        variables = {
            "DATABASE_URL": f"postgresql://ils:secret@{endpoint.address}:{port}/ilsdb?sslmode=require",
            "REDIS_HOST": endpoint.address,
            "REDIS_PORT": str(port),
            "REDIS_AUTH_TOKEN": "secret",
        }
        ready = get("/ready", variables, patience_seconds=2)

    assert ready.status == 503
    assert ready.body["missing"].keys() == {"database", "cache"}


# What comes after these two may be taken for the name of a host, which would be looked for: there are examples instead.
SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="/@"), min_size=12, max_size=30)


@settings(deadline=None, max_examples=30)
@given(password=SECRETS, token=SECRETS)
@example(password="correct/horse-battery", token="staple/9b1f-9b1f")
@example(password="correct@[horse-battery", token="staple@9b1f-9b1f")
def test_whatever_the_secrets_are_no_page_shows_them(password: str, token: str) -> None:
    """Not escaped, so that most addresses cannot be read: what their readers say of them would show the password."""
    host, port = NOBODY.split(":")
    variables = {
        "DATABASE_URL": f"postgresql://ils:{password}@{NOBODY}/ilsdb?sslmode=require&connect_timeout=2",
        "REDIS_HOST": host,
        "REDIS_PORT": port,
        "REDIS_AUTH_TOKEN": token,
    }

    ready = get("/ready", variables)

    assert ready.status == 503
    said = json.dumps(ready.body)
    assert json.dumps(password)[1:-1] not in said
    assert json.dumps(token)[1:-1] not in said
