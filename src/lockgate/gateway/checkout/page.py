"""The page that a session's url opens: public facts only, for whoever has the id."""

from lockgate.gateway.checkout import render, settle, signals, store
from lockgate.gateway.checkout.core import html, requests, ui
from lockgate.gateway.checkout.core.html import Seen
from lockgate.gateway.checkout.core.style import POLICY, POLICY_WITH_COLLECTOR
from lockgate.gateway.checkout.ports import Ports
from lockgate.gateway.storage import business_time
from lockgate.kernel.operations import Answer, Page, Visit

_TYPE = "text/html; charset=utf-8"


def pages(ports: Ports) -> list[Page]:
    """What browsers open here."""

    async def page(visit: Visit) -> Answer:
        seen = await look(ports, visit.path["session"])
        status = 404 if seen.state == "missing" else 200
        policy = POLICY if seen.collector is None else POLICY_WITH_COLLECTOR
        return Answer(status, html.page(seen), (("Content-Security-Policy", policy),), _TYPE)

    async def report(visit: Visit) -> Answer:
        return await signals.report(ports, visit)

    return [
        Page("GET", "/checkout/{session}", page, "browser"),
        Page("POST", "/checkout/{session}/signals", report, "browser"),
    ]


async def look(ports: Ports, id_: str) -> Seen:
    """What there is to see of the session ``id_``; of one that is not paid on a page of ours, nothing."""
    found = await store.page_of(ports.pool, id_)
    if found is None:
        return Seen("", "missing", True)
    row = await settle.up_to_date(ports, found.row)
    session = await render.opened(row, ports.box)
    shown = session.data["shown"]
    if shown["ui_mode"] != ui.HOSTED:
        return Seen("", "missing", True)
    state = row.status
    if state == "open" and row.expires_at <= await business_time.now(ports.pool, row.account, row.livemode):
        state = "expired"
    if session.data["delayed"] and row.payment_status == "unpaid":
        state = "processing" if row.watched else "failed"
    return Seen(
        merchant=found.merchant,
        state=state,
        livemode=row.livemode,
        saves_card=row.mode == "setup",
        items=session.data["items"],
        total=shown["amount_total"],
        currency=shown["currency"],
        onward=requests.with_id(shown["success_url"], row.id),
        back=shown.get("cancel_url"),
        collector=await signals.collector(ports, row) if state == "open" else None,
    )
