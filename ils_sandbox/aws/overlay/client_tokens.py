"""EC2's client tokens: a call repeated with the same token makes nothing new, it is answered as the first time."""

from __future__ import annotations

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.store import Store
from ils_sandbox.aws.requests import Response
from ils_sandbox.aws.responses import error_response

TOKENS = "ec2.client-tokens"
MOST_KEPT = 2000
"""boto3 makes up a token for each call that takes one: only the newest are kept."""


class ClientTokens:
    """The answers to the calls that carried a token."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def answer(self, call: Call) -> Response | None:
        """The answer that this token had before. The same token with other parameters is an error."""
        token = self._token(call)
        known = self._store.table(TOKENS, call).get(token) if token else None
        if known is None:
            return None
        params, response = known
        if params != call.params:
            message = f"Idempotent request with client token {call.params['ClientToken']} has other parameters."
            return error_response(call, "IdempotentParameterMismatch", message)
        return Response(*response)

    def remember(self, call: Call, response: Response) -> None:
        """Keep the answer of a call that succeeded."""
        token = self._token(call)
        if not token or response.status >= 400:
            return
        table = self._store.table(TOKENS, call)
        table[token] = (call.params, (response.status, response.body, response.headers))
        while len(table) > MOST_KEPT:
            del table[next(iter(table))]

    @staticmethod
    def _token(call: Call) -> str:
        if call.service != "ec2" or b"ClientToken=" not in call.request.body or not call.mutating:
            return ""
        token = call.params.get("ClientToken")
        return f"{call.operation}/{token}" if token else ""
