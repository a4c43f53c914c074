"""Turns card parameters into a payment method: the vault tokenises, the row that comes back is for the caller's commit.

The token is made durable at the vault before the row that names it is committed. A crash between the two leaves a card
that nothing refers to, for the vault's retention to remove; the other order could leave a saved card gone in a day.
"""

import json
from collections.abc import Awaitable, Mapping
from typing import Any

from lockgate.gateway.customers.core import cards
from lockgate.gateway.customers.core.shapes import NO_ADDRESS, NO_BILLING_DETAILS
from lockgate.gateway.customers.ports import Cards
from lockgate.gateway.storage.rows import PaymentMethodRow
from lockgate.gateway.vaultlink.client import VaultRefused, VaultUnavailable
from lockgate.kernel.errors import Kind, Refusal, invalid, missing
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Call
from lockgate.kernel.testcards import READY_MADE

# Address checks happen only when there is an address: these ready-made cards come with one.
_EXAMPLE_ADDRESS = {"line1": "1 Example Street", "city": "Exampleton", "postal_code": "12345", "country": "US"}

_NOT_TAKEN_IN_TEST = "Your card was declined. Test mode takes the published test numbers only, and this is not one."
_NOT_TAKEN_LIVE = "Your card was declined. Live mode does not take this card number."
_CARD_GONE = "The card data is unknown or has expired: collect it again."


async def from_data(
    ports: Cards,
    call: Call,
    data: Mapping[str, Any],
    *,
    customer: str | None,
    intent: str | None = None,
    path: str = "payment_method_data",
) -> PaymentMethodRow:
    """The unsaved payment method that ``data`` (read by PAYMENT_METHOD_DATA) describes, belonging to ``customer``.

    ``intent`` is the context that a sealed card was bound to, ``path`` the parameter that holds ``data`` ("": the top).
    Raises Refusals: card errors for a bad card, ``invalid`` for what this mode does not take.
    """
    card_path = f"{path}[card]" if path else "card"
    card = data.get("card")
    if card is None:
        raise _parameter_missing(card_path)
    described = await _tokenise(ports, call, card, intent=intent, path=card_path)
    return await _row(ports, call, described, data=data, customer=customer)


async def ready_made(ports: Cards, call: Call, name: str, *, customer: str | None = None) -> PaymentMethodRow:
    """A fresh, unsaved payment method from a ready-made one such as ``pm_card_visa``; test mode only."""
    if call.principal.livemode:
        raise Refusal(
            Kind.INVALID,
            f"No such PaymentMethod: '{name}'; it is a test payment method, and this is a live mode key.",
            code="resource_missing",
            param="payment_method",
        )
    number = READY_MADE.get(name)
    if number is None:
        raise missing("PaymentMethod", name, param="payment_method")
    data: dict[str, Any] = {}
    if name.startswith("pm_card_avs"):
        data["billing_details"] = {"address": _EXAMPLE_ADDRESS}
    described = await _tokenise_example(ports, call, number, path="card")
    return await _row(ports, call, described, data=data, customer=customer)


def is_ready_made(id_: str) -> bool:
    """Whether ``id_`` names a ready-made test payment method rather than one of the merchant's."""
    return id_.startswith("pm_card_")


def billing_details(params: Mapping[str, Any], before: Mapping[str, Any] = NO_BILLING_DETAILS) -> dict[str, Any]:
    """``before`` with the given billing parameters laid over it; cleared ones become null."""
    given = {name: value or None for name, value in params.items() if name != "address"}
    address = before["address"]
    if "address" in params:
        address = {**(address if params["address"] else NO_ADDRESS)}
        address.update({name: value or None for name, value in (params["address"] or {}).items()})
    return {**before, **given, "address": address}


async def _tokenise(
    ports: Cards, call: Call, card: Mapping[str, Any], *, intent: str | None, path: str
) -> dict[str, Any]:
    who = call.principal
    ways = [way for way in ("number", "sealed", "token") if way in card]
    if len(ways) > 1:
        raise invalid(
            f"Only one of {path}[number], {path}[sealed] and {path}[token] may be sent.",
            param=f"{path}[{ways[1]}]",
            code="parameters_exclusive",
        )
    if ways != ["number"] and ways:
        for name in ("exp_month", "exp_year", "cvc"):
            if name in card:
                raise invalid(f"{path}[{name}] goes with {path}[number] only.", param=f"{path}[{name}]")
    if ways == ["sealed"]:
        sealed = ports.vault.tokenize_sealed(who.account, who.livemode, card["sealed"], intent=intent)
        return await _ask(sealed, path, livemode=who.livemode)
    if ways == ["token"]:
        return await _from_token(ports, call, card["token"], path=path)
    if who.livemode and ways:
        raise invalid(
            f"Raw card numbers are not accepted in live mode: send {path}[sealed] instead of {path}[number].",
            param=f"{path}[number]",
        )
    for name in ("number", "exp_month", "exp_year"):
        if name not in card:
            raise _parameter_missing(f"{path}[{name}]")
    return await _ask(ports.vault.tokenize_test(who.account, cards.tidied(card)), path, livemode=False)


