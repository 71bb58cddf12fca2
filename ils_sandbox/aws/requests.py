"""One HTTP request and one HTTP response, as plain values."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Response:
    """An HTTP answer, complete in memory."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    def header(self, name: str) -> str:
        """The first header of that name, any case; empty when there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


@dataclass(frozen=True)
class HttpRequest:
    """An HTTP request, complete in memory. Header names are lower case."""

    method: str
    path: str
    """Percent-decoded."""
    raw_path: str
    query_string: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    server: tuple[str, int] = field(default=("127.0.0.1", 0))

    @cached_property
    def _headers(self) -> dict[str, str]:
        merged: dict[str, str] = {}
        for name, value in self.headers:
            merged[name] = f"{merged[name]},{value}" if name in merged else value
        return merged

    def header(self, name: str) -> str:
        """The value of a header (lower-case name), repeated ones joined by commas; empty when there is none."""
        return self._headers.get(name, "")

    def environ(self) -> dict[str, Any]:
        """A fresh WSGI environment, its input at the start."""
        from moto.core.request import (
            PRESERVED_HEADER_NAMES_ENVIRON_KEY,
            environ_key_for_header,
            should_preserve_original_header_name,
        )

        preserved: dict[str, str] = {}
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": self.path.encode().decode("latin-1"),
            "RAW_URI": self.raw_path,
            "QUERY_STRING": self.query_string,
            "SERVER_NAME": self.server[0],
            "SERVER_PORT": str(self.server[1]),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(self.body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            PRESERVED_HEADER_NAMES_ENVIRON_KEY: preserved,
        }
        for name, value in self._headers.items():
            key = environ_key_for_header(name)
            if should_preserve_original_header_name(name):
                # moto reports S3 metadata names under their own spelling, underscores and all.
                preserved[key] = name
            elif "_" in name:
                continue
            environ[key] = value
        environ["CONTENT_LENGTH"] = str(len(self.body))
        # The body is complete: what it was sent as no longer applies.
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        return environ


def call_wsgi(application: Any, request: HttpRequest) -> Response:
    """Let a WSGI application answer. What it raises is raised here."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> None:
        started.append((status, headers))

    chunks: Iterable[bytes] = application(request.environ(), start_response)
    try:
        body = b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    status, headers = started[-1]
    return Response(int(status.split(" ", 1)[0]), body, tuple(headers))
