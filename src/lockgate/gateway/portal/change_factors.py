"""Adding and removing one's own second factors. Each change needs a fresh proof and ends every session but this one."""

import json

from lockgate.gateway.factors import held, passkeys, recovery, totp
from lockgate.gateway.factors.core import totp as codes
from lockgate.gateway.factors.core.proof import NotProven
from lockgate.gateway.factors.ports import Whence
from lockgate.gateway.pages import csrf, render
from lockgate.gateway.people import sessions, sign_in
from lockgate.gateway.people.sessions import Visitor
from lockgate.gateway.portal.core import onward
from lockgate.gateway.portal.ports import Ports
from lockgate.gateway.portal.show import FRESH_S, SCRIPT, STEP_UP, Desk, page, status_of
from lockgate.gateway.portal.sign_up import app_page
from lockgate.kernel.errors import Refusal
from lockgate.kernel.operations import Answer, Page, Visit

_APP, _PASSKEY = "/account/app", "/account/passkey"
_MOST_LETTERS = 80


def pages(ports: Ports) -> list[Page]:
    """Add an app or a passkey, remove a factor, renew the recovery codes."""
    desk = Desk(ports)

    async def app(visit: Visit, visitor: Visitor) -> Answer:
        if visit.now - visitor.session.proved_at > FRESH_S:
            return _first_prove(visitor, _APP)
        email = (await sign_in.personal_of(ports.people, visitor.person)).get("email", "")
        begun = await totp.begin(ports.factors, visitor.person, email=email, name="Authenticator app", now=visit.now)
        return app_page(visit, begun.secret, begun.uri, action=_APP, back=onward.HOME, headers=visitor.headers)

    async def add_app(visit: Visit, visitor: Visitor) -> Answer:
        try:
            await totp.confirm(
                ports.factors, visitor.person, visit.fields.get("proof", ""), now=visit.now, whence=_whence(visit)
            )
        except Refusal as refusal:
            seed = codes.clean_seed(visit.fields.get("secret", ""))
            uri = codes.uri(seed, label=codes.ISSUER)
            return app_page(
                visit, seed, uri, action=_APP, back=onward.HOME, refusal=refusal, headers=visitor.headers
            )
        return await _changed(ports, visit, visitor)

    async def passkey(visit: Visit, visitor: Visitor) -> Answer:
        if visit.now - visitor.session.proved_at > FRESH_S:
            return _first_prove(visitor, _PASSKEY)
        return await _new_passkey(ports, visit, visitor)

    async def add_passkey(visit: Visit, visitor: Visitor) -> Answer:
        name = visit.fields.get("name", "").strip()[:_MOST_LETTERS] or "Passkey"
        try:
            await passkeys.finish_registration(
                ports.factors, visitor.person, visit.fields.get("proof", ""), name=name, now=visit.now,
                whence=_whence(visit),
            )  # fmt: skip
        except NotProven as refusal:
            return await _new_passkey(ports, visit, visitor, refusal=refusal)
        return await _changed(ports, visit, visitor)

    async def remove(visit: Visit, visitor: Visitor) -> Answer:
        await held.remove(
            ports.factors, visitor.person, visit.fields.get("factor", ""), now=visit.now, whence=_whence(visit)
        )
        return await _changed(ports, visit, visitor)

    async def renew(visit: Visit, visitor: Visitor) -> Answer:
        fresh = await recovery.renew(ports.factors, visitor.person, now=visit.now, whence=_whence(visit))
        return render.page("portal/codes.html", headers=visitor.headers, codes=fresh, next=onward.HOME)

    return [
        desk.shows_own(_APP, app),
        desk.takes_own(_APP, add_app, fresh=True, limit="login"),
        desk.shows_own(_PASSKEY, passkey),
        desk.takes_own(_PASSKEY, add_passkey, fresh=True, limit="login"),
        desk.takes_own("/account/factors", remove, fresh=True, limit="login"),
        desk.takes_own("/account/recovery-codes", renew, fresh=True, limit="login"),
    ]


def _first_prove(visitor: Visitor, back: str) -> Answer:
    return render.see_other(onward.with_next(STEP_UP, back), headers=visitor.headers)


def _whence(visit: Visit) -> Whence:
    return Whence(visit.address, visit.user_agent, visit.request_id)


async def _changed(ports: Ports, visit: Visit, visitor: Visitor) -> Answer:
    """All sessions have ended; the one that made the change goes on under a new id."""
    started = await sessions.instead(ports.people, visitor.session, now=visit.now)
    headers = (*started.cookies, *csrf.fresh().headers)
    return render.see_other(f"{onward.HOME}?done=factor", headers=headers)


async def _new_passkey(ports: Ports, visit: Visit, visitor: Visitor, *, refusal: Refusal | None = None) -> Answer:
    email = (await sign_in.personal_of(ports.people, visitor.person)).get("email", "")
    options = await passkeys.begin_registration(ports.factors, visitor.person, email=email, now=visit.now)
    return page(
        visit,
        "new_passkey",
        status=200 if refusal is None else status_of(refusal),
        headers=visitor.headers,
        script=SCRIPT,
        error=None if refusal is None else refusal.message,
        options=json.dumps(options),
        action=_PASSKEY,
        back=onward.HOME,
        named=True,
        next=onward.HOME,
    )
