"""AWS clients for one loopback endpoint: made once per service and region, shared by every thread."""

from __future__ import annotations

import copy
import ipaddress
import json
import os
import re
import threading
from concurrent.futures import Future
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    ParamValidationError,
)
from botocore.exceptions import (
    ConnectionError as BotoConnectionError,
)
from botocore.parsers import ResponseParserError

from ils_sandbox.provider.errors import AwsError, NotLoopback, ProviderError, Unreachable, Unsupported

PARALLEL_CALLS = 32
"""How many calls run at once at most; connection pools are as large."""

_CONNECT_SECONDS = 5
_READ_SECONDS = 60
_WRONG_PARAMETER = re.compile(
    r'^((?:Invalid \w+ for parameter|Missing required parameter in|Unknown parameter in) [\w.\[\]]+(?:: "\w+")?)',
    re.MULTILINE,
)
"""The part of botocore's reports that names a parameter and no value."""


def require_loopback(endpoint: str) -> str:
    """`endpoint` itself. Raises `NotLoopback` unless it is an http(s) URL of this machine."""
    try:
        url = urlsplit(endpoint)
        host = url.hostname or ""
        local = host == "localhost" or (host != "" and ipaddress.ip_address(host).is_loopback)
    except ValueError:
        local = False
    if not local or url.scheme not in {"http", "https"}:
        raise NotLoopback(endpoint)
    return endpoint


class Clients:
    """The clients of one endpoint and one pair of keys."""

    def __init__(self, endpoint: str, access_key_id: str, secret_access_key: str) -> None:
        self.endpoint = require_loopback(endpoint)
        self._keys = {"aws_access_key_id": access_key_id, "aws_secret_access_key": secret_access_key}
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()  # a botocore session makes one client at a time

    def client(self, service: str, region: str) -> Any:
        found = self._clients.get((service, region))
        if found is not None:
            return found
        with self._lock:
            if (service, region) not in self._clients:
                with _session_lock:
                    self._clients[service, region] = _session().create_client(
                        service, region_name=region, endpoint_url=self.endpoint, config=_CONFIG, **self._keys
                    )
            return self._clients[service, region]

    def call(self, service: str, region: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """One AWS call; `operation` as boto3 spells it.

        Raises `AwsError` when AWS refuses, `Unsupported` when the server does not know the call, `Unreachable` when
        nothing answers. No message repeats a parameter's value.
        """
        try:
            answer: dict[str, Any] = getattr(self.client(service, region), operation)(**parameters)
        except ClientError as error:
            raise _refusal(service, operation, error) from None
        except ResponseParserError:
            raise Unsupported(service, operation) from None
        except ParamValidationError as error:
            problems = "; ".join(_WRONG_PARAMETER.findall(str(error.kwargs["report"])))
            raise ProviderError(f"{service}.{operation}: {problems or 'invalid parameters'}") from None
        except (BotoConnectionError, HTTPClientError) as error:
            raise Unreachable(
                f"{service}.{operation}: the sandbox does not answer at {self.endpoint} ({type(error).__name__}). "
                "Start it with `ils sandbox start`."
            ) from None
        except BotoCoreError as error:
            raise ProviderError(f"{service}.{operation}: {type(error).__name__}") from None
        # Calls that take several things at once report refusals in an answer that looks like success.
        for refused in answer.get("Unsuccessful") or ():
            details = refused.get("Error", {})
            raise AwsError(service, operation, details.get("Code", "Unknown"), details.get("Message", ""))
        return answer


class AskedOnce(Clients):
    """Clients that make each call once and give its answer again to whoever makes it a second time. For reading only."""

    def __init__(self, clients: Clients) -> None:
        self._asked = clients
        self._answers: dict[str, Future[dict[str, Any]]] = {}
        self._answers_lock = threading.Lock()
        self.endpoint = clients.endpoint

    def client(self, service: str, region: str) -> Any:
        return self._asked.client(service, region)

    def call(self, service: str, region: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Likewise; a refusal is remembered, too."""
        question = json.dumps([service, region, operation, parameters], sort_keys=True, default=repr)
        with self._answers_lock:
            answer = self._answers.get(question)
            first = answer is None
            if answer is None:
                answer = self._answers[question] = Future()
        if first:
            try:
                answer.set_result(self._asked.call(service, region, operation, parameters))
            except BaseException as error:  # noqa: BLE001 whoever asks gets it, this caller included
                answer.set_exception(error)
        return copy.deepcopy(answer.result())


_session_lock = threading.Lock()
_CONFIG = Config(
    connect_timeout=_CONNECT_SECONDS,
    read_timeout=_READ_SECONDS,
    retries={"mode": "standard", "max_attempts": 3},
    max_pool_connections=PARALLEL_CALLS,
    proxies={},  # the endpoint is on this machine: no proxy of the environment is asked
    tcp_keepalive=True,
)


@cache
def _session() -> botocore.session.Session:
    """One session for the process, so that each service's model is read once. It reads none of the user's files."""
    nothing = (None, None, os.devnull, None)
    return botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": nothing,
            "credentials_file": nothing,
        }
    )


@cache
def shared_clients(endpoint: str, access_key_id: str, secret_access_key: str) -> Clients:
    """The process's clients of an endpoint."""
    return Clients(endpoint, access_key_id, secret_access_key)


def partition_of(region: str) -> str:
    with _session_lock:
        return str(_session().get_partition_for_region(region))


def _refusal(service: str, operation: str, error: ClientError) -> ProviderError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    message = str(error.response.get("Error", {}).get("Message", ""))
    if message.lstrip().lower().startswith(("<!doctype html", "<html")) or code == "NotImplemented":
        return Unsupported(service, operation)
    return AwsError(service, operation, code or "Unknown", message)
