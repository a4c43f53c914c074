"""Finds out which app is asking, by the one way in which it registered to prove itself."""

import base64
import binascii
import hashlib
import hmac
from typing import NamedTuple
from urllib.parse import unquote_plus

from lockgate.gateway.identity.authenticate import Presented, Unauthenticated
from lockgate.gateway.identity.seen import first_time
from lockgate.gateway.oauth import find
from lockgate.gateway.oauth.core import assertions, subjects
from lockgate.gateway.oauth.core.asking import Asking
from lockgate.gateway.oauth.core.clients import MUTUAL_TLS, Client, key_for
from lockgate.gateway.oauth.core.errors import OAuthError, invalid_client, invalid_grant, invalid_request
from lockgate.gateway.oauth.ports import Ports
from lockgate.kernel import jws
from lockgate.kernel.errors import Kind, Refusal

_UNKNOWN = "The app is unknown, or did not prove who it is in the way in which it is registered."


class Caller(NamedTuple):
    """Who asks. ``client`` is None where a secret key was shown without a client_id: any app of the account then.

    ``key`` is that API key's id, ``thumbprint`` the certificate that the connection showed.
    """

    account: str
    livemode: bool
    client: Client | None
    key: str | None = None
    thumbprint: str | None = None

    async def must_be(self, ports: Ports, app: str) -> Client:
        """The app ``app``, to which a code or token was given; refused if that is not who asks."""
        if self.client is not None:
            if self.client.id != app:
                raise invalid_grant("It was given to another app.", why="another_app")
            return self.client
        found = await find.client_by_id(ports.pool, app)
        if found is None or not _is_by_key(found, self):
            raise invalid_grant("It was given to another app.", why="another_app")
        return found


async def authenticate(ports: Ports, asking: Asking) -> Caller:
    """Who asks, or ``invalid_client``. An app on a server must be where the rules of its own account let it be."""
    caller = await _proven(ports, asking)
    client = caller.client
    if client is not None and client.confidential:
        await check_address(ports, asking, client, account=client.account)
    return caller


async def check_address(ports: Ports, asking: Asking, client: Client, *, account: str) -> None:
    """Raises Refusal (403) where ``account`` does not let the app in from there; the API would not either."""
    app = asking.app(account, client.id, livemode=client.livemode)
    await ports.addresses.check_endpoint(app, asking.name, request=asking.request_id)


async def _proven(ports: Ports, asking: Asking) -> Caller:
    """Who asks. A request that proves itself in two ways is refused, whatever they prove."""
    fields = asking.fields
    shown = [
        "client_assertion" in fields or "client_assertion_type" in fields,
        asking.authorization is not None,
        "client_secret" in fields,
    ]
    if sum(shown) > 1:
        raise invalid_request("Use one way only to say who you are.")
    if shown[0]:
        return await _by_assertion(ports, asking)
    if shown[1] or shown[2]:
        return await _by_secret_key(ports, asking)
    client = await _registered(ports, fields.get("client_id"))
    if client.method in MUTUAL_TLS:
        return await _by_certificate(ports, asking, client)
    if client.confidential:
        raise invalid_client(_UNKNOWN, why="no_proof")
    return Caller(client.account, client.livemode, client, thumbprint=_thumbprint(asking))


async def _registered(ports: Ports, client_id: str | None) -> Client:
    if client_id is None:
        raise invalid_client("client_id is missing.", why="no_client_id")
    client = await find.client_by_id(ports.pool, client_id)
    if client is None:
        raise invalid_client(_UNKNOWN, why="unknown_app")
    return client


async def _by_assertion(ports: Ports, asking: Asking) -> Caller:
    """private_key_jwt (RFC 7523): signed by a registered key, for us alone, once."""
    fields = asking.fields
    text = fields.get("client_assertion")
    if text is None or fields.get("client_assertion_type") != assertions.TYPE:
        raise invalid_client("client_assertion or its type is missing, or not supported.", why="no_assertion")
    try:
        head = jws.header(text)
        named = jws.parse_object(jws.from_base64url(text.split(".")[1])).get("sub")
        client = await _registered(ports, fields.get("client_id", named if isinstance(named, str) else None))
        key = key_for(head, client.keys) if client.method == "private_key_jwt" else None
        if key is None or head.get("alg") not in jws.ASYMMETRIC:
            raise invalid_client(_UNKNOWN, why="no_such_key")
        if head.get("typ", "jwt").lower() not in assertions.TYPES:
            raise invalid_client("client_assertion is of another type.", why="assertion_typ")
        claims = jws.parse_object(jws.verify(text, key))
    except (jws.Malformed, jws.Forged):
        raise invalid_client("client_assertion cannot be verified.", why="assertion_unverified") from None
    jti, ends = assertions.check(claims, client_id=client.id, issuer=ports.issuer, now=asking.now)
    if not await first_time(ports.pool, kind="assertion", maker=client.id, jti=jti, expires_at=ends + 1):
        raise invalid_client("client_assertion was used before.", why="assertion_replayed")
    return Caller(client.account, client.livemode, client, thumbprint=_thumbprint(asking))


