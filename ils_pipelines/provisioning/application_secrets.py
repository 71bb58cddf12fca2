"""What only the application may know, read from Secrets Manager at the moment of use.

Values go from there into the cluster's Secret and nowhere else: not through Dagster, not into a checkpoint, not into a
message.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from ils_pipelines.engine.errors import EngineError
from ils_pipelines.engine.models import UNKNOWN
from ils_pipelines.release.settings import DatabaseEndpoint
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.secrets import PLACEHOLDER
from ils_pipelines.targets.protocol import Target

DATABASE_URL = "DATABASE_URL"
REDIS_AUTH_TOKEN = "REDIS_AUTH_TOKEN"  # noqa: S105 the name of a variable
AUTH_CLIENT_ID = "AUTH_CLIENT_ID"
AUTH_CLIENT_SECRET = "AUTH_CLIENT_SECRET"  # noqa: S105 likewise
LIMS_API_KEY = "LIMS_API_KEY"

UNKNOWN_SECRETS = {DATABASE_URL: UNKNOWN, REDIS_AUTH_TOKEN: UNKNOWN}
"""For what does not depend on the values."""


class NotReady(EngineError):
    """Something that the release is made from is not there."""


@dataclass(frozen=True)
class ApplicationSecrets:
    """Environment variables with their values, and what is still missing, in words."""

    values: Mapping[str, str] = field(repr=False)
    missing: tuple[str, ...]


def read_secrets(target: Target, database: DatabaseEndpoint, value: Callable[[Layer, str], Any]) -> ApplicationSecrets:
    """`value` gives the output of a layer. Raises `NotReady`, which says nothing of any value.

    The database's own login, which RDS made, is used until a person has put in one with fewer rights. Whatever else a
    person has not put in yet is left out: the application is told nothing, rather than something wrong.
    """
    arns = {
        name: str(value(layer, name))
        for layer, name in (
            (Layer.DATABASE, "master_secret_arn"),
            (Layer.CACHE, "auth_token_secret_arn"),
            (Layer.SECRETS, "database_url_secret_arn"),
            (Layer.SECRETS, "auth_provider_secret_arn"),
            (Layer.SECRETS, "lims_api_key_secret_arn"),
        )
    }
    with ThreadPoolExecutor(len(arns)) as pool:
        found = dict(zip(arns, pool.map(lambda arn: _read(target, arn), arns.values()), strict=True))
    own_login = found["database_url_secret_arn"]
    login_name = "database_url_secret_arn" if own_login is not None else "master_secret_arn"
    login = _fields(arns[login_name], found[login_name], ("username", "password"))
    values = {DATABASE_URL: database_url(database, login), REDIS_AUTH_TOKEN: found["auth_token_secret_arn"] or ""}
    missing = []
    if own_login is None:
        missing.append("the database login (RDS's own is used)")
    if (credentials := found["auth_provider_secret_arn"]) is not None:
        fields = _fields(arns["auth_provider_secret_arn"], credentials, ("client_id", "client_secret"))
        values |= {AUTH_CLIENT_ID: fields["client_id"], AUTH_CLIENT_SECRET: fields["client_secret"]}
    else:
        missing.append(f"{AUTH_CLIENT_ID} and {AUTH_CLIENT_SECRET}")
    if (key := found["lims_api_key_secret_arn"]) is not None:
        values[LIMS_API_KEY] = key
    else:
        missing.append(LIMS_API_KEY)
    return ApplicationSecrets(values, tuple(missing))


def _read(target: Target, arn: str) -> str | None:
    """The string of a secret; None while it waits for its value."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        text = str(target.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
    except (BotoCoreError, ClientError, KeyError) as error:
        raise NotReady(
            f"the release needs the secret {arn}, which could not be read ({error}). Check that the layer that made it is "
            "up, and that these credentials may read it."
        ) from error
    return None if text == PLACEHOLDER else text


def _fields(arn: str, text: str | None, names: tuple[str, ...]) -> Mapping[str, str]:
    try:
        found = json.loads(text or "")
        return {name: str(found[name]) for name in names}
    except (ValueError, KeyError, TypeError):
        # Not chained: the error of a parser shows what it read.
        raise NotReady(
            f"expected JSON with {', '.join(names)} in the secret {arn}, found something else. Put the value in again."
        ) from None


def database_url(database: DatabaseEndpoint, login: Mapping[str, str]) -> str:
    """A libpq URL with TLS required; user name and password may hold any character."""
    user, password = (quote(login[key], safe="") for key in ("username", "password"))
    return f"postgresql://{user}:{password}@{database.host}:{database.port}/{quote(database.name, safe='')}?sslmode=require"
