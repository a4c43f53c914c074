"""Where a challenge sends the shopper back to: the payment is completed, then she goes on to the merchant's page."""

import json
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import complete, find, keep, setup
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.core import return_token
from lockgate.gateway.payments.core.records import Intent
from lockgate.gateway.payments.core.return_token import Return
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Answer, Page, Visit
from lockgate.kernel.principal import Principal

_DONE = b"Thank you. You can close this page and return to the shop.\n"
_SUCCEEDED = frozenset({"succeeded", "requires_capture"})
_FAILED = frozenset({"requires_payment_method", "canceled"})


def pages(ports: Ports) -> list[Page]:
    """What browsers open here."""

    async def page(visit: Visit) -> Answer:
        location = await handle(ports, visit.path["token"], now=visit.now)
        if location is None:
            return Answer(200, _DONE, (("Cache-Control", "no-store"),), "text/plain; charset=utf-8")
        return Answer(303, b"", (("Location", location), ("Cache-Control", "no-store")), "text/plain")

    return [Page("GET", "/return/{token}", page, "browser")]


async def handle(ports: Ports, token: str, *, now: int) -> str | None:
    """Complete what ``token`` stands for, and say where the shopper goes next. Opening it twice changes nothing.

    None where she goes nowhere: the challenge was shown by a script on the merchant's own page.
    """
    back = return_token.read(ports.return_key, token, now=now)
    if back is None:
        raise Refusal(Kind.NOT_FOUND, "This link is not valid, or it has expired. Go back to the shop and try again.")
    who = Principal(back.account, back.livemode, "internal", "return")
    asked = await find.attempt(ports.pool, who, back.attempt)
    if asked is None:
        raise Refusal(Kind.NOT_FOUND, "There is no page to go back to from here.")
    return_url = json.loads(asked.data).get("return_url")
    if back.intent.startswith("seti_"):
        done = await setup.complete(ports, account=back.account, livemode=back.livemode, id_=back.intent)
        return _location(ports, return_url, back, kind="setup_intent", status=done.row.status)
    status = await _completed(ports, who, back, now=now)
    return _location(ports, return_url, back, kind="payment_intent", status=status)


async def _completed(ports: Ports, who: Principal, back: Return, *, now: int) -> str:
    version = await find.api_version(ports.pool, back.account)
    cause = causes.of_clock(back.account, back.livemode, name="return", api_version=version, now=now)
    intent = await _read(ports, who, back)
    if intent.row.status != "requires_action" or intent.row.attempt != back.attempt:
        return intent.row.status
    try:
        if intent.data.get("confirmation_method") == "manual":
            await _hand_over(ports, cause, intent)
        else:
            await complete.complete(ports, cause, intent, call=None)
    except (Refusal, Moved):
        pass  # somebody else is at it, or the processor could not be asked: the intent says how it stands
    return (await _read(ports, who, back)).row.status


async def _hand_over(ports: Ports, cause: Cause, intent: Intent) -> None:
    """The merchant wants to confirm from her own server: the challenge is done, the rest waits for her."""
    waiting = intent.after("requires_confirmation", data={"next_action": None})
    commit = Commit(payment_intents=[await keep.intent_row(waiting, ports.box)])
    told = cause.audit("payment_intent.return", intent.row.id, was=intent.row.status, status=waiting.row.status)
    commit.audits.append(told)
    await ports.committer.commit(commit)


async def _read(ports: Ports, who: Principal, back: Return) -> Intent:
    return await keep.open_intent(await find.payment_intent(ports.pool, who, back.intent), ports.box)


def _location(ports: Ports, return_url: str | None, back: Return, *, kind: str, status: str) -> str | None:
    """The merchant's address with what she may want to look at; her own parameters stay."""
    if return_url is None:
        return None
    redirect = "succeeded" if status in _SUCCEEDED else "failed" if status in _FAILED else "pending"
    added: dict[str, Any] = {
        kind: back.intent,
        f"{kind}_client_secret": ports.client_secrets.of(back.account, back.intent),
        "redirect_status": redirect,
    }
    parts = urlsplit(return_url)
    query = f"{parts.query}&{urlencode(added)}" if parts.query else urlencode(added)
    return urlunsplit(parts._replace(query=query))
