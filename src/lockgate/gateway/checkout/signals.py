"""The collector on the checkout page: what the page says about it, and where it reports to."""

import json
from hashlib import sha256

from lockgate.gateway.checkout import settle, store
from lockgate.gateway.checkout.core.html import Collector
from lockgate.gateway.checkout.ports import Ports
from lockgate.gateway.pages import cookies
from lockgate.gateway.signals import find, record
from lockgate.gateway.signals.core import params
from lockgate.gateway.signals.core.token import COOKIE, KEPT_S
from lockgate.gateway.signals.record import Sender
from lockgate.gateway.signals.script import script
from lockgate.gateway.storage import business_time
from lockgate.gateway.storage.records import CheckoutSessionRow
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Answer, Visit
from lockgate.kernel.params import nest
from lockgate.kernel.principal import Principal

NOTICE = (
    "To tell people from programs, this page looks at how keys and the pointer move and at what kind of device this is,"
    " never at what you type. It is forgotten after 30 days."
)
_AGREE = "I agree: "


async def collector(ports: Ports, row: CheckoutSessionRow) -> Collector | None:
    """What the page of an open session needs to run the collector; None where the account wants none."""
    setting = await find.setting(ports.pool, row)
    if setting.collector == "off":
        return None
    ours, asks = script(), setting.collector == "ask"
    notice = (_AGREE if asks else "") + (setting.notice or NOTICE)
    return Collector(ours.path, ours.integrity, f"/checkout/{row.id}/signals", notice, asks)


async def report(ports: Ports, visit: Visit) -> Answer:
    """The answer to POST /checkout/{session}/signals, with the device's cookie."""
    if visit.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise Refusal(Kind.FORBIDDEN, "Only the checkout page itself reports here.")
    found = await store.page_of(ports.pool, visit.path["session"])
    if found is None or (await settle.up_to_date(ports, found.row)).status != "open":
        raise Refusal(Kind.NOT_FOUND, "There is no open checkout session here.")
    row = found.row
    given = params.CREATE.parse(nest(list(visit.pairs)), "")
    name = _cookie(row.account)
    sender = Sender(
        row.account,
        row.livemode,
        visit.address,
        visit.headers.get("user-agent", "")[: record.AGENT_KEPT],
        visit.headers.get("accept-language", ""),
    )
    made = await record.make(
        ports.signals, sender, given["signals"], device=visit.cookies.get(name),
        setting=await find.setting(ports.pool, row),
        now=await business_time.now(ports.pool, row.account, row.livemode),
    )  # fmt: skip
    who = Principal(row.account, row.livemode, "internal", "checkout", address=visit.address)
    await record.keep(ports.signals, made, who, request=visit.request_id)
    shown = {**record.shown(made), "device": None}  # the cookie has it, out of reach for scripts
    return Answer(200, json.dumps(shown).encode(), (cookies.set(name, made.device, max_age_s=KEPT_S),))


def _cookie(account: str) -> str:
    """One cookie for each merchant whose page was seen here: no device has the same name at two."""
    return f"{COOKIE}-{sha256(account.encode()).hexdigest()[:12]}"
