"""What browsers open here: the authorization endpoint, the consent page, and two documents for apps."""

import json
from collections.abc import Awaitable, Callable
from urllib.parse import quote, urlencode

from lockgate.gateway.oauth import authorize, consent
from lockgate.gateway.oauth.core import metadata, redirects
from lockgate.gateway.oauth.core.errors import OAuthError
from lockgate.gateway.oauth.ports import Ports
from lockgate.gateway.pages import csrf, render
from lockgate.kernel.operations import Answer, Page, Visit
from lockgate.kernel.principal import Principal

SIGN_IN = "/sign-in"
STEP_UP = "/step-up"
_TEMPLATE = "oauth/consent.html"


def pages(ports: Ports) -> list[Page]:
    """Every page of this room."""

    async def described(_visit: Visit) -> Answer:
        return Answer(200, json.dumps(metadata.document(ports.issuer)).encode())

    async def keys(_visit: Visit) -> Answer:
        return Answer(200, json.dumps({"keys": await ports.tokens.keys.published()}).encode())

    async def asked(visit: Visit) -> Answer:
        return await _authorize(ports, visit)

    async def shown(visit: Visit) -> Answer:
        return await _signed_in(ports, visit, _show)

    async def decided(visit: Visit) -> Answer:
        return await _signed_in(ports, visit, _decide)

    return [
        Page("GET", metadata.WELL_KNOWN, described),
        Page("GET", metadata.JWKS, keys),
        Page("GET", metadata.AUTHORIZE, asked),
        Page("POST", metadata.AUTHORIZE, asked),
        Page("GET", metadata.CONSENT + "/{ticket}", shown),
        Page("POST", metadata.CONSENT + "/{ticket}", decided, "login"),
    ]


async def _authorize(ports: Ports, visit: Visit) -> Answer:
    """Checks what the app asks; then the person decides, once signed in.

    Nothing is kept for strangers: who is not signed in comes back with the same link. Only a pushed request, which its
    link can open just once, waits for them.
    """
    try:
        opened = await authorize.read(ports, visit)
    except OAuthError as refusal:
        await _refused(ports, visit, refusal)
        return render.refused(400, refusal.description)
    except authorize.Refused as refusal:
        await _refused(ports, visit, refusal.error)
        fields = {"error": refusal.error.error, "error_description": refusal.error.description}
        answer = authorize.answer_fields(ports, refusal.state, fields)
        return render.see_other(redirects.onward(refusal.redirect_uri, answer))
    guest = await ports.visitor(visit)
    if guest is None and not opened.pushed:
        return _to_sign_in(f"{metadata.AUTHORIZE}?{urlencode(visit.pairs)}")
    ticket = await authorize.keep(ports, opened, now=visit.now, person=guest.person if guest else None)
    return render.see_other(f"{metadata.CONSENT}/{ticket}", headers=guest.headers if guest else ())


async def _signed_in(
    ports: Ports, visit: Visit, then: Callable[[Ports, Visit, consent.Guest], Awaitable[Answer]]
) -> Answer:
    guest = await ports.visitor(visit)
    if guest is None:
        return _to_sign_in(f"{metadata.CONSENT}/{visit.path['ticket']}")
    try:
        return await then(ports, visit, guest)
    except consent.Stale:
        account = {name: value for name, value in visit.fields.items() if name == "account"}
        back = f"{metadata.CONSENT}/{visit.path['ticket']}" + (f"?{urlencode(account)}" if account else "")
        return render.see_other(f"{STEP_UP}?next={quote(back, safe='')}", headers=guest.headers)
    except OAuthError as refusal:
        await _refused(ports, visit, refusal)
        return render.refused(400, refusal.description)


async def _show(ports: Ports, visit: Visit, guest: consent.Guest, *, error: str | None = None) -> Answer:
    offer = await consent.offer(
        ports, visit.path["ticket"], guest, account=visit.fields.get("account"), now=visit.now
    )
    consent.check_fresh({choice.resource: choice.most for choice in offer.choices}, guest, now=visit.now)
    form = csrf.form(visit)
    return render.page(
        _TEMPLATE,
        status=200 if error is None else 400,
        headers=(*guest.headers, *form.headers),
        submits_to=(redirects.origin(offer.asked.redirect_uri),),
        offer=offer,
        back_to=redirects.origin(offer.asked.redirect_uri),
        here=f"{metadata.CONSENT}/{visit.path['ticket']}",
        field=consent.FIELD,
        csrf=form.token,
        error=error,
    )


async def _decide(ports: Ports, visit: Visit, guest: consent.Guest) -> Answer:
    csrf.check(visit, origin=ports.issuer)
    if visit.fields.get("decision") != "allow":
        return render.see_other(await consent.deny(ports, visit, guest), headers=guest.headers)
    allowed = await consent.allow(ports, visit, guest)
    if allowed is None:
        return await _show(ports, visit, guest, error="Choose at least one permission, or say no.")
    return render.see_other(allowed[0], headers=guest.headers)


def _to_sign_in(back: str) -> Answer:
    return render.see_other(f"{SIGN_IN}?next={quote(back, safe='')}")


async def _refused(ports: Ports, visit: Visit, refusal: OAuthError) -> None:
    who = Principal("-", False, "internal", "unknown", address=visit.address, user_agent=visit.user_agent)
    await ports.witness.refused(who, "authorization.refused", reason=refusal.why, request=visit.request_id)
