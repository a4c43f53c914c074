"""Signing in: a password and then a second factor, or a passkey alone."""

import json

from lockgate.gateway.pages import csrf, render
from lockgate.gateway.people import end_sessions, sessions, sign_in
from lockgate.gateway.people.sessions import SIGNED_OUT, Visitor
from lockgate.gateway.portal import kept
from lockgate.gateway.portal.core import onward
from lockgate.gateway.portal.ports import Ports
from lockgate.gateway.portal.show import SCRIPT, SIGN_IN, Desk, page, principal, status_of
from lockgate.kernel.errors import Refusal
from lockgate.kernel.operations import Answer, Page, Visit

FACTOR = "/sign-in/factor"
PASSKEY = "/sign-in/passkey"
FIRST_FACTOR = "/sign-up/factor"
_DONE = {
    "reset": "Your password is changed. Sign in with it.",
    "unlock": "It is open again. Sign in.",
    "out": "You are signed out.",
}


def pages(ports: Ports) -> list[Page]:
    """Sign in, prove, sign out."""
    desk = Desk(ports)

    async def show(visit: Visit) -> Answer:
        if await sessions.of_visit(ports.people, visit) is not None and "done" not in visit.fields:
            return render.see_other(onward.checked(visit.fields.get("next")))
        return _password(visit, done=_DONE.get(visit.fields.get("done", "")))

    async def begin(visit: Visit) -> Answer:
        email, password = visit.fields.get("email", ""), visit.fields.get("password", "")
        try:
            begun = await sign_in.begin(
                ports.people, email, password, from_=kept.from_(visit), now=visit.now
            )
        except Refusal as refusal:
            return _password(visit, refusal=refusal)
        following = FIRST_FACTOR if begun.methods == sign_in.ENROLLMENT else FACTOR
        return render.see_other(onward.with_next(following, _next(visit)), headers=(kept.waiting(begun),))

    async def factor(visit: Visit) -> Answer:
        return await _factor(ports, visit)

    async def prove(visit: Visit) -> Answer:
        id_, secret = kept.of_waiting(visit)
        method = visit.fields.get("method", "")
        try:
            done = await sign_in.prove(
                ports.people, id_, secret, method=method, proof=visit.fields.get("proof", ""),
                from_=kept.from_(visit), now=visit.now,
            )  # fmt: skip
        except Refusal as refusal:
            return await _factor(ports, visit, refusal=refusal)
        return render.see_other(_next(visit), headers=(*kept.signed_in(done), *csrf.fresh().headers))

    async def passkey(visit: Visit) -> Answer:
        return await _passkey(ports, visit)

    async def by_passkey(visit: Visit) -> Answer:
        try:
            done = await sign_in.by_passkey(
                ports.people, visit.cookies.get(kept.CEREMONY, ""), visit.fields.get("proof", ""),
                from_=kept.from_(visit), now=visit.now,
            )  # fmt: skip
        except Refusal as refusal:
            return await _passkey(ports, visit, refusal=refusal)
        return render.see_other(_next(visit), headers=(*kept.signed_in(done), *csrf.fresh().headers))

    async def out(visit: Visit, visitor: Visitor) -> Answer:
        async with ports.people.pool.acquire() as connection, connection.transaction():
            await end_sessions.one_of_mine(
                connection, principal(visit, visitor), visitor.session.id, request=visit.request_id, now=visit.now
            )
        return render.see_other(f"{SIGN_IN}?done=out", headers=(*SIGNED_OUT, *csrf.fresh().headers))

    return [
        desk.shows(SIGN_IN, show),
        desk.takes(SIGN_IN, begin, limit="login"),
        desk.shows(FACTOR, factor),
        desk.takes(FACTOR, prove, limit="login"),
        desk.shows(PASSKEY, passkey),
        desk.takes(PASSKEY, by_passkey, limit="login"),
        desk.takes_own("/sign-out", out),
    ]


def _next(visit: Visit) -> str:
    return onward.checked(visit.fields.get("next"))


def _password(visit: Visit, *, refusal: Refusal | None = None, done: str | None = None) -> Answer:
    return page(
        visit,
        "sign_in",
        status=200 if refusal is None else status_of(refusal),
        error=None if refusal is None else refusal.message,
        done=done,
        email=visit.fields.get("email", ""),
        next=_next(visit),
        passkey=onward.with_next(PASSKEY, _next(visit)),
    )


async def _factor(ports: Ports, visit: Visit, *, refusal: Refusal | None = None) -> Answer:
    id_, secret = kept.of_waiting(visit)
    begun = await sign_in.waiting(ports.people, id_, secret, now=visit.now)
    if begun.methods == sign_in.ENROLLMENT:
        return render.see_other(onward.with_next(FIRST_FACTOR, _next(visit)))
    return page(
        visit,
        "prove",
        status=200 if refusal is None else status_of(refusal),
        script=SCRIPT,
        error=None if refusal is None else refusal.message,
        title="Show that it is you",
        action=FACTOR,
        methods=begun.methods,
        options=json.dumps(begun.challenge) if begun.challenge else None,
        next=_next(visit),
        summary=None,
    )


async def _passkey(ports: Ports, visit: Visit, *, refusal: Refusal | None = None) -> Answer:
    begun = await ports.people.factors.begin_assertion(now=visit.now)
    return page(
        visit,
        "passkey",
        status=200 if refusal is None else status_of(refusal),
        headers=(kept.ceremony(begun["ceremony"]),),
        script=SCRIPT,
        error=None if refusal is None else refusal.message,
        options=json.dumps(begun["options"]),
        next=_next(visit),
        password=onward.with_next(SIGN_IN, _next(visit)),
    )
