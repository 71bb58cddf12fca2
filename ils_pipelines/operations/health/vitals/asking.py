"""What the job inside the cluster does: log in, ask, measure. Each by itself, so that one that is down hides no other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ils_pipelines.operations.health.vitals.answers import Answers, CacheAnswer, DatabaseAnswer, PageAnswer
from ils_pipelines.release.names import APP_NAME

DATABASE_URL, REDIS_HOST, REDIS_PORT = "DATABASE_URL", "REDIS_HOST", "REDIS_PORT"
REDIS_AUTH_TOKEN = "REDIS_AUTH_TOKEN"  # noqa: S105 the name of a variable
SERVICE, PATHS, AUTHORITIES = "ILS_VITALS_SERVICE", "ILS_VITALS_PATHS", "ILS_VITALS_AUTHORITIES"
"""Where the application is asked, for what (a JSON list), and who vouches for the cache beside whom all trust."""
SERVICE_HOST, SERVICE_PORT = f"{APP_NAME.upper()}_SERVICE_HOST", f"{APP_NAME.upper()}_SERVICE_PORT"
"""What Kubernetes tells a container of the application's service, where that is the older of the two."""
TIMEOUT_SECONDS = 10


def ask(variables: Mapping[str, str]) -> Answers:
    """`variables` are those of the container. Raises nothing for what does not answer."""
    paths = json.loads(variables.get(PATHS, "[]"))
    with ThreadPoolExecutor(len(paths) + 2) as pool:
        database = pool.submit(ask_database, variables.get(DATABASE_URL, ""))
        cache = pool.submit(ask_cache, variables)
        service = service_address(variables)
        pages = pool.map(lambda path: ask_page(service, path), paths)
        return Answers(database=database.result(), cache=cache.result(), pages=tuple(pages))


def ask_database(url: str) -> DatabaseAnswer:
    """TLS as the address says, which is the application's."""
    from psycopg import Error, OperationalError, connect

    if not url:
        return DatabaseAnswer(failure=f"{DATABASE_URL} is not set")
    try:
        with (
            connect(url, connect_timeout=TIMEOUT_SECONDS, application_name="ils-health", autocommit=True) as session,
            session.cursor() as cursor,
        ):
            cursor.execute("SET statement_timeout = '10s'")
            cursor.execute(
                "SELECT (SELECT sum(numbackends) FROM pg_stat_database)::bigint, "
                "current_setting('max_connections')::bigint, pg_database_size(current_database())"
            )
            used, most, size = cursor.fetchone() or (0, 0, 0)
    except OperationalError as error:
        return DatabaseAnswer(failure=_one_line(str(error)))
    except Error as error:
        # The text of an error about the address shows the address, password included.
        return DatabaseAnswer(failure=type(error).__name__)
    return DatabaseAnswer(connections=used, most_connections=most, bytes=size)


def ask_cache(variables: Mapping[str, str]) -> CacheAnswer:
    """Over TLS, the server's certificate verified."""
    from valkey import Valkey
    from valkey.exceptions import ValkeyError

    client: Any = Valkey(  # partly untyped
        host=variables.get(REDIS_HOST, ""),
        port=int(variables.get(REDIS_PORT) or 0),
        password=variables.get(REDIS_AUTH_TOKEN),
        ssl=True,
        ssl_check_hostname=True,
        ssl_ca_data=variables.get(AUTHORITIES) or None,
        socket_connect_timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
    )
    try:
        client.ping()
        told = client.info()
    except (ValkeyError, OSError) as error:
        return CacheAnswer(failure=_one_line(f"{type(error).__name__}: {error}"))
    finally:
        client.close()
    return CacheAnswer(
        bytes=int(told.get("used_memory", 0)),
        # Without a limit of its own, what the machine has is one.
        most_bytes=int(told.get("maxmemory") or told.get("total_system_memory", 0)),
        clients=int(told.get("connected_clients", 0)),
        most_clients=int(told.get("maxclients", 0)),
        evicted=int(told.get("evicted_keys", 0)),
        rejected=int(told.get("rejected_connections", 0)),
    )


def service_address(variables: Mapping[str, str]) -> str:
    """What Kubernetes says of the service, which needs no DNS; its name where Kubernetes says nothing."""
    host, port = variables.get(SERVICE_HOST), variables.get(SERVICE_PORT)
    if not host or not port:
        return variables.get(SERVICE, "")
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def ask_page(service: str, path: str) -> PageAnswer:
    """What one of the pods behind the service answers to a GET."""
    import urllib3

    with urllib3.PoolManager(retries=False, timeout=TIMEOUT_SECONDS) as pool:
        try:
            answer = pool.request("GET", f"{service}{path}", redirect=False, preload_content=False)
            answer.close()
        except urllib3.exceptions.HTTPError as error:
            return PageAnswer(path=path, failure=type(error).__name__)
    return PageAnswer(path=path, code=answer.status)


def _one_line(text: str) -> str:
    return " ".join(text.split())
