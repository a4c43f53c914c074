"""Renews a client certificate: asked for by the certificate itself on a connection that showed it; both stay good."""

import json

from lockgate.gateway.certificates import find, issue, render, store
from lockgate.gateway.certificates.check import ClientCertificates
from lockgate.gateway.certificates.core import params, read, words
from lockgate.gateway.certificates.find import CertificateRow
from lockgate.gateway.certificates.ports import Ports
from lockgate.gateway.identity.authenticate import Unauthenticated
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.operations import Answer, Hook, Posted
from lockgate.kernel.params import nest, read_fields
from lockgate.kernel.principal import Principal

PATH = "/v1/client_certificates/{client_certificate}/renew"
MAX_BYTES = 32 * 1024


def hooks(ports: Ports, known: ClientCertificates) -> list[Hook]:
    """Where a certificate asks for its successor."""

    async def handler(posted: Posted) -> Answer:
        return await renew(ports, known, posted)

    return [Hook(PATH, handler, MAX_BYTES)]


async def renew(ports: Ports, known: ClientCertificates, posted: Posted) -> Answer:
    """A successor with the same rights and a new key. Its predecessor goes on until it ends or is revoked."""
    row = await _asker(ports, known, posted)
    given = params.RENEW.parse(nest(read_fields(posted.body)), "")
    who = Principal(row.account, row.livemode, "internal", row.id, address=posted.address)
    key = read.request(given["csr"], param="csr")
    issued = await issue.sign(
        ports, who, key=key, days=given.get("days", words.DEFAULT_DAYS), api_key=row.api_key, name=row.name,
        replaces=row.id,
    )  # fmt: skip
    async with ports.pool.acquire() as connection, connection.transaction():
        await store.lock(connection, account=who.account, livemode=who.livemode, id_=row.id)
        if await find.successors(connection, who, row.id, now=clock.now()) >= words.MAX_SUCCESSORS:
            raise Refusal(
                Kind.FORBIDDEN,
                f"This certificate has {words.MAX_SUCCESSORS} successors already: go on with one of them.",
                code="certificate_renewed",
            )
        await issue.keep(connection, who, issued.row, request=posted.request_id, action="certificate.renew")
    shown = render.certificate(issued.row, now=clock.now(), chain=issued.chain)
    return Answer(200, json.dumps(shown, separators=(",", ":")).encode())


async def _asker(ports: Ports, known: ClientCertificates, posted: Posted) -> CertificateRow:
    """The certificate of this connection, if it is the one that the path names and one that we issued."""
    try:
        shown = await known.identify(posted.certificate)
        row = next(
            (row for row in shown.holders if row.kind == "issued" and row.id == posted.path["client_certificate"]), None
        )
        if row is None:
            raise Unauthenticated(
                "Only the certificate that the path names can ask for its successor.", why="certificate_foreign"
            )
    except Unauthenticated as refusal:
        who = Principal(refusal.named, refusal.livemode, "internal", "unknown", address=posted.address)
        await ports.witness.refused(who, "certificate.renew", reason=refusal.why, request=posted.request_id)
        raise
    if posted.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise invalid("Send the request as application/x-www-form-urlencoded.")
    return row
