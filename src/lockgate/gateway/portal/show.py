"""How every page here is answered: at the address that passkeys work under, with a form token, and errors as pages."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from lockgate.gateway.pages import csrf, render
from lockgate.gateway.pages.cookies import SetCookie
from lockgate.gateway.pages.origins import origin_of
from lockgate.gateway.people import sessions
from lockgate.gateway.people.sessions import Visitor
from lockgate.gateway.portal.core import onward
from lockgate.gateway.portal.ports import Ports
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Answer, Page, PageHandler, Visit
from lockgate.kernel.principal import Principal

STATUS = {
    Kind.UNAUTHENTICATED: 401, Kind.FORBIDDEN: 403, Kind.NOT_FOUND: 404, Kind.CONFLICT: 409, Kind.RATE_LIMITED: 429,
    Kind.UNAVAILABLE: 503,
}  # fmt: skip
SCRIPT = "portal/passkeys.js"
SIGN_IN = "/sign-in"
STEP_UP = "/step-up"
FRESH_S = 5 * 60

Signed = Callable[[Visit, Visitor], Awaitable[Answer]]


def page(
    visit: Visit, template: str, *, status: int = 200, headers: tuple[SetCookie, ...] = (), **values: Any
) -> Answer:
    """A page of the portal with its form token."""
    form = csrf.form(visit)
    return render.page(
        f"portal/{template}.html", status=status, headers=(*headers, *form.headers), csrf=form.token, **values
    )


def status_of(refusal: Refusal) -> int:
    """The status of a page that tells of ``refusal``."""
    return STATUS.get(refusal.kind, 400)


class Desk:
    """Makes pages out of handlers: what they show, what they take, and who must be signed in for it."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def shows(self, path: str, handler: PageHandler) -> Page:
        """A page that anybody may open."""

        async def answer(visit: Visit) -> Answer:
            elsewhere = self._elsewhere(visit, path)
            return elsewhere or await _told(handler(visit))

        return Page("GET", path, answer)

    def takes(self, path: str, handler: PageHandler, *, limit: str = "browser") -> Page:
        """A form that one of our pages showed."""

        async def answer(visit: Visit) -> Answer:
            async def work() -> Answer:
                csrf.check(visit, origin=self._ports.url)
                return await handler(visit)

            return await _told(work())

        return Page("POST", path, answer, limit)

    def shows_own(self, path: str, handler: Signed) -> Page:
        """A page of somebody who is signed in."""
        return self.shows(path, self._signed(handler, back=path))

    def takes_own(self, path: str, handler: Signed, *, fresh: bool = False, limit: str = "browser") -> Page:
        """A form of somebody who is signed in; ``fresh``: who has proved a factor within five minutes."""
        return self.takes(path, self._signed(handler, back=onward.HOME, fresh=fresh), limit=limit)

    def _signed(self, handler: Signed, *, back: str, fresh: bool = False) -> PageHandler:
        async def answer(visit: Visit) -> Answer:
            visitor = await sessions.of_visit(self._ports.people, visit)
            if visitor is None:
                return render.see_other(onward.with_next(SIGN_IN, back.format(**visit.path)))
            if fresh and visit.now - visitor.session.proved_at > FRESH_S:
                return render.see_other(onward.with_next(STEP_UP, back), headers=visitor.headers)
            return await handler(visit, visitor)

        return answer

    def _elsewhere(self, visit: Visit, path: str) -> Answer | None:
        """The same page at the address that browsers should open, where the URL says a bare number. Links stay whole:
        a browser keeps what stands behind the # sign.
        """
        asked, wanted = visit.headers.get("host", ""), urlsplit(origin_of(self._ports.url))
        if wanted.hostname != "localhost" or asked == wanted.netloc or asked != urlsplit(self._ports.url).netloc:
            return None
        same = onward.with_next(path.format(**visit.path), onward.checked(visit.fields.get("next")))
        return render.see_other(f"{wanted.scheme}://{wanted.netloc}{same}")


def principal(visit: Visit, visitor: Visitor) -> Principal:
    """Who is signed in at this browser, as audit records name her."""
    account = next(iter(visitor.roles), "-")
    return Principal(
        account, False, "person", visitor.person, address=visit.address, user_agent=visit.user_agent,
        session=visitor.session.id, proved_at=visitor.session.proved_at,
    )  # fmt: skip


async def _told(work: Awaitable[Answer]) -> Answer:
    """A refusal that no page has shown itself."""
    try:
        return await work
    except Refusal as refusal:
        return render.refused(status_of(refusal), refusal.message)
