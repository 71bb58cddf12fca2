"""Whether plain HTTP sends people to HTTPS."""

from __future__ import annotations

import http.client

from ils_pipelines.operations.certificates.handshake import TIMEOUT_SECONDS

_REDIRECTS = frozenset({301, 302, 307, 308})


def plain_http(host: str, port: int, name: str) -> tuple[bool, str]:
    """Whether it does, or answers nobody, and what was found. A server that does not speak HTTP there redirects nobody."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/", headers={"Host": name})
        answer = connection.getresponse()
    except ConnectionRefusedError:
        return True, "nothing listens"
    except (OSError, http.client.HTTPException) as error:
        return False, f"no answer ({error or type(error).__name__})"
    finally:
        connection.close()
    to = answer.getheader("Location", "")
    if answer.status in _REDIRECTS and to.lower().startswith("https://"):
        return True, f"{answer.status} to {to}"
    return False, f"{answer.status} to {to}" if to else f"{answer.status}"
