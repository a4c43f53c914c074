"""Signing up: a link, then a name and password, then a first factor; only after that is there a session."""

import json
from typing import Any

import segno
from markupsafe import Markup

from lockgate.gateway.factors.core import totp
from lockgate.gateway.pages import csrf, render
from lockgate.gateway.pages.cookies import SetCookie
from lockgate.gateway.people import accept_invitation, sign_in
from lockgate.gateway.portal import kept
from lockgate.gateway.portal.core import onward
from lockgate.gateway.portal.ports import Ports
from lockgate.gateway.portal.show import SCRIPT, Desk, page, status_of
from lockgate.gateway.portal.sign_in import FACTOR, FIRST_FACTOR
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Answer, Page, Visit

_OPEN, _DETAILS = "/sign-up", "/sign-up/details"
_APP, _PASSKEY = "/sign-up/app", "/sign-up/passkey"


def pages(ports: Ports) -> list[Page]:
    """The link, the details, the first factor."""
    desk = Desk(ports)

    async def open_link(visit: Visit) -> Answer:
        return link_page(visit, "Join", "You were invited to Lockgate.", action=_OPEN)

    async def opened(visit: Visit) -> Answer:
        secret = visit.fields.get("link", "").rpartition("#")[2].strip()
        try:
            await accept_invitation.look(ports.people, secret, now=visit.now)
        except Refusal as refusal:
            return link_page(visit, "Join", "You were invited to Lockgate.", action=_OPEN, refusal=refusal)
        return render.see_other(_DETAILS, headers=(kept.link(secret),))

    async def details(visit: Visit) -> Answer:
        return await _details(ports, visit)

    async def join(visit: Visit) -> Answer:
        given = visit.fields
        try:
            begun = await accept_invitation.accept(
                ports.people, visit.cookies.get(kept.LINK, ""), email=given.get("email") or None,
                name=given.get("name") or None, password=given.get("password", ""), from_=kept.from_(visit),
                now=visit.now,
            )  # fmt: skip
        except Refusal as refusal:
            return await _details(ports, visit, refusal=refusal)
        following = FIRST_FACTOR if begun.methods == sign_in.ENROLLMENT else FACTOR
        return render.see_other(following, headers=(kept.waiting(begun),))

    async def choose(visit: Visit) -> Answer:
        kept.of_waiting(visit)
        next_ = onward.checked(visit.fields.get("next"))
        return page(
            visit, "first_factor", app=onward.with_next(_APP, next_), passkey=onward.with_next(_PASSKEY, next_)
        )

    async def app(visit: Visit) -> Answer:
        return await _app(ports, visit)

    async def passkey(visit: Visit) -> Answer:
        return await _passkey(ports, visit)

    async def confirm_app(visit: Visit) -> Answer:
        return await _confirm(ports, visit, "totp")

    async def confirm_passkey(visit: Visit) -> Answer:
        return await _confirm(ports, visit, "passkey")

    return [
        desk.shows(_OPEN, open_link),
        desk.takes(_OPEN, opened, limit="login"),
        desk.shows(_DETAILS, details),
        desk.takes(_DETAILS, join, limit="login"),
        desk.shows(FIRST_FACTOR, choose),
        desk.shows(_APP, app),
        desk.takes(_APP, confirm_app, limit="login"),
        desk.shows(_PASSKEY, passkey),
        desk.takes(_PASSKEY, confirm_passkey, limit="login"),
    ]


def link_page(
    visit: Visit, title: str, text: str, *, action: str, refusal: Refusal | None = None, **values: Any
) -> Answer:
    """A page that a mailed link opens: its secret stands behind the # sign, where only the browser sees it."""
    return page(
        visit,
        "link",
        status=200 if refusal is None else status_of(refusal),
        script=SCRIPT,
        error=None if refusal is None else refusal.message,
        title=title,
        text=text,
        action=action,
        **{"password": False, "link": "", **values},
    )


def qr_code(uri: str) -> Markup:
    """What an authenticator app scans, as a drawing within the page."""
    drawn = segno.make(uri, error="m").svg_inline(border=0, scale=4, omitsize=True)
    return Markup(drawn)  # noqa: S704 - drawn by us, of squares alone


async def _details(ports: Ports, visit: Visit, *, refusal: Refusal | None = None) -> Answer:
    shown = await accept_invitation.look(ports.people, visit.cookies.get(kept.LINK, ""), now=visit.now)
    return page(
        visit,
        "join",
        status=200 if refusal is None else status_of(refusal),
        error=None if refusal is None else refusal.message,
        param=None if refusal is None else refusal.param,
        account=shown.account_name,
        roles=shown.row.roles,
        fixed=shown.email,
        known=shown.known,
        email=visit.fields.get("email", ""),
        name=visit.fields.get("name", ""),
        action=_DETAILS,
    )


async def _app(ports: Ports, visit: Visit, *, refusal: Refusal | None = None) -> Answer:
    """After a wrong code the same drawing again: the app that scanned it may be right next time."""
    id_, secret = kept.of_waiting(visit)
    seed = visit.fields.get("secret") if refusal is not None else None
    if seed is None:
        begun = await sign_in.enroll(ports.people, id_, secret, method="totp", now=visit.now)
        seed, uri = str(begun["secret"]), str(begun["uri"])
    else:
        seed = totp.clean_seed(seed)
        uri = totp.uri(seed, label=totp.ISSUER)
    return app_page(visit, seed, uri, action=_APP, back=FIRST_FACTOR, refusal=refusal)


def app_page(
    visit: Visit,
    seed: str,
    uri: str,
    *,
    action: str,
    back: str,
    refusal: Refusal | None = None,
    headers: tuple[SetCookie, ...] = (),
) -> Answer:
    """A drawing to scan, the same to type, and where the app's first code goes."""
    return page(
        visit,
        "app",
        status=200 if refusal is None else status_of(refusal),
        headers=headers,
        error=None if refusal is None else refusal.message,
        secret=seed,
        grouped=" ".join(seed[place : place + 4] for place in range(0, len(seed), 4)),
        qr=qr_code(uri),
        action=action,
        back=back,
        next=onward.checked(visit.fields.get("next")),
    )


async def _passkey(ports: Ports, visit: Visit, *, refusal: Refusal | None = None) -> Answer:
    id_, secret = kept.of_waiting(visit)
    options = await sign_in.enroll(ports.people, id_, secret, method="passkey", now=visit.now)
    return page(
        visit,
        "new_passkey",
        status=200 if refusal is None else status_of(refusal),
        script=SCRIPT,
        error=None if refusal is None else refusal.message,
        options=json.dumps(options),
        action=_PASSKEY,
        back=FIRST_FACTOR,
        named=False,
        next=onward.checked(visit.fields.get("next")),
    )


async def _confirm(ports: Ports, visit: Visit, method: str) -> Answer:
    id_, secret = kept.of_waiting(visit)
    try:
        done = await sign_in.confirm(
            ports.people, id_, secret, method=method, proof=visit.fields.get("proof", ""), from_=kept.from_(visit),
            now=visit.now,
        )  # fmt: skip
    except Refusal as refusal:
        if refusal.kind is not Kind.UNAUTHENTICATED or refusal.code != "factor_refused":
            raise
        again = _app if method == "totp" else _passkey
        return await again(ports, visit, refusal=refusal)
    form = csrf.fresh()
    return render.page(
        "portal/codes.html",
        headers=(*kept.signed_in(done), *form.headers),
        codes=done.recovery_codes,
        next=onward.checked(visit.fields.get("next")),
    )
