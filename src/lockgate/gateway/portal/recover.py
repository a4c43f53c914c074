"""Getting back in: a forgotten password or a lock, opened by a link that was mailed. No factor is replaced here."""

from lockgate.gateway.pages import cookies, render
from lockgate.gateway.people import reset_password, unlock
from lockgate.gateway.portal import kept
from lockgate.gateway.portal.ports import Ports
from lockgate.gateway.portal.show import SIGN_IN, Desk, page
from lockgate.gateway.portal.sign_up import link_page
from lockgate.kernel.errors import Refusal
from lockgate.kernel.operations import Answer, Page, Visit

_FORGOT, _RESET, _UNLOCK = "/forgot", "/reset-password", "/unlock"
_RESET_TEXT = "Choose a new password. Signing in asks for your second factor as ever."
_UNLOCK_TEXT = "Somebody tried many passwords for your account. If you want to sign in now, open the lock for yourself."
_YEAR_S = 365 * 24 * 3600


def pages(ports: Ports) -> list[Page]:
    """Ask for a link, set a new password, open a lock."""
    desk = Desk(ports)

    async def forgot(visit: Visit) -> Answer:
        return page(visit, "forgot", sent=False)

    async def ask(visit: Visit) -> Answer:
        email = visit.fields.get("email", "")
        if email:
            await reset_password.ask(ports.people, email, from_=kept.from_(visit), now=visit.now)
        return page(visit, "forgot", sent=True)

    async def reset(visit: Visit) -> Answer:
        return link_page(visit, "New password", _RESET_TEXT, action=_RESET, password=True)

    async def set_new(visit: Visit) -> Answer:
        try:
            await reset_password.reset(
                ports.people, _secret(visit), visit.fields.get("password", ""), from_=kept.from_(visit), now=visit.now
            )
        except Refusal as refusal:
            return link_page(
                visit, "New password", _RESET_TEXT, action=_RESET, password=True, refusal=refusal, link=_secret(visit)
            )
        return render.see_other(f"{SIGN_IN}?done=reset")

    async def locked(visit: Visit) -> Answer:
        return link_page(visit, "Open the lock", _UNLOCK_TEXT, action=_UNLOCK)

    async def open_lock(visit: Visit) -> Answer:
        try:
            device = await unlock.unlock(ports.people, _secret(visit), from_=kept.from_(visit), now=visit.now)
        except Refusal as refusal:
            return link_page(visit, "Open the lock", _UNLOCK_TEXT, action=_UNLOCK, refusal=refusal)
        known = cookies.set(kept.DEVICE, device, max_age_s=_YEAR_S, same_site="Strict")
        return render.see_other(f"{SIGN_IN}?done=unlock", headers=(known,))

    return [
        desk.shows(_FORGOT, forgot),
        desk.takes(_FORGOT, ask, limit="login"),
        desk.shows(_RESET, reset),
        desk.takes(_RESET, set_new, limit="login"),
        desk.shows(_UNLOCK, locked),
        desk.takes(_UNLOCK, open_lock, limit="login"),
    ]


def _secret(visit: Visit) -> str:
    """What stands behind the # sign, whether the whole link was pasted or only that."""
    return visit.fields.get("link", "").rpartition("#")[2].strip()
