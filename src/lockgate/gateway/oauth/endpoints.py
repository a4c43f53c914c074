"""The endpoints for apps: from a posted form to a verb, and from its answer or refusal to OAuth's JSON."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lockgate.gateway.identity.core.dpop import proofs_in
from lockgate.gateway.oauth.core.asking import Asking
from lockgate.gateway.oauth.core.errors import OAuthError, body, body_of, invalid_request
from lockgate.gateway.oauth.core.metadata import DEAUTHORIZE, INTROSPECT, PAR, REVOKE, TOKEN
from lockgate.gateway.oauth.core.request import once
from lockgate.gateway.oauth.deauthorize import deauthorize
from lockgate.gateway.oauth.exchange import exchange
from lockgate.gateway.oauth.introspect import introspect
from lockgate.gateway.oauth.ports import Ports
from lockgate.gateway.oauth.push import push
from lockgate.gateway.oauth.revoke import revoke
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Answer, Hook, Posted
from lockgate.kernel.params import read_fields
from lockgate.kernel.principal import Principal

Verb = Callable[[Ports, Asking], Awaitable[Mapping[str, Any]]]
MAX_BYTES = 64 * 1024
_FORM = "application/x-www-form-urlencoded"
_ENDPOINTS: Mapping[str, tuple[Verb, int]] = {
    TOKEN: (exchange, 200),
    PAR: (push, 201),
    INTROSPECT: (introspect, 200),
    REVOKE: (revoke, 200),
    DEAUTHORIZE: (deauthorize, 200),
}
_NEVER_KEPT = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))


def hooks(ports: Ports) -> list[Hook]:
    """Every endpoint that apps post to."""

    def hook(path: str, verb: Verb, status: int) -> Hook:
        async def handle(posted: Posted) -> Answer:
            return await _answer(ports, path, posted, verb=verb, status=status)

        return Hook(path, handle, MAX_BYTES, "token", refusal=body_of)

    return [hook(path, verb, status) for path, (verb, status) in _ENDPOINTS.items()]


async def _answer(ports: Ports, path: str, posted: Posted, *, verb: Verb, status: int) -> Answer:
    try:
        answer = await verb(ports, _read(path, posted))
        return Answer(status, json.dumps(answer, separators=(",", ":")).encode(), _NEVER_KEPT)
    except OAuthError as refusal:
        named = Principal(
            "-", False, "internal", "unknown", address=posted.address, user_agent=posted.headers.get("user-agent", "")
        )
        await ports.witness.refused(
            named, f"{path.rpartition('/')[2]}.refused", reason=refusal.why, request=posted.request_id
        )
        challenge = _challenge(posted) if refusal.status == 401 else ()
        return Answer(refusal.status, body(refusal.error, refusal.description), (*_NEVER_KEPT, *challenge))


def _challenge(posted: Posted) -> tuple[tuple[str, str], ...]:
    """What to try again with, by the scheme that was tried (RFC 6749 5.2)."""
    scheme = posted.headers.get("authorization", "").partition(" ")[0].lower()
    if not scheme:
        return ()
    return (("WWW-Authenticate", 'Bearer realm="Lockgate"' if scheme == "bearer" else 'Basic realm="Lockgate"'),)


def _read(path: str, posted: Posted) -> Asking:
    headers = posted.headers
    if headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise invalid_request(f"Send the parameters as {_FORM}.")
    try:
        fields = once(read_fields(posted.body))
    except Refusal as refusal:
        if refusal.kind is not Kind.INVALID:
            raise
        raise invalid_request(refusal.message) from None
    return Asking(
        path=path,
        fields=fields,
        authorization=headers.get("authorization"),
        proofs=proofs_in(headers.get("dpop")),
        from_browser="origin" in headers or "sec-fetch-site" in headers,
        certificate=posted.certificate,
        address=posted.address,
        user_agent=headers.get("user-agent", "")[:200],
        request_id=posted.request_id,
        now=clock.now(),
    )
