"""Who sends a request: what it presents, believed or refused; each refusal on record before it is answered."""

import hashlib
import re
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

from lockgate.gateway.identity.authenticate import (
    Foreign,
    Identity,
    Presented,
    Unauthenticated,
    presented_credential,
)
from lockgate.gateway.identity.core import key_format
from lockgate.gateway.identity.core.dpop import proofs_in
from lockgate.gateway.web.ports import Ports
from lockgate.gateway.web.request import Request
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.jws import base64url
from lockgate.kernel.principal import Principal

# Three parts, the first of them an object: nobody's id, cursor or client secret looks like this.
_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


async def identify(ports: Ports, request: Request, fields: Sequence[tuple[str, str]]) -> Identity:
    """Who asks. A failed try is recorded and counted against its address before it is answered."""
    shown, identity = "", None
    try:
        given = presented(request, fields, public_url=ports.public_url)
        shown = given.text
        identity = await ports.authenticator.identify(
            given, before_unknown=lambda: ports.limits.failures_left(request.address, shown)
        )
        await ports.client_certificates.check(identity.principal, request.certificate)
        return identity
    except Unauthenticated as refusal:
        who = Principal(
            refusal.named, refusal.livemode, "internal", refusal.who, address=request.address,
            user_agent=agent(request),
        )  # fmt: skip
        unknown = ports.authenticator.mark(shown) if shown and refusal.who == "unknown" else None
        await ports.witness.refused(
            who, "authentication.refused", reason=refusal.why, request=request.request_id, object_=unknown
        )
        stolen = refusal.stolen or identity is not None
        await ports.limits.failed(request.address, "" if stolen else shown)
        raise
    except Foreign as refusal:
        held = refusal.standing
        who = Principal(
            next(iter(held.accounts)), False, held.kind, held.id, address=request.address, session=held.session
        )
        await ports.witness.refused(who, "account.foreign", reason="account.foreign", request=request.request_id)
        raise
    except Refusal as refusal:
        if refusal.kind is Kind.RATE_LIMITED:  # not even looked up, and refused all the same: it counts
            who = Principal("-", False, "internal", "unknown", address=request.address)
            await ports.witness.refused(
                who, "authentication.refused", reason="too_many_failures", request=request.request_id
            )
        raise


def presented(request: Request, fields: Sequence[tuple[str, str]], *, public_url: str) -> Presented:
    """What the request shows of who sends it."""
    scheme, text = _credential(request, fields)
    shown = request.certificate
    return Presented(
        scheme,
        text,
        request.address,
        agent(request),
        request.method,
        f"{public_url}{request.path}",
        proofs_in(text_of(request, b"dpop")),
        text_of(request, b"stripe-account") or text_of(request, b"stripe-context"),
        text_of(request, b"stripe-livemode"),
        None if shown is None else base64url(hashlib.sha256(shown).digest()),
    )


async def refuse_secrets_in_query(ports: Ports, request: Request) -> None:
    """Queries end in logs and histories: a secret in one is told to be rolled, and nothing else is done."""
    query = request.query
    if b"k_" not in query and b"%" not in query and b"eyJ" not in query:
        return
    text = unquote_to_bytes(query).decode("latin-1")
    leaked = _secret_in(text)
    if leaked is not None:
        who = Principal(leaked.account, leaked.livemode, "internal", "unknown", address=request.address)
        await ports.witness.refused(who, "key.in_query", reason="secret key in a URL", request=request.request_id)
        raise invalid("A secret key was sent in the URL. Roll it now, and send keys in the Authorization header.")
    if _TOKEN.search(text):
        who = Principal("-", False, "internal", "unknown", address=request.address)
        await ports.witness.refused(who, "token.in_query", reason="token in a URL", request=request.request_id)
        raise invalid("A token was sent in the URL. Revoke it now, and send tokens in the Authorization header.")


def _secret_in(text: str) -> key_format.ParsedKey | None:
    """The first key that must never stand where others can read it."""
    for found in key_format.find_in(text):
        parsed = key_format.parse(found)
        if parsed is not None and parsed.kind != "publishable":
            return parsed
    return None


def _credential(request: Request, fields: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Scheme and credential: from the Authorization header, or, publishable keys only, from the field ``key``."""
    header = request.headers.get(b"authorization")
    if header is not None:
        return presented_credential(header.decode("latin-1"))
    given = [value for name, value in fields if name == "key"]
    if not given:
        raise Unauthenticated(
            "You did not provide an API key. Send it as 'Authorization: Bearer KEY'.", why="no_key"
        )
    if len(given) > 1:
        raise invalid("A parameter was sent more than once.", param="key")
    if not given[0].startswith("pk_"):
        raise Unauthenticated(
            "Only publishable keys may be sent as a parameter; send others in the Authorization header.",
            why="secret_key_as_parameter",
        )
    return "bearer", given[0]


def agent(request: Request) -> str:
    return request.headers.get(b"user-agent", b"")[:200].decode("latin-1")


def text_of(request: Request, name: bytes) -> str | None:
    value = request.headers.get(name)
    return None if value is None else value.decode("latin-1")
