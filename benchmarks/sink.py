"""A server that takes uploads as S3 does and forgets them, and gives files: what is measured is the other end."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_CHUNK = 1024 * 1024


@contextmanager
def s3_sink(objects: dict[str, bytes | Path]) -> Iterator[str]:
    """Its endpoint. `objects`, by path, can be read, also from files; what is put with one request is added to them."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found = objects[self.path.partition("?")[0]]
            if isinstance(found, bytes):
                self._answer(found)
                return
            self._begin(found.stat().st_size)
            with found.open("rb") as file:
                shutil.copyfileobj(file, self.wfile, _CHUNK)

        def do_POST(self) -> None:
            self._body(keep=False)
            kind = "InitiateMultipartUploadResult" if self.path.endswith("uploads") else "CompleteMultipartUploadResult"
            self._answer(f"<{kind}><UploadId>1</UploadId><ETag>e</ETag></{kind}>".encode())

        def do_PUT(self) -> None:
            part = "partNumber=" in self.path
            body = self._body(keep=not part)
            if not part:
                objects[self.path.partition("?")[0]] = body
            self._answer(b"")

        def _body(self, *, keep: bool) -> bytes:
            left, kept = int(self.headers.get("Content-Length", 0)), []
            while left:
                chunk = self.rfile.read(min(left, _CHUNK))
                left -= len(chunk)
                if keep:
                    kept.append(chunk)
            return b"".join(kept)

        def _answer(self, body: bytes) -> None:
            self._begin(len(body))
            self.wfile.write(body)

        def _begin(self, size: int) -> None:
            self.send_response(200)
            for name, value in (("ETag", '"e"'), ("x-amz-version-id", "v"), ("Content-Length", str(size))):
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
