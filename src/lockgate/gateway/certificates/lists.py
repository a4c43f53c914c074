"""Revocation lists: signed anew when something was revoked or time runs out, and open to everybody."""

from cryptography import x509

from lockgate.gateway.certificates import authority, find, store
from lockgate.gateway.certificates.core import build, words
from lockgate.gateway.certificates.core.build import Revoked
from lockgate.gateway.certificates.ports import Ports
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Answer, Page, Visit

NEWEST = "clients"
_REASONS = {
    "unspecified": x509.ReasonFlags.unspecified,
    "key_compromise": x509.ReasonFlags.key_compromise,
    "affiliation_changed": x509.ReasonFlags.affiliation_changed,
    "superseded": x509.ReasonFlags.superseded,
    "cessation_of_operation": x509.ReasonFlags.cessation_of_operation,
}


async def renew(ports: Ports) -> int:
    """Sign every list that is stale; returns how many."""
    now = clock.now()
    async with ports.pool.acquire() as connection, connection.transaction():
        stale = await store.stale_lists(connection, before=now + words.RENEW_LIST_BELOW_S, now=now)
        for id_, number in stale:
            signing = await authority.to_sign(connection, ports.box, id_=id_)
            lines = [
                Revoked(int(serial, 16), at, _REASONS[reason])
                for serial, at, reason in await find.revoked(connection, id_, now=now)
            ]
            lasts = build.period(now, words.LIST_S + build.SKEW_S)
            list_ = build.revocation_list(signing.issuer, lines, number=number + 1, lasts=lasts)
            await store.keep_list(connection, id_, number=number + 1, next_=lasts.ends, list_=list_)
    return len(stale)


def pages(ports: Ports) -> list[Page]:
    """``/crl/clients.crl`` is the newest issuer's list; each certificate names its own issuer's."""

    async def page(visit: Visit) -> Answer:
        name, _, ending = visit.path["list"].rpartition(".")
        list_ = await find.revocation_list(ports.pool, None if name == NEWEST else name) if ending == "crl" else None
        if list_ is None:
            raise Refusal(Kind.NOT_FOUND, "There is no such list.")
        return Answer(200, list_, (), "application/pkix-crl")

    return [Page("GET", "/crl/{list}", page)]
