"""The checkout page as text: what is bought from whom, how it stands, and the way back. It takes no card yet."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from lockgate.gateway.checkout.core.style import STYLE
from lockgate.kernel import money


class Collector(NamedTuple):
    """The script that tells people from programs, where it reports to, and what the page says about it.

    ``asks``: it runs only once the shopper has agreed.
    """

    path: str
    integrity: str
    endpoint: str
    notice: str
    asks: bool


class Seen(NamedTuple):
    """What a shopper may see of a session: nothing about a person, and no secret.

    ``state`` is open, processing, failed, complete, expired or missing; ``onward`` is where a finished shopper goes,
    ``back`` where one goes who changes her mind.
    """

    merchant: str
    state: str
    livemode: bool
    saves_card: bool = False
    items: Sequence[Mapping[str, Any]] = ()
    total: int | None = None
    currency: str | None = None
    onward: str | None = None
    back: str | None = None
    collector: Collector | None = None


_HEADINGS = {
    "open": "Your order",
    "processing": "Your payment is being processed",
    "failed": "Your payment did not go through",
    "complete": "Your payment is complete",
    "expired": "This page has expired",
    "missing": "There is no such page",
}


def page(seen: Seen) -> bytes:
    """The whole page."""
    heading = _heading(seen)
    mode = "" if seen.livemode or seen.state == "missing" else '<span class="mode">Test mode</span>'
    merchant = f'<p class="who">{escape(seen.merchant)}</p>' if seen.merchant else ""
    total = ""
    if seen.total is not None and seen.currency is not None:
        total = f'<p class="sum">{escape(money.shown(seen.total, seen.currency))}</p>'
    title = f"{heading} - {seen.merchant}" if seen.merchant else heading
    body = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="robots" content="noindex, nofollow">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>"
        f'<div class="card">{mode}{merchant}<h1>{escape(heading)}</h1>{total}{_notice(seen)}{_ways(seen)}</div>'
        f"{_items(seen)}<footer>Payments by Lockgate{_watch(seen)}</footer></main>{_script(seen)}</body></html>"
    )
    return body.encode()


def _watch(seen: Seen) -> str:
    if seen.collector is None:
        return ""
    notice = escape(seen.collector.notice)
    if seen.collector.asks:
        notice = f'<label><input type="checkbox" data-lockgate-consent> <span>{notice}</span></label>'
    return f'<div class="watch">{notice}</div>'


def _script(seen: Seen) -> str:
    if seen.collector is None:
        return ""
    path, integrity, endpoint, _, asks = seen.collector
    consent = ' data-consent="required"' if asks else ""
    return (
        f'<script src="{escape(path)}" integrity="{escape(integrity)}" data-endpoint="{escape(endpoint)}"'
        f' data-leave="send"{consent}></script>'
    )


def _heading(seen: Seen) -> str:
    if seen.saves_card and seen.state == "open":
        return "Save your card"
    if seen.saves_card and seen.state == "complete":
        return "Your card is saved"
    return _HEADINGS[seen.state]


def _notice(seen: Seen) -> str:
    merchant = escape(seen.merchant)
    match seen.state:
        case "open":
            what = "Your card is confirmed" if seen.saves_card else "Your payment is made"
            return (
                '<div class="note" role="note"><strong>This page cannot take your card yet.</strong>'
                f"<p>{what} on {merchant}'s own page. Never type a card number into a page that you do not trust.</p>"
                "</div>"
            )
        case "processing":
            return (
                '<div class="note" role="status"><strong>We are waiting for your bank.</strong>'
                f"<p>There is nothing more for you to do. {merchant} will tell you how it ends.</p></div>"
            )
        case "complete":
            return f'<div class="good" role="status"><strong>Thank you.</strong><p>{merchant} knows about it.</p></div>'
        case "failed":
            return (
                '<div class="note" role="status"><strong>Your bank refused it in the end.</strong>'
                f"<p>To buy, begin again at {merchant}.</p></div>"
            )
        case "expired":
            return (
                '<div class="note" role="status"><strong>Nothing was charged here.</strong>'
                f"<p>To buy, begin again at {merchant}.</p></div>"
            )
        case _:
            return (
                '<div class="note" role="status"><strong>The link is wrong or incomplete.</strong>'
                "<p>Go back to the shop and try again.</p></div>"
            )


def _ways(seen: Seen) -> str:
    merchant = escape(seen.merchant)
    if seen.state in ("complete", "processing") and seen.onward:
        link = f'<a class="go" href="{escape(seen.onward)}" rel="noreferrer">Continue to {merchant}</a>'
    elif seen.state in ("open", "failed", "expired") and seen.back:
        link = f'<a href="{escape(seen.back)}" rel="noreferrer">Back to {merchant}</a>'
    else:
        return ""
    return f'<p class="ways">{link}</p>'


def _items(seen: Seen) -> str:
    if not seen.items or seen.total is None or seen.currency is None:
        return ""
    rows = "".join(_row(item) for item in seen.items)
    total = escape(money.shown(seen.total, seen.currency))
    return (
        f'<div class="card"><table><caption>Items</caption><tbody>{rows}</tbody><tfoot><tr>'
        f'<th scope="row">Total</th><td>{total}</td></tr></tfoot></table></div>'
    )


def _row(item: Mapping[str, Any]) -> str:
    lines = escape(item["name"])
    if item["description"]:
        lines += f'<span class="soft">{escape(item["description"])}</span>'
    if item["quantity"] > 1:
        lines += f'<span class="soft">Quantity {item["quantity"]}</span>'
    amount = escape(money.shown(item["amount"], item["currency"]))
    return f'<tr><th scope="row">{lines}</th><td>{amount}</td></tr>'
