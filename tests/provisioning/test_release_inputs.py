"""What the application is told, and what an approval stands for."""

from urllib.parse import unquote, urlsplit

import pytest

from ils_pipelines.provisioning.application_secrets import database_url
from ils_pipelines.provisioning.approval import environment_digest
from ils_pipelines.release.settings import DatabaseEndpoint
from ils_pipelines.settings.layers import Layer

DATABASE = DatabaseEndpoint("db.example.internal", 5432, "ilsdb")


def test_the_database_url_asks_for_tls() -> None:
    url = database_url(DATABASE, {"username": "ils", "password": "simple"})

    assert url == "postgresql://ils:simple@db.example.internal:5432/ilsdb?sslmode=require"


@pytest.mark.parametrize("password", ["p@ss/word", "a:b?c#d", "100%&=+ ~", "{}[]<>!*'()"])
def test_a_password_of_any_characters_survives_the_url(password: str) -> None:
    url = urlsplit(database_url(DATABASE, {"username": "ils@admin", "password": password}))

    assert unquote(url.password or "") == password
    assert unquote(url.username or "") == "ils@admin"
    assert (url.hostname, url.port, url.path) == ("db.example.internal", 5432, "/ilsdb")


def test_an_approval_is_of_every_layer_whatever_their_order() -> None:
    digests = {layer: f"{position:064x}" for position, layer in enumerate(Layer)}
    another = {**digests, Layer.CACHE: "f" * 64}

    assert environment_digest(digests) == environment_digest(dict(reversed(digests.items())))
    assert environment_digest(digests) != environment_digest(another)
