"""The control API, below `/_sandbox/`: never counted, never delayed, and no part of AWS."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ValidationError

from ils_sandbox.aws.requests import HttpRequest, Response
from ils_sandbox.aws.settings import CurrentSettings
from ils_sandbox.control.faults import Fault, Faults
from ils_sandbox.control.recording import Recording

PREFIX = "/_sandbox/"


class Control:
    """One handler for each method and path."""

    def __init__(self, recording: Recording, faults: Faults, settings: CurrentSettings) -> None:
        self._recording = recording
        self._faults = faults
        self._settings = settings
        self._routes: dict[tuple[str, str], Callable[[bytes], Response]] = {
            ("GET", "health"): self._get_health,
            ("GET", "requests"): self._get_requests,
            ("DELETE", "requests"): self._delete_requests,
            ("GET", "settings"): self._get_settings,
            ("PUT", "settings"): self._put_settings,
            ("POST", "faults"): self._post_faults,
            ("DELETE", "faults"): self._delete_faults,
        }

    def answer(self, request: HttpRequest) -> Response:
        handler = self._routes.get((request.method, request.path.removeprefix(PREFIX)))
        if handler is None:
            known = ", ".join(f"{method} {PREFIX}{path}" for method, path in self._routes)
            return _json({"error": f"{request.method} {request.path} is not one of: {known}"}, 404)
        try:
            return handler(request.body)
        except (ValidationError, ValueError) as error:
            return _json({"error": str(error)}, 400)

    def _get_health(self, _body: bytes) -> Response:
        return _json({"status": "ok", "pid": os.getpid()})

    def _get_requests(self, _body: bytes) -> Response:
        return _json([request.model_dump() for request in self._recording.list()])

    def _delete_requests(self, _body: bytes) -> Response:
        self._recording.clear()
        return Response(204, b"")

    def _get_settings(self, _body: bytes) -> Response:
        return _model(self._settings.value)

    def _put_settings(self, body: bytes) -> Response:
        changes = json.loads(body or b"null")
        if not isinstance(changes, dict):
            message = f"expected a JSON object of settings, found {type(changes).__name__}"
            raise ValueError(message)  # noqa: TRY004 answered as a bad request, like any other bad value
        return _model(self._settings.update(changes))

    def _post_faults(self, body: bytes) -> Response:
        fault = Fault.model_validate_json(body)
        self._faults.add(fault)
        return _model(fault, 201)

    def _delete_faults(self, _body: bytes) -> Response:
        self._faults.clear()
        return Response(204, b"")


def _json(value: Any, status: int = 200) -> Response:
    return Response(status, json.dumps(value).encode(), (("Content-Type", "application/json"),))


def _model(model: BaseModel, status: int = 200) -> Response:
    return _json(model.model_dump(), status)
