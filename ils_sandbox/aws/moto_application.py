"""moto's server application, without what makes it slow, and with AWS's own error shapes for what it lacks."""

from __future__ import annotations

import functools
import json
import logging
import os
from collections.abc import Callable
from typing import Any

from ils_sandbox.aws.calls import ACCOUNT, Call
from ils_sandbox.aws.requests import HttpRequest, Response, call_wsgi
from ils_sandbox.aws.responses import error_response

log = logging.getLogger(__name__)

# Read by moto when it is imported.
ENVIRONMENT = {
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    # The overlay issues certificates, by the sandbox's clock.
    "MOTO_ACM_VALIDATION_WAIT": str(10**9),
    "MOTO_DISABLE_GLOBAL_CORS": "true",
    # One account: otherwise moto looks for every access key in every partition, and fills each with managed policies.
    "MOTO_ACCOUNT_ID": ACCOUNT,
}


def load_application() -> Any:
    """moto's WSGI application. Imports moto; call it once, before anything else imports moto."""
    os.environ.update(ENVIRONMENT)
    import moto.core.responses as moto_responses
    import moto.kms.models as moto_kms
    import moto.s3.models as moto_s3
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    # moto lists the methods of a service's response class anew on each call (0.8 ms); classes do not change.
    moto_responses.method_names_from_class = functools.cache(moto_responses.method_names_from_class)
    # moto makes an RSA key for every KMS key (90 ms), also for symmetric ones, which never sign.
    moto_kms.generate_private_key = _without_idle_keys(moto_kms.generate_private_key)
    moto_kms.decrypt = _by_beginning(moto_kms.decrypt)

    moto_s3.FakeBucket.get_permission = _permission

    class Application(DomainDispatcherApplication):  # type: ignore[misc]
        @functools.cache  # noqa: B019 one application lives as long as the process
        def get_backend_for_host(self, host: str | None) -> Any:
            # moto lists its own package directory on each call (1.4 ms): a third of the time of a small one.
            return super().get_backend_for_host(host)

    def create(service: Any) -> Any:
        if service is None:
            message = "moto has no such service"
            raise NotImplementedError(message)
        return create_backend_app(service)

    return Application(create)


def _by_beginning(decrypt: Callable[..., tuple[bytes, str]]) -> Callable[..., tuple[bytes, str]]:
    """What moto encrypts has room for 36 letters of a key's id; those of multi-Region keys have four more, and what was
    encrypted with one could not be decrypted.
    """

    def decrypt_any(master_keys: dict[str, Any], **more: Any) -> tuple[bytes, str]:
        known = {key_id[:36]: key_id for key_id in master_keys}
        plaintext, beginning = decrypt({begin: master_keys[key_id] for begin, key_id in known.items()}, **more)
        return plaintext, known[beginning]

    return decrypt_any


def _without_idle_keys(generate: Callable[[str], Any]) -> Callable[[str], Any]:
    def generate_if_used(key_spec: str) -> Any:
        return None if key_spec == "SYMMETRIC_DEFAULT" else generate(key_spec)

    return generate_if_used


def _permission(bucket: Any, action: str, resource: str) -> Any:
    """What a bucket's policy says. moto takes a statement with a condition for one without: our buckets, which refuse what
    does not come over TLS, would refuse to be read at all. Here every call counts as one that came over TLS.
    """
    from moto.iam.access_control import IAMPolicy, PermissionResult

    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(bucket.policy)
    listed = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    statements = [each for each in listed if each["Effect"] == "Allow" or not each.get("Condition")]
    return IAMPolicy(json.dumps({**policy, "Statement": statements})).is_action_permitted(action, resource)


class MotoApplication:
    """Answers what the overlay does not."""

    def __init__(self) -> None:
        self._application = load_application()

    def answer(self, call: Call) -> Response:
        """moto's answer; where it has none, or breaks, an error in AWS's own shape: boto3 raises ClientError."""
        try:
            response = call_wsgi(self._application, call.request)
        except NotImplementedError:
            return self._not_emulated(call)
        except Exception as error:
            log.exception("moto broke on %s %s", call.service, call.operation)
            message = f"The sandbox broke on {call.service}:{call.operation}: {type(error).__name__}: {error}"
            # 501: botocore repeats the call after 500 and 503, to no avail here.
            return error_response(call, "InternalFailure", message, 501)
        # A HEAD has no body to tell the two by: S3 answers so for what does not exist.
        answered = call.request.method != "HEAD"
        if answered and response.status in (404, 405) and response.header("content-type").startswith("text/html"):
            return self._not_emulated(call)
        return response

    def raw(self, request: HttpRequest) -> Response:
        """Answer a request that is no AWS call, such as those of moto's own API."""
        return call_wsgi(self._application, request)

    @staticmethod
    def _not_emulated(call: Call) -> Response:
        message = f"unsupported in the sandbox: {call.service}:{call.operation}; `ils sandbox limits` lists what is."
        return error_response(call, "NotImplemented", message, 501)