async def _tokenise_example(ports: Cards, call: Call, number: str, *, path: str) -> dict[str, Any]:
    example = cards.example(number, now=call.now)
    return await _ask(ports.vault.tokenize_test(call.principal.account, example), path, livemode=False)


async def _from_token(ports: Cards, call: Call, token: str, *, path: str) -> dict[str, Any]:
    """A ready-made token: those of the vault never leave the gateway, so nobody can send one."""
    number = READY_MADE.get(f"pm_card_{token.removeprefix('tok_')}") if token.startswith("tok_") else None
    if number is None or call.principal.livemode:
        raise Refusal(Kind.NOT_FOUND, "No such token.", code="resource_missing", param=f"{path}[token]")
    return await _tokenise_example(ports, call, number, path=path)


async def _ask(answer: Awaitable[dict[str, Any]], path: str, *, livemode: bool) -> dict[str, Any]:
    """The vault's answer; its refusals in the dialect's words."""
    try:
        return await answer
    except VaultUnavailable as error:
        raise Refusal(
            Kind.UNAVAILABLE, "Card data cannot be taken at the moment; nothing was done. Try again.", should_retry=True
        ) from error
    except VaultRefused as refusal:
        raise _refusal(refusal, path, livemode=livemode) from refusal


def _refusal(refusal: VaultRefused, path: str, *, livemode: bool) -> Exception:
    match refusal.code:
        case "invalid_card":
            return cards.fault(refusal.reason)
        case "refused" if refusal.reason == "number_not_allowed":
            return Refusal(
                Kind.CARD,
                _NOT_TAKEN_LIVE if livemode else _NOT_TAKEN_IN_TEST,
                code="card_declined",
                decline_code="live_mode_test_card" if livemode else "test_mode_live_card",
                param=path,
            )
        case "refused" | "invalid_seal":
            return invalid(f"The sealed card was refused: {refusal}.", param=f"{path}[sealed]")
        case "not_found" | "gone" | "expired":
            return Refusal(Kind.INVALID, _CARD_GONE, code="resource_missing", param=path)
        case _:
            return refusal


async def _row(
    ports: Cards, call: Call, described: Mapping[str, Any], *, data: Mapping[str, Any], customer: str | None
) -> PaymentMethodRow:
    who = call.principal
    id_ = new_id("pm")
    subject = customer or id_
    await ports.vault.commit_token(who.account, [described["token"]], subject=subject)
    details = billing_details(data.get("billing_details", {}))
    personal: dict[str, Any] = {"billing_details": details} if details != NO_BILLING_DETAILS else {}
    if not who.sees_secrets and who.address:
        personal["made_from"] = who.address  # the shopper's own browser: the merchant's server knows no such thing
    session = (data.get("radar_options") or {}).get("session")
    kept = {
        "card": {
            "brand": described["brand"],
            "bin": described["bin"],
            "last4": described["last4"],
            "exp_month": described["exp_month"],
            "exp_year": described["exp_year"],
            "funding": described["funding"],
            "country": described["country"],
            "network": described["brand"],
            "alias": described["alias"],
            "has_cvc": bool(described["has_cvc"]),
            "test": described["test_number"],
            "checks": {
                "address_line1_check": "unchecked" if details["address"]["line1"] else None,
                "address_postal_code_check": "unchecked" if details["address"]["postal_code"] else None,
                "cvc_check": "unchecked" if described["has_cvc"] else None,
            },
        },
        "allow_redisplay": data.get("allow_redisplay", "unspecified"),
        "metadata": {key: value for key, value in (data.get("metadata") or {}).items() if value},
        **({"session": session} if session else {}),
    }
    return PaymentMethodRow(
        account=who.account,
        livemode=who.livemode,
        id=id_,
        version=1,
        created=call.now,
        type="card",
        customer=customer,
        fingerprint=described["fingerprint"],
        token=described["token"],
        subject=subject,
        data=json.dumps(kept, separators=(",", ":")),
        personal=await ports.box.seal(who.account, subject, personal) if personal else None,
    )


def _parameter_missing(path: str) -> Refusal:
    return invalid(f"Missing required param: {path}.", param=path, code="parameter_missing")
