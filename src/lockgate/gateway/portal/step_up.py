"""Proving again that it is still the same person: the session goes on under a new id."""

import json

from lockgate.gateway.approvals.step_up import renewed
from lockgate.gateway.factors import find, passkeys
from lockgate.gateway.pages import csrf, render
from lockgate.gateway.people.sessions import Visitor
from lockgate.gateway.portal.core import onward
from lockgate.gateway.portal.ports import Ports
from lockgate.gateway.portal.show import SCRIPT, STEP_UP, Desk, page, principal, status_of
from lockgate.kernel.errors import Refusal
from lockgate.kernel.operations import Answer, Page, Visit


def pages(ports: Ports) -> list[Page]:
    """Show the factors, take a proof."""
    desk = Desk(ports)

    async def show(visit: Visit, visitor: Visitor) -> Answer:
        return await _show(ports, visit, visitor)

    async def prove(visit: Visit, visitor: Visitor) -> Answer:
        try:
            started = await renewed(
                ports.approvals, principal(visit, visitor), method=visit.fields.get("method", ""),
                proof=visit.fields.get("proof", ""), request=visit.request_id,
            )  # fmt: skip
        except Refusal as refusal:
            return await _show(ports, visit, visitor, refusal=refusal)
        headers = (*started.cookies, *csrf.fresh().headers)
        return render.see_other(onward.checked(visit.fields.get("next")), headers=headers)

    return [desk.shows_own(STEP_UP, show), desk.takes_own(STEP_UP, prove, limit="login")]


async def _show(ports: Ports, visit: Visit, visitor: Visitor, *, refusal: Refusal | None = None) -> Answer:
    methods = await find.kinds(ports.factors.pool, visitor.person)
    options = None
    if "passkey" in methods:
        options = json.dumps(await passkeys.begin(ports.factors, visitor.person, now=visit.now))
    return page(
        visit,
        "prove",
        status=200 if refusal is None else status_of(refusal),
        headers=visitor.headers,
        script=SCRIPT,
        error=None if refusal is None else refusal.message,
        title="Is it still you?",
        action=STEP_UP,
        methods=[method for method in methods if method != "recovery_code"],
        options=options,
        next=onward.checked(visit.fields.get("next")),
        summary="What you asked for needs a proof that is not older than five minutes.",
    )