async def _by_certificate(ports: Ports, asking: Asking, client: Client) -> Caller:
    """Mutual TLS (RFC 8705): a certificate that we know as the app's, or as its owner's and by the registered name."""
    try:
        shown = await ports.certificates.identify(asking.certificate)
    except Unauthenticated as refusal:
        raise invalid_client("This app needs its client certificate.", why=refusal.why) from None
    holders = [row for row in shown.holders if row.revoked_at is None and row.account == client.account]
    holders = [row for row in holders if row.livemode == client.livemode]
    if client.method == "self_signed_tls_client_auth":
        proven = any(row.app == client.id for row in holders)
    else:
        proven = any(row.app is None and row.api_key is None for row in holders) and subjects.matches(
            client.subject, asking.certificate or b""
        )
    if not proven:
        raise invalid_client(_UNKNOWN, why="another_certificate")
    return Caller(client.account, client.livemode, client, thumbprint=shown.thumbprint)


async def _by_secret_key(ports: Ports, asking: Asking) -> Caller:
    """The dialect's way: a secret key of the account that owns the app."""
    client_id, text = _secret(asking)
    presented = Presented("bearer", text, asking.address, asking.user_agent, certificate=_thumbprint(asking))
    try:
        if text.count(".") == 2:
            raise invalid_client(_UNKNOWN, why="token_as_client_secret")
        identity = await ports.keys.identify(presented, before_unknown=_nothing)
        who = identity.principal
        await ports.certificates.check(who, asking.certificate)
    except Unauthenticated as refusal:
        raise invalid_client("The API key was refused.", why=refusal.why) from None
    if asking.from_browser:
        await ports.witness.refused(who, "key.in_browser", reason="key.in_browser", request=asking.request_id)
        raise Refusal(
            Kind.FORBIDDEN, "A secret key was sent by a browser. Roll it now: whoever opens that page can read it."
        )
    if who.kind != "secret":
        raise invalid_client("Only a secret key can speak for an app.", why="not_a_secret_key")
    await ports.addresses.check_endpoint(who, asking.name, request=asking.request_id)
    caller = Caller(who.account, who.livemode, None, key=who.id, thumbprint=_thumbprint(asking))
    if client_id is None:
        return caller
    client = await _registered(ports, client_id)
    if not _is_by_key(client, caller):
        raise invalid_client(_UNKNOWN, why="key_of_another")
    return caller._replace(client=client)


async def _nothing() -> None:
    """Whoever asks for tokens was let through by the limits of his address already."""


def _is_by_key(client: Client, caller: Caller) -> bool:
    return client.method == "secret_key" and (client.account, client.livemode) == (caller.account, caller.livemode)


def _secret(asking: Asking) -> tuple[str | None, str]:
    """The client_id, if any, and the key: from the Authorization header or the form."""
    named = asking.fields.get("client_id")
    if asking.authorization is None:
        return named, asking.fields["client_secret"]
    scheme, _, rest = asking.authorization.partition(" ")
    if scheme.lower() == "bearer" and rest.strip():
        return named, rest.strip()
    if scheme.lower() == "basic":
        try:
            user, colon, password = base64.b64decode(rest.strip(), validate=True).decode("ascii").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            user = colon = password = ""
        if colon and password:
            user = unquote_plus(user)
            if named is not None and not hmac.compare_digest(named.encode(), user.encode()):
                raise invalid_client("client_id does not agree with the Authorization header.", why="two_client_ids")
            return user, unquote_plus(password)
        if user:
            return named, user
    raise invalid_client("The Authorization header cannot be read.", why="malformed_header")


def _thumbprint(asking: Asking) -> str | None:
    if asking.certificate is None:
        return None
    return jws.base64url(hashlib.sha256(asking.certificate).digest())


def refusal_of(fault: Unauthenticated) -> OAuthError:
    """A proof of possession that does not hold, in OAuth's words."""
    return OAuthError("invalid_dpop_proof", fault.message, why=fault.why)
