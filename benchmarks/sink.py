"""A server that takes uploads as S3 does and forgets them: what is measured is what sends, not what keeps."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_CHUNK = 1024 * 1024


@contextmanager
def s3_sink(objects: dict[str, bytes]) -> Iterator[str]:
    """Its endpoint. `objects`, by path, can be read; what is put with one request is added to them."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(objects[self.path.partition("?")[0]])

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
            self.send_response(200)
            for name, value in (("ETag", '"e"'), ("x-amz-version-id", "v"), ("Content-Length", str(len(body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
